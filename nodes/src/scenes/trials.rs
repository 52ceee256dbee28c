//! A film that is made to a quality: which scenes are tried, and the nodes that try them and choose. It encodes nothing.

use reel_engine::quantity::Size;
use reel_engine::span::Span;
use reel_engine::spec::Located;

use super::maker::{Maker, With, list, reference};
use crate::media::encoding::Encoding;
use crate::media::likeness::Likeness;
use crate::media::time::FrameRate;

/// How many samples there are of a film, and how many scenes are tried at most.
const SAMPLES: usize = 6;
/// Frames between the key frames of a sample, which is read from its start.
const KEYINT: u32 = 250;

/// The trials of a film.
pub(super) struct Trials {
    ssim: Likeness,
    /// The node that chooses.
    chosen: String,
    /// Places in the film of the scenes that are tried.
    places: Vec<usize>,
    /// What was tried: entries of what `quality` takes.
    tried: Vec<Located>,
}

impl Trials {
    /// Those of a film of so many scenes, which are evenly spread over it.
    pub(super) fn new(prefix: &str, ssim: Likeness, scenes: usize) -> Self {
        let count = scenes.min(SAMPLES);
        let places = (0..count).map(|index| scenes * (2 * index + 1) / (2 * count)).collect();
        Self { ssim, chosen: format!("{prefix}film.quality"), places, tried: Vec::new() }
    }

    /// The parameters of the `segments` of the scene at a place, with the rate factor that is chosen; if the scene is
    /// one of those that are tried, the nodes that do so as well. `name` is that of the scene with what stands before.
    pub(super) fn scene(
        &mut self,
        (name, place, span): (&str, usize, Span),
        segments: With,
        (encoding, size, fps): (&Encoding, Size, FrameRate),
        maker: &mut Maker,
    ) -> With {
        if let Some(index) = self.places.iter().position(|tried| *tried == place) {
            let samples = samples(index, self.places.len());
            let composed =
                segments.clone().instead("encoding", Encoding::lossless(KEYINT)).set("samples", samples);
            let composed = maker.add(format!("{name}.composed"), "segments", composed);
            let with = With::new(span)
                .put("samples", list(span, [reference(span, &composed, "video")]))
                .set("ssim", self.ssim)
                .set("size", size)
                .set("fps", fps)
                .set("encoding", encoding);
            let trial = maker.add(format!("{name}.trial"), "trial", with);
            let scene = name.rsplit_once('/').map_or(name, |(_, scene)| scene);
            let found = With::new(span).set("scene", scene).port("found", &trial, "found");
            self.tried.push(found.located());
        }
        segments.port("crf", &self.chosen, "crf")
    }

    /// The node that chooses.
    pub(super) fn finish(self, span: Span, maker: &mut Maker) {
        let with = With::new(span).set("ssim", self.ssim).put("trials", list(span, self.tried));
        maker.add(self.chosen, "quality", with);
    }
}

/// How many samples there are of one of `count` scenes that are tried: as many of each, as far as that can be.
const fn samples(index: usize, count: usize) -> usize {
    SAMPLES * (index + 1) / count - SAMPLES * index / count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scenes_are_tried_all_over_the_film() {
        let places = |scenes| Trials::new("", Likeness(970), scenes).places;
        assert_eq!(places(1), [0]);
        assert_eq!(places(4), [0, 1, 2, 3]);
        assert_eq!(places(6), [0, 1, 2, 3, 4, 5]);
        assert_eq!(places(60), [5, 15, 25, 35, 45, 55]);
        assert_eq!(places(7), [0, 1, 2, 4, 5, 6]);
        for (count, of_each) in [(1, [6].as_slice()), (4, &[1, 2, 1, 2]), (6, &[1; 6])] {
            let all: Vec<usize> = (0..count).map(|index| samples(index, count)).collect();
            assert_eq!(all, of_each);
        }
    }
}
