//! Text: the kind that joins it, sentences, and fonts to draw it with. It knows no film.

pub mod breaks;
pub mod cueing;
pub mod fonts;
pub mod join;
pub mod sentences;
pub mod subtitles;
