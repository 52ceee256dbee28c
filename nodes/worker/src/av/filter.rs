//! Sound through a filter graph of FFmpeg, to the sample where it was. It knows no voice and no film.

use ffmpeg_next::filter::{self, Graph};
use ffmpeg_next::format::sample::{Sample, Type};
use ffmpeg_next::{ChannelLayout, Error, frame};
use reel_nodes::media::time::SAMPLE_RATE;

use super::error::AvError;
use super::ffi;
use super::input::said;

/// Samples of one channel that are pushed at a time.
const BLOCK: usize = 4096;
/// Where the click stands by which the delay of filters is found, and how long is listened for it.
const CLICK: usize = 9_600;
const LISTEN: usize = 38_400;

/// Sound at 48 kHz on its way through filters; memory does not grow with it.
pub struct SoundFilter {
    graph: Graph,
    channels: usize,
    /// Samples that were pushed.
    at: i64,
}

impl SoundFilter {
    /// Readies filters, as FFmpeg writes them, for 1 or 2 channels.
    ///
    /// # Errors
    /// When FFmpeg does not know a filter or what it is told.
    pub fn new(filters: &str, channels: u32) -> Result<Self, AvError> {
        super::init();
        let graph = graph(filters, channels).map_err(failed)?;
        Ok(Self { graph, channels: channels as usize, at: 0 })
    }

    /// Takes in interleaved samples and gives what comes out.
    ///
    /// # Errors
    /// When a filter fails.
    pub fn push(&mut self, samples: &[f32]) -> Result<Vec<f32>, AvError> {
        let mut out = Vec::with_capacity(samples.len());
        samples
            .chunks(BLOCK * self.channels)
            .try_for_each(|block| self.take(block, &mut out))
            .map_err(failed)?;
        Ok(out)
    }

    /// Gives what the filters still hold.
    ///
    /// # Errors
    /// When a filter fails.
    pub fn finish(mut self) -> Result<Vec<f32>, AvError> {
        let mut out = Vec::new();
        let flushed =
            self.graph.get("in").ok_or(Error::FilterNotFound).and_then(|mut source| source.source().flush());
        flushed.and_then(|()| self.drain(&mut out)).map_err(failed)?;
        Ok(out)
    }

    fn take(&mut self, block: &[f32], out: &mut Vec<f32>) -> Result<(), Error> {
        let samples = block.len() / self.channels;
        let layout = ChannelLayout::default(self.channels as i32);
        let mut frame = frame::Audio::new(Sample::F32(Type::Packed), samples, layout);
        frame.set_rate(SAMPLE_RATE);
        frame.set_pts(Some(self.at));
        let bytes = frame.data_mut(0).chunks_exact_mut(4).zip(block);
        bytes.for_each(|(to, sample)| to.copy_from_slice(&sample.to_ne_bytes()));
        self.at += samples as i64;
        self.graph.get("in").ok_or(Error::FilterNotFound)?.source().add(&frame)?;
        self.drain(out)
    }

    fn drain(&mut self, out: &mut Vec<f32>) -> Result<(), Error> {
        let mut frame = frame::Audio::empty();
        loop {
            match self.graph.get("out").ok_or(Error::FilterNotFound)?.sink().frame(&mut frame) {
                Ok(()) => {
                    let bytes = frame.data(0).as_chunks::<4>().0;
                    out.extend(
                        bytes.iter().take(frame.samples() * self.channels).map(|x| f32::from_ne_bytes(*x)),
                    );
                }
                Err(Error::Eof) => return Ok(()),
                Err(Error::Other { errno }) if errno == ffmpeg_next::util::error::EAGAIN => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }
}

/// Mono samples at 48 kHz through `filters`; as many come out as went in.
///
/// # Errors
/// As those of [`SoundFilter`].
pub fn filtered(samples: &[f32], filters: &str) -> Result<Vec<f32>, AvError> {
    let mut filter = SoundFilter::new(filters, 1)?;
    let mut out = filter.push(samples)?;
    out.extend(filter.finish()?);
    out.resize(samples.len(), 0.0);
    Ok(out)
}

/// By how many samples `filters` delay what goes through; they must leave a click what it is.
///
/// # Errors
/// As those of [`SoundFilter`].
pub fn delay(filters: &str) -> Result<usize, AvError> {
    let mut click = vec![0.0; LISTEN];
    click[CLICK] = 0.5;
    let heard = filtered(&click, filters)?;
    let loudest = heard.iter().enumerate().max_by(|one, other| one.1.abs().total_cmp(&other.1.abs()));
    Ok(loudest.map_or(0, |(place, _)| place.saturating_sub(CLICK)))
}

fn failed(error: Error) -> AvError {
    AvError::Filter { cause: said(error) }
}

fn graph(filters: &str, channels: u32) -> Result<Graph, Error> {
    let mut graph = ffi::single_threaded_graph();
    let source = filter::find("abuffer").ok_or(Error::FilterNotFound)?;
    let sink = filter::find("abuffersink").ok_or(Error::FilterNotFound)?;
    let layout = if channels == 1 { "mono" } else { "stereo" };
    let form =
        format!("time_base=1/{SAMPLE_RATE}:sample_rate={SAMPLE_RATE}:sample_fmt=flt:channel_layout={layout}");
    graph.add(&source, "in", &form)?;
    graph.add(&sink, "out", "")?;
    let filters =
        format!("{filters},aformat=sample_fmts=flt:sample_rates={SAMPLE_RATE}:channel_layouts={layout}");
    graph.output("in", 0)?.input("out", 0)?.parse(&filters)?;
    graph.validate()?;
    Ok(graph)
}
