//! One decoded frame to the film's size, orientation and colour, by a filter graph that is exact from
//! machine to machine. It knows no time.

use std::path::Path;

use ffmpeg_next::filter::{self, Graph};
use ffmpeg_next::{Error, format, frame};

use super::error::AvError;
use super::ffi;
use super::light::{Light, Toning, peak_of};
use super::probe::{RANGE_FULL, Turn};
use crate::frame::{Rgba, Yuv420};

/// How a picture of another shape fills the frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// The whole frame is covered; what stands out is cut off.
    Cover {
        /// The point that comes as near to the middle as it can, in 100000ths of the upright picture's sides.
        focus: (u32, u32),
    },
    /// The whole picture is seen; the rest is of one colour (limited-range Y, Cb, Cr).
    Contain {
        /// The colour beside the picture.
        background: [u8; 3],
    },
    /// The whole picture is seen, over a blurred copy of itself that covers the frame.
    Blur,
}

impl Fit {
    /// The frame is covered, and what stands out is cut off evenly.
    pub const COVER: Self = Self::Cover { focus: MIDDLE };
}

/// The middle, as a focus.
const MIDDLE: (u32, u32) = (50_000, 50_000);

/// Scaling that gives the same bytes with and without SIMD.
const EXACT: &str = "flags=bicubic+accurate_rnd+full_chroma_int+full_chroma_inp+bitexact";

/// Code points of ITU-T H.273 for the matrix.
const MATRIX_RGB: i32 = 0;
const MATRIX_BT709: i32 = 1;
const MATRIX_UNSPECIFIED: i32 = 2;

/// All of a decoded frame that decides its conversion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Shape {
    format: format::Pixel,
    width: u32,
    height: u32,
    sar: (u32, u32),
    matrix: i32,
    range: i32,
    chroma: i32,
    light: Option<Light>,
}

impl Shape {
    /// `peak` is how bright its film gets, for HDR, in cd/m².
    fn of(frame: &frame::Video, stream_sar: (u32, u32), peak: Option<u32>) -> Self {
        let ffi::FrameColour { matrix, range, chroma, transfer, primaries } = ffi::frame_colour(frame);
        let own = frame.aspect_ratio();
        let sar = match (u32::try_from(own.0), u32::try_from(own.1)) {
            (Ok(n), Ok(d)) if n > 0 && d > 0 => (n, d),
            _ => stream_sar,
        };
        Self {
            format: frame.format(),
            width: frame.width(),
            height: frame.height(),
            sar,
            matrix,
            range,
            chroma,
            light: Light::of(transfer, primaries, peak),
        }
    }

    /// A picture of which only the light is still to be converted.
    const fn toned(width: u32, height: u32) -> Self {
        Self {
            format: format::Pixel::GBRP16LE,
            width,
            height,
            sar: (1, 1),
            matrix: MATRIX_RGB,
            range: RANGE_FULL,
            chroma: 0,
            light: None,
        }
    }

    fn is_full_range(&self) -> bool {
        use format::Pixel::{YUVJ420P, YUVJ422P, YUVJ440P, YUVJ444P};
        self.range == RANGE_FULL || matches!(self.format, YUVJ420P | YUVJ422P | YUVJ440P | YUVJ444P)
    }

    /// The matrix as `scale` names it. Unspecified is BT.709, but BT.601 for the sizes of standard video.
    fn matrix_name(&self) -> &'static str {
        match self.matrix {
            MATRIX_BT709 => "bt709",
            4 => "fcc",
            5 | 6 => "bt601",
            7 => "smpte240m",
            9 | 10 => "bt2020",
            MATRIX_UNSPECIFIED | 3 if self.width <= 1024 && self.height <= 576 => "bt601",
            _ => "bt709",
        }
    }

    /// Where chroma samples lie in their pair of luma samples, in 1/256 (across, down).
    fn siting(&self) -> (i32, i32) {
        match self.chroma {
            2 => (128, 128),
            3 => (0, 0),
            4 => (128, 0),
            5 => (0, 256),
            6 => (128, 256),
            _ => (0, 128),
        }
    }

    /// Subsampling of chroma (across, down) as powers of two; (0, 0) for RGB and grey.
    fn subsampling(&self) -> (u8, u8) {
        self.format.descriptor().map_or((0, 0), |d| (d.log2_chroma_w(), d.log2_chroma_h()))
    }
}

/// The frame that a film wants, whatever the source.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target {
    pub width: u32,
    pub height: u32,
    pub fit: Fit,
    pub turn: Turn,
    pub sar: (u32, u32),
}

/// A rectangle of the upright source and the size to which it is scaled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Placement {
    crop: (u32, u32, u32, u32),
    size: (u32, u32),
}

fn even(n: u64) -> u32 {
    u32::try_from(n.div_ceil(2) * 2).unwrap_or(u32::MAX - 1).max(2)
}

fn nearest(num: u128, den: u128) -> u64 {
    u64::try_from((num * 2 + den) / (den * 2).max(1)).unwrap_or(u64::MAX)
}

/// Where `source` (upright, with its sample aspect ratio) is cut to cover `width × height`.
fn covering((sw, sh): (u32, u32), sar: (u32, u32), width: u32, height: u32, focus: (u32, u32)) -> Placement {
    let [w, h, tw, th, n, d] = [sw, sh, width, height, sar.0, sar.1].map(u128::from);
    let (cw, ch) = if w * n * th > h * d * tw {
        (even(nearest(h * d * tw, n * th)).min(sw), sh)
    } else {
        (sw, even(nearest(w * n * th, d * tw)).min(sh))
    };
    let from = |side: u32, cut: u32, focus: u32| {
        let middle = (u64::from(side) * u64::from(focus) / 100_000) as u32;
        middle.saturating_sub(cut / 2).min(side - cut) / 2 * 2
    };
    Placement { crop: (cw, ch, from(sw, cw, focus.0), from(sh, ch, focus.1)), size: (width, height) }
}

/// The largest even size within `width × height` at which the whole of `source` is seen.
fn containing((sw, sh): (u32, u32), sar: (u32, u32), width: u32, height: u32) -> Placement {
    let [w, h, tw, th, n, d] = [sw, sh, width, height, sar.0, sar.1].map(u128::from);
    let size = if w * n * th > h * d * tw {
        (width, even(nearest(tw * h * d, w * n)).min(height))
    } else {
        (even(nearest(th * w * n, h * d)).min(width), height)
    };
    Placement { crop: (sw, sh, 0, 0), size }
}

fn turn_filters(turn: Turn) -> String {
    let mirror = if turn.mirrored { "hflip," } else { "" };
    let rotate = match turn.quarters {
        1 => "transpose=clock,",
        2 => "hflip,vflip,",
        3 => "transpose=cclock,",
        _ => "",
    };
    format!("{mirror}{rotate}")
}

/// Chroma siting after turning: it turns with the picture.
fn turned((mut across, mut down): (i32, i32), turn: Turn) -> (i32, i32) {
    if turn.mirrored {
        across = 256 - across;
    }
    for _ in 0..turn.quarters {
        (across, down) = (256 - down, across);
    }
    (across, down)
}

/// How limited-range BT.709 4:2:0 is asked for.
const OUT: &str = "out_color_matrix=bt709:out_range=limited:out_h_chr_pos=0:out_v_chr_pos=128";

/// The filters from a decoded frame to limited-range BT.709 4:2:0 of `place.size`, or, where its light is to be
/// converted, to its own red, green and blue.
fn chain(shape: &Shape, turn: Turn, place: Placement, soften: Option<(u32, u32)>) -> String {
    let (cw, ch, x, y) = place.crop;
    let (w, h) = place.size;
    let (sub_across, sub_down) = shape.subsampling();
    let (sub_across, sub_down) = if turn.swaps() { (sub_down, sub_across) } else { (sub_across, sub_down) };
    let (across, down) = turned(shape.siting(), turn);
    let across = if sub_across == 1 { format!(":in_h_chr_pos={across}") } else { String::new() };
    let down = if sub_down == 1 { format!(":in_v_chr_pos={down}") } else { String::new() };
    let matrix = if shape.matrix == MATRIX_RGB { "auto" } else { shape.matrix_name() };
    let range = if shape.is_full_range() { "full" } else { "limited" };
    let (out, format) = if shape.light.is_some() { ("out_range=full", "gbrp16le") } else { (OUT, "yuv420p") };
    let colours = format!("in_color_matrix={matrix}:in_range={range}:{out}{across}{down}");
    let turn = turn_filters(turn);
    let crop = format!("crop={cw}:{ch}:{x}:{y}:exact=1");
    match soften {
        None => format!("{turn}{crop},scale={w}:{h}:{EXACT}:{colours},format={format}"),
        Some((sw, sh)) => format!(
            "{turn}{crop},scale={sw}:{sh}:flags=area+accurate_rnd+bitexact:{colours},format={format},\
             scale={w}:{h}:flags=bicubic+accurate_rnd+bitexact,format={format}"
        ),
    }
}

/// A graph with one input and one output that gives one frame for each.
struct Pipe {
    graph: Graph,
}

impl Pipe {
    fn new(shape: &Shape, filters: &str) -> Result<Self, Error> {
        let mut graph = ffi::single_threaded_graph();
        let format = format::Pixel::descriptor(shape.format).map_or("none", |d| d.name());
        let arguments = format!(
            "video_size={}x{}:pix_fmt={format}:time_base=1/1000000:pixel_aspect=1/1",
            shape.width, shape.height
        );
        let source = filter::find("buffer").ok_or(Error::FilterNotFound)?;
        let sink = filter::find("buffersink").ok_or(Error::FilterNotFound)?;
        graph.add(&source, "in", &arguments)?;
        graph.add(&sink, "out", "")?;
        graph.output("in", 0)?.input("out", 0)?.parse(filters)?;
        graph.validate()?;
        Ok(Self { graph })
    }

    /// Takes the frame's data and gives the filtered frame.
    fn run(&mut self, frame: &frame::Video) -> Result<frame::Video, Error> {
        let mut made = frame::Video::empty();
        self.graph.get("in").ok_or(Error::Bug)?.source().add(frame)?;
        self.graph.get("out").ok_or(Error::Bug)?.sink().frame(&mut made)?;
        Ok(made)
    }
}

/// Everything from a decoded frame to limited-range BT.709 4:2:0.
struct Way {
    pipe: Pipe,
    /// Where the light is converted, and what comes after that.
    toning: Option<(Toning, Pipe)>,
}

impl Way {
    fn new(shape: &Shape, turn: Turn, place: Placement, soften: Option<(u32, u32)>) -> Result<Self, Error> {
        let pipe = Pipe::new(shape, &chain(shape, turn, place, soften))?;
        let (w, h) = place.size;
        let toning = match shape.light {
            Some(light) => {
                let filters = format!("scale={w}:{h}:{EXACT}:in_range=full:{OUT},format=yuv420p");
                Some((Toning::new(light), Pipe::new(&Shape::toned(w, h), &filters)?))
            }
            None => None,
        };
        Ok(Self { pipe, toning })
    }

    /// Takes the frame's data and gives the converted frame.
    fn run(&mut self, frame: &frame::Video) -> Result<frame::Video, Error> {
        let made = self.pipe.run(frame)?;
        match &mut self.toning {
            Some((toning, after)) => after.run(&toning.run(&made)),
            None => Ok(made),
        }
    }
}

/// Converts decoded frames of one stream; it makes its graphs anew when the frames change their shape.
pub(super) struct Conformer {
    target: Target,
    made_for: Option<Shape>,
    front: Option<(Way, Placement)>,
    back: Option<Way>,
    /// How bright the film gets, as its first frame says: one that changed meanwhile would flicker.
    peak: Option<Option<u32>>,
}

impl Conformer {
    pub(super) const fn new(target: Target) -> Self {
        Self { target, made_for: None, front: None, back: None, peak: None }
    }

    /// The frame at the target's size. The frame's data is moved out of it.
    pub(super) fn run(&mut self, frame: &frame::Video, path: &Path) -> Result<Yuv420, AvError> {
        self.convert(frame).map_err(|error| AvError::Decode {
            path: path.into(),
            cause: format!("cannot convert a frame: {}", super::input::said(error)),
        })
    }

    fn convert(&mut self, frame: &frame::Video) -> Result<Yuv420, Error> {
        let peak = *self.peak.get_or_insert_with(|| peak_of(frame));
        let shape = Shape::of(frame, self.target.sar, peak);
        if self.is_right_already(&shape) {
            return Ok(copy_out(frame));
        }
        if self.made_for != Some(shape) {
            self.prepare(shape)?;
        }
        let background = match self.back.as_mut() {
            Some(way) => Some(copy_out(&way.run(&copied(frame))?)),
            None => None,
        };
        let Some((way, place)) = self.front.as_mut() else {
            return Err(Error::Bug);
        };
        let picture = way.run(frame)?;
        let (w, h) = (self.target.width as usize, self.target.height as usize);
        if place.size == (self.target.width, self.target.height) {
            return Ok(copy_out(&picture));
        }
        let plain = match self.target.fit {
            Fit::Contain { background } => background,
            Fit::Cover { .. } | Fit::Blur => [16, 128, 128],
        };
        let mut whole = background.unwrap_or_else(|| Yuv420::filled(w, h, plain));
        lay_over(&mut whole, &picture, place.size);
        Ok(whole)
    }

    fn is_right_already(&self, shape: &Shape) -> bool {
        shape.format == format::Pixel::YUV420P
            && (shape.width, shape.height) == (self.target.width, self.target.height)
            && shape.sar.0 == shape.sar.1
            && self.target.turn == Turn::NONE
            && !shape.is_full_range()
            && shape.matrix_name() == "bt709"
            && shape.siting() == (0, 128)
            && shape.light.is_none()
    }

    fn prepare(&mut self, shape: Shape) -> Result<(), Error> {
        let Target { width, height, fit, turn, .. } = self.target;
        let (upright, sar) = if turn.swaps() {
            ((shape.height, shape.width), (shape.sar.1, shape.sar.0))
        } else {
            ((shape.width, shape.height), shape.sar)
        };
        let place = match fit {
            Fit::Cover { focus } => covering(upright, sar, width, height, focus),
            Fit::Contain { .. } | Fit::Blur => containing(upright, sar, width, height),
        };
        let filled = place.size == (width, height);
        self.front = Some((Way::new(&shape, turn, place, None)?, place));
        self.back = if fit == Fit::Blur && !filled {
            // A copy at about 1/32 of the size, scaled back: wide, smooth, and cheap.
            let small = (even(u64::from(width / 32)), even(u64::from(height / 32)));
            let cover = covering(upright, sar, width, height, MIDDLE);
            Some(Way::new(&shape, turn, cover, Some(small))?)
        } else {
            None
        };
        self.made_for = Some(shape);
        Ok(())
    }
}

/// The same pixels once more, to be given away.
fn copied(frame: &frame::Video) -> frame::Video {
    let mut copy = frame::Video::new(frame.format(), frame.width(), frame.height());
    copy.clone_from(frame);
    copy
}

fn copy_plane(frame: &frame::Video, index: usize, width: usize, height: usize) -> Vec<u8> {
    let stride = frame.stride(index);
    let data = frame.data(index);
    if stride == width {
        return data[..width * height].to_vec();
    }
    let mut plane = Vec::with_capacity(width * height);
    for row in data.chunks(stride).take(height) {
        plane.extend_from_slice(&row[..width]);
    }
    plane
}

/// The planes of a 4:2:0 frame of even size, packed.
pub(super) fn copy_out(frame: &frame::Video) -> Yuv420 {
    let (width, height) = (frame.width() as usize, frame.height() as usize);
    Yuv420 {
        width,
        height,
        y: copy_plane(frame, 0, width, height),
        u: copy_plane(frame, 1, width / 2, height / 2),
        v: copy_plane(frame, 2, width / 2, height / 2),
    }
}

/// Lays a smaller frame in the middle, at even places.
fn lay_over(whole: &mut Yuv420, picture: &frame::Video, (w, h): (u32, u32)) {
    let (w, h) = (w as usize, h as usize);
    let (x, y) = ((whole.width - w) / 4 * 2, (whole.height - h) / 4 * 2);
    let width = whole.width;
    for (index, plane) in [&mut whole.y, &mut whole.u, &mut whole.v].into_iter().enumerate() {
        let half = if index == 0 { 1 } else { 2 };
        let (x, y, w, h, stride) = (x / half, y / half, w / half, h / half, width / half);
        let rows = picture.data(index).chunks(picture.stride(index)).take(h);
        for (row, into) in rows.zip(plane.chunks_mut(stride).skip(y)) {
            into[x..x + w].copy_from_slice(&row[..w]);
        }
    }
}

/// A film frame as straight sRGB, for stills and thumbnails: the same code values, by the BT.709 matrix.
///
/// # Errors
/// When this FFmpeg lacks its scaler.
pub fn rgba_of(picture: &Yuv420) -> Result<Rgba, AvError> {
    super::init();
    let (w, h) = (picture.width as u32, picture.height as u32);
    let shape = Shape {
        format: format::Pixel::YUV420P,
        width: w,
        height: h,
        sar: (1, 1),
        matrix: MATRIX_BT709,
        range: 1,
        chroma: 1,
        light: None,
    };
    let filters = format!(
        "scale={w}:{h}:{EXACT}:in_color_matrix=bt709:in_range=limited:out_range=full:\
         in_h_chr_pos=0:in_v_chr_pos=128,format=rgba"
    );
    let mut frame = frame::Video::new(format::Pixel::YUV420P, w, h);
    copy_in(picture, &mut frame);
    let made = Pipe::new(&shape, &filters)
        .and_then(|mut pipe| pipe.run(&frame))
        .map_err(|_| AvError::Missing { what: "filter", name: "scale" })?;
    Ok(Rgba {
        width: picture.width,
        height: picture.height,
        pixels: copy_plane(&made, 0, picture.width * 4, picture.height),
    })
}

/// Writes packed planes into a frame of the same size, row by row.
pub(super) fn copy_in(picture: &Yuv420, frame: &mut frame::Video) {
    for (index, plane) in [&picture.y, &picture.u, &picture.v].into_iter().enumerate() {
        let width = if index == 0 { picture.width } else { picture.width / 2 };
        let stride = frame.stride(index);
        let rows = frame.data_mut(index).chunks_mut(stride);
        for (row, from) in rows.zip(plane.chunks_exact(width)) {
            row[..width].copy_from_slice(from);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cover_cuts_the_longer_side_evenly() {
        let wide = covering((1920, 1080), (1, 1), 1080, 1920, MIDDLE);
        assert_eq!(wide, Placement { crop: (608, 1080, 656, 0), size: (1080, 1920) });
        assert_eq!(covering((321, 181), (1, 1), 320, 180, MIDDLE).size, (320, 180));
    }

    #[test]
    fn contain_counts_the_sample_aspect_ratio() {
        // 720×576 with 16:11 samples is shown 1047 wide.
        assert_eq!(containing((720, 576), (16, 11), 640, 360).size, (640, 352));
        assert_eq!(containing((640, 360), (1, 1), 360, 640).size, (360, 204));
    }

    #[test]
    fn chroma_turns_with_the_picture() {
        let left = (0, 128);
        assert_eq!(turned(left, Turn { mirrored: false, quarters: 1 }), (128, 0));
        assert_eq!(turned(left, Turn { mirrored: false, quarters: 2 }), (256, 128));
        assert_eq!(turned(left, Turn { mirrored: true, quarters: 0 }), (256, 128));
    }
}
