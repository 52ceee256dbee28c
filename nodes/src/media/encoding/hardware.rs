//! Encoders that are part of graphics devices: which interfaces to them there are, and by what contract one is taken. It
//! asks no device: what works was found out by encoding a frame, by whoever fills the toolbox.
//!
//! | interface | devices | its encoders in FFmpeg |
//! |---|---|---|
//! | NVENC | NVIDIA | `h264_nvenc`, `hevc_nvenc`, `av1_nvenc` |
//! | QSV | Intel | `h264_qsv`, `hevc_qsv`, `vp9_qsv`, `av1_qsv` |
//! | VAAPI | Intel, AMD | `h264_vaapi`, `hevc_vaapi`, `vp9_vaapi`, `av1_vaapi` |
//!
//! An output says `hw: auto`, `off` or `require`. That is settled before there are keys: an encoding has either the name
//! of an interface or none. The model of the device and the builds of its driver are the identity of the encoder, and
//! with that in the key and the manifest of every segment.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use reel_engine::claim::GpuClaim;
use reel_engine::quantity::Size;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Encoding, PixelFormat, VideoCodec};
use crate::host::Offers;
use crate::media::tools;

/// Pixels of a side of a frame that all of these encode.
const SIDES: RangeInclusive<u32> = 160..=4096;
/// Memory of the device that one session holds, at most, bytes.
const SESSION_MEMORY: u64 = 256 << 20;

/// `hw:` of an output.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Hw {
    /// By the graphics device if it can, else by the processor.
    Auto,
    /// By the processor: the same bytes on every machine.
    #[default]
    Off,
    /// By the graphics device, or not at all.
    Require,
}

/// Interfaces to encoders in graphics devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Hardware {
    /// NVENC of NVIDIA.
    Nvenc,
    /// Quick Sync Video of Intel.
    Qsv,
    /// The Video Acceleration API.
    Vaapi,
}

/// That no hardware encoder of this machine makes a codec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoHardware {
    /// What is missing.
    pub message: String,
    /// What was tried, and what to do.
    pub help: String,
}

impl Hardware {
    /// All of them, in the order in which they are taken.
    pub const ALL: [Self; 3] = [Self::Nvenc, Self::Qsv, Self::Vaapi];

    /// As users write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nvenc => "nvenc",
            Self::Qsv => "qsv",
            Self::Vaapi => "vaapi",
        }
    }

    /// FFmpeg's name of the encoder of a codec, which is that of the tool; `None` where there is none.
    #[must_use]
    pub const fn encoder(self, codec: VideoCodec) -> Option<&'static str> {
        match (self, codec) {
            (Self::Nvenc, VideoCodec::H264) => Some("h264_nvenc"),
            (Self::Nvenc, VideoCodec::H265) => Some("hevc_nvenc"),
            (Self::Nvenc, VideoCodec::Av1) => Some("av1_nvenc"),
            (Self::Qsv, VideoCodec::H264) => Some("h264_qsv"),
            (Self::Qsv, VideoCodec::H265) => Some("hevc_qsv"),
            (Self::Qsv, VideoCodec::Av1) => Some("av1_qsv"),
            (Self::Qsv, VideoCodec::Vp9) => Some("vp9_qsv"),
            (Self::Vaapi, VideoCodec::H264) => Some("h264_vaapi"),
            (Self::Vaapi, VideoCodec::H265) => Some("hevc_vaapi"),
            (Self::Vaapi, VideoCodec::Av1) => Some("av1_vaapi"),
            (Self::Vaapi, VideoCodec::Vp9) => Some("vp9_vaapi"),
            (Self::Nvenc, VideoCodec::Vp9) | (_, VideoCodec::Prores) => None,
        }
    }

    /// Every encoder with its interface and codec.
    pub fn encoders() -> impl Iterator<Item = (&'static str, Self, VideoCodec)> {
        let codecs = [VideoCodec::H264, VideoCodec::H265, VideoCodec::Av1, VideoCodec::Vp9];
        let of = move |hardware: Self| {
            codecs.into_iter().filter_map(move |codec| Some((hardware.encoder(codec)?, hardware, codec)))
        };
        Self::ALL.into_iter().flat_map(of)
    }

    /// What one encoding holds of the device. Only the devices of NVIDIA are counted.
    pub(crate) const fn claim(self) -> GpuClaim {
        match self {
            Self::Nvenc => GpuClaim::Part { memory: SESSION_MEMORY, sessions: 1 },
            Self::Qsv | Self::Vaapi => GpuClaim::None,
        }
    }

    /// Places at which a device, or a driver for one, comes to be seen.
    #[must_use]
    pub fn places() -> [PathBuf; 3] {
        ["/dev/dri", "/dev/nvidiactl", "/etc/ld.so.cache"].map(PathBuf::from)
    }

    /// All on which it depends what is chosen: these places, and whatever else the answer was made from.
    #[must_use]
    pub fn depends_on(offers: &Offers) -> Vec<PathBuf> {
        Self::places().into_iter().chain(offers.files(tools::HARDWARE)).collect()
    }

    /// The interface by which a codec is encoded here, as an output wants it; `None`: by the processor.
    ///
    /// # Errors
    /// When it must be a device, and none of this machine does it.
    pub fn choose(
        wanted: Hw,
        (codec, size): (VideoCodec, Size),
        offers: &Offers,
    ) -> Result<Option<Self>, NoHardware> {
        match wanted {
            Hw::Off => return Ok(None),
            Hw::Auto if !Self::takes(size) => return Ok(None),
            Hw::Require if !Self::takes(size) => {
                let (message, help) = Self::wrong_size(size);
                return Err(NoHardware { message, help });
            }
            Hw::Auto | Hw::Require => {}
        }
        let works = offers.of(tools::HARDWARE).unwrap_or_default();
        let works = |name: &str| works.iter().any(|known| known == name);
        let chosen = Self::ALL.into_iter().find(|hardware| hardware.encoder(codec).is_some_and(works));
        match (chosen, wanted) {
            (None, Hw::Require) => Err(Self::missing(codec, offers)),
            (chosen, _) => Ok(chosen),
        }
    }

    /// Whether all of them encode frames of this size.
    #[must_use]
    pub fn takes(size: Size) -> bool {
        SIDES.contains(&size.width) && SIDES.contains(&size.height)
    }

    /// What is wrong with frames of this size, and what to do, if they are not encoded.
    pub(super) fn wrong(size: Size) -> Option<(String, String)> {
        (!Self::takes(size)).then(|| Self::wrong_size(size))
    }

    fn wrong_size(size: Size) -> (String, String) {
        let help = format!("both sides are {} to {} pixels, or `hw: off`", SIDES.start(), SIDES.end());
        (format!("graphics devices are not asked for frames of {size}"), help)
    }

    fn missing(codec: VideoCodec, offers: &Offers) -> NoHardware {
        let mut tried: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for name in Self::ALL.into_iter().filter_map(|hardware| hardware.encoder(codec)) {
            if let Some(why) = offers.refused(name) {
                tried.entry(why).or_default().push(format!("`{name}`"));
            }
        }
        let tried: Vec<String> =
            tried.into_iter().map(|(why, names)| format!("{}: {why}", names.join(", "))).collect();
        let what_to_do = "`hw: auto` encodes by the processor where there is none";
        let help = match tried.as_slice() {
            [] => what_to_do.to_owned(),
            tried => format!("{what_to_do}; {}", tried.join("; ")),
        };
        let message = format!("no graphics device of this machine encodes `{}`", codec.name());
        NoHardware { message, help }
    }

    /// Why an encoding by it cannot be had here, if so.
    #[must_use]
    pub fn lacks(self, codec: VideoCodec, offers: &Offers) -> Option<NoHardware> {
        let name = self.encoder(codec)?;
        let works = offers.of(tools::HARDWARE)?;
        if works.iter().any(|known| known == name) {
            return None;
        }
        let why = offers.refused(name).unwrap_or_else(|| "it does not work here".to_owned());
        let help = "take `hw` away, and a library on the processor encodes".to_owned();
        Some(NoHardware { message: format!("`{name}` cannot be had on this machine: {why}"), help })
    }
}

impl Encoding {
    /// What does not go together with encoders in graphics devices, as keys with messages and help.
    pub(super) fn faults_of_hardware(&self, say: &mut impl FnMut(&'static str, String, &str)) {
        let help = "take it away, or say `hw: off`";
        let name = self.codec.name();
        if !Hardware::ALL.into_iter().any(|hardware| hardware.encoder(self.codec).is_some()) {
            say("hw", format!("no graphics device encodes `{name}`"), "take `hw` away");
            return;
        }
        if let Some(hardware) = self.hw.filter(|hardware| hardware.encoder(self.codec).is_none()) {
            let message = format!("`{}` has no encoder of `{name}`", hardware.name());
            say("hw", message, "take `hw` away, or another `codec`");
        }
        let asked = [
            ("two_pass", self.two_pass, "two passes"),
            ("tune", self.tune.is_some(), "a `tune`"),
            ("level", self.level.is_some(), "a `level`"),
            ("pixel_format", self.pixel_format == Some(PixelFormat::Yuv420p10), "ten bits"),
        ];
        for (key, is_asked, what) in asked {
            if is_asked {
                say(key, format!("graphics devices are not asked for {what}"), help);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use reel_engine::executor::toolbox::{ProgramIdentity, Toolbox};

    use super::*;

    const FILM: Size = Size { width: 1080, height: 1920 };

    fn machine(works: &[&str], refused: &[(&str, &str)]) -> Offers {
        let worker = ProgramIdentity {
            offers: [(tools::HARDWARE.to_owned(), works.iter().map(|name| (*name).to_owned()).collect())]
                .into(),
            refused: refused.iter().map(|(name, why)| ((*name).to_owned(), (*why).to_owned())).collect(),
            ..ProgramIdentity::default()
        };
        let programs = [("reel-worker".to_owned(), worker)].into();
        let toolbox = Arc::new(Toolbox { programs, ..Toolbox::default() });
        Offers::new(move || Arc::clone(&toolbox))
    }

    #[test]
    fn what_works_is_taken_and_what_must_work_is_missed() {
        let choose = |wanted, codec, offers: &Offers| Hardware::choose(wanted, (codec, FILM), offers);
        let both = machine(&["h264_vaapi", "h264_nvenc"], &[]);
        assert_eq!(choose(Hw::Auto, VideoCodec::H264, &both), Ok(Some(Hardware::Nvenc)));
        assert_eq!(choose(Hw::Off, VideoCodec::H264, &both), Ok(None));
        assert_eq!(choose(Hw::Auto, VideoCodec::Av1, &both), Ok(None));
        let none = machine(&[], &[("hevc_nvenc", "there is no device"), ("h264_qsv", "another codec")]);
        assert_eq!(choose(Hw::Auto, VideoCodec::H265, &none), Ok(None));
        let missing = choose(Hw::Require, VideoCodec::H265, &none).unwrap_err();
        assert_eq!(missing.message, "no graphics device of this machine encodes `h265`");
        assert!(missing.help.ends_with("; `hevc_nvenc`: there is no device"), "{}", missing.help);
        // Nobody knows: what is not sure is not taken.
        assert_eq!(choose(Hw::Auto, VideoCodec::H264, &Offers::default()), Ok(None));
        assert!(choose(Hw::Require, VideoCodec::H264, &Offers::default()).is_err());
    }

    #[test]
    fn what_is_too_small_or_too_large_is_for_the_processor() {
        let machine = machine(&["h264_nvenc"], &[]);
        for size in ["64x64", "7680x4320"] {
            let size = size.parse().unwrap();
            let choose = |wanted| Hardware::choose(wanted, (VideoCodec::H264, size), &machine);
            assert_eq!(choose(Hw::Auto), Ok(None));
            assert!(choose(Hw::Require).unwrap_err().message.contains("frames of"));
        }
    }

    #[test]
    fn an_interface_that_is_named_must_work() {
        let machine = machine(&["h264_vaapi"], &[("h264_nvenc", "there is no device")]);
        assert_eq!(Hardware::Vaapi.lacks(VideoCodec::H264, &machine), None);
        let lacks = Hardware::Nvenc.lacks(VideoCodec::H264, &machine).unwrap();
        assert_eq!(lacks.message, "`h264_nvenc` cannot be had on this machine: there is no device");
    }

    #[test]
    fn every_encoder_has_a_name_of_its_own() {
        let mut names: Vec<&str> = Hardware::encoders().map(|(name, ..)| name).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!((names.len(), count), (11, 11));
    }
}
