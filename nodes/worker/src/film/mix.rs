//! The run of `mix`: all sound of a film as one track, in two passes of windows: one to measure, one to write.
//! It knows no picture.

mod bed;
mod effect;
mod voice;

use reel_engine::operation::{Call, Failure, Outcome};
use reel_engine::quantity::Gain;
use reel_nodes::film::mix::{Beds, Params, Stem};
use reel_nodes::media::encoding::SoundCodec;
use reel_nodes::media::plan::{Plan, Start, starts};
use reel_nodes::media::time::SAMPLE_RATE;

use self::bed::Bed;
use self::voice::Placed;
use crate::av::{SoundEncoder, SoundFormat};
use crate::params;
use crate::sound::duck::Ducking;
use crate::sound::limit::{LATENCY, Limiter};
use crate::sound::loudness::{Meter, factor};

/// Samples of a window: one second.
const WINDOW: u64 = SAMPLE_RATE as u64;
/// Stereo.
const CHANNELS: usize = 2;

/// Mixes the film's sound into port `audio`.
///
/// # Errors
/// When an input cannot be read, plans and voices disagree, or the result cannot be written.
pub fn run(call: &Call<'_>) -> Result<Outcome, Failure> {
    let params: Params = params(call)?;
    let score = Score::read(call, &params)?;
    let mut meter =
        Meter::new(CHANNELS as u32).ok_or_else(|| Failure::new("no loudness meter for stereo"))?;
    score.play(call, 0, None, |all, _| {
        meter.push(all);
        Ok(())
    })?;
    let target = decibels(params.loudness);
    // Half decibels, so that a small edit seldom changes the whole film's level.
    let gain = meter.integrated().map_or(0.0, |lufs| ((target - lufs) * 2.0).round() / 2.0);
    let (name, format) = match params.codec {
        SoundCodec::Aac => ("mix.m4a", SoundFormat::Aac { bitrate: params.bitrate * 1000 }),
        SoundCodec::Wav => ("mix.wav", SoundFormat::Wav),
        SoundCodec::Flac => ("mix.flac", SoundFormat::Flac),
    };
    let path = call.scratch.join(name);
    let mut writer = Writer {
        encoder: SoundEncoder::create(&path, format, CHANNELS as u32).map_err(crate::failure)?,
        limiter: Limiter::new(factor(decibels(params.peak)) as f32),
        gain: factor(gain) as f32,
        skip: LATENCY * CHANNELS,
    };
    score.play(call, 500, params.stem, |all, part| writer.push(all, part))?;
    writer.finish()?;
    let log = format!(
        "loudness {} LUFS before, film gain {gain:+.1} dB\n",
        meter.integrated().map_or_else(|| "-inf".to_owned(), |lufs| format!("{lufs:.2}"))
    );
    Ok(Outcome { log, ..Outcome::default() }.with_file("audio", params.codec.media(), path))
}

fn decibels(gain: Gain) -> f64 {
    f64::from(gain.hundredths()) / 100.0
}

/// Gain, limiter and encoder, with the limiter's delay taken out again.
struct Writer {
    encoder: SoundEncoder,
    limiter: Limiter,
    gain: f32,
    skip: usize,
}

impl Writer {
    /// Writes all that sounds, or the part of it.
    fn push(&mut self, all: &mut [f32], part: Option<&mut [f32]>) -> Result<(), Failure> {
        all.iter_mut().for_each(|sample| *sample *= self.gain);
        match part {
            None => self.limited(all),
            Some(part) => {
                part.iter_mut().for_each(|sample| *sample *= self.gain);
                self.limiter.process_part(all, part);
                self.write(part)
            }
        }
    }

    fn limited(&mut self, window: &mut [f32]) -> Result<(), Failure> {
        self.limiter.process(window);
        self.write(window)
    }

    fn write(&mut self, window: &[f32]) -> Result<(), Failure> {
        let skip = self.skip.min(window.len());
        self.skip -= skip;
        self.encoder.push(&window[skip..]).map_err(crate::failure)
    }

    fn finish(mut self) -> Result<(), Failure> {
        self.limited(&mut [0.0; LATENCY * CHANNELS])?;
        self.encoder.finish().map_err(crate::failure)?;
        Ok(())
    }
}

/// Everything that sounds, in film time.
struct Score<'a> {
    params: &'a Params,
    call: &'a Call<'a>,
    placed: Vec<(Stem, Placed)>,
    /// Where scenes begin, and, last, where the film ends.
    starts: Vec<Start>,
    speech: Vec<(u64, u64)>,
    samples: u64,
}

impl<'a> Score<'a> {
    fn read(call: &'a Call<'_>, params: &'a Params) -> Result<Self, Failure> {
        let plans = params
            .scenes
            .iter()
            .map(|scene| plan(call, scene.plan.slot()))
            .collect::<Result<Vec<Plan>, Failure>>()?;
        let fps = plans
            .first()
            .map(|plan| plan.fps)
            .ok_or_else(|| Failure::new("a film without scenes has no sound"))?;
        let starts = starts(fps, &plans);
        let mut placed = Vec::new();
        for (index, (plan, start)) in plans.iter().zip(&starts).enumerate() {
            let voices = voice::voices(call, params, index, plan, *start)?;
            let clips = voice::clips(call, params, index, plan, (*start, starts[index + 1]))?;
            let effects = effect::effects(call, params, index, *start)?;
            placed.extend(voices.into_iter().map(|sound| (Stem::Voice, sound)));
            placed.extend(clips.into_iter().map(|sound| (Stem::Clips, sound)));
            placed.extend(effects.into_iter().map(|sound| (Stem::Sfx, sound)));
        }
        let speech = plans.iter().zip(&starts).flat_map(|(plan, start)| {
            plan.speech.iter().map(|span| (start.sample + span.start, start.sample + span.end()))
        });
        let speech = speech.collect();
        let samples = starts.last().map_or(0, |end: &Start| end.sample);
        Ok(Self { params, call, placed, starts, speech, samples })
    }

    /// Every music, from its first sample on.
    fn beds(&self) -> Result<Vec<Bed>, Failure> {
        let music = self.params.music.iter().flat_map(Beds::list);
        music
            .map(|music| {
                let missing = || Failure::new("music is under a scene that is not there");
                let scene = |index: u32| self.starts.get(index as usize).ok_or_else(missing);
                let from = scene(music.first.unwrap_or(0))?.sample;
                let fade = bed::samples(music.fade_out);
                let end = match music.last {
                    Some(last) => (scene(last + 1)?.sample + fade).min(self.samples),
                    None => self.samples,
                };
                let ducking = Ducking::new(self.speech.iter().copied(), decibels(music.duck));
                Bed::open(&self.call.one(music.file.slot())?.path, music, (from, end), ducking)
            })
            .collect()
    }

    /// Gives the sum of everything, and beside it that of one part if one is wanted, before any film gain, window by
    /// window; progress runs over 500 thousandths from `progress`.
    fn play(
        &self,
        call: &Call<'_>,
        progress: u64,
        stem: Option<Stem>,
        mut sink: impl FnMut(&mut [f32], Option<&mut [f32]>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut beds = self.beds()?;
        let (mut all, mut part) = (Vec::new(), Vec::new());
        let mut at = 0;
        while at < self.samples {
            if (call.cancelled)() {
                return Err(crate::cancelled());
            }
            let end = (at + WINDOW).min(self.samples);
            all.clear();
            all.resize((end - at) as usize * CHANNELS, 0.0);
            if let Some(stem) = stem {
                self.add((at, end), &mut beds, |of| of == stem, &mut all)?;
                part.clone_from(&all);
            }
            self.add((at, end), &mut beds, |of| stem != Some(of), &mut all)?;
            sink(&mut all, stem.map(|_| part.as_mut_slice()))?;
            at = end;
            (call.progress)((progress + at * 500 / self.samples) as u16);
        }
        Ok(())
    }

    /// Adds what belongs to some parts to a window.
    fn add(
        &self,
        (at, end): (u64, u64),
        beds: &mut [Bed],
        wanted: impl Fn(Stem) -> bool,
        window: &mut [f32],
    ) -> Result<(), Failure> {
        if wanted(Stem::Music) {
            beds.iter_mut().try_for_each(|bed| bed.add(at, window))?;
        }
        let mut here = self.placed.iter().filter(|(of, sound)| wanted(*of) && sound.touches(at, end));
        here.try_for_each(|(_, sound)| sound.add(at, window))
    }
}

fn plan(call: &Call<'_>, slot: &str) -> Result<Plan, Failure> {
    serde_json::from_slice(&call.read(slot)?)
        .map_err(|error| Failure::new(format!("`{slot}` is not a plan: {error}")))
}
