//! Words to cues: which words stand together on which line, and for which frames. It knows no colour.

use std::ops::Range;

use reel_nodes::media::time::FrameRate;
use reel_nodes::media::words::{Cue, CueWord, Word, Words};

use crate::draw::breaks::{Widths, ends_at_pause};
use crate::draw::error::DrawError;
use crate::draw::text::Fonts;

/// What of the look of captions decides where they break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CueStyle {
    /// Size of the font (its em) in pixels.
    pub size: u32,
    /// Widest line in pixels.
    pub width: u32,
    /// Most lines of a cue, at least one.
    pub lines: u32,
}

/// A pause that ends a cue, in seconds.
const PAUSE: u64 = 1;
/// Longest time that a cue stays after its last word, in frames.
const HOLD: i64 = 15;

/// Breaks the words of one scene into cues in frames of that scene.
///
/// A cue holds at most `style.lines` balanced lines that fit `style.width` (a word wider than that stands
/// alone), never runs over the end of a sentence or a pause of more than a second. A sentence that needs
/// several cues has as few as possible, of about equal length, and none of a single word where that can be.
///
/// # Errors
/// Characters that no font has.
pub fn layout_cues(
    words: &Words,
    fps: FrameRate,
    style: CueStyle,
    fonts: &mut Fonts,
) -> Result<Vec<Cue>, DrawError> {
    let shown: Vec<&Word> = words.words.iter().filter(|word| !word.text.trim().is_empty()).collect();
    let text: Vec<&str> = shown.iter().map(|word| word.text.as_str()).collect();
    fonts.check(&text.join("\n"))?;
    let size = style.size as f32;
    let widths = Widths {
        words: text.iter().map(|word| pixels(fonts.shape(word, size).width)).collect(),
        space: pixels(fonts.shape("a a", size).width) - pixels(fonts.shape("aa", size).width),
        limit: i64::from(style.width) * 64,
        pauses: Vec::new(),
    };
    let mut cues = Vec::new();
    for phrase in phrases(&shown, words.rate) {
        for cue in parts(&widths, &text, phrase, style.lines.max(1) as usize) {
            cues.push(timed(&shown, widths.balanced(cue), fps, words.rate));
        }
    }
    arrange(&mut cues, fps.nearest_frame(words.end, words.rate) as i64);
    Ok(cues)
}

/// Widths are compared in whole 64ths of a pixel, so that no sum depends on its order.
fn pixels(width: f32) -> i64 {
    (width * 64.0).round() as i64
}

/// Words between the ends of sentences and pauses.
fn phrases(words: &[&Word], rate: u32) -> Vec<Range<usize>> {
    let mut phrases = Vec::new();
    let mut first = 0;
    for (index, word) in words.iter().enumerate() {
        let pause = |next: &&Word| next.start > word.end + PAUSE * u64::from(rate);
        if word.last || words.get(index + 1).is_none_or(pause) {
            phrases.push(first..index + 1);
            first = index + 1;
        }
    }
    phrases
}

/// Cuts a phrase into as few cues of at most `lines` lines as hold it: those of most equal length, where a cue
/// of one word and a cut away from a comma count against them.
fn parts(widths: &Widths, text: &[&str], phrase: Range<usize>, lines: usize) -> Vec<Range<usize>> {
    let (start, count) = (phrase.start, phrase.len());
    let fits = |words: Range<usize>| words.len() == 1 || widths.fewest(words) <= lines;
    let mut fewest = 0;
    let mut at = start;
    while at < phrase.end {
        at = (at + 1..=phrase.end).take_while(|&end| fits(at..end)).last().unwrap_or(at + 1);
        fewest += 1;
    }
    let mean = (widths.line(phrase.clone()) / fewest.max(1) as i64).max(1);
    let cost = |words: Range<usize>| {
        // In thousandths of the square of the mean length.
        let length = i128::from(widths.line(words.clone()) * 1000 / mean);
        let alone = if words.len() == 1 && count > 1 { 700_000 } else { 0 };
        let comma = ends_at_pause(text[words.end - 1]);
        length * length + alone - if comma { 150_000 } else { 0 }
    };
    // best[n][i]: the least cost of the first `i` words in `n` cues, and where the last of them begins.
    let mut best = vec![vec![None; count + 1]; fewest + 1];
    best[0][0] = Some((0_i128, 0_usize));
    for cue in 1..=fewest {
        for end in 1..=count {
            for first in (0..end).rev() {
                let these = start + first..start + end;
                if !fits(these.clone()) {
                    break;
                }
                let Some((before, _)) = best[cue - 1][first] else {
                    continue;
                };
                let candidate = (before + cost(these), first);
                if best[cue][end].is_none_or(|known| candidate < known) {
                    best[cue][end] = Some(candidate);
                }
            }
        }
    }
    let mut parts = Vec::with_capacity(fewest);
    let mut end = count;
    for cue in (1..=fewest).rev() {
        let Some((_, first)) = best[cue][end] else { break };
        parts.push(start + first..start + end);
        end = first;
    }
    parts.reverse();
    parts
}

/// The cue of these lines; its end is that of its last word.
fn timed(words: &[&Word], lines: Vec<Range<usize>>, fps: FrameRate, rate: u32) -> Cue {
    let frame = |tick: u64| fps.nearest_frame(tick, rate) as i64;
    let end = lines.last().map_or(0, |line| line.end);
    let word = |index: usize| {
        let start = frame(words[index].start);
        let next = if index + 1 < end {
            frame(words[index + 1].start)
        } else {
            frame(words[index].end).max(start + 1)
        };
        CueWord { text: words[index].text.clone(), start, end: next }
    };
    let lines: Vec<Vec<CueWord>> = lines.into_iter().map(|line| line.map(word).collect()).collect();
    let start = lines.iter().flatten().next().map_or(0, |word| word.start);
    let end = lines.iter().flatten().last().map_or(0, |word| word.end);
    Cue { start, end, lines }
}

/// Lets each cue stay a little after its last word, and keeps cues apart and within the scene.
fn arrange(cues: &mut [Cue], frames: i64) {
    for index in 0..cues.len() {
        let next = cues.get(index + 1).map_or(frames, |next| next.start);
        let cue = &mut cues[index];
        cue.end = (cue.end + HOLD).min(next).min(frames).max(cue.start + 1);
        let end = cue.end;
        // Words said so fast that two cues begin on one frame: the later one waits.
        if let Some(next) = cues.get_mut(index + 1) {
            next.start = next.start.max(end);
            next.end = next.end.max(next.start + 1);
        }
    }
}

#[cfg(test)]
mod tests;
