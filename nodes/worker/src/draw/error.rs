//! What can be wrong with what is to be drawn. It knows no node and no file name.

use thiserror::Error;

/// A picture, font or drawing that cannot be used. Callers add which one it is.
#[derive(Debug, Error)]
pub enum DrawError {
    /// The bytes are no picture, or none of a known kind.
    #[error(
        "not a picture reel can read: it looks like {what}; PNG, JPEG, WebP, GIF, BMP and TIFF can be read"
    )]
    NotAPicture {
        /// What the bytes seem to be.
        what: &'static str,
    },
    /// A picture of a known kind that cannot be decoded.
    #[error("a damaged {format} picture: {cause}; export it again, or fetch it again")]
    Damaged {
        /// The kind of file.
        format: &'static str,
        /// What its decoder says.
        cause: String,
    },
    /// More pixels than are allowed.
    #[error("a picture that is too large ({size}): at most 16384 × 16384 pixels and 1 GiB are decoded")]
    TooLarge {
        /// How large it is, or that its decoder refused.
        size: String,
    },
    /// Inks, not light, and nothing that says what they look like.
    #[error(
        "a {format} picture in print colours (CMYK) without a profile of its inks: save it with its ICC profile, or as \
         RGB, so that the colours are yours"
    )]
    PrintColours {
        /// The kind of file.
        format: &'static str,
    },
    /// Sizes that nothing can be drawn at.
    #[error("cannot draw {width} × {height} pixels: both must be from 1 to 32768, those of a frame even")]
    Size {
        /// Pixels in a row.
        width: usize,
        /// Rows.
        height: usize,
    },
    /// A file between actions that is not what was written.
    #[error("not a still as this reel writes it: {cause}")]
    StillFile {
        /// What differs.
        cause: String,
    },
    /// A font file that is none.
    #[error("font {number} cannot be used: {cause}")]
    Font {
        /// Position in the list of fonts, from 1.
        number: usize,
        /// What is wrong with it.
        cause: &'static str,
    },
    /// Characters that no declared font can draw.
    #[error("no declared font has a glyph for {}: name one that does as a further font", listed(.characters))]
    MissingGlyphs {
        /// Each once, in the order of the text.
        characters: Vec<char>,
    },
    /// A drawing that cannot be drawn.
    #[error("cannot draw this svg: {cause}")]
    Svg {
        /// What is wrong with it, and what to do.
        cause: String,
    },
}

/// Characters with their code points, as a reader needs them to find the right font.
fn listed(characters: &[char]) -> String {
    let each = characters.iter().map(|&c| format!("`{c}` (U+{:04X})", u32::from(c)));
    each.collect::<Vec<_>>().join(", ")
}
