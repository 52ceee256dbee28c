//! How the pictures of an output are compressed: what is written, what it is for, and the container together. It makes
//! no node.

use reel_engine::diagnostic::{Diagnostic, Diagnostics, code};
use reel_engine::quantity::{Duration, Size};
use reel_engine::spec::OutputDecl;

use super::sections::output::{Output, Quality};
use crate::film::mux::wrong_cover;
use crate::film::package::wrong_name;
use crate::host::Offers;
use crate::media::encoding::{Asked, Container, Encoding, Fault, Hardware, Hw, NoHardware, VideoCodec};
use crate::media::language::wrong_language;
use crate::media::quality::wrong_quality;
use crate::media::time::FrameRate;

/// The encoding that an output comes to at a frame rate, on a machine with these encoders.
pub(super) fn encoding(
    output: &Output,
    container: Container,
    (size, fps): (Size, FrameRate),
    offers: &Offers,
) -> Encoding {
    let encoding = in_software(output, container, fps);
    // That there must be a device and is none, was reported; a draft that is too small for one is only looked at.
    let hw = Hardware::choose(output.hw.unwrap_or_default(), (encoding.codec, size), offers);
    Encoding { hw: hw.unwrap_or_default(), ..encoding }
}

fn in_software(output: &Output, container: Container, fps: FrameRate) -> Encoding {
    let mut asked = Asked {
        codec: Some(output.codec.unwrap_or(container.codecs()[0])),
        crf: output.crf,
        keyint: output.gop.map(|gop| frames(gop, fps)),
        bitrate: output.bitrate,
        two_pass: output.two_pass,
        tune: output.tune,
        level: output.level.clone(),
        pixel_format: output.pixel_format,
        profile: output.profile,
        ..Asked::default()
    };
    if output.quality.is_some() && asked.bitrate.is_none() {
        // What will be tried first, whatever the film is for.
        let plain = output.codec.unwrap_or(container.codecs()[0]).crf().map(|factors| factors.plain);
        asked.crf = asked.crf.or(plain);
    }
    if let Some(name) = output.preset {
        name.fill(&mut asked, frames(Duration::from_millis(2000), fps));
    }
    asked.into()
}

/// A length in frames, at least one and no more than encoders take.
fn frames(length: Duration, fps: FrameRate) -> u32 {
    fps.nearest_frame(length.as_micros(), 1_000_000).clamp(1, 1000) as u32
}

/// Reports what no stream is made of, or cannot be named in one; whether all is right.
pub(super) fn check_stream(decl: &OutputDecl, codec: Option<VideoCodec>, problems: &mut Diagnostics) -> bool {
    let file = &decl.file.value;
    let name = file.rsplit_once('/').map_or(file.as_str(), |(_, name)| name);
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let mut right = true;
    if let Some((message, help)) = wrong_name(stem) {
        problems.push(Diagnostic::error(code::BAD_VALUE, decl.file.span, message).help(help));
        right = false;
    }
    if let Some(codec) = codec.filter(|codec| !matches!(codec, VideoCodec::H264 | VideoCodec::H265)) {
        let span = decl.written.get("codec").map_or(decl.name.span, |codec| codec.span);
        let message = format!("a stream is not made with `{}`", codec.name());
        let help = "its codecs are `h264`, `h265`";
        problems.push(Diagnostic::error(code::BAD_VALUE, span, message).help(help));
        right = false;
    }
    right
}

/// Reports what does not go together; whether all is right.
pub(super) fn check(
    (decl, output): (&OutputDecl, &Output),
    container: Container,
    (size, fps): (Size, FrameRate),
    offers: &Offers,
    problems: &mut Diagnostics,
) -> bool {
    let encoding = in_software(output, container, fps);
    let mut faults = encoding.faults(size, fps);
    let name = encoding.codec.name();
    if !container.codecs().contains(&encoding.codec) {
        let names: Vec<_> = container.codecs().iter().map(|codec| format!("`{}`", codec.name())).collect();
        faults.push(Fault {
            key: "codec",
            message: format!("a film in .{} is not made with `{name}`", container.name()),
            help: Some(format!("its codecs are {}", names.join(", "))),
        });
    }
    faults.extend(output.quality.and_then(|quality| wrong_quality_of(output, quality, encoding.codec)));
    if encoding.codec == VideoCodec::Prores {
        if output.preset.is_some_and(|preset| !preset.is_purpose()) {
            let help = Some("say `profile: proxy`, `lt`, `standard` or `hq`".to_owned());
            faults.push(Fault { key: "preset", message: format!("`{name}` knows no such preset"), help });
        }
        if output.gop.is_some() {
            let message = format!("every picture of `{name}` is a key frame");
            faults.push(Fault { key: "gop", message, help: Some("take `gop` away".into()) });
        }
    }
    if output
        .gop
        .is_some_and(|gop| gop.as_micros() == 0 || fps.nearest_frame(gop.as_micros(), 1_000_000) > 1000)
    {
        let message = "key frames are from one frame to 1000 frames apart".to_owned();
        faults.push(Fault { key: "gop", message, help: Some("such as `gop: 2s`".into()) });
    }
    if let Some((message, help)) = output.subtitles.as_ref().and_then(|of| wrong_language(of.language()?)) {
        faults.push(Fault { key: "subtitles", message, help: Some(help) });
    }
    if let Some((message, help)) = wrong_cover(container).filter(|_| output.cover.is_some()) {
        faults.push(Fault { key: "cover", message: message.to_owned(), help: Some(help) });
    }
    let hw = output.hw.unwrap_or_default();
    if hw != Hw::Off {
        faults.extend(encoding.faults_in_hardware());
    }
    let mut right = faults.is_empty();
    if right && let Err(NoHardware { message, help }) = Hardware::choose(hw, (encoding.codec, size), offers) {
        let span = decl.written.get("hw").map_or(decl.name.span, |hw| hw.span);
        problems.push(Diagnostic::error(code::MISSING_TOOL, span, message).help(help));
        right = false;
    }
    for Fault { key, message, help } in faults {
        let written = decl.written.get(key).map(|value| value.span);
        let span = written.unwrap_or(decl.name.span);
        problems.push(Diagnostic::error(code::BAD_VALUE, span, message).maybe_help(help));
    }
    right
}

/// What does not go together with a quality.
fn wrong_quality_of(output: &Output, quality: Quality, codec: VideoCodec) -> Option<Fault> {
    let fault = |message: String, help: String| Fault { key: "quality", message, help: Some(help) };
    if codec.crf().is_none() {
        let message = format!("`{}` is not made to a `quality`", codec.name());
        return Some(fault(message, "its size follows from `profile`".into()));
    }
    for (key, is_said) in [("crf", output.crf.is_some()), ("bitrate", output.bitrate.is_some())] {
        if is_said {
            let message = format!("`quality` and `{key}` exclude each other");
            return Some(fault(message, "take away one of them".into()));
        }
    }
    wrong_quality(quality.ssim).map(|(message, help)| fault(message, help))
}
