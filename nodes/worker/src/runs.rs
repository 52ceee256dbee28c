//! The table of runs: which kind is run by which function, and which version of the kind that is. It knows no
//! parameter and no schedule.

use reel_engine::operation::{Call, Failure, Outcome};

use crate::{film, picture, speech};

/// Runs a kind on concrete inputs.
pub type Run = fn(&Call<'_>) -> Result<Outcome, Failure>;

/// Every kind that this program runs: its name, its version, its run. Whoever changes what a run makes bumps
/// the version here and in the kind's declaration; a test compares the two, and so do `reel` and this program
/// when they meet.
const RUNS: &[(&str, u32, Run)] = &[
    ("beside", 2, film::beside::run),
    ("card", 3, picture::card::run),
    ("clip", 2, picture::clip::run),
    ("compare", 1, film::compare::run),
    ("conform", 2, picture::conform::run),
    ("cues", 2, film::cues::run),
    ("encode", 5, film::encode::run),
    ("expect", 1, film::expect::run),
    ("frames", 1, film::frames::run),
    ("gif", 1, film::gif::run),
    ("image", 1, picture::image::run),
    ("level", 1, speech::level::run),
    ("loudness", 1, film::loudness::run),
    ("mix", 3, film::mix::run),
    ("mux", 1, film::mux::run),
    ("package", 1, film::package::run),
    ("passage", 1, film::passage::run),
    ("sound", 1, film::sound::run),
    ("sprite", 1, picture::sprite::run),
    ("still", 1, picture::still::run),
    ("subtitles", 1, speech::subtitles::run),
    ("svg", 1, picture::svg::run),
    ("thumbnail", 2, film::thumbnail::run),
    ("track", 1, film::track::run),
    ("transcribe", 1, speech::transcribe::run),
    ("trial", 2, film::trial::run),
    ("tts", 2, speech::tts::run),
];

/// Every kind that this program runs: name, version, run.
#[must_use]
pub fn runs() -> &'static [(&'static str, u32, Run)] {
    RUNS
}

/// The run of a kind.
#[must_use]
pub fn find(kind: &str) -> Option<Run> {
    RUNS.iter().find(|(name, ..)| *name == kind).map(|(.., run)| *run)
}
