//! How long something lasts, how loud it is, and whether sound and pictures go together. It looks at no picture.

use std::path::Path;

use reel_engine::operation::Failure;
use reel_engine::quantity::Durations;
use reel_nodes::film::expect::{Expected, Finding};
use reel_nodes::media::time::{SAMPLE_RATE, rescale};

use super::{finding, range, seconds, within};
use crate::av::{AudioReader, FilmFacts, SoundRange, probe, verify};
use crate::sound::loudness::{Heard, hear};

/// Microseconds in a second.
const MICROS: u32 = 1_000_000;

/// What is expected of a film's length and sound.
pub(super) fn of_film(path: &Path, expect: &Expected) -> Result<Vec<Finding>, Failure> {
    let facts = verify(path, false).map_err(crate::failure)?;
    let lasts = facts.video.map_or(facts.duration_us, |video| video.end_at(MICROS));
    let mut all: Vec<Finding> = expect.duration.map(|wanted| duration(lasts, wanted)).into_iter().collect();
    if expect.lufs.is_some() || expect.true_peak.is_some() {
        let heard = if facts.audio.is_some() { Some(heard(path)?) } else { None };
        all.extend(loudness(heard.as_ref(), expect));
    }
    if let Some(most) = expect.av_skew {
        all.push(skew(&facts, most.as_micros()));
    }
    Ok(all)
}

/// What is expected of a sound.
pub(super) fn of_sound(path: &Path, expect: &Expected) -> Result<Vec<Finding>, Failure> {
    let heard = heard(path)?;
    let lasts = rescale(heard.frames, SAMPLE_RATE, MICROS);
    let mut all: Vec<Finding> = expect.duration.map(|wanted| duration(lasts, wanted)).into_iter().collect();
    all.extend(loudness(Some(&heard), expect));
    Ok(all)
}

fn heard(path: &Path) -> Result<Heard, Failure> {
    probe(path).map_err(crate::failure)?;
    let reader = AudioReader::open(path, SAMPLE_RATE, 2, SoundRange::ALL).map_err(crate::failure)?;
    hear(reader).map_err(crate::failure)
}

fn duration(lasts: u64, wanted: Durations) -> Finding {
    let Durations { least, most } = wanted;
    finding(
        "duration",
        within(lasts, least, most),
        format!("it lasts {}", seconds(lasts)),
        range(least, most, seconds),
        "change what is said, `pause` or `for`, or expect another `duration`",
    )
}

fn loudness(heard: Option<&Heard>, expect: &Expected) -> Vec<Finding> {
    let mut all = Vec::new();
    let silent = if heard.is_some() { "it is silent" } else { "it has no sound" };
    if let Some(wanted) = expect.lufs {
        let lufs = heard.and_then(|heard| heard.lufs).map(hundredths);
        let found = match lufs {
            Some(lufs) => format!("its loudness is {} LUFS", decimal(lufs)),
            None => silent.to_owned(),
        };
        let met = lufs.is_some_and(|lufs| within(lufs, wanted.least, wanted.most));
        let wanted = format!("{} LUFS", range(wanted.least, wanted.most, decimal));
        let help = "change `gain` of scenes and music, or expect another `lufs`";
        all.push(finding("lufs", met, found, wanted, help));
    }
    if let Some(most) = expect.true_peak {
        let peak = heard.and_then(|heard| Some((hundredths(heard.peak?), heard.peak_at)));
        let most = i64::from(most.hundredths());
        let found = match peak {
            Some((peak, at)) => {
                let at = seconds(rescale(at, SAMPLE_RATE, MICROS));
                format!("its highest true peak is {} dB, near {at}", decimal(peak))
            }
            None => silent.to_owned(),
        };
        let mut told = finding(
            "true_peak",
            peak.is_none_or(|(peak, _)| peak <= most),
            found,
            format!("at most {} dB", decimal(most)),
            "make what is heard there softer with `gain`, or expect another `true_peak`",
        );
        if let (Some((_, at)), false) = (peak, told.met) {
            let at = rescale(at, SAMPLE_RATE, 1000);
            told.places.push((at, at));
        }
        all.push(told);
    }
    all
}

/// How far the beginnings and the ends of pictures and sound lie apart.
fn skew(facts: &FilmFacts, most: u64) -> Finding {
    let help = "let sound and pictures begin and end together, or expect another `av_skew`";
    let wanted = format!("at most {}", seconds(most));
    let (Some(video), Some(audio)) = (facts.video, facts.audio) else {
        let what = if facts.video.is_some() { "it has no sound" } else { "it has no pictures" };
        return finding("av_skew", false, what.to_owned(), wanted, help);
    };
    let begins = video.begin_at(MICROS).abs_diff(audio.begin_at(MICROS));
    let ends = video.end_at(MICROS).abs_diff(audio.end_at(MICROS));
    let found = if begins > ends {
        format!("sound and pictures begin {} apart", seconds(begins))
    } else {
        format!("sound and pictures end {} apart", seconds(ends))
    };
    finding("av_skew", begins.max(ends) <= most, found, wanted, help)
}

/// Decibels to the hundredth.
fn hundredths(db: f64) -> i64 {
    (db * 100.0).round() as i64
}

/// Hundredths as a decimal number, to the tenth where that is all there is.
fn decimal(hundredths: i64) -> String {
    let sign = if hundredths < 0 { "-" } else { "" };
    let (whole, part) = (hundredths.unsigned_abs() / 100, hundredths.unsigned_abs() % 100);
    let text = format!("{sign}{whole}.{part:02}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
