//! A few short samples of a scene, the same for the same times: a pure function of its segments. It knows no picture.

use super::make::Segment;
use crate::media::time::FrameRate;

/// How long a sample is, at most, in microseconds.
const LONG_US: u64 = 1_000_000;

/// At most `count` samples, in order, evenly spread over what the scene shows by itself, each within one segment. A
/// transition is only sampled where the scene is nothing else.
pub(super) fn samples(segments: &[Segment], count: u32, fps: FrameRate) -> Vec<Segment> {
    let mut own: Vec<&Segment> = segments.iter().filter(|segment| !segment.comes_in).collect();
    if own.is_empty() {
        own = segments.iter().collect();
    }
    let length = |segment: &Segment| segment.frames.end - segment.frames.start;
    let all: u64 = own.iter().map(|segment| length(segment)).sum();
    let long = fps.nearest_frame(LONG_US, 1_000_000).max(1);
    let count = u64::from(count).min(all.div_ceil(long));
    let mut found: Vec<Segment> = Vec::new();
    for index in 0..count {
        // The middle of the sample's share, counted in the frames that may be sampled.
        let mut at = all * (2 * index + 1) / (2 * count);
        let Some(segment) = own.iter().find(|segment| {
            let is_in = at < length(segment);
            at -= if is_in { 0 } else { length(segment) };
            is_in
        }) else {
            continue;
        };
        let frames = long.min(length(segment));
        let start = segment.frames.start + at.saturating_sub(frames / 2).min(length(segment) - frames);
        let sample = Segment { frames: start..start + frames, ..(*segment).clone() };
        if found.last() != Some(&sample) {
            found.push(sample);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(start: u64, end: u64, comes_in: bool) -> Segment {
        Segment { frames: start..end, picture: 0, comes_in }
    }

    fn starts(found: &[Segment]) -> Vec<u64> {
        found.iter().map(|sample| sample.frames.start).collect()
    }

    #[test]
    fn samples_are_even_and_within_segments() {
        let fps = FrameRate::whole(30);
        let all = [segment(0, 15, true), segment(15, 135, false), segment(135, 315, false)];
        let three = samples(&all, 3, fps);
        assert_eq!(starts(&three), [50, 150, 250]);
        assert!(three.iter().all(|sample| sample.frames.end - sample.frames.start == 30 && !sample.comes_in));
        // One whose middle is near a cut ends at the cut.
        let near = samples(&[segment(0, 44, false), segment(44, 90, false)], 1, fps);
        assert_eq!(near, [segment(44, 74, false)]);
    }

    #[test]
    fn a_short_scene_has_fewer_and_a_transition_alone_is_sampled() {
        let fps = FrameRate::whole(30);
        assert_eq!(samples(&[segment(0, 20, false)], 6, fps), [segment(0, 20, false)]);
        assert_eq!(starts(&samples(&[segment(0, 70, false)], 6, fps)), [0, 20, 40]);
        assert_eq!(samples(&[segment(0, 12, true)], 2, fps), [segment(0, 12, true)]);
        assert!(samples(&[], 2, fps).is_empty());
    }
}
