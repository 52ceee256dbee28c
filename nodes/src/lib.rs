//! The kinds of node that reel knows. It knows no schedule and no terminal.

pub mod media;
