//! What is done to a voice, measured.

use reel_engine::quantity::Gain;
use serde_json::json;

use super::*;

const RATE: usize = 48_000;

fn params(with: serde_json::Value) -> Params {
    let mut params = json!({ "audio": { "$input": "audio" } });
    params.as_object_mut().unwrap().extend(with.as_object().unwrap().clone());
    serde_json::from_value(params).unwrap()
}

fn tone(hertz: f64, amplitude: f64, samples: usize) -> Vec<f32> {
    let at = |n: usize| (n as f64 * hertz * std::f64::consts::TAU / RATE as f64).sin() * amplitude;
    (0..samples).map(|n| at(n) as f32).collect()
}

fn noise(amplitude: f32, samples: usize) -> Vec<f32> {
    let mut state = 1_u32;
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        ((state >> 8) as f32 / 8_388_608.0 - 1.0) * amplitude
    };
    (0..samples).map(next).collect()
}

/// Level in decibels.
fn level(samples: &[f32]) -> f64 {
    10.0 * (samples.iter().map(|x| f64::from(*x) * f64::from(*x)).sum::<f64>() / samples.len() as f64).log10()
}

/// By how many samples the second is later than the first, where they agree most.
fn lag(first: &[f32], second: &[f32]) -> i64 {
    let agree = |by: i64| -> f64 {
        let pairs = (4_000..first.len() - 4_000).map(|n| (first[n], second[(n as i64 + by) as usize]));
        pairs.map(|(a, b)| f64::from(a) * f64::from(b)).sum()
    };
    (-1_500..1_500).max_by(|a, b| agree(*a).total_cmp(&agree(*b))).unwrap()
}

/// Bursts of a voice-like buzz in noise: silence, half a second of sound, silence.
fn recording() -> Vec<f32> {
    let mut samples = noise(0.02, RATE * 2);
    let buzz = tone(180.0, 0.2, RATE / 2).into_iter().zip(tone(1_130.0, 0.1, RATE / 2));
    samples[RATE / 2..].iter_mut().zip(buzz).for_each(|(x, (a, b))| *x += a + b);
    samples
}

#[test]
fn a_noise_goes_down_and_what_is_said_stays_where_it_is() {
    let before = recording();
    let (quiet, said) = (RATE * 5 / 4..RATE * 7 / 4, RATE * 5 / 8..RATE * 7 / 8);
    let after = treated(before.clone(), &params(json!({ "denoise": "18dB" }))).unwrap();
    assert_eq!(after.len(), before.len());
    let down = level(&before[quiet.clone()]) - level(&after[quiet.clone()]);
    assert!(down > 10.0 && down < 20.0, "the noise is {down:.1} dB softer");
    let kept = level(&before[said.clone()]) - level(&after[said]);
    assert!(kept.abs() < 1.0, "what is said is {kept:.1} dB softer");
    let part = RATE / 4..RATE * 5 / 4;
    assert_eq!(lag(&before[part.clone()], &after[part]), 0);
    let usual = treated(before.clone(), &params(json!({ "denoise": true }))).unwrap();
    let less = level(&before[quiet.clone()]) - level(&usual[quiet]);
    assert!(less > 6.0 && less < down, "12 dB are less than 18 dB: {less:.1} dB");
}

#[test]
fn a_band_is_changed_and_others_are_not() {
    let with = params(
        json!({ "eq": [{ "at": "200Hz", "gain": "-6dB" }, { "at": "6kHz", "gain": "4dB", "width": "0.5oct" }] }),
    );
    for (hertz, change) in [(200.0, -6.0), (1_500.0, 0.0), (6_000.0, 4.0)] {
        let before = tone(hertz, 0.2, RATE);
        let after = treated(before.clone(), &with).unwrap();
        let changed = level(&after[RATE / 4..]) - level(&before[RATE / 4..]);
        assert!((changed - change).abs() < 0.4, "{hertz} Hz: {changed:.2} dB");
    }
    let before = noise(0.2, RATE);
    assert_eq!(lag(&before, &treated(before.clone(), &with).unwrap()), 0);
}

#[test]
fn loud_comes_nearer_to_soft_and_stays_where_it_is() {
    // Half a second soft, half a second 14 dB louder, and so on.
    let mut before = noise(0.1, RATE * 3);
    before.iter_mut().enumerate().filter(|(n, _)| n / (RATE / 2) % 2 == 1).for_each(|(_, x)| *x *= 5.0);
    let range = |of: &[f32]| {
        level(&of[RATE * 13 / 10..RATE * 14 / 10 + 3_000]) - level(&of[RATE * 18 / 10..RATE * 19 / 10])
    };
    let way = Compress::Usual(true).way().unwrap();
    let after = filter::filtered(&before, &compressor(way)).unwrap();
    // The louder half is from 0.5 s to 1 s and from 1.5 s to 2 s.
    let (was, is) = (-range(&before), -range(&after));
    assert!(was > 13.0 && is < was - 4.0, "{was:.1} dB became {is:.1} dB");
    assert_eq!(lag(&before, &after), 0);
    let harder = Compressor { ratio: 10, threshold: Gain::from_hundredths(-4000), ..way };
    let flat = -range(&filter::filtered(&before, &compressor(harder)).unwrap());
    assert!(flat < is - 1.0, "{flat:.1} dB");
}
