//! The run of `trial`: samples encoded at rate factor after rate factor, and measured. It knows no film.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use reel_engine::operation::{Call, Failure, Input, Outcome, Video};
use reel_nodes::film::trial::Params;
use reel_nodes::media::encoding::{Encoding, Factors};
use reel_nodes::media::quality::{Found, places};

use crate::av::{ConformSpec, EncodeSpec, Fit, VideoEncoder, VideoReader};
use crate::measure::ssim;
use crate::params;

/// Finds the largest rate factor that will do for the slots `samples.*`, in port `found`.
///
/// # Errors
/// When a sample cannot be read or encoded.
pub fn run(call: &Call<'_>) -> Result<Outcome, Failure> {
    let params: Params = params(call)?;
    let factors = params.encoding.codec.crf();
    let factors = factors.ok_or_else(|| Failure::new("this codec has no rate factor to be tried"))?;
    let samples = samples(call, &params.samples);
    if samples.is_empty() {
        return Err(Failure::new("there are no samples"));
    }
    let wanted = params.ssim.0 * 1000;
    let mut search = Search::new(factors);
    let mut log = String::new();
    let mut best = None;
    while let Some(crf) = search.next() {
        let trial = Trial { call, params: &params, crf, wanted, done: search.done() };
        let (least, bytes) = trial.run(&samples)?;
        let will_do = least >= wanted;
        // Writing to a text cannot fail.
        let _ = writeln!(
            log,
            "crf {crf}: SSIM {}, {bytes} bytes{}",
            places(least),
            if will_do { "" } else { ": too little" }
        );
        if will_do || crf == factors.finest {
            best = Some(Found { crf, ssim: least });
        }
        search.told(will_do);
    }
    let found = best.ok_or_else(|| Failure::new("nothing was tried"))?;
    let json = serde_json::to_vec(&found).map_err(|error| Failure::new(error.to_string()))?;
    Ok(Outcome { log, ..Outcome::default() }.with_bytes("found", "application/json", json))
}

/// The files of the samples; what is there twice is tried once.
fn samples(call: &Call<'_>, slots: &[Input<Video>]) -> Vec<PathBuf> {
    let mut seen = Vec::new();
    let mut found = Vec::new();
    for file in slots.iter().flat_map(|slot| call.many(slot.slot())) {
        if !seen.contains(&file.artifact.digest) {
            seen.push(file.artifact.digest);
            found.push(file.path.clone());
        }
    }
    found
}

/// The search for the largest rate factor that will do: the plain one first, then by halves of what is left.
struct Search {
    /// The least and the most that may be the answer, as far as is known.
    left: (u8, u8),
    next: Option<u8>,
    tried: u32,
    /// How often it tries at most.
    most: u32,
}

impl Search {
    fn new(factors: Factors) -> Self {
        let Factors { finest, plain, worst } = factors;
        let rest = u32::from((plain - finest).max(worst - plain));
        let most = 1 + u32::BITS - rest.leading_zeros();
        Self { left: (finest, worst), next: Some(plain), tried: 0, most }
    }

    /// What is tried next, if the answer is not known.
    fn next(&self) -> Option<u8> {
        self.next
    }

    /// How far it is, in thousandths, and how much of them the next attempt takes.
    fn done(&self) -> (u32, u32) {
        let most = self.most.max(self.tried + 1);
        (self.tried * 1000 / most, 1000 / most)
    }

    /// Whether what was tried will do.
    fn told(&mut self, will_do: bool) {
        let Some(tried) = self.next else { return };
        self.tried += 1;
        if will_do {
            self.left.0 = tried + 1;
        } else {
            self.left.1 = tried.saturating_sub(1);
        }
        let (least, most) = self.left;
        self.next = (least <= most).then(|| least + (most - least) / 2);
    }
}

/// One attempt.
struct Trial<'a> {
    call: &'a Call<'a>,
    params: &'a Params,
    crf: u8,
    /// Millionths.
    wanted: u32,
    /// How far all attempts are, and how much of them this one is, in thousandths.
    done: (u32, u32),
}

impl Trial<'_> {
    /// The mean SSIM of the sample that is least alike, in millionths, and the bytes of all; ends with the first sample
    /// that is too little alike.
    fn run(&self, samples: &[PathBuf]) -> Result<(u32, u64), Failure> {
        let (mut least, mut all) = (1_000_000, 0);
        for (index, sample) in samples.iter().enumerate() {
            let part = self.done.1 * index as u32 / samples.len() as u32;
            (self.call.progress)((self.done.0 + part).min(999) as u16);
            let encoded = self.call.scratch.join(format!("{}-{index}", self.crf));
            self.encode(sample, &encoded)?;
            all += std::fs::metadata(&encoded).map_or(0, |meta| meta.len());
            least = least.min(self.compare(sample, &encoded)?);
            // The folder is private, and what is left in it goes with it.
            let _ = std::fs::remove_file(&encoded);
            if least < self.wanted {
                break;
            }
        }
        Ok((least, all))
    }

    fn encode(&self, sample: &Path, encoded: &Path) -> Result<(), Failure> {
        let encoding = Encoding { crf: Some(self.crf), ..self.params.encoding.clone() };
        let size = self.params.size;
        let (rate, gpu) = (self.params.fps, crate::gpu(self.call)?);
        let spec = EncodeSpec { width: size.width, height: size.height, rate, encoding, gpu };
        let mut encoder = VideoEncoder::create(encoded, &spec).map_err(crate::failure)?;
        for frame in self.read(sample)? {
            if (self.call.cancelled)() {
                return Err(crate::cancelled());
            }
            encoder.push(&frame.map_err(crate::failure)?).map_err(crate::failure)?;
        }
        encoder.finish().map_err(crate::failure)?;
        Ok(())
    }

    /// The mean SSIM over the frames of two videos.
    fn compare(&self, one: &Path, other: &Path) -> Result<u32, Failure> {
        let size = (self.params.size.width as usize, self.params.size.height as usize);
        let mut beside = self.read(other)?;
        let (mut sum, mut frames) = (0_u64, 0_u64);
        for frame in self.read(one)? {
            if (self.call.cancelled)() {
                return Err(crate::cancelled());
            }
            let frame = frame.map_err(crate::failure)?;
            let other =
                beside.next().ok_or_else(|| Failure::new("a sample lost frames when it was encoded"))?;
            sum += u64::from(ssim(&frame.y, &other.map_err(crate::failure)?.y, size));
            frames += 1;
        }
        Ok((sum / frames.max(1)) as u32)
    }

    fn read(&self, path: &Path) -> Result<VideoReader, Failure> {
        let (size, rate) = (self.params.size, self.params.fps);
        let (width, height) = (size.width, size.height);
        let whole = ConformSpec { width, height, fit: Fit::COVER, rate, from_us: 0, to_us: None };
        VideoReader::open(path, whole).map_err(crate::failure)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FACTORS: Factors = Factors { finest: 8, plain: 21, worst: 51 };

    /// The answer where all up to `most` will do, and how often it was tried.
    fn search(most: u8) -> (u8, u32) {
        let mut search = Search::new(FACTORS);
        let mut best = FACTORS.finest;
        while let Some(crf) = search.next() {
            assert!((FACTORS.finest..=FACTORS.worst).contains(&crf));
            if crf <= most {
                best = crf;
            }
            let (done, part) = search.done();
            assert!(done + part <= 1000, "{done} {part}");
            search.told(crf <= most);
        }
        (best, search.tried)
    }

    #[test]
    fn the_largest_that_will_do_is_found_in_few_attempts() {
        for most in 8..=51 {
            let (found, tried) = search(most);
            assert_eq!(found, most);
            assert!(tried <= 6, "{most}: {tried}");
        }
        assert_eq!(search(0).0, 8, "where none will do, the finest is the last that is tried");
    }

    #[test]
    fn where_none_will_do_the_finest_was_tried() {
        let mut search = Search::new(FACTORS);
        let mut last = 0;
        while let Some(crf) = search.next() {
            last = crf;
            search.told(false);
        }
        assert_eq!(last, FACTORS.finest);
    }
}
