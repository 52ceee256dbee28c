//! The run of `expect`: what was measured beside what is expected. It knows no output, and measures nothing itself.

mod captions;
mod pictures;
mod sound;

use reel_engine::operation::{Call, Failure, Outcome};
use reel_nodes::film::expect::{Finding, Params};

use crate::params;

/// Measures the one slot that is filled into port `report`.
///
/// # Errors
/// When something is not as it is expected, or cannot be measured.
pub fn run(call: &Call<'_>) -> Result<Outcome, Failure> {
    let params: Params = params(call)?;
    let mut findings = Vec::new();
    if let Some(video) = &params.video {
        let path = &call.one(video.slot())?.path;
        findings.extend(sound::of_film(path, &params.expect)?);
        findings.extend(pictures::of_film(call, path, &params.expect)?);
        findings.extend(captions::of_film(call, &params)?);
    }
    if let Some(audio) = &params.audio {
        findings.extend(sound::of_sound(&call.one(audio.slot())?.path, &params.expect)?);
    }
    if let Some(image) = &params.image {
        findings.extend(pictures::of_picture(call, image.slot(), &params.expect)?);
    }
    if let Some(captions) = &params.captions {
        findings.extend(captions::of_file(call, captions.slot(), &params)?);
    }
    judge(&findings)
}

/// All that is not as expected in one failure; otherwise the report.
fn judge(findings: &[Finding]) -> Result<Outcome, Failure> {
    let line = |finding: &Finding| {
        let word = if finding.met { "met" } else { "not met" };
        format!("{word}: `{}`: {}, expected {}\n", finding.expect, finding.found, finding.wanted)
    };
    let log: String = findings.iter().map(line).collect();
    let wrong: Vec<&Finding> = findings.iter().filter(|finding| !finding.met).collect();
    if wrong.is_empty() {
        let report = serde_json::to_vec(findings).map_err(|error| Failure::new(error.to_string()))?;
        return Ok(Outcome { log, ..Outcome::default() }.with_bytes("report", "application/json", report));
    }
    let told: Vec<String> =
        wrong.iter().map(|finding| format!("{}, expected {}", finding.found, finding.wanted)).collect();
    let mut helps: Vec<&str> = wrong.iter().filter_map(|finding| finding.help.as_deref()).collect();
    helps.dedup();
    Err(Failure::new(told.join("; ")).help(helps.join("; ")).log(log))
}

/// Something that was measured, and whether that is what was expected.
fn finding(expect: &str, met: bool, found: String, wanted: String, help: &str) -> Finding {
    let help = (!met).then(|| help.to_owned());
    Finding { expect: expect.to_owned(), met, found, wanted, places: Vec::new(), help }
}

/// Microseconds in seconds, to the millisecond.
fn seconds(micros: u64) -> String {
    let millis = (micros + 500) / 1000;
    let text = format!("{}.{:03}", millis / 1000, millis % 1000);
    format!("{}s", text.trim_end_matches('0').trim_end_matches('.'))
}

/// A range in words, its ends written by `one`.
fn range<T>(least: Option<T>, most: Option<T>, one: impl Fn(T) -> String) -> String {
    match (least, most) {
        (Some(least), Some(most)) => format!("{} to {}", one(least), one(most)),
        (Some(least), None) => format!("at least {}", one(least)),
        (None, Some(most)) => format!("at most {}", one(most)),
        (None, None) => "anything".to_owned(),
    }
}

/// Whether a value lies in a range.
fn within<T: PartialOrd>(value: T, least: Option<T>, most: Option<T>) -> bool {
    least.is_none_or(|least| value >= least) && most.is_none_or(|most| value <= most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_ranges_are_said_in_words() {
        assert_eq!(seconds(12_400_000), "12.4s");
        assert_eq!(seconds(3_000_499), "3s");
        assert_eq!(range(Some(1_000_000), Some(2_500_000), seconds), "1s to 2.5s");
        assert_eq!(range(None, Some(1), seconds), "at most 0s");
    }

    #[test]
    fn all_that_is_not_as_expected_is_told_at_once() {
        let one = |met, name: &str| finding(name, met, format!("{name} is 1"), "2".into(), "do it");
        let failure = judge(&[one(false, "a"), one(true, "b"), one(false, "c")]).unwrap_err();
        assert_eq!(failure.message, "a is 1, expected 2; c is 1, expected 2");
        assert_eq!(failure.help.as_deref(), Some("do it"));
        assert_eq!(failure.log.lines().count(), 3);
        assert!(judge(&[one(true, "b")]).is_ok());
    }
}
