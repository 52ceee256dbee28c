//! What bytes are, by how they begin. It decodes nothing and trusts no name.

use reel_engine::artifact::PortType;

/// How many first bytes are needed.
pub const HEAD: usize = 64;

/// The media type that these first bytes begin, if it is one that reel can tell.
#[must_use]
pub fn media_type(head: &[u8]) -> Option<&'static str> {
    let at = |offset: usize, magic: &[u8]| head.get(offset..).is_some_and(|rest| rest.starts_with(magic));
    let riff = |kind: &[u8]| at(0, b"RIFF") && at(8, kind);
    let brand = |brand: &[u8]| at(4, b"ftyp") && at(8, brand);
    let found = [
        (at(0, b"\x89PNG\r\n\x1a\n"), "image/png"),
        (at(0, b"\xff\xd8\xff"), "image/jpeg"),
        (at(0, b"GIF87a") || at(0, b"GIF89a"), "image/gif"),
        (riff(b"WEBP"), "image/webp"),
        (at(0, b"II*\0") || at(0, b"MM\0*"), "image/tiff"),
        (at(0, b"BM") && at(14, b"\x28\0\0\0"), "image/bmp"),
        (riff(b"WAVE"), "audio/wav"),
        (at(0, b"fLaC"), "audio/flac"),
        (at(0, b"OggS"), "application/ogg"),
        (at(0, b"ID3"), "audio/mpeg"),
        (is_mpeg_audio(head), "audio/mpeg"),
        (brand(b"M4A ") || brand(b"M4B "), "audio/mp4"),
        (brand(b"qt  "), "video/quicktime"),
        (brand(b"avif") || brand(b"heic"), "image/avif"),
        (at(4, b"ftyp"), "video/mp4"),
        (at(0, b"\x1a\x45\xdf\xa3"), "video/x-matroska"),
        (riff(b"AVI "), "video/x-msvideo"),
        (at(0, b"\0\0\x01\xba"), "video/mpeg"),
        (at(0, b"<!DOCTYPE") || at(0, b"<!doctype") || at(0, b"<html"), "text/html"),
        (at(0, b"%PDF"), "application/pdf"),
    ];
    found.into_iter().find(|(is, _)| *is).map(|(_, media)| media)
}

/// A frame header of MPEG audio: sync, a known version and layer, no reserved rate.
fn is_mpeg_audio(head: &[u8]) -> bool {
    match head {
        [0xff, second, third, ..] => {
            second & 0xe0 == 0xe0 && second & 0x18 != 0x08 && second & 0x06 != 0 && third & 0xf0 != 0xf0
        }
        _ => false,
    }
}

/// Whether bytes of this media type may fill a port of this type. Containers of moving pictures may hold sound.
#[must_use]
pub fn fits(media: Option<&str>, ty: PortType) -> bool {
    let begins = |with: &str| media.is_some_and(|media| media.starts_with(with));
    let container = begins("video/") || media == Some("application/ogg") || media == Some("audio/mp4");
    match ty {
        PortType::Image => begins("image/") && media != Some("image/avif"),
        PortType::Video => container || media == Some("image/gif"),
        PortType::Audio => begins("audio/") || container,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_told_by_their_beginning() {
        assert_eq!(media_type(b"\x89PNG\r\n\x1a\n...."), Some("image/png"));
        assert_eq!(media_type(b"RIFF....WAVEfmt "), Some("audio/wav"));
        assert_eq!(media_type(b"RIFF....WEBPVP8 "), Some("image/webp"));
        assert_eq!(media_type(b"\0\0\0\x20ftypisom"), Some("video/mp4"));
        assert_eq!(media_type(b"\0\0\0\x20ftypM4A "), Some("audio/mp4"));
        assert_eq!(media_type(b"\xff\xfb\x90\x00"), Some("audio/mpeg"));
        assert_eq!(media_type(b"\xff\xff\xff\xff"), None);
        assert_eq!(media_type(b"<!DOCTYPE html>"), Some("text/html"));
        assert_eq!(media_type(b""), None);
    }

    #[test]
    fn a_page_is_no_picture() {
        assert!(fits(Some("image/png"), PortType::Image));
        assert!(!fits(Some("text/html"), PortType::Image));
        assert!(!fits(None, PortType::Video));
        assert!(fits(Some("video/mp4"), PortType::Audio));
        assert!(!fits(Some("audio/wav"), PortType::Video));
        assert!(fits(None, PortType::File));
    }
}
