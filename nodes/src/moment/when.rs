//! A moment of a film as people write it. It knows no film.

use std::fmt;
use std::str::FromStr;

use reel_engine::quantity::Duration;

use crate::media::time::FrameRate;

/// A moment of a film.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// A frame, counted from 0: `@940`.
    Frame(u64),
    /// Microseconds from the beginning: `31.4s`, `00:31.4`, `1:02:03.5`.
    Micros(u64),
}

impl When {
    /// The frame that is seen then.
    #[must_use]
    pub fn frame(self, fps: FrameRate) -> u64 {
        match self {
            Self::Frame(frame) => frame,
            Self::Micros(micros) => {
                let frames = u128::from(micros) * u128::from(fps.num());
                u64::try_from(frames / (u128::from(fps.den()) * 1_000_000)).unwrap_or(u64::MAX)
            }
        }
    }
}

impl FromStr for When {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "`{text}` is no moment of a film: write a time (`31.4s`, `00:31.4`, `1:02:03.5`) or a frame (`@940`)"
            )
        };
        if let Some(frame) = text.strip_prefix('@') {
            let whole = frame.bytes().all(|byte| byte.is_ascii_digit());
            return frame.parse().ok().filter(|_| whole).map(Self::Frame).ok_or_else(wrong);
        }
        if text.contains(':') {
            return clock(text).map(Self::Micros).ok_or_else(wrong);
        }
        text.parse::<Duration>().map(|time| Self::Micros(time.as_micros())).map_err(|_| wrong())
    }
}

/// `MINUTES:SECONDS` or `HOURS:MINUTES:SECONDS`; seconds may have decimals, to the microsecond.
fn clock(text: &str) -> Option<u64> {
    let mut parts: Vec<&str> = text.split(':').collect();
    let last = parts.pop()?;
    let (whole, decimals) = last.split_once('.').unwrap_or((last, "0"));
    let number = |digits: &str| -> Option<u64> {
        let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse().ok().filter(|_| plain)
    };
    let below_60 = |digits: &str| number(digits).filter(|number| *number < 60 && digits.len() <= 2);
    if decimals.len() > 6 {
        return None;
    }
    let micros = number(decimals)? * 10_u64.pow(6 - decimals.len() as u32);
    let seconds = below_60(whole)?;
    let minutes = match parts.as_slice() {
        [minutes] => number(minutes)?,
        [hours, minutes] => number(hours)?.checked_mul(60)?.checked_add(below_60(minutes)?)?,
        _ => return None,
    };
    minutes.checked_mul(60)?.checked_add(seconds)?.checked_mul(1_000_000)?.checked_add(micros)
}

/// A time in microseconds as it is on a clock: `00:31.400`, `1:02:03.500`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock(pub u64);

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0 / 1000;
        let (seconds, millis) = (millis / 1000, millis % 1000);
        let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        if hours > 0 {
            write!(f, "{hours}:")?;
        }
        write!(f, "{minutes:02}:{seconds:02}.{millis:03}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_in_four_ways() {
        let micros = |text: &str| text.parse::<When>().map(|when| when.frame(FrameRate::whole(30)));
        for text in ["31.4s", "31400ms", "00:31.4", "0:31.400000", "0:00:31.4", "@942"] {
            assert_eq!(micros(text), Ok(942), "{text}");
        }
        assert_eq!(micros("1:02:03.5"), Ok((3723 * 2 + 1) * 15));
        assert_eq!(micros("90:00"), Ok(90 * 60 * 30), "minutes may go on");
    }

    #[test]
    fn what_is_no_moment_is_told_with_all_ways_to_write_one() {
        for text in [
            "",
            "31.4",
            "0:61",
            "1:99:00",
            "1:2:3:4",
            "@",
            "@-1",
            "@1.5",
            "00:31.1234567",
            "-1s",
            ":",
            "a:b",
            "+1:00",
        ] {
            let wrong = text.parse::<When>().unwrap_err();
            assert!(wrong.contains(&format!("`{text}`")) && wrong.contains("`@940`"), "{wrong}");
        }
    }

    #[test]
    fn a_time_means_the_frame_that_is_seen_then() {
        let ntsc: FrameRate = "29.97".parse().unwrap();
        assert_eq!(When::Micros(0).frame(ntsc), 0);
        assert_eq!(When::Micros(33_366).frame(ntsc), 0);
        assert_eq!(When::Micros(33_367).frame(ntsc), 1);
        assert_eq!(When::Micros(u64::MAX).frame(ntsc), 552_849_472_738_548);
    }

    #[test]
    fn times_are_told_as_on_a_clock() {
        assert_eq!(Clock(31_400_000).to_string(), "00:31.400");
        assert_eq!(Clock(3_723_500_900).to_string(), "1:02:03.500");
    }
}
