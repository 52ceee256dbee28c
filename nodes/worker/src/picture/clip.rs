//! The run of `clip`: what a video file holds, and its sound. It makes no pictures.

use std::path::Path;

use reel_engine::operation::{Call, Failure, Outcome};
use reel_nodes::media::speed::Speed;
use reel_nodes::media::time::SAMPLE_RATE;
use reel_nodes::picture::clip::{ClipInfo, Params};

use crate::av::filter::SoundFilter;
use crate::av::{
    AudioReader, AvError, ConformSpec, Fit, SoundEncoder, SoundFormat, SoundRange, VideoReader,
    measured_length, probe, refuse_short,
};
use crate::params;

/// Stereo.
const CHANNELS: usize = 2;

/// Looks at slot `file`; ports `info` and, when asked for, `audio`.
///
/// # Errors
/// When it is no video that can be decoded, or the part asked for is not in it.
pub fn run(call: &Call<'_>) -> Result<Outcome, Failure> {
    let params: Params = params(call)?;
    let path = &call.one(params.file.slot())?.path;
    let media = probe(path).map_err(crate::failure)?;
    let video =
        media.video.ok_or_else(|| Failure::new("the file has no pictures").help("give a video file"))?;
    let from = params.from.as_micros();
    refuse_short(path).map_err(crate::failure)?;
    let length = match media.duration_us {
        0 => measured_length(path).map_err(crate::failure)?,
        told => told,
    };
    let end = params.to.map_or(length, |to| to.as_micros().min(length));
    if from >= end {
        let seconds = length as f64 / 1e6;
        return Err(Failure::new(format!(
            "the clip begins at {:#}, and the file ends at {seconds:.3}s",
            params.from
        )));
    }
    first_picture(path, from)?;
    let at = |us: u64| (u128::from(us) * u128::from(SAMPLE_RATE) + 500_000) / 1_000_000;
    let samples = (at(end) - at(from)) as u64;
    let samples = params.speed.shown(samples);
    let info =
        ClipInfo { samples, width: video.width, height: video.height, has_sound: media.audio.is_some() };
    let json = serde_json::to_vec(&info).map_err(|error| Failure::new(error.to_string()))?;
    let outcome = Outcome::default().with_bytes("info", "application/json", json);
    if !params.sound {
        return Ok(outcome);
    }
    let wav = call.scratch.join("clip.wav");
    let range = SoundRange { from_us: from, to_us: Some(end) };
    write_sound(path, media.audio.is_some().then_some(range), params.speed, samples, &wav)
        .map_err(crate::failure)?;
    Ok(outcome.with_file("audio", "audio/wav", wav))
}

/// Decodes one picture, so that a file that only looks like a video is found out here.
fn first_picture(path: &Path, from_us: u64) -> Result<(), Failure> {
    let rate = reel_nodes::media::time::FrameRate::new(30, 1).ok_or_else(|| Failure::new("no frame rate"))?;
    let spec = ConformSpec { width: 64, height: 64, fit: Fit::COVER, rate, from_us, to_us: None };
    match VideoReader::open(path, spec).map_err(crate::failure)?.next() {
        Some(Ok(_)) => Ok(()),
        Some(Err(error)) => Err(crate::failure(error)),
        None => Err(Failure::new("the file has no picture at the place where the clip begins")),
    }
}

/// Exactly `samples` samples: the sound of the range at a speed, then silence.
fn write_sound(
    path: &Path,
    range: Option<SoundRange>,
    speed: Speed,
    samples: u64,
    wav: &Path,
) -> Result<(), AvError> {
    let mut encoder = SoundEncoder::create(wav, SoundFormat::WavFloat, CHANNELS as u32)?;
    let mut left = samples as usize * CHANNELS;
    let mut write = |block: &[f32]| {
        let part = left.min(block.len());
        left -= part;
        encoder.push(&block[..part]).map(|()| left)
    };
    if let Some(range) = range {
        let reader = AudioReader::open(path, SAMPLE_RATE, CHANNELS as u32, range)?;
        let mut tempo =
            if speed.is_plain() { None } else { Some(SoundFilter::new(&tempo(speed), CHANNELS as u32)?) };
        for block in reader {
            let block = block?;
            let _ = match &mut tempo {
                None => write(&block)?,
                Some(tempo) => write(&tempo.push(&block)?)?,
            };
        }
        if let Some(tempo) = tempo {
            let _ = write(&tempo.finish()?)?;
        }
    }
    while write(&[0.0; 4096])? > 0 {}
    encoder.finish().map(|_| ())
}

/// The filters that change a speed and keep the pitch: one of them does no less than half of it.
fn tempo(Speed(milli): Speed) -> String {
    let tempo = |milli: u32| format!("atempo={}.{:03}", milli / 1000, milli % 1000);
    if milli < 500 { format!("atempo=0.5,{}", tempo(milli * 2)) } else { tempo(milli) }
}
