//! Values of film and sound that kinds share: exact time, words, looks. It knows no engine run and no FFmpeg.

pub mod camera;
pub mod ease;
pub mod encoding;
pub mod font;
pub mod frequency;
pub(crate) mod language;
pub mod length;
pub mod likeness;
pub mod look;
pub mod passage;
pub mod percent;
pub mod picture;
pub mod plan;
pub mod quality;
pub mod sniff;
pub mod speed;
pub mod time;
pub mod tools;
pub mod treatment;
pub mod words;

use std::fs::File;
use std::io::Read;

use reel_engine::artifact::PortType;
use reel_engine::diagnostic::code;
use reel_engine::operation::Resolve;
use reel_engine::quantity::Size;

use crate::host::Offers;

/// Reports a frame that cannot be encoded: odd, too small or too large.
pub(crate) fn check_frame_size(size: Size, pointer: &str, cx: &mut Resolve<'_>) {
    if let Some(message) = wrong_frame_size(size) {
        cx.problem(pointer, code::BAD_VALUE, message, Some("such as `1080x1920`".into()));
    }
}

/// Reports what does not go together under `encoding`.
pub(crate) fn check_encoding(
    encoding: &encoding::Encoding,
    size: Size,
    fps: time::FrameRate,
    offers: &Offers,
    cx: &mut Resolve<'_>,
) {
    for fault in encoding.faults(size, fps) {
        cx.problem(&format!("/encoding/{}", fault.key), code::BAD_VALUE, fault.message, fault.help);
    }
    let Some(hardware) = encoding.hw else { return };
    encoding::Hardware::depends_on(offers).into_iter().for_each(|place| cx.searched(place));
    if let Some(lacks) = hardware.lacks(encoding.codec, offers) {
        cx.problem("/encoding/hw", code::MISSING_TOOL, lacks.message, Some(lacks.help));
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

/// Reports a file of the project that is not what its place wants, as far as its first bytes tell: no picture
/// where a picture belongs, a page or text where sound or moving pictures do. What is there but damaged is found
/// out when it is read.
pub(crate) fn check_content(slot: &str, ty: PortType, cx: &mut Resolve<'_>) {
    let Some(path) = cx.path(slot) else { return };
    let mut head = Vec::new();
    let read = File::open(&path).and_then(|file| file.take(sniff::HEAD as u64).read_to_end(&mut head));
    if read.is_err() {
        return;
    }
    let shown = path.strip_prefix(cx.root).unwrap_or(&path).display().to_string();
    let media = sniff::media_type(&head);
    let is_text =
        !head.is_empty() && head.iter().all(|byte| matches!(byte, b'\t' | b'\n' | b'\r' | 32..=126));
    let seems = match media {
        _ if head.is_empty() => "it is empty".to_owned(),
        Some(media) => format!("it looks like {media}"),
        None if is_text => "it looks like text".to_owned(),
        None => "its first bytes are of no kind that reel knows".to_owned(),
    };
    let unknown_is_wrong = ty == PortType::Image || head.is_empty() || is_text;
    let fits = if media.is_none() { !unknown_is_wrong } else { sniff::fits(media, ty) };
    if !fits {
        let what = match ty {
            PortType::Image => "a picture that can be read (PNG, JPEG, WebP, GIF, BMP, TIFF)",
            PortType::Video => "a video",
            _ => "a sound",
        };
        let pointer = format!("/{}", slot.replace('.', "/"));
        cx.problem(&pointer, code::WRONG_CONTENT, format!("`{shown}` is not {what}: {seems}"), None);
    }
}
