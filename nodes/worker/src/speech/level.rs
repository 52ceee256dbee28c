//! The run of `level`: speech to one loudness, 48 kHz mono. It knows no scene and no film.

use reel_engine::operation::{Call, Failure, Outcome};
use reel_nodes::media::time::{SAMPLE_RATE, rescale};
use reel_nodes::speech::level::Params;

use crate::av::{AudioReader, SoundEncoder, SoundFormat, SoundRange, probe};
use crate::params;
use crate::sound::loudness::{Meter, factor, true_peak};

/// More than this is not lifted: it would be noise.
const MOST_GAIN_DB: f64 = 30.0;
/// −1 dBTP.
const CEILING_DB: f64 = -1.0;

/// Levels slot `audio` into port `audio`.
///
/// # Errors
/// When the sound cannot be decoded or the result not written.
pub fn run(call: &Call<'_>) -> Result<Outcome, Failure> {
    let params: Params = params(call)?;
    let mut samples = decode(call, params.audio.slot())?;
    let mut meter = Meter::new(1).ok_or_else(|| Failure::new("no loudness meter for one channel"))?;
    meter.push(&samples);
    if let Some(lufs) = meter.integrated() {
        let target = f64::from(params.target.hundredths()) / 100.0;
        let wanted = (target - lufs).min(MOST_GAIN_DB);
        let room = factor(CEILING_DB) / true_peak(&samples, 1).max(f64::MIN_POSITIVE);
        let gain = factor(wanted).min(room) as f32;
        samples.iter_mut().for_each(|sample| *sample *= gain);
    }
    let path = call.scratch.join("level.wav");
    let mut encoder = SoundEncoder::create(&path, SoundFormat::WavFloat, 1).map_err(crate::failure)?;
    encoder.push(&samples).map_err(crate::failure)?;
    encoder.finish().map_err(crate::failure)?;
    Ok(Outcome::default().with_file("audio", "audio/wav", path))
}

/// All of a sound as mono at 48 kHz, exactly as long as its own samples say.
fn decode(call: &Call<'_>, slot: &str) -> Result<Vec<f32>, Failure> {
    let path = &call.one(slot)?.path;
    let reader = AudioReader::open(path, SAMPLE_RATE, 1, SoundRange::ALL).map_err(crate::failure)?;
    let source_rate = probe(path).map_err(crate::failure)?.audio.map_or(SAMPLE_RATE, |audio| audio.rate);
    let mut samples = Vec::new();
    for block in reader {
        samples.extend(block.map_err(crate::failure)?);
    }
    if source_rate != SAMPLE_RATE {
        let native = count(call, slot, source_rate)?;
        samples.resize(rescale(native, source_rate, SAMPLE_RATE) as usize, 0.0);
    }
    Ok(samples)
}

/// Samples per channel at the file's own rate.
fn count(call: &Call<'_>, slot: &str, rate: u32) -> Result<u64, Failure> {
    let reader =
        AudioReader::open(&call.one(slot)?.path, rate, 1, SoundRange::ALL).map_err(crate::failure)?;
    let mut samples = 0;
    for block in reader {
        samples += block.map_err(crate::failure)?.len() as u64;
    }
    Ok(samples)
}
