//! What bytes seem to be, for messages about files that are not pictures. It decodes nothing.

/// A short name with its article for what `bytes` begin as.
pub(super) fn looks_like(bytes: &[u8]) -> &'static str {
    let begins = |with: &[u8]| bytes.starts_with(with);
    let at = |from: usize, with: &[u8]| bytes.get(from..).is_some_and(|rest| rest.starts_with(with));
    if bytes.is_empty() {
        "an empty file"
    } else if at(4, b"ftypavi") || at(4, b"ftyphei") || at(4, b"ftypmif1") {
        "an AVIF or HEIC picture, which reel does not read: convert it"
    } else if at(4, b"ftyp") || at(4, b"moov") || begins(&[0x1A, 0x45, 0xDF, 0xA3]) || at(8, b"AVI ") {
        "a video: use `clip:`"
    } else if begins(b"ID3") || begins(b"OggS") || begins(b"fLaC") || at(8, b"WAVE") {
        "sound"
    } else if begins(b"%PDF") {
        "a PDF document"
    } else if begins(b"8BPS") {
        "a Photoshop document"
    } else if begins(b"PK\x03\x04") || begins(&[0x1F, 0x8B]) || begins(b"7z\xBC\xAF") {
        "an archive"
    } else if begins(b"version https://git-lfs") {
        "a Git LFS pointer: run `git lfs pull`"
    } else {
        text(bytes)
    }
}

fn text(bytes: &[u8]) -> &'static str {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(1024)]).to_ascii_lowercase();
    let head = head.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']);
    if head.starts_with("<!doctype html") || head.starts_with("<html") || head.contains("<html") {
        "an HTML page"
    } else if head.contains("<svg") {
        "an SVG drawing: use `svg:`"
    } else if head.starts_with("<?xml") {
        "an XML document"
    } else if head.starts_with('{') || head.starts_with('[') {
        "JSON"
    } else if head.contains('\u{fffd}') || head.contains('\0') {
        "bytes of no known kind"
    } else {
        "text"
    }
}

#[cfg(test)]
mod tests {
    use super::looks_like;

    #[test]
    fn common_mistakes_are_named() {
        assert_eq!(looks_like(b""), "an empty file");
        assert_eq!(looks_like(b"\n<!DOCTYPE html><html>"), "an HTML page");
        assert_eq!(looks_like(b"<?xml version='1.0'?><svg/>"), "an SVG drawing: use `svg:`");
        assert_eq!(looks_like(b"\0\0\0\x20ftypisom"), "a video: use `clip:`");
        assert_eq!(looks_like(b"RIFF....WAVEfmt "), "sound");
        assert_eq!(looks_like(b"{\"error\": 404}"), "JSON");
        assert_eq!(looks_like(b"Not found"), "text");
        assert_eq!(looks_like(&[0x80, 0x81, 0, 3]), "bytes of no known kind");
    }
}
