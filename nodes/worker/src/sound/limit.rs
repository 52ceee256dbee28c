//! A true-peak limiter with look-ahead. It knows no loudness and no file.
//!
//! Peaks between samples are found by interpolating fourfold, as ITU-R BS.1770-4, annex 2, describes (with a
//! filter of our own: a windowed sinc of 24 taps a phase). The gain that each sample needs is held over the
//! look-ahead, let go slowly, and averaged over the look-ahead, so that it has fallen far enough when the peak
//! comes and has no corners. What comes out is what came in, [`LATENCY`] samples later.

use std::collections::VecDeque;

/// Taps of a phase of the interpolator.
const TAPS: usize = 24;
/// Phases between two samples.
const PHASES: usize = 4;
/// Look-ahead in samples: 2 ms.
const AHEAD: usize = 96;
/// Samples from input to output.
pub const LATENCY: usize = AHEAD + TAPS / 2;
/// How much of the missing gain comes back with every sample: a time constant of 80 ms at 48 kHz.
const RELEASE: f32 = 1.0 / 3840.0;
/// Two channels, interleaved.
const CHANNELS: usize = 2;
/// Head room for what the interpolator misses and what meters read too high: 0.15 dB.
const MARGIN: f32 = 0.982_9;

/// Holds the true peak of stereo at or below a ceiling.
pub struct Limiter {
    ceiling: f32,
    phases: [[f32; TAPS]; PHASES],
    /// The most that interpolating can make of samples of ±1.
    most: f32,
    /// The last [`TAPS`] samples of each channel.
    history: [[f32; TAPS]; CHANNELS],
    delay: VecDeque<[f32; CHANNELS]>,
    /// Ascending candidates for the least gain of the look-ahead: position and gain.
    least: VecDeque<(u64, f32)>,
    averaged: VecDeque<f32>,
    sum: f64,
    gain: f32,
    position: u64,
}

impl Limiter {
    /// A limiter to `ceiling`, a factor of full scale.
    #[must_use]
    pub fn new(ceiling: f32) -> Self {
        let phases = interpolator();
        Self {
            ceiling: ceiling * MARGIN,
            phases,
            most: phases.iter().map(|phase| phase.iter().map(|tap| tap.abs()).sum()).fold(1.0, f32::max),
            history: [[0.0; TAPS]; CHANNELS],
            delay: VecDeque::from(vec![[0.0; CHANNELS]; LATENCY]),
            least: VecDeque::new(),
            averaged: VecDeque::from(vec![1.0; AHEAD]),
            sum: AHEAD as f64,
            gain: 1.0,
            position: 0,
        }
    }

    /// Takes in interleaved stereo and replaces it by what came in [`LATENCY`] samples before, limited.
    pub fn process(&mut self, samples: &mut [f32]) {
        for frame in samples.as_chunks_mut::<CHANNELS>().0 {
            *frame = self.step(*frame, *frame);
        }
    }

    /// As [`Self::process`], but `part` is what is delayed and brought down, by the gain that `all` needs: parts that
    /// are put together again are then what all of it became.
    pub fn process_part(&mut self, all: &[f32], part: &mut [f32]) {
        for (all, part) in all.as_chunks::<CHANNELS>().0.iter().zip(part.as_chunks_mut::<CHANNELS>().0) {
            *part = self.step(*all, *part);
        }
    }

    fn step(&mut self, heard: [f32; CHANNELS], frame: [f32; CHANNELS]) -> [f32; CHANNELS] {
        let peak = self.peak(heard);
        let needed = if peak > self.ceiling { self.ceiling / peak } else { 1.0 };
        let gain = self.next_gain(needed);
        self.delay.push_back(frame);
        self.delay.pop_front().unwrap_or_default().map(|sample| sample * gain)
    }

    /// The highest of the sample that left the middle of the interpolator and the three points after it.
    fn peak(&mut self, frame: [f32; CHANNELS]) -> f32 {
        let mut peak = 0.0_f32;
        for (history, sample) in self.history.iter_mut().zip(frame) {
            history.copy_within(1.., 0);
            history[TAPS - 1] = sample;
            let loudest = history.iter().fold(0.0_f32, |most, sample| most.max(sample.abs()));
            if loudest * self.most <= self.ceiling {
                // No point between these samples can reach the ceiling.
                peak = peak.max(loudest);
                continue;
            }
            for phase in &self.phases {
                let value: f32 = history.iter().zip(phase).map(|(s, w)| s * w).sum();
                peak = peak.max(value.abs());
            }
        }
        peak
    }

    fn next_gain(&mut self, needed: f32) -> f32 {
        while self.least.back().is_some_and(|(_, gain)| *gain >= needed) {
            self.least.pop_back();
        }
        self.least.push_back((self.position, needed));
        while self.least.front().is_some_and(|(at, _)| at + (AHEAD as u64) < self.position) {
            self.least.pop_front();
        }
        self.position += 1;
        let held = self.least.front().map_or(1.0, |(_, gain)| *gain);
        self.gain = held.min(self.gain + (1.0 - self.gain) * RELEASE);
        self.averaged.push_back(self.gain);
        let oldest = self.averaged.pop_front().unwrap_or(1.0);
        self.sum += f64::from(self.gain) - f64::from(oldest);
        (self.sum / AHEAD as f64) as f32
    }
}

/// Phase p interpolates p/4 of a sample after the middle; each phase sums to 1.
fn interpolator() -> [[f32; TAPS]; PHASES] {
    std::array::from_fn(|phase| {
        let taps: [f64; TAPS] = std::array::from_fn(|tap| {
            let x = tap as f64 - (TAPS / 2 - 1) as f64 - phase as f64 / PHASES as f64;
            let window = (std::f64::consts::PI * x / (TAPS as f64 + 1.0)).cos().powi(2);
            window
                * if x == 0.0 { 1.0 } else { (std::f64::consts::PI * x).sin() / (std::f64::consts::PI * x) }
        });
        let sum: f64 = taps.iter().sum();
        taps.map(|tap| (tap / sum) as f32)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sound::loudness::true_peak;

    fn limited(samples: &[f32], ceiling: f32) -> Vec<f32> {
        let mut limiter = Limiter::new(ceiling);
        let mut out = samples.to_vec();
        out.extend(vec![0.0; LATENCY * 2]);
        limiter.process(&mut out);
        out.split_off(LATENCY * 2)
    }

    fn tone(frequency: f64, amplitude: f64, phase: f64) -> Vec<f32> {
        (0..48_000)
            .flat_map(|n| {
                let x =
                    (f64::from(n) * frequency * std::f64::consts::TAU / 48_000.0 + phase).sin() * amplitude;
                [x as f32; 2]
            })
            .collect()
    }

    #[test]
    fn what_is_below_the_ceiling_comes_out_as_it_went_in() {
        let quiet = tone(440.0, 0.5, 0.0);
        let out = limited(&quiet, 0.891);
        for (a, b) in quiet.iter().zip(&out) {
            assert!((a - b).abs() < 1e-6);
        }
    }

    /// A quarter of the sampling rate at 45°: the samples are 3 dB below the peaks between them.
    #[test]
    fn peaks_between_samples_are_held_down() {
        for (frequency, phase) in [(12_000.0, std::f64::consts::FRAC_PI_4), (997.0, 0.0), (7_333.0, 0.3)] {
            let out = limited(&tone(frequency, 1.6, phase), 0.891_25);
            // Faded in, so that the meter sees no step where the part to be measured begins.
            let settled: Vec<f32> =
                out[9_600..].iter().enumerate().map(|(n, x)| x * (n as f32 / 4_800.0).min(1.0)).collect();
            let peak = true_peak(&settled, 2);
            assert!(peak <= 0.891_25, "{frequency} Hz: {peak}");
            assert!(peak > 0.8, "{frequency} Hz: {peak}");
        }
    }

    #[test]
    fn a_single_click_is_caught() {
        let mut samples = vec![0.1; 9_600];
        samples[4_800] = 3.0;
        samples[4_801] = -3.0;
        assert!(true_peak(&limited(&samples, 0.891_25), 2) <= 0.891_25);
    }
}
