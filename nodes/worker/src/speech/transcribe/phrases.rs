//! A recording cut at silence into phrases. It knows no words.

use std::ops::Range;

/// Samples per second that Whisper hears.
pub(super) const RATE: u32 = 16_000;

/// Energy is looked at in windows of 10 ms.
const WINDOW: usize = RATE as usize / 100;
/// A window this much softer than the loudest ones is silence: −35 dB.
const FLOOR: f32 = 0.0178;
/// Silence this long parts two phrases: 0.4 s.
const GAP: usize = 40;
/// What is kept of the silence on both sides: 0.2 s.
const MARGIN: usize = 20;
/// Longest phrase: 20 s; Whisper hears 30 s at most.
const LONGEST: usize = 2000;

/// The stretches of `samples` in which somebody speaks, each with a little silence around it.
pub(super) fn phrases(samples: &[f32]) -> Vec<Range<usize>> {
    let energy: Vec<f32> = samples.chunks(WINDOW).map(rms).collect();
    let floor = loud(&energy) * FLOOR;
    let mut found: Vec<Range<usize>> = Vec::new();
    for (index, level) in energy.iter().enumerate() {
        if *level <= floor || *level == 0.0 {
            continue;
        }
        match found.last_mut() {
            Some(last) if index - last.end < GAP => last.end = index + 1,
            _ => found.push(index..index + 1),
        }
    }
    let split: Vec<Range<usize>> = found.into_iter().flat_map(|phrase| shorten(phrase, &energy)).collect();
    let edge = |index: usize| (index * WINDOW).min(samples.len());
    split.iter().map(|p| edge(p.start.saturating_sub(MARGIN))..edge(p.end + MARGIN)).collect()
}

fn rms(window: &[f32]) -> f32 {
    (window.iter().map(|s| s * s).sum::<f32>() / window.len() as f32).sqrt()
}

/// The level that one window in twenty reaches: what the voice's loud parts have, clicks left aside.
fn loud(energy: &[f32]) -> f32 {
    let mut sorted = energy.to_vec();
    sorted.sort_by(f32::total_cmp);
    sorted.get(sorted.len() * 19 / 20).copied().unwrap_or(0.0)
}

/// Halves a phrase that is too long at its softest window, away from its ends.
fn shorten(phrase: Range<usize>, energy: &[f32]) -> Vec<Range<usize>> {
    if phrase.len() <= LONGEST {
        return vec![phrase];
    }
    let quarter = phrase.len() / 4;
    let middle = phrase.start + quarter..phrase.end - quarter;
    let softest = middle.min_by(|a, b| energy[*a].total_cmp(&energy[*b])).unwrap_or(phrase.start + quarter);
    [shorten(phrase.start..softest, energy), shorten(softest..phrase.end, energy)].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(seconds: f32, amplitude: f32) -> Vec<f32> {
        (0..(seconds * RATE as f32) as usize).map(|n| (n as f32 * 0.2).sin() * amplitude).collect()
    }

    #[test]
    fn silence_parts_phrases_and_short_gaps_do_not() {
        let sound = [
            tone(0.5, 0.0),
            tone(1.0, 0.3),
            tone(0.2, 0.001),
            tone(1.0, 0.3),
            tone(1.0, 0.001),
            tone(1.0, 0.2),
        ]
        .concat();
        let found = phrases(&sound);
        assert_eq!(found.len(), 2);
        let seconds = |sample: usize| sample as f32 / RATE as f32;
        assert!((seconds(found[0].start) - 0.3).abs() < 0.03 && (seconds(found[0].end) - 2.9).abs() < 0.03);
    }

    #[test]
    fn silence_has_no_phrases() {
        assert!(phrases(&tone(2.0, 0.0)).is_empty());
        assert!(phrases(&[]).is_empty());
    }

    #[test]
    fn a_long_phrase_is_cut_where_it_is_softest() {
        let sound = [tone(14.0, 0.3), tone(0.1, 0.05), tone(12.0, 0.3)].concat();
        let found = phrases(&sound);
        assert_eq!(found.len(), 2);
        assert!((found[1].start as f32 / RATE as f32 - 13.85).abs() < 0.15);
    }
}
