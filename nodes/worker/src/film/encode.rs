//! The run of `encode`: one segment of a film. It knows what is seen in it and nothing of the film around it.

mod over;

use std::path::{Path, PathBuf};

use reel_engine::operation::{Call, Failure, Outcome};
use reel_nodes::film::encode::{Layer, Params};
use reel_nodes::media::time::FrameRate;

use self::over::{Overlays, ProgressBar};
use crate::av::{ConformSpec, EncodeSpec, Fit, VideoEncoder, VideoReader, frame_at, probe, segment_media};
use crate::draw::caption::CaptionPainter;
use crate::draw::motion::MotionPath;
use crate::draw::pyramid::Pyramid;
use crate::draw::transition::Transition;
use crate::frame::{Yuv420, Yuv444, yuv_of_rgb};
use crate::params;

/// Black in limited range.
const BLACK: [u8; 3] = [16, 128, 128];
/// Later than any video ends: a thousand hours.
const LATE_US: u64 = 3_600_000_000_000;

/// Encodes the segment into port `video`.
///
/// # Errors
/// When a picture cannot be read, or encoding fails.
pub fn run(call: &Call<'_>) -> Result<Outcome, Failure> {
    let params: Params = params(call)?;
    let spec = EncodeSpec {
        width: params.size.width,
        height: params.size.height,
        rate: params.fps,
        encoding: params.encoding.clone(),
        gpu: crate::gpu(call)?,
    };
    let media = segment_media(spec.encoding.codec);
    let path = call.scratch.join("segment");
    if spec.encoding.two_pass {
        let stats = call.scratch.join("stats");
        let first = VideoEncoder::look_through(&stats, &spec).map_err(crate::failure)?;
        draw(call, &params, first, (0, 2))?;
        let second = VideoEncoder::create_second(&path, &spec, &stats).map_err(crate::failure)?;
        draw(call, &params, second, (1, 2))?;
    } else {
        let encoder = VideoEncoder::create(&path, &spec).map_err(crate::failure)?;
        draw(call, &params, encoder, (0, 1))?;
    }
    Ok(Outcome::default().with_file("video", media, path))
}

/// Draws all frames of the segment into an encoder; this is pass number `pass.0` of `pass.1`.
fn draw(
    call: &Call<'_>,
    params: &Params,
    mut encoder: VideoEncoder,
    pass: (u64, u64),
) -> Result<(), Failure> {
    let size = (params.size.width as usize, params.size.height as usize);
    let mut picture = Source::open(call, &params.picture, size, params.fps)?;
    let mut under = match &params.under {
        Some(under) => {
            let source = Source::open(call, &under.picture, size, params.fps)?;
            let below = Yuv420::filled(size.0, size.1, BLACK);
            Some((Transition::new(under.kind, under.ease, params.frames), source, below))
        }
        None => None,
    };
    let mut over = Overlays::open(call, &params.over, size, params.fps)?;
    let bar = params.progress.as_ref().map(|progress| ProgressBar::new(progress, size));
    let mut captions = match &params.captions {
        Some(captions) => {
            let fonts = crate::fonts(call, &captions.faces)?;
            let painter = CaptionPainter::new(fonts, &captions.letters, &captions.look, size);
            Some((painter, captions.cues.as_slice()))
        }
        None => None,
    };
    let mut frame = Yuv420::filled(size.0, size.1, BLACK);
    let frames = u64::from(params.frames);
    for index in 0..params.frames {
        if (call.cancelled)() {
            return Err(crate::cancelled());
        }
        picture.draw(index, &mut frame)?;
        if let Some((transition, under, below)) = &mut under {
            under.draw(index, below)?;
            transition.apply(below, &frame, index);
            std::mem::swap(below, &mut frame);
        }
        over.draw(index, &mut frame)?;
        if let Some(bar) = &bar {
            bar.draw(index, &mut frame);
        }
        if let Some((painter, cues)) = &mut captions {
            painter.paint(cues, i64::from(index), &mut frame);
        }
        encoder.push(&frame).map_err(crate::failure)?;
        (call.progress)(((frames * pass.0 + u64::from(index) + 1) * 1000 / (frames * pass.1)) as u16);
    }
    encoder.finish().map_err(crate::failure)?;
    Ok(())
}

/// A picture over its own time, with what lies over it.
struct Source {
    seen: Seen,
    over: Overlays,
}

enum Seen {
    /// A still under a moving camera.
    Moving { sampler: Box<Pyramid>, path: MotionPath, first: i64 },
    /// The same on every frame.
    Fixed(Yuv420),
    /// A video.
    Video(Clip),
}

/// A video, and its picture that was drawn last.
struct Clip {
    reader: Box<VideoReader>,
    path: PathBuf,
    size: (usize, usize),
    rate: FrameRate,
    repeat: bool,
    last: Option<Yuv420>,
}

impl Source {
    fn open(call: &Call<'_>, layer: &Layer, size: (usize, usize), rate: FrameRate) -> Result<Self, Failure> {
        let over = Overlays::open(call, &layer.layers, size, rate)?;
        let seen = if let Some(still) = &layer.still {
            Seen::still(&read_still(call, still.slot())?, layer, size)?
        } else if let Some(video) = &layer.video {
            Seen::Video(Clip::open(call, video.slot(), (layer.first, layer.repeat), size, rate)?)
        } else {
            let color = layer.color.ok_or_else(|| Failure::new("a segment without a picture"))?;
            let [red, green, blue, _] = color.rgba;
            Seen::Fixed(Yuv420::filled(size.0, size.1, yuv_of_rgb([red, green, blue])))
        };
        Ok(Self { seen, over })
    }

    /// Draws what is seen on frame `index` of the segment; frames come in order.
    fn draw(&mut self, index: u32, frame: &mut Yuv420) -> Result<(), Failure> {
        match &mut self.seen {
            Seen::Moving { sampler, path, first } => {
                sampler.render(frame, path.view(*first + i64::from(index)));
            }
            Seen::Fixed(kept) => frame.clone_from(kept),
            Seen::Video(clip) => clip.draw(frame)?,
        }
        self.over.draw(index, frame)
    }
}

impl Seen {
    fn still(still: &Yuv444, layer: &Layer, size: (usize, usize)) -> Result<Self, Failure> {
        let path = MotionPath::of(layer.motion, layer.of, size, (still.width, still.height));
        let least = size.0.max(still.width) == still.width && size.1.max(still.height) == still.height;
        if !least {
            return Err(Failure::new(format!(
                "a still of {}x{} is smaller than the frame of {}x{}",
                still.width, still.height, size.0, size.1
            )));
        }
        let mut sampler = Pyramid::new(still, size.0, size.1, path.farthest());
        let first = i64::from(layer.first);
        if !path.is_static() {
            return Ok(Self::Moving { sampler: Box::new(sampler), path, first });
        }
        let mut frame = Yuv420::filled(size.0, size.1, BLACK);
        sampler.render(&mut frame, path.view(first));
        Ok(Self::Fixed(frame))
    }
}

impl Clip {
    /// A video from its frame `first` on, for frames of `size`.
    fn open(
        call: &Call<'_>,
        slot: &str,
        (first, repeat): (u32, bool),
        size: (usize, usize),
        rate: FrameRate,
    ) -> Result<Self, Failure> {
        let path = call.one(slot)?.path.clone();
        let first = if repeat { first % pictures(&path, rate)? } else { first };
        let reader = Box::new(reader(&path, first, size, rate)?);
        Ok(Self { reader, path, size, rate, repeat, last: None })
    }

    /// The same in the size that the video has.
    fn open_in_its_size(
        call: &Call<'_>,
        slot: &str,
        first: (u32, bool),
        rate: FrameRate,
    ) -> Result<Self, Failure> {
        let found = frame_at(&call.one(slot)?.path, 0, None).map_err(crate::failure)?;
        Self::open(call, slot, first, (found.width, found.height), rate)
    }

    /// A picture of its size.
    fn blank(&self) -> Yuv420 {
        Yuv420::filled(self.size.0, self.size.1, BLACK)
    }

    /// Draws the next picture; when there are no more, the first or again the last one.
    fn draw(&mut self, frame: &mut Yuv420) -> Result<(), Failure> {
        let mut next = self.reader.next();
        if next.is_none() && self.repeat {
            *self.reader = reader(&self.path, 0, self.size, self.rate)?;
            next = self.reader.next();
        }
        if let Some(next) = next {
            self.last = Some(next.map_err(crate::failure)?);
        } else if self.last.is_none() {
            // The segment begins after the video's end: its last picture stands.
            let size = Some((frame.width as u32, frame.height as u32));
            self.last = Some(frame_at(&self.path, LATE_US, size).map_err(crate::failure)?);
        }
        if let Some(picture) = &self.last {
            frame.clone_from(picture);
        }
        Ok(())
    }
}

/// Pictures of a conformed video from number `first` on.
fn reader(path: &Path, first: u32, size: (usize, usize), rate: FrameRate) -> Result<VideoReader, Failure> {
    // The middle of the frame's time, so that no rounding to microseconds can name the one before.
    let halves = 2 * u128::from(first) + 1;
    let from_us = halves * 500_000 * u128::from(rate.den()) / u128::from(rate.num());
    let spec = ConformSpec {
        width: size.0 as u32,
        height: size.1 as u32,
        fit: Fit::COVER,
        rate,
        from_us: from_us as u64,
        to_us: None,
    };
    VideoReader::open(path, spec).map_err(crate::failure)
}

/// How many pictures a conformed video has.
fn pictures(path: &Path, rate: FrameRate) -> Result<u32, Failure> {
    let length = probe(path).map_err(crate::failure)?.duration_us;
    Ok(rate.nearest_frame(length, 1_000_000).max(1) as u32)
}

fn read_still(call: &Call<'_>, slot: &str) -> Result<Yuv444, Failure> {
    let file = std::fs::File::open(&call.one(slot)?.path);
    let file = file.map_err(|error| Failure::new(format!("cannot read `{slot}`: {error}")))?;
    Yuv444::read(std::io::BufReader::with_capacity(1 << 20, file)).map_err(crate::draw_failure)
}
