//! Text: the kind that joins it, sentences, subtitle files, what was written read back, and fonts to draw it with. It knows no film.

pub mod breaks;
pub mod cueing;
pub mod fonts;
pub mod join;
pub mod read_back;
pub mod sentences;
pub mod subtitles;
