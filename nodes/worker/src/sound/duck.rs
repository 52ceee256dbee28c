//! The gain of music while somebody speaks, from known speech times. It knows no music and no speech.

/// Samples from full level to ducked: 200 ms, complete at the onset.
const ATTACK: u64 = 9_600;
/// Samples back to full level: 500 ms from the end of speech.
const RELEASE: u64 = 24_000;
/// Gaps shorter than this stay ducked: 1.2 s.
const HOLD: u64 = 57_600;

/// Straight lines of decibels over samples at 48 kHz.
#[derive(Debug, Clone)]
pub struct Ducking {
    /// Speech, start and end, in order, further apart than [`HOLD`].
    speech: Vec<(u64, u64)>,
    depth_db: f64,
}

impl Ducking {
    /// Ducks by `depth_db` (negative) during `speech`: start and end in samples, in order.
    #[must_use]
    pub fn new(speech: impl IntoIterator<Item = (u64, u64)>, depth_db: f64) -> Self {
        let mut held: Vec<(u64, u64)> = Vec::new();
        for (start, end) in speech {
            match held.last_mut() {
                Some(last) if start < last.1 + HOLD => last.1 = last.1.max(end),
                _ => held.push((start, end)),
            }
        }
        Self { speech: held, depth_db }
    }

    /// Decibels at a sample.
    #[must_use]
    pub fn db_at(&self, sample: u64) -> f64 {
        let after = self.speech.partition_point(|(start, _)| *start <= sample);
        let release = after.checked_sub(1).map_or(0.0, |index| {
            let past = sample.saturating_sub(self.speech[index].1);
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
        let duck = Ducking::new([(48_000, 96_000)], -10.0);
        assert_eq!(duck.db_at(48_000 - ATTACK), 0.0);
        assert_eq!(duck.db_at(48_000 - ATTACK / 2), -5.0);
        assert_eq!(duck.db_at(48_000), -10.0);
        assert_eq!(duck.db_at(95_999), -10.0);
        assert_eq!(duck.db_at(96_000 + RELEASE / 2), -5.0);
        assert_eq!(duck.db_at(96_000 + RELEASE), 0.0);
    }

    #[test]
    fn short_gaps_are_held() {
        let duck = Ducking::new([(0, 48_000), (48_000 + HOLD - 1, 200_000), (300_000, 310_000)], -10.0);
        assert_eq!(duck.db_at(48_000 + HOLD / 2), -10.0);
        assert_eq!(duck.db_at(250_000), 0.0);
    }
}
