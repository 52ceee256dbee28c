//! Whether pictures are black, stand still, or are not what they must look like. It hears nothing.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use reel_engine::operation::{Call, Failure};
use reel_nodes::film::expect::{Expected, Finding, Like};
use reel_nodes::media::likeness::Likeness;
use reel_nodes::media::quality::places as places_of;
use reel_nodes::media::sniff;
use reel_nodes::media::time::FrameRate;

use super::{finding, seconds};
use crate::av::{ConformSpec, Fit, VideoReader, frame_at, probe};
use crate::draw::still::{decode_image, scale};
use crate::frame::{Rgba, Yuv420, yuv_of_rgb};
use crate::measure::{Stretch, Stretches, is_black, is_same, ssim};

/// Most places that a message names.
const SHOWN: usize = 3;

/// How the frames of a film are read: all of them, as they are.
#[derive(Clone, Copy)]
struct Shape {
    width: u32,
    height: u32,
    rate: FrameRate,
}

impl Shape {
    fn of(path: &Path) -> Result<(Self, u64), Failure> {
        let info = probe(path).map_err(crate::failure)?;
        let video = info.video.ok_or_else(|| Failure::new("it has no pictures"))?;
        let rate = FrameRate::new(video.rate.0, video.rate.1)
            .ok_or_else(|| Failure::new("how many frames a second it has cannot be told"))?;
        let (width, height) = (video.width + video.width % 2, video.height + video.height % 2);
        Ok((Self { width, height, rate }, rate.nearest_frame(info.duration_us, 1_000_000).max(1)))
    }

    fn read(self, path: &Path) -> Result<VideoReader, Failure> {
        let Self { width, height, rate } = self;
        let spec = ConformSpec { width, height, fit: Fit::COVER, rate, from_us: 0, to_us: None };
        VideoReader::open(path, spec).map_err(crate::failure)
    }

    const fn size(self) -> (usize, usize) {
        (self.width as usize, self.height as usize)
    }

    /// Where a frame begins, in microseconds.
    fn micros(self, frame: u64) -> u64 {
        self.rate.sample_of(frame, 1_000_000)
    }
}

/// What a pass over the frames of a film finds.
#[derive(Default)]
struct Seen {
    black: Stretches,
    still: Stillness,
    unlike: Stretches,
    /// The least likeness in millionths, and the frame that has it.
    least: Option<(u32, u64)>,
    /// Frames of the reference that have none beside them, or the other way round.
    frames: (u64, Option<u64>),
}

/// Stretches in which the picture stands still, each measured against its own first frame.
#[derive(Default)]
struct Stillness {
    first: Option<(u64, Vec<u8>)>,
    next: u64,
    all: Vec<Stretch>,
}

impl Stillness {
    fn push(&mut self, luma: &[u8]) {
        let at = self.next;
        self.next += 1;
        match &self.first {
            Some((from, first)) if is_same(first, luma) => match self.all.last_mut() {
                Some(last) if last.from == *from => last.to = at + 1,
                _ => self.all.push(Stretch { from: *from, to: at + 1 }),
            },
            _ => self.first = Some((at, luma.to_vec())),
        }
    }
}

/// What is expected of the pictures of a film.
pub(super) fn of_film(call: &Call<'_>, path: &Path, expect: &Expected) -> Result<Vec<Finding>, Failure> {
    let (shape, about) = match (expect.no_black, expect.no_freeze, &expect.ssim_to) {
        (None, None, None) => return Ok(Vec::new()),
        _ => Shape::of(path)?,
    };
    let reference = match &expect.ssim_to {
        Some(like) => Some((like, Reference::of(call, like)?)),
        None => None,
    };
    let mut seen = Seen::default();
    let moves = expect.no_black.is_some() || expect.no_freeze.is_some();
    let other = match &reference {
        Some((_, Reference::Film)) => Some(shape.read(&reference_path(call, expect)?)?),
        _ => None,
    };
    if moves || other.is_some() {
        watch(call, shape.read(path)?, other, (shape, about), expect, &mut seen)?;
    }
    let mut all = Vec::new();
    if let Some(most) = expect.no_black {
        let help = "look at what is shown there, or allow a longer `no_black`";
        all.push(longest("no_black", "it is black", seen.black.all(), most.as_micros(), shape, help));
    }
    if let Some(most) = expect.no_freeze {
        let help = "give the picture there a `motion`, show another one, or allow a longer `no_freeze`";
        all.push(longest("no_freeze", "it stands still", &seen.still.all, most.as_micros(), shape, help));
    }
    match &reference {
        Some((like, Reference::Film)) => all.push(alike(&seen, like.least, shape)),
        Some((like, Reference::Picture(picture))) => all.push(as_pictured(path, like, picture, shape)?),
        None => {}
    }
    Ok(all)
}

/// What is expected of a picture.
pub(super) fn of_picture(call: &Call<'_>, slot: &str, expect: &Expected) -> Result<Vec<Finding>, Failure> {
    let Some(like) = &expect.ssim_to else { return Ok(Vec::new()) };
    let picture = decode_image(&call.read(slot)?).map_err(crate::draw_failure)?;
    let Reference::Picture(reference) = Reference::of(call, like)? else {
        let help = "compare a picture with a picture";
        return Err(Failure::new("the reference of `ssim_to` is a film").help(help));
    };
    let size = (picture.width, picture.height);
    let found = ssim(&luma(&picture), &fitted(&reference, size)?, size);
    Ok(vec![of_one(found, like.least, "the picture")])
}

/// What something is compared with.
enum Reference {
    Film,
    Picture(Rgba),
}

impl Reference {
    fn of(call: &Call<'_>, like: &Like) -> Result<Self, Failure> {
        let mut head = Vec::new();
        let cannot = |error| Failure::new(format!("cannot read the reference of `ssim_to`: {error}"));
        let file = File::open(&call.one(like.file.slot())?.path).map_err(cannot)?;
        file.take(sniff::HEAD as u64).read_to_end(&mut head).map_err(cannot)?;
        let media = sniff::media_type(&head).unwrap_or_default();
        if !media.starts_with("image/") || media == "image/gif" {
            return Ok(Self::Film);
        }
        let (bytes, failure) = crate::read_to_draw(call, like.file.slot())?;
        decode_image(&bytes).map(Self::Picture).map_err(failure)
    }
}

fn reference_path(call: &Call<'_>, expect: &Expected) -> Result<PathBuf, Failure> {
    let like = expect.ssim_to.as_ref().ok_or_else(|| Failure::new("there is no reference"))?;
    Ok(call.one(like.file.slot())?.path.clone())
}

/// Looks at every frame once.
fn watch(
    call: &Call<'_>,
    frames: VideoReader,
    mut other: Option<VideoReader>,
    (shape, about): (Shape, u64),
    expect: &Expected,
    seen: &mut Seen,
) -> Result<(), Failure> {
    let least = expect.ssim_to.as_ref().map_or(0, |like| like.least.0 * 1000);
    for frame in frames {
        let frame = frame.map_err(crate::failure)?;
        if (call.cancelled)() {
            return Err(crate::cancelled());
        }
        let at = seen.frames.0;
        (call.progress)((at * 1000 / about).min(999) as u16);
        seen.frames.0 += 1;
        if expect.no_black.is_some() {
            seen.black.push(is_black(&frame.y));
        }
        if expect.no_freeze.is_some() {
            seen.still.push(&frame.y);
        }
        if let Some(beside) = other.as_mut().and_then(Iterator::next) {
            let beside: Yuv420 = beside.map_err(crate::failure)?;
            let found = ssim(&frame.y, &beside.y, shape.size());
            seen.unlike.push(found < least);
            if seen.least.is_none_or(|(least, _)| found < least) {
                seen.least = Some((found, at));
            }
            seen.frames.1 = Some(at + 1);
        }
    }
    let rest = other.map_or(0, |rest| rest.take_while(Result::is_ok).count() as u64);
    seen.frames.1 = seen.frames.1.map(|frames| frames + rest);
    Ok(())
}

/// The longest of some stretches beside the longest that is allowed.
fn longest(expect: &str, what: &str, all: &[Stretch], most: u64, shape: Shape, help: &str) -> Finding {
    let lasts = |stretch: &Stretch| shape.micros(stretch.to) - shape.micros(stretch.from);
    let over: Vec<&Stretch> = all.iter().filter(|stretch| lasts(stretch) > most).collect();
    let place = |stretch: &Stretch| {
        let (from, to) = (shape.micros(stretch.from), shape.micros(stretch.to));
        format!("{} from {} to {}", seconds(to - from), seconds(from), seconds(to))
    };
    let found = match (over.as_slice(), all.iter().max_by_key(|stretch| stretch.frames())) {
        ([], None) => format!("{what} nowhere"),
        ([], Some(longest)) => format!("{what} for {} at most", seconds(lasts(longest))),
        (over, _) => {
            let named: Vec<String> = over.iter().take(SHOWN).map(|stretch| place(stretch)).collect();
            let more = over.len().saturating_sub(SHOWN);
            let more = if more > 0 { format!(", and {more} times more") } else { String::new() };
            format!("{what} for {}{more}", named.join(", for "))
        }
    };
    let wanted = if most == 0 { "not at all".to_owned() } else { format!("at most {}", seconds(most)) };
    Finding { places: places(&over, shape), ..finding(expect, over.is_empty(), found, wanted, help) }
}

fn places(stretches: &[&Stretch], shape: Shape) -> Vec<(u64, u64)> {
    let millis = |frame: u64| shape.rate.sample_of(frame, 1000);
    stretches.iter().map(|stretch| (millis(stretch.from), millis(stretch.to))).collect()
}

/// How a film stands to a film.
fn alike(seen: &Seen, least: Likeness, shape: Shape) -> Finding {
    let (frames, beside) = (seen.frames.0, seen.frames.1.unwrap_or(0));
    let (lowest, at) = seen.least.unwrap_or((0, 0));
    let unlike: Vec<&Stretch> = seen.unlike.all().iter().collect();
    let mut found = format!("the least SSIM is {} at {}", places_of(lowest), seconds(shape.micros(at)));
    if frames != beside {
        found = format!("it has {frames} frames and the reference {beside}, and {found}");
    }
    let met = unlike.is_empty() && frames == beside;
    let wanted = format!("at least {least} in each frame of the reference");
    Finding { places: places(&unlike, shape), ..finding("ssim_to", met, found, wanted, UNLIKE) }
}

/// How a frame of a film stands to a picture.
fn as_pictured(path: &Path, like: &Like, picture: &Rgba, shape: Shape) -> Result<Finding, Failure> {
    let at = like.at.unwrap_or_default().as_micros();
    let frame = frame_at(path, at, Some((shape.width, shape.height))).map_err(crate::failure)?;
    let found = ssim(&frame.y, &fitted(picture, shape.size())?, shape.size());
    let mut told = of_one(found, like.least, &format!("the picture at {}", seconds(at)));
    if !told.met {
        told.places.push((at / 1000, at / 1000));
    }
    Ok(told)
}

/// What to do where something does not look as it must.
const UNLIKE: &str = "look at both, and take a new reference if this is how it should look";

fn of_one(found: u32, least: Likeness, what: &str) -> Finding {
    let met = found >= least.0 * 1000;
    let said = format!("the SSIM of {what} is {}", places_of(found));
    finding("ssim_to", met, said, format!("at least {least}"), UNLIKE)
}

/// Limited-range luma of a picture of another size, brought to this one.
fn fitted(picture: &Rgba, (width, height): (usize, usize)) -> Result<Vec<u8>, Failure> {
    if (picture.width, picture.height) == (width, height) {
        return Ok(luma(picture));
    }
    Ok(luma(&scale(picture, width, height).map_err(crate::draw_failure)?))
}

fn luma(picture: &Rgba) -> Vec<u8> {
    picture.pixels.as_chunks::<4>().0.iter().map(|[r, g, b, _]| yuv_of_rgb([*r, *g, *b])[0]).collect()
}
