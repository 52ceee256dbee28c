//! How a movement gathers and loses speed, in exact fractions. It knows no picture and no time.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How fast a movement goes at which part of its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Ease {
    /// At one speed.
    #[default]
    Linear,
    /// From rest, faster and faster: p².
    In,
    /// Slower and slower, to rest: 1 − (1 − p)².
    Out,
    /// From rest to rest: p² · (3 − 2p).
    InOut,
}

impl Ease {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Linear, Self::In, Self::Out, Self::InOut];

    /// How far a movement is at `num / den` of its time, as a fraction. Beyond its end it goes on at the speed that
    /// it has there. `den` is above zero, and both are below a million, so that cubes of them fit.
    #[must_use]
    pub const fn of(self, num: i64, den: i64) -> (i64, i64) {
        match self {
            Self::Linear => (num, den),
            Self::In if num > den => (2 * num - den, den),
            Self::Out | Self::InOut if num > den => (1, 1),
            Self::In => (num * num, den * den),
            Self::Out => (num * (2 * den - num), den * den),
            Self::InOut => (num * num * (3 * den - 2 * num), den * den * den),
        }
    }

    /// Whether it is the one that is meant when none is named.
    #[must_use]
    pub const fn is_linear(&self) -> bool {
        matches!(self, Self::Linear)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ease: Ease, num: i64, den: i64) -> f64 {
        let (num, den) = ease.of(num, den);
        num as f64 / den as f64
    }

    #[test]
    fn every_movement_begins_and_ends_where_it_should_and_never_turns_back() {
        for ease in Ease::ALL {
            assert_eq!((at(ease, 0, 7), at(ease, 7, 7)), (0.0, 1.0), "{ease:?}");
            for step in 0..900_000 / 1000 {
                let (now, next) = (at(ease, step * 1000, 640_000), at(ease, (step + 1) * 1000, 640_000));
                assert!(now <= next, "{ease:?} at {step}");
            }
        }
    }

    #[test]
    fn ends_that_ease_are_at_rest_and_the_middle_is_where_one_expects_it() {
        assert_eq!((at(Ease::In, 1, 2), at(Ease::Out, 1, 2), at(Ease::InOut, 1, 2)), (0.25, 0.75, 0.5));
        for (ease, first, last) in
            [(Ease::In, true, false), (Ease::Out, false, true), (Ease::InOut, true, true)]
        {
            assert_eq!(at(ease, 1, 1000) < 0.0001, first, "{ease:?}");
            assert_eq!(at(ease, 999, 1000) > 0.9999, last, "{ease:?}");
        }
    }

    #[test]
    fn beyond_its_end_a_movement_keeps_its_speed() {
        for ease in Ease::ALL {
            let before = at(ease, 99_999, 100_000) - at(ease, 99_998, 100_000);
            let after = at(ease, 100_002, 100_000) - at(ease, 100_001, 100_000);
            assert!((before - after).abs() < 1e-9, "{ease:?}: {before} {after}");
        }
    }
}
