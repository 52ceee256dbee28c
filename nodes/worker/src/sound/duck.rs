//! The gain of music while somebody speaks, from known speech times. It knows no music and no speech.

use std::rc::Rc;

use reel_nodes::media::passage::{ATTACK, RELEASE};

/// Straight lines of decibels over samples at 48 kHz.
#[derive(Debug, Clone)]
pub struct Ducking {
    /// Speech, start and end, in order.
    speech: Rc<[(i64, i64)]>,
    depth_db: f64,
}

impl Ducking {
    /// Ducks by `depth_db` (negative) during `speech`: start and end in samples, in order, with the gaps closed that
    /// are to stay ducked.
    #[must_use]
    pub const fn new(speech: Rc<[(i64, i64)]>, depth_db: f64) -> Self {
        Self { speech, depth_db }
    }

    /// Decibels at a sample.
    #[must_use]
    pub fn db_at(&self, sample: i64) -> f64 {
        let after = self.speech.partition_point(|(start, _)| *start <= sample);
        let release = after.checked_sub(1).map_or(0.0, |index| {
            let past = (sample - self.speech[index].1).max(0);
            1.0 - (past as f64 / RELEASE as f64).min(1.0)
        });
        let attack = self
            .speech
            .get(after)
            .map_or(0.0, |(start, _)| 1.0 - ((start - sample) as f64 / ATTACK as f64).min(1.0));
        self.depth_db * release.max(attack)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ducking_is_complete_at_the_onset_and_gone_half_a_second_after() {
        let duck = Ducking::new([(48_000, 96_000)].into(), -10.0);
        let (attack, release) = (ATTACK as i64, RELEASE as i64);
        assert_eq!(duck.db_at(48_000 - attack), 0.0);
        assert_eq!(duck.db_at(48_000 - attack / 2), -5.0);
        assert_eq!(duck.db_at(48_000), -10.0);
        assert_eq!(duck.db_at(95_999), -10.0);
        assert_eq!(duck.db_at(96_000 + release / 2), -5.0);
        assert_eq!(duck.db_at(96_000 + release), 0.0);
    }

    #[test]
    fn what_was_said_before_still_ducks() {
        let duck = Ducking::new([(-9_000, -6_000)].into(), -10.0);
        assert_eq!((duck.db_at(-7_000), duck.db_at(6_000), duck.db_at(18_000)), (-10.0, -5.0, 0.0));
    }
}
