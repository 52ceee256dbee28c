//! Which source frame a film frame shows, in integers alone. It knows no FFmpeg.

use reel_nodes::media::time::FrameRate;

/// The film's clock against the ticks of a source stream.
#[derive(Debug, Clone, Copy)]
pub(super) struct FrameClock {
    /// The film's frames per second.
    pub rate: FrameRate,
    /// Where in the source film frame 0 is, in microseconds after the source's first picture.
    pub from_us: u64,
    /// The source's first picture, in ticks.
    pub origin: i64,
    /// Seconds per tick as a fraction.
    pub tick: (i32, i32),
}

impl FrameClock {
    /// The last tick at which a source frame may begin to be the one shown in film frame `n`: the film
    /// frame's time, rounded down, after half a tick (at most 500 µs) for sources whose timestamps were
    /// themselves rounded to ticks, such as Matroska's milliseconds.
    pub(super) fn due(&self, n: u64) -> i64 {
        let (num, den) = (i128::from(self.rate.num()), i128::from(self.rate.den()));
        let (tick_num, tick_den) = (i128::from(self.tick.0.max(1)), i128::from(self.tick.1.max(1)));
        let whole = 1_000_000 * tick_num * num;
        let time = (i128::from(self.from_us) * num + i128::from(n) * den * 1_000_000) * tick_den;
        let leeway = (whole / 2).min(500 * tick_den * num);
        let ticks = (time + leeway).div_euclid(whole) + i128::from(self.origin);
        i64::try_from(ticks).unwrap_or(i64::MAX)
    }

    /// How many film frames begin before `to_us` (microseconds after the source's first picture).
    pub(super) fn frames_until(&self, to_us: u64) -> u64 {
        let length = u128::from(to_us.saturating_sub(self.from_us)) * u128::from(self.rate.num());
        u64::try_from(length.div_ceil(1_000_000 * u128::from(self.rate.den()))).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(clock: FrameClock, stamps: &[i64], frames: u64) -> Vec<usize> {
        (0..frames).map(|n| stamps.iter().rposition(|s| *s <= clock.due(n)).unwrap_or(0)).collect()
    }

    fn clock(rate: &str, tick: (i32, i32)) -> FrameClock {
        FrameClock { rate: rate.parse().unwrap(), from_us: 0, origin: 0, tick }
    }

    #[test]
    fn equal_rates_show_every_frame_once_even_from_millisecond_stamps() {
        for rate in ["30", "24", "25", "30000/1001", "24000/1001", "60"] {
            let r: FrameRate = rate.parse().unwrap();
            let stamps: Vec<i64> = (0..2000u64).map(|n| r.sample_of(n, 1000) as i64).collect();
            assert_eq!(shown(clock(rate, (1, 1000)), &stamps, 2000), (0..2000).collect::<Vec<_>>(), "{rate}");
        }
    }

    #[test]
    fn half_the_rate_is_shown_twice() {
        let stamps: Vec<i64> = (0..10).collect();
        assert_eq!(shown(clock("60", (1, 30)), &stamps, 8), [0, 0, 1, 1, 2, 2, 3, 3]);
    }

    #[test]
    fn an_hour_of_ntsc_does_not_drift() {
        let c = clock("30000/1001", (1, 90_000));
        assert_eq!(c.due(107_892), 107_892 * 3003);
    }

    #[test]
    fn a_start_inside_a_frame_shows_that_frame() {
        let c = FrameClock { from_us: 50_000, ..clock("30", (1, 15_360)) };
        assert_eq!(c.due(0), 768); // 50 ms is inside frame 1 (512 to 1024)
        assert_eq!(c.frames_until(150_000), 3);
        assert_eq!(c.frames_until(150_001), 4);
    }
}
