//! What FFmpeg and x264 are on this machine, for keys: versions and build options. It knows no key.

use std::path::Path;
use std::sync::OnceLock;

use ffmpeg_next::{Packet, format, frame};
use reel_nodes::media::encoding::{Encoding, Preset};
use reel_nodes::media::time::FrameRate;

use super::conform::copy_in;
use super::encoder::{self, EncodeSpec, Pass};
use super::ffi;
use crate::frame::Yuv420;

/// Library names and what identifies their builds, sorted by name; the same for the life of the process.
/// `x264` is the version that the encoder writes about itself, `none` where it is missing.
#[must_use]
pub fn identity() -> Vec<(String, String)> {
    static ONCE: OnceLock<Vec<(String, String)>> = OnceLock::new();
    ONCE.get_or_init(read).clone()
}

fn read() -> Vec<(String, String)> {
    super::init();
    let options = blake3::hash(ffmpeg_next::codec::configuration().as_bytes()).to_hex();
    let mut all = vec![
        ("ffmpeg".to_owned(), ffi::release()),
        ("ffmpeg-build".to_owned(), options.as_str()[..16].to_owned()),
        ("x264".to_owned(), x264().unwrap_or_else(|| "none".into())),
    ];
    for (name, packed) in ffi::library_versions() {
        let version = format!("{}.{}.{}", packed >> 16, packed >> 8 & 0xff, packed & 0xff);
        all.push((name.to_owned(), version));
    }
    all.sort();
    all
}

/// Whether FFmpeg was built with an encoder of this name.
#[must_use]
pub fn has_encoder(name: &str) -> bool {
    super::init();
    ffmpeg_next::encoder::find_by_name(name).is_some()
}

/// Encodes one frame, in memory, and reads what x264 says of itself in it: `core 164 r3095 baee400`.
fn x264() -> Option<String> {
    let bytes = one_frame()?;
    let mark = b"x264 - ";
    let at = bytes.windows(mark.len()).position(|w| w == mark)? + mark.len();
    let plain = |b: &&u8| b.is_ascii_graphic() || **b == b' ';
    let text: String = bytes[at..].iter().take_while(plain).take(80).map(|b| char::from(*b)).collect();
    Some(text.split(" - ").next().unwrap_or_default().trim().to_owned())
}

fn one_frame() -> Option<Vec<u8>> {
    let spec = EncodeSpec {
        width: 16,
        height: 16,
        rate: FrameRate::new(25, 1)?,
        encoding: Encoding { preset: Preset::Ultrafast, keyint: 1, ..Encoding::default() },
        gpu: None,
    };
    let mut encoder = encoder::open(Path::new("x264"), &spec, &Pass::Only).ok()?.video;
    let mut frame = frame::Video::new(format::Pixel::YUV420P, spec.width, spec.height);
    copy_in(&Yuv420::filled(16, 16, [16, 128, 128]), &mut frame);
    frame.set_pts(Some(0));
    encoder.send_frame(&frame).ok()?;
    encoder.send_eof().ok()?;
    let mut packet = Packet::empty();
    encoder.receive_packet(&mut packet).ok()?;
    Some(packet.data()?.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_library_has_a_version() {
        let all = identity();
        let of = |name: &str| all.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str()).unwrap();
        assert!(of("libavcodec").starts_with(char::is_numeric));
        assert!(of("x264").starts_with("core "), "{}", of("x264"));
        assert_eq!(of("ffmpeg-build").len(), 16);
        assert!(all.is_sorted());
    }
}
