//! Words to cues in frames, by the widths of their letters. It knows no colour, and no rule of breaking.

use reel_nodes::media::time::FrameRate;
use reel_nodes::media::words::{Cue, CueWord, Word, Words};
use reel_nodes::text::breaks::Widths;
use reel_nodes::text::cueing::{Laid, Rules, captions, too_fast};

use crate::draw::error::DrawError;
use crate::draw::text::Fonts;

/// What of the look of captions decides where they break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CueStyle {
    /// Size of the font (its em) in pixels.
    pub size: u32,
    /// Widest line in pixels.
    pub width: u32,
    /// How words are cut into cues.
    pub rules: Rules,
}

/// A cue that goes by too fast to be read: its start in milliseconds, and its characters a second.
pub type TooFast = (u64, u64);

/// Breaks the words of one scene into cues in frames of that scene, and says which go by too fast to be read.
///
/// # Errors
/// Characters that no font has.
pub fn layout_cues(
    words: &Words,
    fps: FrameRate,
    style: CueStyle,
    fonts: &mut Fonts,
) -> Result<(Vec<Cue>, Vec<TooFast>), DrawError> {
    let shown: Vec<&Word> = words.words.iter().filter(|word| !word.text.trim().is_empty()).collect();
    let text: Vec<&str> = shown.iter().map(|word| word.text.as_str()).collect();
    fonts.check(&text.join("\n"))?;
    let size = style.size as f32;
    let blank = pixels(fonts.shape("a a", size).width) - pixels(fonts.shape("aa", size).width);
    let widths = Widths {
        words: text.iter().map(|word| pixels(fonts.shape(word, size).width)).collect(),
        gaps: shown.iter().map(|word| if word.joined { 0 } else { blank }).collect(),
        limit: i64::from(style.width) * 64,
        pauses: shown.iter().map(|word| word.last).collect(),
    };
    let laid = captions(&shown, words.rate, words.end, &widths, style.rules);
    let fast = too_fast(&shown, words.rate, &laid);
    let fast = fast.map(|(start, speed)| (start * 1000 / u64::from(words.rate.max(1)), speed)).collect();
    let mut cues: Vec<Cue> = laid.iter().map(|laid| timed(&shown, laid, fps, words.rate)).collect();
    keep_apart(&mut cues, fps.nearest_frame(words.end, words.rate) as i64);
    Ok((cues, if style.rules.readable { fast } else { Vec::new() }))
}

/// Widths are compared in whole 64ths of a pixel, so that no sum depends on its order.
fn pixels(width: f32) -> i64 {
    (width * 64.0).round() as i64
}

/// The cue of these lines in frames. A word is the spoken one until the next begins.
fn timed(words: &[&Word], laid: &Laid, fps: FrameRate, rate: u32) -> Cue {
    let frame = |tick: u64| fps.nearest_frame(tick, rate) as i64;
    let end = laid.words().end;
    let word = |index: usize| {
        let Word { text, joined, start, .. } = words[index];
        let start = frame(*start);
        let next = if index + 1 < end {
            frame(words[index + 1].start)
        } else {
            frame(words[index].end).max(start + 1)
        };
        CueWord { text: text.clone(), start, end: next, joined: *joined }
    };
    let lines = laid.lines.iter().map(|line| line.clone().map(word).collect()).collect();
    Cue { start: frame(laid.start), end: frame(laid.end), lines }
}

/// Keeps cues apart, at least a frame long, and within the scene.
fn keep_apart(cues: &mut [Cue], frames: i64) {
    for index in 0..cues.len() {
        let next = cues.get(index + 1).map_or(frames, |next| next.start);
        let cue = &mut cues[index];
        cue.end = cue.end.min(next).min(frames).max(cue.start + 1);
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
