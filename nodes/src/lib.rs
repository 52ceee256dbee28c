//! The kinds of node that reel knows. It knows no schedule and no terminal.

pub mod film;
pub mod host;
pub mod media;
pub mod picture;
pub mod speech;
pub mod text;
