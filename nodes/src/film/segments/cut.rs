//! Where a scene is cut into segments: a pure function of its own times. It knows no picture.

use std::ops::Range;

use crate::media::time::FrameRate;

/// One picture's share of a scene, which segments never cross.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stretch {
    /// Its frames.
    pub(super) frames: Range<u64>,
    /// Whether the picture stands still, so that longer segments cost nothing.
    pub(super) is_static: bool,
}

/// Lengths in frames.
struct Limits {
    least: u64,
    about: u64,
    /// What is left of a stretch is not cut again up to this length.
    whole: u64,
    most: u64,
}

impl Limits {
    fn new(fps: FrameRate, is_static: bool) -> Self {
        let seconds = |millis: u64| fps.frames_of_millis(millis).max(1);
        Self {
            least: seconds(1000),
            about: seconds(4000),
            whole: seconds(6000),
            most: if is_static { seconds(10_000) } else { seconds(8000) },
        }
    }
}

/// Cuts a stretch about every 4 s, counted from its start, at the mark nearest to that (marks are the first
/// frames of cues and sentences, in order), so that no segment is under 1 s or over 8 s (10 s where nothing
/// moves) unless the whole stretch is. Where no mark fits, it is cut at 4 s, and what stands still at its limit.
pub(super) fn cut(stretch: &Stretch, marks: &[u64], fps: FrameRate) -> Vec<Range<u64>> {
    let limits = Limits::new(fps, stretch.is_static);
    let (mut from, end) = (stretch.frames.start, stretch.frames.end);
    let mut segments = Vec::new();
    while end - from > limits.least {
        let left = end - from;
        let best = marks
            .iter()
            .copied()
            .filter(|&mark| {
                mark >= from + limits.least && mark <= from + limits.most && mark + limits.least <= end
            })
            .min_by_key(|&mark| (mark.abs_diff(from + limits.about), mark));
        let at = match best {
            _ if left <= limits.whole => break,
            Some(mark) => mark,
            None if left <= limits.most => break,
            None if stretch.is_static => from + limits.most.min(left - limits.least),
            None => from + limits.about,
        };
        segments.push(from..at);
        from = at;
    }
    segments.push(from..end);
    segments
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fps() -> FrameRate {
        FrameRate::new(30, 1).unwrap()
    }

    fn lengths(frames: Range<u64>, marks: &[u64], is_static: bool) -> Vec<u64> {
        cut(&Stretch { frames, is_static }, marks, fps()).into_iter().map(|s| s.end - s.start).collect()
    }

    #[test]
    fn cuts_fall_on_the_mark_nearest_to_four_seconds() {
        assert_eq!(lengths(0..300, &[0, 50, 110, 150, 220], false), [110, 110, 80]);
        assert_eq!(lengths(0..300, &[10, 40, 280], false), [40, 120, 140]);
    }

    #[test]
    fn without_marks_motion_is_cut_at_four_seconds_and_stillness_at_ten() {
        assert_eq!(lengths(0..500, &[], false), [120, 120, 120, 140]);
        assert_eq!(lengths(0..300, &[], true), [300]);
        assert_eq!(lengths(0..310, &[], true), [280, 30]);
    }

    #[test]
    fn short_stretches_stay_whole() {
        for frames in [1, 3, 30, 60, 180] {
            assert_eq!(lengths(7..7 + frames, &[7, 8, 40, 100], false), [frames]);
        }
    }

    proptest! {
        #[test]
        fn segments_tile_the_stretch_and_keep_their_limits(
            start in 0_u64..1000,
            length in 1_u64..3000,
            mut marks in prop::collection::vec(0_u64..4000, 0..60),
            is_static: bool,
            rate in prop::sample::select(vec!["24", "25", "30", "30000/1001", "60"]),
        ) {
            marks.sort_unstable();
            let fps: FrameRate = rate.parse().unwrap();
            let limits = Limits::new(fps, is_static);
            let stretch = Stretch { frames: start..start + length, is_static };
            let segments = cut(&stretch, &marks, fps);
            prop_assert_eq!(segments[0].start, start);
            prop_assert_eq!(segments.last().unwrap().end, start + length);
            for pair in segments.windows(2) {
                prop_assert_eq!(pair[0].end, pair[1].start);
                let cut = pair[0].end;
                let from = pair[0].start;
                let fits = |m: &u64| *m >= from + limits.least && *m <= from + limits.most
                    && *m + limits.least <= start + length;
                prop_assert!(marks.contains(&cut) || !marks.iter().any(fits), "cut {} off a mark", cut);
            }
            for segment in &segments {
                let long = segment.end - segment.start;
                prop_assert!(long <= limits.most);
                prop_assert!(long >= limits.least.min(length));
            }
        }

        #[test]
        fn a_later_mark_does_not_move_earlier_cuts(
            length in 600_u64..3000,
            marks in prop::collection::btree_set(0_u64..3000, 0..40),
            extra in 0_u64..3000,
        ) {
            let stretch = Stretch { frames: 0..length, is_static: false };
            let before: Vec<u64> = marks.iter().copied().collect();
            let mut with = marks.clone();
            with.insert(extra);
            let after: Vec<u64> = with.into_iter().collect();
            let ends = |marks: &[u64]| -> Vec<u64> {
                cut(&stretch, marks, fps()).iter().map(|s| s.end).filter(|&e| e + 240 < extra).collect()
            };
            prop_assert_eq!(ends(&before), ends(&after));
        }
    }
}
