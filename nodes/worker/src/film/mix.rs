//! The run of `mix`: all sound of a film as one track, in two passes of windows: one to measure, one to write.
//! It knows no picture.

mod bed;
mod voice;

use reel_engine::operation::{Call, Failure, Outcome};
use reel_engine::quantity::Gain;
use reel_nodes::film::mix::Params;
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
    score.play(call, 0, |window| {
        meter.push(window);
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
    score.play(call, 500, |window| writer.push(window))?;
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
    fn push(&mut self, window: &mut [f32]) -> Result<(), Failure> {
        window.iter_mut().for_each(|sample| *sample *= self.gain);
        self.limited(window)
    }

    fn limited(&mut self, window: &mut [f32]) -> Result<(), Failure> {
        self.limiter.process(window);
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
    placed: Vec<Placed>,
    ducking: Ducking,
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
            placed.extend(voice::voices(call, params, index, plan, *start)?);
            placed.extend(voice::clips(call, params, index, plan, (*start, starts[index + 1]))?);
        }
        let speech = plans.iter().zip(&starts).flat_map(|(plan, start)| {
            plan.speech.iter().map(|span| (start.sample + span.start, start.sample + span.end()))
        });
        let duck = params.music.as_ref().map_or(0.0, |music| decibels(music.duck));
        let samples = starts.last().map_or(0, |end: &Start| end.sample);
        Ok(Self { params, call, placed, ducking: Ducking::new(speech, duck), samples })
    }

    /// Gives the sum of everything, before any film gain, window by window; progress runs over 500 thousandths
    /// from `progress`.
    fn play(
        &self,
        call: &Call<'_>,
        progress: u64,
        mut sink: impl FnMut(&mut [f32]) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut bed = match &self.params.music {
            Some(music) => {
                Some(Bed::open(&self.call.one(music.file.slot())?.path, music, self.samples, &self.ducking)?)
            }
            None => None,
        };
        let mut window = Vec::new();
        let mut at = 0;
        while at < self.samples {
            if (call.cancelled)() {
                return Err(crate::cancelled());
            }
            let end = (at + WINDOW).min(self.samples);
            window.clear();
            window.resize((end - at) as usize * CHANNELS, 0.0);
            if let Some(bed) = &mut bed {
                bed.add(at, &mut window)?;
            }
            for sound in self.placed.iter().filter(|sound| sound.touches(at, end)) {
                sound.add(at, &mut window)?;
            }
            sink(&mut window)?;
            at = end;
            (call.progress)((progress + at * 500 / self.samples) as u16);
        }
        Ok(())
    }
}

fn plan(call: &Call<'_>, slot: &str) -> Result<Plan, Failure> {
    serde_json::from_slice(&call.read(slot)?)
        .map_err(|error| Failure::new(format!("`{slot}` is not a plan: {error}")))
}
