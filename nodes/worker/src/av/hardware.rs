//! Encoders in graphics devices: what each is told, which device it is, and whether it works at all. It knows no key and no
//! cache.
//!
//! | interface | quality is held by | speed | frames |
//! |---|---|---|---|
//! | NVENC | `rc=vbr`, `cq` | `p1` to `p7` | handed over as they are |
//! | QSV | `global_quality` | its own names of presets | handed over as they are |
//! | VAAPI | `rc_mode=CQP`, `qp` | `compression_level` | copied to the device's memory here |
//!
//! None makes pictures that wait for later ones, so that segments can be joined as they come.

use std::fs;
use std::path::{Path, PathBuf};

use ffmpeg_next::{Dictionary, Packet};
use reel_engine::quantity::Size;
use reel_nodes::media::encoding::{Encoding, Hardware, Preset, VideoCodec};
use reel_nodes::media::time::FrameRate;

use super::encoder::{self, EncodeSpec, Pass};
use super::error::AvError;
use super::input::said;
use super::pixels::Pixels;
use crate::frame::Yuv420;

/// Large enough for every encoder of a graphics device.
const PROBE: Size = Size { width: 256, height: 256 };
/// Where the driver of NVIDIA tells its devices.
const NVIDIA: &str = "/proc/driver/nvidia/gpus";

/// What an encoder is told beside size, rate and bits a second.
pub(super) fn options(hardware: Hardware, encoding: &Encoding, gpu: Option<u32>) -> Dictionary<'static> {
    let mut options = Dictionary::new();
    options.set("bf", "0");
    match hardware {
        Hardware::Nvenc => nvenc(encoding, gpu, &mut options),
        Hardware::Qsv => {
            options.set("preset", qsv_preset(encoding.preset));
            if let Some(crf) = encoding.crf {
                options.set("global_quality", &of_51(crf, encoding.codec).max(1).to_string());
            }
        }
        Hardware::Vaapi => {
            options.set("compression_level", &vaapi_level(encoding.preset).to_string());
            options.set("rc_mode", if encoding.crf.is_some() { "CQP" } else { "VBR" });
            match (encoding.crf, encoding.codec) {
                (Some(crf), VideoCodec::H264 | VideoCodec::H265) => options.set("qp", &crf.to_string()),
                // These count to 255.
                (Some(crf), _) => options.set("global_quality", &(u32::from(crf) * 4).max(1).to_string()),
                (None, _) => {}
            }
        }
    }
    options
}

fn nvenc(encoding: &Encoding, gpu: Option<u32>, options: &mut Dictionary<'static>) {
    options.set("preset", nvenc_preset(encoding.preset));
    options.set("tune", "hq");
    options.set("rc", "vbr");
    options.set("forced-idr", "1");
    options.set("strict_gop", "1");
    if encoding.codec == VideoCodec::H264 {
        options.set("profile", "high");
    }
    if let Some(crf) = encoding.crf {
        // 0 would leave the quality to the driver.
        options.set("cq", &of_51(crf, encoding.codec).max(1).to_string());
    }
    if let Some(gpu) = gpu {
        options.set("gpu", &gpu.to_string());
    }
}

/// A rate factor on the scale from 0 to 51.
const fn of_51(crf: u8, codec: VideoCodec) -> u32 {
    match codec {
        VideoCodec::H264 | VideoCodec::H265 | VideoCodec::Prores => crf as u32,
        VideoCodec::Av1 | VideoCodec::Vp9 => crf as u32 * 51 / 63,
    }
}

/// NVENC's preset, from the fastest to the slowest.
const fn nvenc_preset(preset: Preset) -> &'static str {
    match preset {
        Preset::Ultrafast => "p1",
        Preset::Superfast => "p2",
        Preset::Veryfast | Preset::Faster => "p3",
        Preset::Fast | Preset::Medium => "p4",
        Preset::Slow => "p5",
        Preset::Slower => "p6",
        Preset::Veryslow => "p7",
    }
}

/// QSV's preset; it has those of x264 but the two fastest.
const fn qsv_preset(preset: Preset) -> &'static str {
    match preset {
        Preset::Ultrafast | Preset::Superfast => Preset::Veryfast.name(),
        preset => preset.name(),
    }
}

/// VAAPI's level, from 1, the best, to 7, the fastest.
const fn vaapi_level(preset: Preset) -> u8 {
    match preset {
        Preset::Ultrafast | Preset::Superfast => 7,
        Preset::Veryfast => 6,
        Preset::Faster | Preset::Fast => 5,
        Preset::Medium => 4,
        Preset::Slow => 3,
        Preset::Slower => 2,
        Preset::Veryslow => 1,
    }
}

/// Encodes a frame by the encoder of an interface and codec, in memory; calls `open` while its driver is loaded.
///
/// # Errors
/// Why that is not possible here, in one line.
pub fn attempt(hardware: Hardware, codec: VideoCodec, open: &mut dyn FnMut()) -> Result<(), String> {
    super::init();
    let spec = EncodeSpec {
        width: PROBE.width,
        height: PROBE.height,
        rate: FrameRate::whole(25),
        encoding: Encoding {
            codec,
            hw: Some(hardware),
            crf: codec.crf().map(|factors| factors.plain),
            ..Encoding::default()
        },
        gpu: None,
    };
    // What was said of another encoder is no reason for this one.
    let _ = super::take_log();
    let cause = match one_frame(&spec, open) {
        Ok(0) => return Err("it gave no data for a frame".to_owned()),
        Ok(_) => return Ok(()),
        Err(AvError::Missing { .. }) => return Err("this FFmpeg is built without it".to_owned()),
        Err(AvError::Unfit { cause, .. } | AvError::Write { cause, .. }) => cause,
        Err(error) => error.to_string(),
    };
    // The first line is the cause, and what follows from it comes behind.
    let log = super::take_log();
    let first = log.lines().map(plain).find(|line| !line.is_empty());
    Err(first.unwrap_or_else(|| plain(&cause)).to_owned())
}

/// A line of FFmpeg's log without who said it: `[h264_qsv @ 0x55…] `.
fn plain(line: &str) -> &str {
    let line = line.trim();
    match line.strip_prefix('[').and_then(|rest| rest.split_once("] ")) {
        Some((who, said)) if who.contains(" @ ") => said.trim_end_matches('.'),
        _ => line.trim_end_matches('.'),
    }
}

/// How many bytes a grey frame comes to.
fn one_frame(spec: &EncodeSpec, open: &mut dyn FnMut()) -> Result<usize, AvError> {
    let path = Path::new("a frame");
    let mut encoder = encoder::open(path, spec, &Pass::Only)?;
    let pixels = Pixels::of(&spec.encoding);
    let mut frame = pixels.frame(spec.width, spec.height);
    pixels.fill(&Yuv420::filled(spec.width as usize, spec.height as usize, [128; 3]), &mut frame);
    frame.set_pts(Some(0));
    let failed = |error| AvError::Write { path: path.into(), cause: said(error) };
    encoder.send(&frame).map_err(failed)?;
    encoder.video.send_eof().map_err(failed)?;
    let mut packet = Packet::empty();
    encoder.video.receive_packet(&mut packet).map_err(failed)?;
    open();
    Ok(packet.size())
}

/// What decides beside its libraries what the device of an interface makes: its model, and the version of the kernel's
/// part of its driver.
///
/// # Errors
/// Why that cannot be told: no device, or several models, of which one or another might be taken.
pub fn device(hardware: Hardware) -> Result<String, String> {
    let (mut models, version): (Vec<String>, String) = match hardware {
        Hardware::Nvenc => {
            let models = nvidia().into_iter().filter_map(|text| field(&text, "Model"));
            (models.collect(), fs::read_to_string("/proc/driver/nvidia/version").unwrap_or_default())
        }
        // The first is named when it is opened.
        Hardware::Vaapi => {
            (render_nodes().first().and_then(|node| pci(node)).into_iter().collect(), kernel())
        }
        Hardware::Qsv => (render_nodes().iter().filter_map(|node| pci(node)).collect(), kernel()),
    };
    models.sort();
    models.dedup();
    match models.as_slice() {
        [] => Err("its device does not tell its model".to_owned()),
        [model] => Ok(format!("{model}; {}", version.lines().next().unwrap_or_default().trim())),
        several => Err(format!("there are several models of devices: {}", several.join(", "))),
    }
}

/// The devices that draw and encode, in order: `/dev/dri/renderD128`.
#[must_use]
pub fn render_nodes() -> Vec<PathBuf> {
    let is_one =
        |path: &PathBuf| path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"renderD"));
    entries("/dev/dri").into_iter().filter(is_one).collect()
}

/// Maker and model of a device on the bus, as numbers.
fn pci(node: &Path) -> Option<String> {
    let folder = Path::new("/sys/class/drm").join(node.file_name()?).join("device");
    let number = |file| fs::read_to_string(folder.join(file)).ok();
    Some(format!("{}:{}", number("vendor")?.trim(), number("device")?.trim()))
}

/// The release of the kernel, which the drivers of these devices belong to.
fn kernel() -> String {
    nix::sys::utsname::uname()
        .map_or_else(|_| String::new(), |name| name.release().to_string_lossy().into_owned())
}

/// The number by which CUDA knows the device that its driver calls `id`, counted by the places of devices on the bus; an
/// `id` that is a number is that.
#[must_use]
pub fn number_of(id: &str) -> Option<u32> {
    let found = nvidia().iter().position(|text| field(text, "GPU UUID").as_deref() == Some(id));
    found.map(|at| at as u32).or_else(|| id.parse().ok())
}

/// What the driver of NVIDIA tells of each device, in the order of their places on the bus.
fn nvidia() -> Vec<String> {
    let files = entries(NVIDIA).into_iter().map(|folder| folder.join("information"));
    files.filter_map(|file| fs::read_to_string(file).ok()).collect()
}

/// What stands behind a name in lines of `NAME: VALUE`.
fn field(text: &str, name: &str) -> Option<String> {
    let value = |line: &str| Some(line.strip_prefix(name)?.trim_start().strip_prefix(':')?.trim().to_owned());
    text.lines().find_map(value)
}

/// What is in a folder, by name; nothing where there is none.
fn entries(folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_of_nvidia_is_read() {
        let text =
            "Model: \t\t NVIDIA L4\nIRQ:   \t\t 42\nGPU UUID: \t GPU-1a2b\nBus Location: \t 0000:01:00.0\n";
        assert_eq!(field(text, "Model").as_deref(), Some("NVIDIA L4"));
        assert_eq!(field(text, "GPU UUID").as_deref(), Some("GPU-1a2b"));
        assert_eq!(field(text, "UUID"), None);
    }

    #[test]
    fn every_encoder_knows_what_it_is_told() {
        super::super::init();
        for (name, hardware, codec) in Hardware::encoders() {
            let plain = codec.crf().map(|factors| factors.plain);
            let encoding = Encoding { codec, hw: Some(hardware), crf: plain, ..Encoding::default() };
            let told = options(hardware, &encoding, Some(0));
            let told: Vec<(String, String)> =
                told.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
            // One that FFmpeg was built without cannot be asked.
            let Some(unknown) = super::super::ffi::unknown_options(name, &told) else { continue };
            assert!(unknown.is_empty(), "{name} does not take {unknown:?}");
        }
    }

    #[test]
    fn a_reason_does_not_tell_where_in_memory_it_came_from() {
        assert_eq!(plain("[h264_nvenc @ 0x55d0] Cannot load libcuda.so.1\n"), "Cannot load libcuda.so.1");
        assert_eq!(plain("operation not permitted"), "operation not permitted");
    }

    #[test]
    fn what_does_not_work_says_why() {
        for (name, hardware, codec) in Hardware::encoders() {
            if let Err(why) = attempt(hardware, codec, &mut || {}) {
                assert!(!why.is_empty() && !why.contains('\n') && !why.contains("0x"), "{name}: {why:?}");
            }
        }
    }
}
