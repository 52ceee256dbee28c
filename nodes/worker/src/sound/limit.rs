//! A true-peak limiter with look-ahead. It knows no loudness and no file.
//!
//! Peaks between samples are found by interpolating fourfold, as ITU-R BS.1770-4, annex 2, describes (with a
//! filter of our own: a windowed sinc of 24 taps a phase). The gain that each sample needs is held over the
//! look-ahead, let go slowly, and averaged over the look-ahead, so that it has fallen far enough when the peak
//! comes and has no corners. What comes out is what came in, [`LATENCY`] samples later.
//!
//! It forgets: gains that have nearly come back have come back, and what is averaged is counted in whole steps. So a
//! limiter that begins with a silent past is, 0.8 s later, bit for bit as one that heard everything.

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
const RELEASE: f64 = 1.0 / 3840.0;
/// A gain that misses less than this has come back: a thousandth of a decibel.
const BACK: f64 = 1e-4;
/// Steps of a gain of 1 in which gains are averaged.
const STEPS: f64 = (1_u64 << 40) as f64;
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
    /// The last [`TAPS`] samples of each channel, twice, so that they stand side by side from any place on.
    history: [[f32; 2 * TAPS]; CHANNELS],
    /// Where the next sample goes.
    next: usize,
    /// For how many samples points between them could reach the ceiling.
    loud: [usize; CHANNELS],
    delay: VecDeque<[f32; CHANNELS]>,
    /// Ascending candidates for the least gain of the look-ahead: position and gain.
    least: VecDeque<(u64, f32)>,
    /// In [`STEPS`].
    averaged: VecDeque<i64>,
    sum: i64,
    gain: f64,
    /// For how many samples the gain has been 1.
    calm: usize,
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
            history: [[0.0; 2 * TAPS]; CHANNELS],
            next: 0,
            loud: [0; CHANNELS],
            delay: VecDeque::from(vec![[0.0; CHANNELS]; LATENCY]),
            least: VecDeque::new(),
            averaged: VecDeque::from(vec![STEPS as i64; AHEAD]),
            sum: AHEAD as i64 * STEPS as i64,
            gain: 1.0,
            calm: AHEAD,
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

    /// The highest of the sample that left the middle of the interpolator and the three points after it; 0 where none
    /// of them can reach the ceiling.
    fn peak(&mut self, frame: [f32; CHANNELS]) -> f32 {
        let mut peak = 0.0_f32;
        self.next = (self.next + 1) % TAPS;
        for ((history, loud), sample) in self.history.iter_mut().zip(&mut self.loud).zip(frame) {
            history[self.next] = sample;
            history[self.next + TAPS] = sample;
            *loud = if sample.abs() * self.most > self.ceiling { TAPS } else { loud.saturating_sub(1) };
            if *loud == 0 {
                continue;
            }
            let last = &history[self.next + 1..=self.next + TAPS];
            for phase in &self.phases {
                let value: f32 = last.iter().zip(phase).map(|(s, w)| s * w).sum();
                peak = peak.max(value.abs());
            }
        }
        peak
    }

    fn next_gain(&mut self, needed: f32) -> f32 {
        self.position += 1;
        if needed >= 1.0 && self.calm >= AHEAD {
            return 1.0;
        }
        while self.least.back().is_some_and(|(_, gain)| *gain >= needed) {
            self.least.pop_back();
        }
        self.least.push_back((self.position, needed));
        while self.least.front().is_some_and(|(at, _)| at + (AHEAD as u64) < self.position) {
            self.least.pop_front();
        }
        let held = self.least.front().map_or(1.0, |(_, gain)| f64::from(*gain));
        let released = self.gain + (1.0 - self.gain) * RELEASE;
        self.gain = held.min(if 1.0 - released < BACK { 1.0 } else { released });
        self.calm = if self.gain < 1.0 { 0 } else { self.calm + 1 };
        let newest = (self.gain * STEPS).round() as i64;
        self.averaged.push_back(newest);
        self.sum += newest - self.averaged.pop_front().unwrap_or(newest);
        (self.sum as f64 / (AHEAD as f64 * STEPS)) as f32
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

    /// Whatever came before: a limiter that began 0.8 s earlier goes on as one that heard all of it.
    #[test]
    fn it_forgets_bit_for_bit() {
        let mut state = 7_u32;
        let mut sound = Vec::new();
        for n in 0..6 * 48_000_u32 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let noise = (state >> 8) as f32 / 8_388_608.0 - 1.0;
            // Loud all the time, in bursts, as one click of 30 dB too much, and not at all.
            let loud = match n / 48_000 {
                0 | 1 => 3.0,
                2 if n % 9_000 < 700 => 2.0,
                3 if n == 3 * 48_000 + 11 => 30.0,
                _ => 0.2,
            };
            sound.extend([noise * loud, noise * loud * 0.7]);
        }
        let whole = limited(&sound, 0.891_25);
        for from in (0..5 * 48_000).step_by(6_311) {
            let part = limited(&sound[from * 2..], 0.891_25);
            let settled = 38_400 * 2;
            assert!(part[settled..] == whole[from * 2 + settled..], "from sample {from}");
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
