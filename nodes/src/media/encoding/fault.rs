//! What does not go together in an encoding. It knows where nothing was written.

use reel_engine::quantity::Size;

use super::{Encoding, Hardware, PixelFormat, VideoCodec, level};
use crate::media::time::FrameRate;

/// Something that cannot be encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The setting at fault.
    pub key: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

impl Encoding {
    /// All that does not go together, for frames of this size and rate.
    #[must_use]
    pub fn faults(&self, size: Size, fps: FrameRate) -> Vec<Fault> {
        let mut found = Vec::new();
        let mut say = |key, message: String, help: &str| {
            let help = (!help.is_empty()).then(|| help.to_owned());
            found.push(Fault { key, message, help });
        };
        let name = self.codec.name();
        let least = self.codec.least_side();
        if size.width < least || size.height < least {
            let message = format!("`{name}` encodes no frames of {size}");
            say("codec", message, &format!("both sides are at least {least} pixels, or another `codec`"));
        }
        match (self.crf, self.codec.crf()) {
            (Some(_), None) => {
                say("crf", format!("`{name}` has no `crf`"), "its size follows from `profile`");
            }
            (Some(crf), Some(factors)) if crf > factors.worst => {
                say("crf", format!("`crf` is {crf}"), &format!("`{name}` takes 0 to {}", factors.worst));
            }
            _ => {}
        }
        if self.crf.is_some() && self.bitrate.is_some() {
            say("bitrate", "`crf` and `bitrate` exclude each other".into(), "take away one of them");
        }
        if self.bitrate.is_some() && self.codec == VideoCodec::Prores {
            let message = format!("`{name}` takes no `bitrate`");
            say("bitrate", message, "its size follows from `profile`");
        }
        if self.two_pass && !self.codec.has_two_passes() {
            let message = format!("`{name}` is not made in two passes");
            say("two_pass", message, "take it away, or another `codec`: `h264`, `h265` or `vp9`");
        } else if self.two_pass && self.bitrate.is_none() {
            let message = "`two_pass` is of no use without `bitrate`".to_owned();
            say("two_pass", message, "say how many bits a second, such as `bitrate: 4Mbps`");
        }
        self.tuning(&mut say);
        if self.hw.is_some() {
            self.faults_of_hardware(&mut say);
            if let Some((message, help)) = Hardware::wrong(size) {
                say("hw", message, &help);
            }
        }
        if self.pixel_format == Some(PixelFormat::Yuv420p10) && self.codec == VideoCodec::Prores {
            let message = "`prores` is 4:2:2 with 10 bits always".to_owned();
            say("pixel_format", message, "take `pixel_format` away");
        }
        if self.profile.is_some() && self.codec != VideoCodec::Prores {
            say("profile", format!("`{name}` takes no `profile`"), "profiles are for `prores`");
        }
        if let Some(level) = &self.level
            && let Some((message, help)) = level::wrong(self.codec, level, size, fps)
        {
            say("level", message, &help.unwrap_or_default());
        }
        found
    }

    /// What does not go together with an encoder in a graphics device, whichever it will be.
    #[must_use]
    pub fn faults_in_hardware(&self) -> Vec<Fault> {
        let mut found = Vec::new();
        self.faults_of_hardware(&mut |key, message, help: &str| {
            found.push(Fault { key, message, help: Some(help.to_owned()) });
        });
        found
    }

    fn tuning(&self, say: &mut impl FnMut(&'static str, String, &str)) {
        let known = self.codec.tunes();
        let Some(tune) = self.tune.filter(|tune| !known.contains(tune)) else { return };
        let message = format!("`{}` has no tuning `{}`", self.codec.name(), tune.name());
        let names: Vec<&str> = known.iter().map(|tune| tune.name()).collect();
        let help = if names.is_empty() {
            "it has none: take `tune` away".to_owned()
        } else {
            format!("it has {}", names.join(", "))
        };
        say("tune", message, &help);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::encoding::{Asked, Tune};

    const FILM: Size = Size { width: 1080, height: 1920 };

    fn keys(asked: Asked) -> Vec<&'static str> {
        let faults = Encoding::from(asked).faults(FILM, FrameRate::whole(30));
        faults.iter().for_each(|fault| assert!(fault.help.is_some(), "{}", fault.message));
        faults.into_iter().map(|fault| fault.key).collect()
    }

    #[test]
    fn what_does_not_go_together_is_told_at_its_key() {
        let of = |codec| Asked { codec: Some(codec), ..Asked::default() };
        for codec in
            [VideoCodec::H264, VideoCodec::H265, VideoCodec::Av1, VideoCodec::Vp9, VideoCodec::Prores]
        {
            assert_eq!(keys(of(codec)), [""; 0], "{codec:?} by itself");
        }
        let rate = "4Mbps".parse().ok();
        assert_eq!(keys(Asked { crf: Some(20), bitrate: rate, ..Asked::default() }), ["bitrate"]);
        assert_eq!(keys(Asked { crf: Some(52), ..Asked::default() }), ["crf"]);
        assert_eq!(keys(Asked { crf: Some(52), ..of(VideoCodec::Av1) }), [""; 0]);
        assert_eq!(keys(Asked { two_pass: Some(true), ..Asked::default() }), ["two_pass"]);
        let twice = Asked { two_pass: Some(true), bitrate: rate, ..of(VideoCodec::Av1) };
        assert_eq!(keys(twice), ["two_pass"]);
        assert_eq!(keys(Asked { tune: Some(Tune::Film), ..of(VideoCodec::Av1) }), ["tune"]);
        assert_eq!(keys(Asked { tune: Some(Tune::Film), ..of(VideoCodec::H265) }), ["tune"]);
        assert_eq!(keys(Asked { tune: Some(Tune::Film), ..Asked::default() }), [""; 0]);
        let all = Asked {
            crf: Some(9),
            pixel_format: Some(PixelFormat::Yuv420p10),
            level: Some("4".into()),
            ..of(VideoCodec::Prores)
        };
        assert_eq!(keys(all), ["crf", "pixel_format", "level"]);
    }
}
