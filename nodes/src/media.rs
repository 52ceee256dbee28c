//! Values of film and sound that kinds share: exact time, words, looks. It knows no engine run and no FFmpeg.

pub mod encoding;
pub mod font;
pub mod look;
pub mod percent;
pub mod picture;
pub mod plan;
pub mod sniff;
pub mod time;
pub mod tools;
pub mod words;

use reel_engine::diagnostic::code;
use reel_engine::operation::Resolve;
use reel_engine::quantity::Size;

/// Reports a frame that cannot be encoded: odd, too small or too large.
pub(crate) fn check_frame_size(size: Size, pointer: &str, cx: &mut Resolve<'_>) {
    if let Some(message) = wrong_frame_size(size) {
        cx.problem(pointer, code::BAD_VALUE, message, Some("such as `1080x1920`".into()));
    }
}

/// Why a frame of this size cannot be encoded, if so.
pub(crate) fn wrong_frame_size(size: Size) -> Option<String> {
    if !size.width.is_multiple_of(2) || !size.height.is_multiple_of(2) {
        return Some(format!("`{size}` is odd: width and height of a frame are even"));
    }
    let allowed = 16..=8192;
    if !allowed.contains(&size.width) || !allowed.contains(&size.height) {
        return Some(format!("`{size}` is not between 16 and 8192 pixels in both directions"));
    }
    None
}
