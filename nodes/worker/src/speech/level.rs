//! The run of `level`: speech to one loudness, 48 kHz mono. It knows no scene and no film.

use reel_engine::operation::{Call, Failure, Outcome};
use reel_nodes::media::time::{SAMPLE_RATE, rescale};
use reel_nodes::media::treatment::{Compress, Compressor, Denoise};
use reel_nodes::speech::level::Params;

use crate::av::{AudioReader, SoundEncoder, SoundFormat, SoundRange, filter, probe};
use crate::params;
use crate::sound::loudness::{Meter, decibels, factor, true_peak};

/// More than this is not lifted: it would be noise.
const MOST_GAIN_DB: f64 = 30.0;
/// −1 dBTP.
const CEILING_DB: f64 = -1.0;
/// Samples of the pieces by which a noise is found: 50 ms.
const PIECE: usize = 2_400;
/// What FFmpeg takes as the level of a noise.
const NOISE_DB: (f64, f64) = (-80.0, -20.0);

/// Levels slot `audio` into port `audio`.
///
/// # Errors
/// When the sound cannot be decoded or the result not written.
pub fn run(call: &Call<'_>) -> Result<Outcome, Failure> {
    let params: Params = params(call)?;
    let mut samples = treated(decode(call, params.audio.slot())?, &params)?;
    if let Some(way) = params.compress.and_then(Compress::way) {
        bring(&mut samples, decibels(params.target), f64::INFINITY)?;
        samples = filter::filtered(&samples, &compressor(way)).map_err(crate::failure)?;
    }
    bring(&mut samples, decibels(params.target), CEILING_DB)?;
    let path = call.scratch.join("level.wav");
    let mut encoder = SoundEncoder::create(&path, SoundFormat::WavFloat, 1).map_err(crate::failure)?;
    encoder.push(&samples).map_err(crate::failure)?;
    encoder.finish().map_err(crate::failure)?;
    Ok(Outcome::default().with_file("audio", "audio/wav", path))
}

/// Brings samples to a loudness, or as near as their true peaks may come to a ceiling.
fn bring(samples: &mut [f32], target: f64, ceiling: f64) -> Result<(), Failure> {
    let mut meter = Meter::new(1).ok_or_else(|| Failure::new("no loudness meter for one channel"))?;
    meter.push(samples);
    if let Some(lufs) = meter.integrated() {
        let wanted = (target - lufs).min(MOST_GAIN_DB);
        let room = factor(ceiling) / true_peak(samples, 1).max(f64::MIN_POSITIVE);
        let gain = factor(wanted).min(room) as f32;
        samples.iter_mut().for_each(|sample| *sample *= gain);
    }
    Ok(())
}

/// Without noise, and with other bands, as it is asked for.
fn treated(mut samples: Vec<f32>, params: &Params) -> Result<Vec<f32>, Failure> {
    if let Some(amount) = params.denoise.and_then(Denoise::amount) {
        let filters = |amount: f64, noise: f64| format!("afftdn=nr={amount:.2}:nf={noise:.2}");
        let count = samples.len();
        let late = filter::delay(&filters(0.01, NOISE_DB.0)).map_err(crate::failure)?;
        let noise = filters(decibels(amount), noise_of(&samples));
        samples.resize(count + late, 0.0);
        samples = filter::filtered(&samples, &noise).map_err(crate::failure)?;
        samples.drain(..late);
    }
    for band in &params.eq {
        let (at, gain, width) = (band.at.0, decibels(band.gain), f64::from(band.width.0) / 1000.0);
        let bell = format!("equalizer=f={at}:t=o:w={width:.3}:g={gain:.2}");
        samples = filter::filtered(&samples, &bell).map_err(crate::failure)?;
    }
    Ok(samples)
}

fn compressor(way: Compressor) -> String {
    let Compressor { threshold, ratio, attack, release } = way;
    let millis = |micros: u64| micros as f64 / 1000.0;
    format!(
        "acompressor=threshold={:.6}:ratio={ratio}:attack={:.3}:release={:.3}",
        factor(decibels(threshold)),
        millis(attack.as_micros()),
        millis(release.as_micros()),
    )
}

/// The level of the noise in a sound, in decibels below full scale: that of its softest twentieth.
fn noise_of(samples: &[f32]) -> f64 {
    let power =
        |piece: &[f32]| piece.iter().map(|x| f64::from(*x) * f64::from(*x)).sum::<f64>() / piece.len() as f64;
    let mut powers: Vec<f64> = samples.chunks(PIECE).map(power).collect();
    powers.sort_by(f64::total_cmp);
    let softest = powers.get(powers.len() / 20).copied().unwrap_or(0.0);
    (10.0 * softest.log10()).clamp(NOISE_DB.0, NOISE_DB.1)
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

#[cfg(test)]
mod tests;
