//! The run of `beside`: two films in one frame. It compares nothing.

use std::path::Path;

use reel_engine::operation::{Call, Failure, Outcome};
use reel_nodes::film::beside::Params;
use reel_nodes::media::encoding::{Container, Encoding};
use reel_nodes::media::time::FrameRate;

use crate::av::{
    ConformSpec, EncodeSpec, Extras, Fit, JoinSpec, Layout, Segment, VideoEncoder, VideoReader, join, probe,
};
use crate::frame::Yuv420;
use crate::params;

/// The largest picture, across and down.
const LARGEST: (u32, u32) = (1920, 1080);
/// Pixels of the line in the middle.
const LINE: usize = 4;
/// Luma of white, in limited range.
const WHITE: u8 = 235;

/// One side: a film in the shape that both have.
struct Side<'a> {
    path: &'a Path,
    size: (u32, u32),
    rate: FrameRate,
}

impl Side<'_> {
    fn frames(&self, [from, to]: [u64; 2]) -> Result<VideoReader, Failure> {
        // A little behind the beginning of a frame, so that rounding never leads to the one before.
        let at = |frame| self.rate.sample_of(frame, 1_000_000) + 100;
        let spec = ConformSpec {
            width: self.size.0,
            height: self.size.1,
            fit: Fit::Contain { background: [16, 128, 128] },
            rate: self.rate,
            from_us: if from == 0 { 0 } else { at(from) },
            to_us: Some(at(to)),
        };
        VideoReader::open(self.path, spec).map_err(crate::failure)
    }

    fn black(&self) -> Yuv420 {
        Yuv420::filled(self.size.0 as usize, self.size.1 as usize, [16, 128, 128])
    }
}

/// Puts the parts of slots `one` and `other` into port `video`.
///
/// # Errors
/// When one has no pictures or cannot be decoded.
pub fn run(call: &Call<'_>) -> Result<Outcome, Failure> {
    let params: Params = params(call)?;
    let (one, other) = (&call.one(params.one.slot())?.path, &call.one(params.other.slot())?.path);
    let info =
        probe(one).map_err(crate::failure)?.video.ok_or_else(|| Failure::new("there are no pictures"))?;
    let rate = FrameRate::new(info.rate.0, info.rate.1)
        .ok_or_else(|| Failure::new("how many frames a second the film has cannot be told"))?;
    let size = fitted((info.width, info.height));
    let (left, right) = (Side { path: one, size, rate }, Side { path: other, size, rate });
    let segment = call.scratch.join("segment.mp4");
    let frames = encode(call, &params, (&left, &right), &segment)?;
    if frames == 0 {
        return Err(Failure::new("the parts lie behind the ends of both films"));
    }
    let path = call.scratch.join("beside.mp4");
    let segments = [Segment { path: segment, frames }];
    let spec = JoinSpec {
        segments: &segments,
        sound: None,
        rate,
        container: Container::Mp4,
        layout: Layout::IndexFirst,
        cuts: &[],
        extras: &Extras::default(),
    };
    join(spec, &path).map_err(crate::failure)?;
    Ok(Outcome::default().with_file("video", Container::Mp4.media(), path))
}

fn encode(
    call: &Call<'_>,
    params: &Params,
    (left, right): (&Side<'_>, &Side<'_>),
    path: &Path,
) -> Result<u64, Failure> {
    let spec = EncodeSpec {
        width: left.size.0 * 2 + LINE as u32,
        height: left.size.1,
        rate: left.rate,
        encoding: Encoding::default(),
        gpu: None,
    };
    let mut encoder = VideoEncoder::create(path, &spec).map_err(crate::failure)?;
    let mut frames = 0;
    for part in &params.parts {
        let (mut a, mut b) = (left.frames(part.one)?, right.frames(part.other)?);
        loop {
            let (one, other) = (a.next().transpose(), b.next().transpose());
            let (one, other) = (one.map_err(crate::failure)?, other.map_err(crate::failure)?);
            if one.is_none() && other.is_none() {
                break;
            }
            if (call.cancelled)() {
                return Err(crate::cancelled());
            }
            let (one, other) = (one.unwrap_or_else(|| left.black()), other.unwrap_or_else(|| right.black()));
            encoder.push(&beside(&one, &other)).map_err(crate::failure)?;
            frames += 1;
            (call.progress)(500);
        }
    }
    encoder.finish().map_err(crate::failure)?;
    Ok(frames)
}

/// The size of one side, even: as it is where both fit beside each other, else smaller in the same shape.
fn fitted((width, height): (u32, u32)) -> (u32, u32) {
    let (across, down) = ((LARGEST.0 - LINE as u32) / 2, LARGEST.1);
    let even = |pixels: u64| (pixels as u32 / 2 * 2).max(16);
    let (wide, high) = (u64::from(width), u64::from(height));
    if width <= across && height <= down {
        (even(wide), even(high))
    } else if wide * u64::from(down) > high * u64::from(across) {
        (even(u64::from(across)), even(high * u64::from(across) / wide))
    } else {
        (even(wide * u64::from(down) / high), even(u64::from(down)))
    }
}

/// Two pictures of one size with a white line between them.
fn beside(one: &Yuv420, other: &Yuv420) -> Yuv420 {
    let rows = |one: &[u8], other: &[u8], width: usize, line: usize, value: u8| {
        let pairs = one.chunks_exact(width).zip(other.chunks_exact(width));
        pairs.flat_map(|(one, other)| [one, &vec![value; line], other].concat()).collect::<Vec<u8>>()
    };
    let half = one.width / 2;
    Yuv420 {
        width: one.width * 2 + LINE,
        height: one.height,
        y: rows(&one.y, &other.y, one.width, LINE, WHITE),
        u: rows(&one.u, &other.u, half, LINE / 2, 128),
        v: rows(&one.v, &other.v, half, LINE / 2, 128),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_keep_their_shape_and_fit_beside_each_other() {
        assert_eq!(fitted((320, 180)), (320, 180));
        assert_eq!(fitted((1080, 1920)), (606, 1080));
        assert_eq!(fitted((1920, 1080)), (958, 538));
        assert_eq!(fitted((1080, 1080)), (958, 958));
    }

    #[test]
    fn the_left_is_left_and_the_line_is_white() {
        let side = |y| Yuv420::filled(4, 2, [y, 100, 150]);
        let all = beside(&side(50), &side(60));
        assert_eq!(all.y[..12], [50, 50, 50, 50, 235, 235, 235, 235, 60, 60, 60, 60]);
        assert_eq!((all.width, all.y.len(), all.u.len(), all.v[2]), (12, 24, 6, 128));
    }
}
