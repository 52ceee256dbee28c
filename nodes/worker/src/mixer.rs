//! Adds up what is heard in a passage of a film, second by second. It knows no film gain and no encoder.

mod bed;
mod placed;

use std::rc::Rc;

use reel_engine::operation::{Call, Failure};
use reel_nodes::media::passage::{Passage, Stem};
use reel_nodes::media::time::SAMPLE_RATE;

use self::bed::Bed;
use self::placed::Placed;

/// Samples that are mixed at a time.
const STEP: i64 = SAMPLE_RATE as i64;
/// Stereo.
const CHANNELS: usize = 2;

/// All of a passage, to be played once.
pub(crate) struct Mixer<'a> {
    call: &'a Call<'a>,
    sounds: Vec<(Stem, Placed)>,
    beds: Vec<Bed>,
    samples: i64,
}

impl<'a> Mixer<'a> {
    /// Finds the sounds of a passage.
    ///
    /// # Errors
    /// When one is not there or cannot be opened.
    pub(crate) fn open(call: &'a Call<'a>, passage: &Passage) -> Result<Self, Failure> {
        let speech: Rc<[_]> = passage.speech.iter().map(|spoken| (spoken.start, spoken.end)).collect();
        let sounds = passage.sounds.iter().map(|heard| {
            let slot = heard.audio.slot();
            let missing = || Failure::new(format!("input `{slot}` has no artifact {}", heard.nth));
            let file = call.many(slot).get(heard.nth as usize).ok_or_else(missing)?;
            Ok((heard.part, Placed::new(&file.path, heard)))
        });
        let beds = passage.music.iter().map(|bed| {
            let path = &call.one(bed.audio.slot())?.path;
            Bed::open(path, bed, Rc::clone(&speech))
        });
        Ok(Self {
            call,
            sounds: sounds.collect::<Result<_, Failure>>()?,
            beds: beds.collect::<Result<_, Failure>>()?,
            samples: i64::try_from(passage.samples).unwrap_or(i64::MAX),
        })
    }

    /// Gives the sum of everything, and beside it that of one part if one is wanted, in pieces.
    ///
    /// # Errors
    /// When a sound cannot be read, nobody wants it any more, or `sink` says so.
    pub(crate) fn play(
        mut self,
        stem: Option<Stem>,
        mut sink: impl FnMut(&mut [f32], Option<&mut [f32]>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let (mut all, mut part) = (Vec::new(), Vec::new());
        let mut at = 0;
        while at < self.samples {
            if (self.call.cancelled)() {
                return Err(crate::cancelled());
            }
            let end = (at + STEP).min(self.samples);
            all.clear();
            all.resize((end - at) as usize * CHANNELS, 0.0);
            if let Some(stem) = stem {
                self.add(at, |of| of == stem, &mut all)?;
                part.clone_from(&all);
            }
            self.add(at, |of| stem != Some(of), &mut all)?;
            sink(&mut all, stem.map(|_| part.as_mut_slice()))?;
            at = end;
            (self.call.progress)((at * 1000 / self.samples) as u16);
        }
        Ok(())
    }

    /// Adds what belongs to some parts to the piece that begins at a sample.
    fn add(&mut self, at: i64, wanted: impl Fn(Stem) -> bool, piece: &mut [f32]) -> Result<(), Failure> {
        if wanted(Stem::Music) {
            self.beds.iter_mut().try_for_each(|bed| bed.add(at, piece))?;
        }
        let mut here = self.sounds.iter_mut().filter(|(of, _)| wanted(*of));
        here.try_for_each(|(_, sound)| sound.add(at, piece))
    }
}
