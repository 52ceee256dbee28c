//! Loudness by EBU R128, and decibels. It knows no file.

use std::ops::Range;

use ebur128::{EbuR128, Mode};
use reel_engine::quantity::Gain;
use reel_nodes::media::passage::Loudness;
use reel_nodes::media::time::SAMPLE_RATE;

/// Below this a measurement means silence: the absolute gate of ITU-R BS.1770-4.
const SILENCE_LUFS: f64 = -70.0;

/// The factor of an amount of decibels.
#[must_use]
pub fn factor(db: f64) -> f64 {
    10_f64.powf(db / 20.0)
}

/// A gain as a number of decibels.
#[must_use]
pub fn decibels(gain: Gain) -> f64 {
    f64::from(gain.hundredths()) / 100.0
}

/// Samples from one gating block to the next: 100 ms. A block has four times as many.
const HOP: u64 = 4_800;

/// Measures a passage of interleaved stereo block by block, so that the loudness of what passages come to together is
/// known from what is said of each.
pub struct BlockMeter {
    meter: EbuR128,
    /// Which samples are the passage's own. Those before only fill filters and first blocks.
    own: Range<u64>,
    at: u64,
    blocks: Vec<i32>,
    power: f64,
}

impl BlockMeter {
    /// A meter for samples of which `own` are measured; `None` when there is none for stereo.
    #[must_use]
    pub fn new(own: Range<u64>) -> Option<Self> {
        let meter = EbuR128::new(2, SAMPLE_RATE, Mode::M).ok()?;
        Some(Self { meter, own, at: 0, blocks: Vec::new(), power: 0.0 })
    }

    /// Takes in interleaved samples.
    pub fn push(&mut self, mut samples: &[f32]) {
        while !samples.is_empty() && self.at < self.own.end {
            // The next place where a block ends, or where samples begin or cease to count.
            let own = &self.own;
            let next = if self.at < own.start {
                own.start
            } else {
                own.start + (self.at - own.start) / HOP * HOP + HOP
            };
            let count = (next.min(own.end) - self.at).min(samples.len() as u64 / 2);
            let (piece, rest) = samples.split_at(count as usize * 2);
            // Fails only when the number of samples is odd.
            let _ = self.meter.add_frames_f32(piece);
            if self.at >= own.start {
                self.power += piece.iter().map(|s| f64::from(*s) * f64::from(*s)).sum::<f64>();
            }
            (self.at, samples) = (self.at + count, rest);
            if self.at == next && self.at > own.start && self.at >= 4 * HOP {
                let lufs = self.meter.loudness_momentary().unwrap_or(f64::NEG_INFINITY);
                self.blocks.extend((lufs >= SILENCE_LUFS).then(|| (lufs * 1e6).round() as i32));
            }
        }
    }

    /// What was measured.
    #[must_use]
    pub fn finish(self) -> Loudness {
        let samples = self.own.end - self.own.start;
        Loudness { blocks: self.blocks, power: (self.power * 1e12).round() as u64, samples }
    }
}

/// Measures interleaved samples at 48 kHz as they come.
pub struct Meter {
    meter: EbuR128,
    channels: usize,
    sum_of_squares: f64,
    frames: u64,
}

impl Meter {
    /// A meter for 1 or 2 channels; `None` for any other number.
    #[must_use]
    pub fn new(channels: u32) -> Option<Self> {
        let meter = EbuR128::new(channels, SAMPLE_RATE, Mode::I).ok()?;
        Some(Self { meter, channels: channels as usize, sum_of_squares: 0.0, frames: 0 })
    }

    /// Takes in interleaved samples.
    pub fn push(&mut self, samples: &[f32]) {
        // Fails only when the number of samples is not a multiple of the channels, which the caller keeps.
        let _ = self.meter.add_frames_f32(samples);
        self.sum_of_squares += samples.iter().map(|s| f64::from(*s) * f64::from(*s)).sum::<f64>();
        self.frames += (samples.len() / self.channels) as u64;
    }

    /// Integrated loudness in LUFS; `None` for silence. What is shorter than a gating block, or all below the
    /// gates, is measured without gates (and without the filter, which at speech's frequencies is near 0 dB).
    #[must_use]
    pub fn integrated(&self) -> Option<f64> {
        match self.meter.loudness_global() {
            Ok(lufs) if lufs > SILENCE_LUFS => Some(lufs),
            _ if self.frames == 0 || self.sum_of_squares == 0.0 => None,
            _ => {
                let ungated = -0.691 + 10.0 * (self.sum_of_squares / self.frames as f64).log10();
                (ungated > SILENCE_LUFS).then_some(ungated)
            }
        }
    }
}

/// How a sound in two channels is heard.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Heard {
    /// Samples of a channel, at 48 kHz.
    pub frames: u64,
    /// Integrated loudness in LUFS; `None` for silence.
    pub lufs: Option<f64>,
    /// The highest true peak in dB; `None` for silence.
    pub peak: Option<f64>,
    /// The first sample of the block in which that peak is.
    pub peak_at: u64,
}

/// Hears blocks of interleaved stereo at 48 kHz.
///
/// # Errors
/// The first error of a block.
pub fn hear<E>(blocks: impl IntoIterator<Item = Result<Vec<f32>, E>>) -> Result<Heard, E> {
    let (mut meter, mut peaks) = (Meter::new(2), EbuR128::new(2, SAMPLE_RATE, Mode::TRUE_PEAK).ok());
    let mut heard = Heard { frames: 0, lufs: None, peak: None, peak_at: 0 };
    let mut highest = 0.0;
    for block in blocks {
        let block = block?;
        if let Some(meter) = &mut meter {
            meter.push(&block);
        }
        if let Some(peaks) = &mut peaks {
            let _ = peaks.add_frames_f32(&block);
            let peak = (0..2).filter_map(|channel| peaks.prev_true_peak(channel).ok()).fold(0.0, f64::max);
            if peak > highest {
                (highest, heard.peak_at) = (peak, heard.frames);
            }
        }
        heard.frames += block.len() as u64 / 2;
    }
    heard.lufs = meter.and_then(|meter| meter.integrated());
    heard.peak = (highest > 0.0).then(|| 20.0 * highest.log10());
    Ok(heard)
}

/// The highest inter-sample peak of interleaved samples at 48 kHz, as a factor of full scale.
#[must_use]
pub fn true_peak(samples: &[f32], channels: u32) -> f64 {
    let Ok(mut meter) = EbuR128::new(channels, SAMPLE_RATE, Mode::TRUE_PEAK) else { return 0.0 };
    let _ = meter.add_frames_f32(samples);
    (0..channels).filter_map(|channel| meter.true_peak(channel).ok()).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sine(seconds: f64, amplitude: f64) -> Vec<f32> {
        let count = (seconds * f64::from(SAMPLE_RATE)) as usize;
        let at = |n: usize| (n as f64 * 997.0 * std::f64::consts::TAU / f64::from(SAMPLE_RATE)).sin();
        (0..count).map(|n| (amplitude * at(n)) as f32).collect()
    }

    /// EBU Tech 3341, test 1 scaled to one channel: a 1 kHz sine at full scale in one channel reads −3.01 LUFS.
    #[test]
    fn a_sine_reads_what_the_standard_says() {
        let mut meter = Meter::new(1).unwrap();
        meter.push(&sine(5.0, 1.0));
        assert!((meter.integrated().unwrap() + 3.01).abs() < 0.1);
    }

    /// Passages that were measured alone have the blocks of one measurement.
    #[test]
    fn passages_have_the_blocks_of_the_whole() {
        let mut state = 1_u32;
        let mut sound = Vec::new();
        for n in 0..10 * 48_000_u32 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let loud = if (n / 60_000) % 3 == 1 { 0.01 } else { 0.4 };
            sound.extend([((state >> 8) as f32 / 8_388_608.0 - 1.0) * loud; 2]);
        }
        let measured = |from: usize, own: Range<u64>| {
            let mut meter = BlockMeter::new(own).unwrap();
            sound[from * 2..].chunks(7_777 * 2).for_each(|piece| meter.push(piece));
            meter.finish()
        };
        let whole = measured(0, 0..480_000);
        assert_eq!(whole.blocks.len(), 97);
        let (first, second) = (measured(0, 0..240_000), measured(240_000 - 65_536, 65_536..305_536));
        assert_eq!([first.blocks, second.blocks].concat(), whole.blocks);
        assert!((first.power + second.power).abs_diff(whole.power) < whole.power / 1_000_000_000);
        assert_eq!(first.samples + second.samples, whole.samples);
    }

    #[test]
    fn what_is_shorter_than_a_block_is_measured_all_the_same() {
        let mut meter = Meter::new(1).unwrap();
        meter.push(&sine(0.2, 0.5));
        assert!((meter.integrated().unwrap() + 9.7).abs() < 0.5);
    }

    #[test]
    fn the_highest_peak_is_told_with_its_place() {
        let stereo = |amplitude: f64| -> Vec<f32> {
            sine(1.0, amplitude).into_iter().flat_map(|sample| [sample, 0.0]).collect()
        };
        let blocks: Vec<Result<Vec<f32>, ()>> = vec![Ok(stereo(0.1)), Ok(stereo(0.5)), Ok(stereo(0.2))];
        let heard = hear(blocks).unwrap();
        assert_eq!((heard.frames, heard.peak_at), (144_000, 48_000));
        assert!((heard.peak.unwrap() + 6.02).abs() < 0.2, "{heard:?}");
        assert_eq!(hear([Ok::<_, ()>(vec![0.0; 960])]).unwrap().peak, None);
    }

    #[test]
    fn silence_has_no_loudness() {
        let mut meter = Meter::new(2).unwrap();
        meter.push(&[0.0; 96_000]);
        assert_eq!(meter.integrated(), None);
    }
}
