//! Runs of the kinds of pictures. It knows no scene.

pub mod card;
pub mod clip;
pub mod conform;
pub mod image;
pub mod sprite;
pub mod still;
pub mod svg;
