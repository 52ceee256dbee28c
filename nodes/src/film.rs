//! Kinds of node that make a film of pictures, speech and words. They know no front end.

pub mod beside;
pub mod captions;
pub mod compare;
pub mod cues;
pub mod encode;
pub mod expect;
pub mod frames;
pub mod gain;
pub mod gif;
pub mod loudness;
pub mod mix;
pub mod mux;
pub mod package;
pub mod passage;
pub mod quality;
pub mod segments;
pub mod sound;
pub mod thumbnail;
pub mod timeline;
pub mod track;
pub mod trial;
