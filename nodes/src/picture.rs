//! Kinds of node that make pictures ready to be filmed. They know no speech.

pub mod card;
pub mod clip;
pub mod conform;
pub mod image;
pub mod sprite;
pub mod still;
pub mod svg;
