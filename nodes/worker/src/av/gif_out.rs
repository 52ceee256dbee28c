//! Film frames to a GIF with one palette that fits all of them. It knows no film; whoever calls it shows the frames
//! twice.

use std::path::{Path, PathBuf};

use ffmpeg_next::filter::{self, Graph};
use ffmpeg_next::format::context::Output;
use ffmpeg_next::{Dictionary, Error, Packet, Rational, codec, encoder, format, frame, picture};
use reel_nodes::media::time::FrameRate;

use super::error::AvError;
use super::ffi;
use super::input::said;
use super::pixels::Pixels;
use crate::frame::Yuv420;

/// GIF counts in hundredths of a second.
const TICKS: u64 = 100;

/// Frames as GIF sees them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GifSpec {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Frames per second, 50 at most.
    pub rate: FrameRate,
    /// Colours, 2 to 256.
    pub colors: u32,
}

impl GifSpec {
    /// Arguments of the filter that frames come in by.
    fn source(&self) -> String {
        let (w, h) = (self.width, self.height);
        format!("video_size={w}x{h}:pix_fmt=yuv420p:time_base=1/{TICKS}:pixel_aspect=1/1")
    }

    /// When a frame is shown.
    fn tick(&self, frame: u64) -> i64 {
        let (num, den) = (u64::from(self.rate.num()), u64::from(self.rate.den()));
        ((frame * den * TICKS * 2 + num) / (num * 2)) as i64
    }

    fn frame(&self, picture: &Yuv420, index: u64) -> frame::Video {
        let mut frame = Pixels::Plain.frame(self.width, self.height);
        Pixels::Plain.fill(picture, &mut frame);
        frame.set_pts(Some(self.tick(index)));
        frame
    }
}

/// From film frames to full-range colours, the same on every machine.
const TO_RGB: &str = "scale=flags=bicubic+accurate_rnd+full_chroma_int+full_chroma_inp+bitexact:\
                      in_color_matrix=bt709:in_range=limited:out_range=full,format=bgra";

/// Colours that fit all frames it is shown.
pub struct Palette {
    path: PathBuf,
    graph: Graph,
    spec: GifSpec,
    seen: u64,
}

/// The colours of a GIF.
pub struct Colors(frame::Video);

impl Palette {
    /// Readies the search; `path` is for errors alone.
    ///
    /// # Errors
    /// When this FFmpeg lacks the filter.
    pub fn new(path: &Path, spec: GifSpec) -> Result<Self, AvError> {
        super::init();
        let filters = format!("{TO_RGB},palettegen=max_colors={}:reserve_transparent=0", spec.colors);
        let made = || {
            let mut graph = ffi::single_threaded_graph();
            graph.add(&find("buffer")?, "in", &spec.source())?;
            graph.add(&find("buffersink")?, "out", "")?;
            graph.output("in", 0)?.input("out", 0)?.parse(&filters)?;
            graph.validate()?;
            Ok::<_, Error>(graph)
        };
        let graph = made().map_err(|_| AvError::Missing { what: "filter", name: "palettegen" })?;
        Ok(Self { path: path.into(), graph, spec, seen: 0 })
    }

    /// Shows it the next frame.
    ///
    /// # Errors
    /// When the filter fails.
    pub fn push(&mut self, picture: &Yuv420) -> Result<(), AvError> {
        let frame = self.spec.frame(picture, self.seen);
        self.seen += 1;
        let added = self.graph.get("in").ok_or(Error::Bug).and_then(|mut source| source.source().add(&frame));
        added.map_err(|error| AvError::Write { path: self.path.clone(), cause: said(error) })
    }

    /// The colours.
    ///
    /// # Errors
    /// When there was no frame.
    pub fn finish(mut self) -> Result<Colors, AvError> {
        let mut palette = frame::Video::empty();
        let mut found = || {
            self.graph.get("in").ok_or(Error::Bug)?.source().flush()?;
            self.graph.get("out").ok_or(Error::Bug)?.sink().frame(&mut palette)
        };
        found().map_err(|error| AvError::Write { path: self.path.clone(), cause: said(error) })?;
        palette.set_pts(Some(0));
        Ok(Colors(palette))
    }
}

/// Encodes frames into a GIF that begins again when it ends.
pub struct GifEncoder {
    path: PathBuf,
    graph: Graph,
    encoder: encoder::Video,
    output: Output,
    spec: GifSpec,
    pushed: u64,
    written: u64,
}

impl GifEncoder {
    /// Creates `path` for frames in these colours.
    ///
    /// # Errors
    /// When this FFmpeg lacks a filter or the encoder, or the file cannot be written.
    pub fn create(path: &Path, spec: GifSpec, colors: &Colors) -> Result<Self, AvError> {
        super::init();
        let failed = |error| AvError::Write { path: path.into(), cause: said(error) };
        let missing = |_| AvError::Missing { what: "filter", name: "paletteuse" };
        let mut graph = paint(&spec, &colors.0).map_err(missing)?;
        let mut given = || {
            let mut source = graph.get("colors").ok_or(Error::Bug)?;
            source.source().add(&colors.0)?;
            source.source().flush()
        };
        given().map_err(failed)?;
        let encoder = open(&spec).map_err(failed)?;
        let mut output = ffi::create_output(path, c"gif").map_err(failed)?;
        let mut stream = output.add_stream_with(&encoder).map_err(failed)?;
        stream.set_time_base(Rational::new(1, TICKS as i32));
        let options: Dictionary<'_> = [("fflags", "+bitexact")].iter().collect();
        output.write_header_with(options).map_err(failed)?;
        Ok(Self { path: path.into(), graph, encoder, output, spec, pushed: 0, written: 0 })
    }

    /// Encodes the next frame.
    ///
    /// # Errors
    /// When encoding or writing fails.
    pub fn push(&mut self, picture: &Yuv420) -> Result<(), AvError> {
        let frame = self.spec.frame(picture, self.pushed);
        self.pushed += 1;
        self.paint(Some(&frame)).map_err(|error| self.failed(error))
    }

    /// Ends the file; gives the frames in it.
    ///
    /// # Errors
    /// When encoding or writing fails, or frames are missing.
    pub fn finish(mut self) -> Result<u64, AvError> {
        self.paint(None).map_err(|error| self.failed(error))?;
        self.encoder.send_eof().map_err(|error| self.failed(error))?;
        self.drain().map_err(|error| self.failed(error))?;
        if self.written != self.pushed {
            let cause = format!("{} frames went in, {} came out", self.pushed, self.written);
            return Err(AvError::Wrong { path: self.path, cause });
        }
        self.output.write_trailer().map_err(|error| self.failed(error))?;
        ffi::flush_output(&mut self.output).map_err(|error| self.failed(error))?;
        Ok(self.written)
    }

    fn failed(&self, error: Error) -> AvError {
        AvError::Write { path: self.path.clone(), cause: said(error) }
    }

    /// Paints a frame in the colours and encodes what comes out; `None` is the end.
    fn paint(&mut self, frame: Option<&frame::Video>) -> Result<(), Error> {
        let mut source = self.graph.get("in").ok_or(Error::Bug)?;
        match frame {
            Some(frame) => source.source().add(frame)?,
            None => source.source().flush()?,
        }
        loop {
            let mut made = frame::Video::empty();
            match self.graph.get("out").ok_or(Error::Bug)?.sink().frame(&mut made) {
                Ok(()) => {}
                Err(Error::Eof) => return Ok(()),
                Err(Error::Other { errno }) if errno == ffmpeg_next::util::error::EAGAIN => return Ok(()),
                Err(error) => return Err(error),
            }
            made.set_kind(picture::Type::None);
            self.encoder.send_frame(&made)?;
            self.drain()?;
        }
    }

    fn drain(&mut self) -> Result<(), Error> {
        loop {
            let mut packet = Packet::empty();
            match self.encoder.receive_packet(&mut packet) {
                Ok(()) => {}
                Err(Error::Eof) => return Ok(()),
                Err(Error::Other { errno }) if errno == ffmpeg_next::util::error::EAGAIN => return Ok(()),
                Err(error) => return Err(error),
            }
            let (begin, end) = (self.spec.tick(self.written), self.spec.tick(self.written + 1));
            packet.set_stream(0);
            packet.set_pts(Some(begin));
            packet.set_dts(Some(begin));
            packet.set_duration(end - begin);
            packet.write(&mut self.output)?;
            self.written += 1;
        }
    }
}

fn find(name: &str) -> Result<filter::Filter, Error> {
    filter::find(name).ok_or(Error::FilterNotFound)
}

/// Frames by `in`, the palette by `colors`, painted frames out.
fn paint(spec: &GifSpec, colors: &frame::Video) -> Result<Graph, Error> {
    let palette = format!(
        "video_size={}x{}:pix_fmt=bgra:time_base=1/{TICKS}:pixel_aspect=1/1",
        colors.width(),
        colors.height()
    );
    let mut graph = ffi::single_threaded_graph();
    graph.add(&find("buffer")?, "in", &spec.source())?;
    graph.add(&find("buffer")?, "colors", &palette)?;
    graph.add(&find("buffersink")?, "out", "")?;
    let filters = format!("[in]{TO_RGB}[rgb];[rgb][colors]paletteuse=dither=sierra2_4a[out]");
    graph.output("in", 0)?.output("colors", 0)?.input("out", 0)?.parse(&filters)?;
    graph.validate()?;
    Ok(graph)
}

fn open(spec: &GifSpec) -> Result<encoder::Video, Error> {
    let found = encoder::find(codec::Id::GIF).ok_or(Error::EncoderNotFound)?;
    let mut context = codec::Context::new_with_codec(found);
    context.set_flags(codec::Flags::BITEXACT);
    let mut video = context.encoder().video()?;
    video.set_width(spec.width);
    video.set_height(spec.height);
    video.set_format(format::Pixel::PAL8);
    video.set_time_base(Rational::new(1, TICKS as i32));
    video.open_as(found)
}
