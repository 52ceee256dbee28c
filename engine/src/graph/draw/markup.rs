//! What every drawing is written with: text that fits and means no markup. It draws nothing.

use std::fmt::{Arguments, Write};

/// The beginning of a text that is longer than `most` letters.
pub(super) fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// A text as it stands in XML.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Adds to a drawing.
pub(super) fn put(out: &mut String, text: Arguments<'_>) {
    // Writing into a string cannot fail.
    let _ = out.write_fmt(text);
}
