//! The unsafe border: what ffmpeg-next's safe interface lacks. It knows pointers and error codes, no policy.
#![expect(unsafe_code, reason = "FFmpeg is C; every raw call of reel is in this file or one beneath it")]

pub(super) mod device;

use std::ffi::{CStr, CString, c_int};
use std::path::Path;
use std::{ptr, slice};

use ffmpeg_next::format::context::{Input, Output};
use ffmpeg_next::{Dictionary, Error, Rational, codec, ffi, filter, frame};

/// EINVAL, as FFmpeg's own functions give it.
const INVALID: Error = Error::Other { errno: ffmpeg_next::util::error::EINVAL };

/// `file:PATH`, so that no other protocol can be named by a path. Any bytes but NUL are fine.
fn url_of(path: &Path) -> Result<CString, Error> {
    let mut url = b"file:".to_vec();
    url.extend_from_slice(path.as_os_str().as_encoded_bytes());
    CString::new(url).map_err(|_| INVALID)
}

fn checked(code: c_int) -> Result<c_int, Error> {
    if code < 0 { Err(Error::from(code)) } else { Ok(code) }
}

/// Opens a local file for reading; with `analyse` the streams' facts are completed from their first packets.
pub(super) fn open_input(path: &Path, options: &[(&str, &str)], analyse: bool) -> Result<Input, Error> {
    let url = url_of(path)?;
    let options: Dictionary<'_> = options.iter().collect();
    // SAFETY: `url` outlives the call; FFmpeg replaces `raw` by what it did not use, which `own` frees; on
    // success `context` is valid and handed over to `Input`, which closes it, also when analysing fails.
    unsafe {
        let mut context = ptr::null_mut();
        let mut raw = options.disown();
        let code = ffi::avformat_open_input(&raw mut context, url.as_ptr(), ptr::null(), &raw mut raw);
        drop(Dictionary::own(raw));
        checked(code)?;
        let input = Input::wrap(context);
        if analyse {
            checked(ffi::avformat_find_stream_info(context, ptr::null_mut()))?;
        }
        Ok(input)
    }
}

/// Creates (or empties) a local file for the muxer named `format`.
pub(super) fn create_output(path: &Path, format: &CStr) -> Result<Output, Error> {
    let url = url_of(path)?;
    // SAFETY: the strings outlive the calls; on failure the context is freed here, else `Output` owns it.
    unsafe {
        let mut context = ptr::null_mut();
        checked(ffi::avformat_alloc_output_context2(
            &raw mut context,
            ptr::null(),
            format.as_ptr(),
            url.as_ptr(),
        ))?;
        let code = ffi::avio_open(&raw mut (*context).pb, url.as_ptr(), ffi::AVIO_FLAG_WRITE);
        if code < 0 {
            ffi::avformat_free_context(context);
            return Err(Error::from(code));
        }
        Ok(Output::wrap(context))
    }
}

/// Pushes everything to the file and reports a write that failed before (a full disk).
pub(super) fn flush_output(output: &mut Output) -> Result<(), Error> {
    // SAFETY: `Output` keeps its context, and the context its open `pb`, until it is dropped.
    unsafe {
        let pb = (*output.as_mut_ptr()).pb;
        ffi::avio_flush(pb);
        checked((*pb).error).map(|_| ())
    }
}

/// Ends the fragment of a fragmented file that is being written; the first one ends the header.
pub(super) fn end_fragment(output: &mut Output) -> Result<(), Error> {
    // SAFETY: a null packet asks the muxer of a context whose header was written to write what it holds.
    unsafe { checked(ffi::av_write_frame(output.as_mut_ptr(), ptr::null_mut())).map(|_| ()) }
}

/// What a stream's header says, with enumerations as the numbers FFmpeg uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StreamFacts {
    pub codec: u32,
    pub tag: u32,
    pub width: i32,
    pub height: i32,
    pub format: i32,
    pub sar: (i32, i32),
    pub field_order: i32,
    pub range: i32,
    pub primaries: i32,
    pub transfer: i32,
    pub matrix: i32,
    pub rate: i32,
    pub channels: i32,
    pub extradata: Vec<u8>,
}

/// An enumeration of FFmpeg as its number: files may hold values that the bindings do not list.
macro_rules! number {
    ($place:expr) => {
        (&raw const $place).cast::<c_int>().read()
    };
}

/// Reads the facts of stream `index`; `None` when there is no such stream.
pub(super) fn stream_facts(input: &Input, index: usize) -> Option<StreamFacts> {
    let stream = input.stream(index)?;
    // SAFETY: the stream and its parameters live as long as `input`; extradata has `extradata_size` bytes,
    // or is null with size 0.
    unsafe {
        let p = (*stream.as_ptr()).codecpar;
        let own = (*stream.as_ptr()).sample_aspect_ratio;
        let sar = if own.num > 0 && own.den > 0 { own } else { (*p).sample_aspect_ratio };
        let extradata = match (*p).extradata_size {
            n if n > 0 && !(*p).extradata.is_null() => {
                slice::from_raw_parts((*p).extradata, n as usize).to_vec()
            }
            _ => Vec::new(),
        };
        Some(StreamFacts {
            codec: number!((*p).codec_id) as u32,
            tag: (*p).codec_tag,
            width: (*p).width,
            height: (*p).height,
            format: (*p).format,
            sar: (sar.num, sar.den),
            field_order: number!((*p).field_order),
            range: number!((*p).color_range),
            primaries: number!((*p).color_primaries),
            transfer: number!((*p).color_trc),
            matrix: number!((*p).color_space),
            rate: (*p).sample_rate,
            channels: (*p).ch_layout.nb_channels,
            extradata,
        })
    }
}

/// The nine numbers of a stream's display matrix.
pub(super) fn display_matrix(input: &Input, index: usize) -> Option<[i32; 9]> {
    let stream = input.stream(index)?;
    // SAFETY: the side data belongs to the stream, which `input` keeps; it is read unaligned and only when
    // it has the 36 bytes that nine numbers need.
    unsafe {
        let kind = ffi::AVPacketSideDataType::AV_PKT_DATA_DISPLAYMATRIX;
        let mut size = 0;
        let data = ffi::av_stream_get_side_data(stream.as_ptr(), kind, &raw mut size);
        if data.is_null() || size < size_of::<[i32; 9]>() {
            return None;
        }
        Some(data.cast::<[i32; 9]>().read_unaligned())
    }
}

/// The end of the last byte that the stream's index names, where the container has an index.
pub(super) fn index_end(input: &mut Input, index: usize) -> Option<i64> {
    let mut stream = input.stream_mut(index)?;
    // SAFETY: entries are read by index below the count while the stream is borrowed; each is null or valid.
    unsafe {
        let stream = stream.as_mut_ptr();
        (0..ffi::avformat_index_get_entries_count(stream))
            .filter_map(|i| ffi::avformat_index_get_entry(stream, i).as_ref())
            .map(|entry| entry.pos + i64::from(entry.size()))
            .max()
    }
}

/// Whether the container's duration comes from its header or timestamps, not from a guess by bit rate.
pub(super) fn duration_is_exact(input: &Input) -> bool {
    // SAFETY: a plain field of a live context.
    let method = unsafe { number!((*input.as_ptr()).duration_estimation_method) };
    method != ffi::AVDurationEstimationMethod::AVFMT_DURATION_FROM_BITRATE as c_int
}

/// Where the container begins, in microseconds, if it tells.
pub(super) fn start_time(input: &Input) -> Option<i64> {
    // SAFETY: a plain field of a live context.
    Some(unsafe { (*input.as_ptr()).start_time }).filter(|time| *time != ffi::AV_NOPTS_VALUE)
}

/// Lets later packets of a stream be skipped by the demuxer.
pub(super) fn discard_stream(input: &mut Input, index: usize) {
    if let Some(mut stream) = input.stream_mut(index) {
        // SAFETY: a plain field of a live stream.
        unsafe { (*stream.as_mut_ptr()).discard = ffi::AVDiscard::AVDISCARD_ALL };
    }
}

/// Colour description of a decoded frame, as FFmpeg's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FrameColour {
    pub matrix: i32,
    pub range: i32,
    pub chroma: i32,
    pub transfer: i32,
    pub primaries: i32,
}

/// What a decoded frame says of its colours.
pub(super) fn frame_colour(frame: &frame::Video) -> FrameColour {
    // SAFETY: plain fields of a live frame.
    unsafe {
        let f = frame.as_ptr();
        FrameColour {
            matrix: number!((*f).colorspace),
            range: number!((*f).color_range),
            chroma: number!((*f).chroma_location),
            transfer: number!((*f).color_trc),
            primaries: number!((*f).color_primaries),
        }
    }
}

/// A filter graph that works in the caller's thread alone: how much of the machine is used is not its choice.
pub(super) fn single_threaded_graph() -> filter::Graph {
    let mut graph = filter::Graph::new();
    // SAFETY: a plain field of a live graph without filters yet.
    unsafe { (*graph.as_mut_ptr()).nb_threads = 1 };
    graph
}

/// Makes the frame's pixels its own; they are copied only where an encoder still holds them.
pub(super) fn make_writable(frame: &mut frame::Video) -> Result<(), Error> {
    // SAFETY: the frame is live and reference counted.
    checked(unsafe { ffi::av_frame_make_writable(frame.as_mut_ptr()) }).map(|_| ())
}

/// Says that chroma is sited left, as MPEG-2 and H.264 do by default.
pub(super) fn site_chroma_left(context: &mut codec::Context) {
    // SAFETY: a plain field of a context that is not open yet.
    unsafe { (*context.as_mut_ptr()).chroma_sample_location = ffi::AVChromaLocation::AVCHROMA_LOC_LEFT };
}

/// How many bits of each sample carry sound (24 in a 32-bit sample).
pub(super) fn set_sample_bits(context: &mut codec::Context, bits: i32) {
    // SAFETY: a plain field of a context that is not open yet.
    unsafe { (*context.as_mut_ptr()).bits_per_raw_sample = bits };
}

/// Frames by which an open encoder reorders: how far decoding runs ahead of display.
pub(super) fn reorder_delay(context: &codec::Context) -> i64 {
    // SAFETY: a plain field of a live context.
    i64::from(unsafe { (*context.as_ptr()).has_b_frames })
}

/// Forgets the tag of the container that a stream was copied from, so that the new one chooses its own.
pub(super) fn clear_codec_tag(output: &mut Output, index: usize) {
    if let Some(mut stream) = output.stream_mut(index) {
        // SAFETY: a plain field of the stream's own parameters.
        unsafe { (*(*stream.as_mut_ptr()).codecpar).codec_tag = 0 };
    }
}

/// Sets the tag by which a container names the codec of a stream.
pub(super) fn set_codec_tag(output: &mut Output, index: usize, tag: &[u8; 4]) {
    if let Some(mut stream) = output.stream_mut(index) {
        // SAFETY: a plain field of the stream's own parameters.
        unsafe { (*(*stream.as_mut_ptr()).codecpar).codec_tag = u32::from_le_bytes(*tag) };
    }
}

/// Makes a stream a picture that stands for the whole file, or takes it for a file beside the others.
pub(super) fn make_cover(output: &mut Output, index: usize) {
    if let Some(mut stream) = output.stream_mut(index) {
        // SAFETY: a plain field of a live stream.
        unsafe { (*stream.as_mut_ptr()).disposition = ffi::AV_DISPOSITION_ATTACHED_PIC };
    }
}

/// What a stream is that was copied from nowhere.
pub(super) struct Made<'a> {
    pub medium: ffmpeg_next::media::Type,
    pub codec: codec::Id,
    pub extradata: &'a [u8],
    pub size: (u32, u32),
}

/// Describes a stream that was copied from nowhere.
pub(super) fn describe(output: &mut Output, index: usize, made: &Made<'_>) -> Result<(), Error> {
    let mut stream = output.stream_mut(index).ok_or(Error::StreamNotFound)?;
    // SAFETY: plain fields of the stream's own parameters, which have no extradata yet; the new ones are allocated by
    // FFmpeg's own allocator with the padding that it asks for, and freed with the stream.
    unsafe {
        let p = (*stream.as_mut_ptr()).codecpar;
        (*p).codec_type = made.medium.into();
        (*p).codec_id = made.codec.into();
        ((*p).width, (*p).height) = (made.size.0 as c_int, made.size.1 as c_int);
        let room = made.extradata.len() + ffi::AV_INPUT_BUFFER_PADDING_SIZE as usize;
        let data = ffi::av_mallocz(room).cast::<u8>();
        if data.is_null() {
            return Err(Error::Other { errno: ffmpeg_next::util::error::ENOMEM });
        }
        ptr::copy_nonoverlapping(made.extradata.as_ptr(), data, made.extradata.len());
        (*p).extradata = data;
        (*p).extradata_size = made.extradata.len() as c_int;
    }
    Ok(())
}

/// Says how many samples at the start of a sound track are there for the decoder alone.
pub(super) fn set_initial_padding(output: &mut Output, index: usize, samples: i32) {
    if let Some(mut stream) = output.stream_mut(index) {
        // SAFETY: a plain field of the stream's own parameters.
        unsafe { (*(*stream.as_mut_ptr()).codecpar).initial_padding = samples };
    }
}

/// What an encoder has written about the pictures that it looked through, once it has seen all of them.
pub(super) fn first_pass(context: &codec::Context) -> Option<CString> {
    // SAFETY: null, or a string of the encoder that lives as long as it does; it is copied.
    unsafe {
        let text = (*context.as_ptr()).stats_out;
        if text.is_null() { None } else { Some(CStr::from_ptr(text).to_owned()) }
    }
}

/// Gives an encoder that is not open yet what was written in the first pass; `text` must outlive the encoder.
pub(super) fn second_pass(context: &mut codec::Context, text: &CStr) {
    // SAFETY: FFmpeg only reads it, and neither frees it nor keeps it beyond the encoder.
    unsafe { (*context.as_mut_ptr()).stats_in = text.as_ptr().cast_mut() };
}

/// Converts sample formats, channel counts and rates; output is interleaved `f32`.
pub(super) struct Resampler {
    context: *mut ffi::SwrContext,
    channels: usize,
}

// SAFETY: the context is owned alone by this value and has no tie to the thread that made it.
unsafe impl Send for Resampler {}

/// The form of samples that go in: FFmpeg's sample format, channels, samples per second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SampleForm {
    pub format: ffi::AVSampleFormat,
    pub channels: i32,
    /// A channel mask, or 0 for the usual layout of that many channels.
    pub mask: u64,
    pub rate: i32,
}

impl SampleForm {
    /// Interleaved `f32`.
    pub(super) const fn packed(channels: i32, rate: i32) -> Self {
        Self { format: ffi::AVSampleFormat::AV_SAMPLE_FMT_FLT, channels, mask: 0, rate }
    }

    /// The form of a decoded frame.
    pub(super) fn of(frame: &frame::Audio) -> Self {
        // SAFETY: plain fields of a live frame; the mask is read only in the order that has one.
        unsafe {
            let f = frame.as_ptr();
            let layout = &raw const (*f).ch_layout;
            let native = number!((*layout).order) == ffi::AVChannelOrder::AV_CHANNEL_ORDER_NATIVE as c_int;
            Self {
                format: frame.format().into(),
                channels: (*layout).nb_channels,
                // One or two channels need no names: they are taken as they come.
                mask: if native && (*layout).nb_channels > 2 { (*layout).u.mask } else { 0 },
                rate: (*f).sample_rate,
            }
        }
    }

    fn layout(self) -> ffi::AVChannelLayout {
        // SAFETY: both functions fill the zeroed layout completely; a mask that does not fit leaves it empty,
        // and then the usual layout is taken.
        unsafe {
            let mut layout = std::mem::zeroed::<ffi::AVChannelLayout>();
            if self.mask == 0 || ffi::av_channel_layout_from_mask(&raw mut layout, self.mask) < 0 {
                ffi::av_channel_layout_default(&raw mut layout, self.channels);
            }
            layout
        }
    }
}

impl Resampler {
    /// A converter from `from` to `f32` with `channels` channels at `rate`. More than two channels are
    /// mixed down so that full scale stays full scale.
    pub(super) fn new(from: SampleForm, channels: i32, rate: i32) -> Result<Self, Error> {
        if from.channels <= 0 || from.rate <= 0 {
            return Err(Error::InvalidData);
        }
        let (mut inner, mut outer) = (from.layout(), SampleForm::packed(channels, rate).layout());
        // SAFETY: the layouts outlive the call, which copies them; `Self` frees the context, also on failure.
        unsafe {
            let mut context = ptr::null_mut();
            checked(ffi::swr_alloc_set_opts2(
                &raw mut context,
                &raw mut outer,
                ffi::AVSampleFormat::AV_SAMPLE_FMT_FLT,
                rate,
                &raw mut inner,
                from.format,
                from.rate,
                0,
                ptr::null_mut(),
            ))?;
            let own = Self { context, channels: channels as usize };
            checked(ffi::av_opt_set_double(context.cast(), c"rematrix_maxval".as_ptr(), 1.0, 0))?;
            checked(ffi::swr_init(context))?;
            Ok(own)
        }
    }

    /// Converts a decoded frame, which must be of the form this was made for; appends to `out`.
    pub(super) fn convert_frame(&mut self, frame: &frame::Audio, out: &mut Vec<f32>) -> Result<(), Error> {
        let samples = frame.samples() as c_int;
        // SAFETY: a decoded frame has a plane pointer for each channel (or one) in `extended_data`, each with
        // `samples` samples.
        unsafe { self.convert((*frame.as_ptr()).extended_data.cast(), samples, out) }
    }

    /// Converts interleaved `f32` of `channels` channels; appends to `out`.
    pub(super) fn convert_packed(
        &mut self,
        data: &[f32],
        channels: usize,
        out: &mut Vec<f32>,
    ) -> Result<(), Error> {
        let mut plane: *const u8 = data.as_ptr().cast();
        let samples = (data.len() / channels) as c_int;
        // SAFETY: one interleaved plane of `samples · channels` values, alive for the call.
        unsafe { self.convert(&raw mut plane, samples, out) }
    }

    /// Appends what the filter still holds; nothing may be converted after it.
    pub(super) fn drain(&mut self, out: &mut Vec<f32>) -> Result<(), Error> {
        // SAFETY: a null input with no samples means the end.
        unsafe { self.convert(ptr::null_mut(), 0, out) }
    }

    /// SAFETY: `planes` holds the planes of the form this was made for with `samples` samples each, or is null.
    unsafe fn convert(
        &mut self,
        planes: *mut *const u8,
        samples: c_int,
        out: &mut Vec<f32>,
    ) -> Result<(), Error> {
        // SAFETY: `swr_get_out_samples` bounds what may be written, and `out` is resized to hold that much.
        unsafe {
            let room = checked(ffi::swr_get_out_samples(self.context, samples))?;
            let start = out.len();
            out.resize(start + room as usize * self.channels, 0.0);
            let mut plane: *mut u8 = out.as_mut_ptr().add(start).cast();
            let made = ffi::swr_convert(self.context, &raw mut plane, room, planes, samples);
            out.truncate(start + made.max(0) as usize * self.channels);
            checked(made).map(|_| ())
        }
    }
}

impl Drop for Resampler {
    fn drop(&mut self) {
        // SAFETY: allocated by `swr_alloc_set_opts2`, freed once.
        unsafe { ffi::swr_free(&raw mut self.context) };
    }
}

/// `av_version_info`, the version of the FFmpeg release at run time.
pub(super) fn release() -> String {
    // SAFETY: a static string.
    unsafe { CStr::from_ptr(ffi::av_version_info()) }.to_string_lossy().into_owned()
}

/// Versions of the libraries at run time, as FFmpeg packs them (major, minor, micro in 16, 8 and 8 bits).
pub(super) fn library_versions() -> [(&'static str, u32); 6] {
    // SAFETY: functions without arguments or effects.
    unsafe {
        [
            ("libavcodec", ffi::avcodec_version()),
            ("libavfilter", ffi::avfilter_version()),
            ("libavformat", ffi::avformat_version()),
            ("libavutil", ffi::avutil_version()),
            ("libswresample", ffi::swresample_version()),
            ("libswscale", ffi::swscale_version()),
        ]
    }
}

/// The name of a pixel format given as FFmpeg's number.
pub(super) fn pixel_name(format: c_int) -> Option<&'static str> {
    if format < 0 || format >= ffi::AVPixelFormat::AV_PIX_FMT_NB as c_int {
        return None;
    }
    // SAFETY: the numbers from 0 to NB are all variants; names are static strings or null.
    unsafe {
        let name = ffi::av_get_pix_fmt_name(std::mem::transmute::<c_int, ffi::AVPixelFormat>(format));
        if name.is_null() { None } else { CStr::from_ptr(name).to_str().ok() }
    }
}

/// Which of these options an encoder does not know, by FFmpeg's name of it; `None` where FFmpeg has no such encoder.
#[cfg(test)]
pub(super) fn unknown_options(encoder: &str, told: &[(String, String)]) -> Option<Vec<String>> {
    let found = ffmpeg_next::encoder::find_by_name(encoder)?;
    let context = codec::Context::new_with_codec(found);
    let is_known = |name: &str| {
        let Ok(name) = CString::new(name) else { return false };
        // SAFETY: the context and its private options live until the end; the search writes nothing.
        let option = unsafe {
            let context = context.as_ptr().cast_mut().cast();
            ffi::av_opt_find(context, name.as_ptr(), ptr::null(), 0, ffi::AV_OPT_SEARCH_CHILDREN as c_int)
        };
        !option.is_null()
    };
    Some(told.iter().filter(|(name, _)| !is_known(name)).map(|(name, _)| name.clone()).collect())
}

/// `stream.time_base` as a plain pair.
pub(super) const fn pair(time_base: Rational) -> (i32, i32) {
    (time_base.0, time_base.1)
}

/// Sends FFmpeg's warnings and errors to the ring instead of standard error.
#[cfg(target_arch = "x86_64")]
pub(super) fn install_log() {
    // SAFETY: the callback is thread-safe and lives as long as the program.
    unsafe { ffi::av_log_set_callback(Some(hear)) };
}

/// Keeps FFmpeg silent: how a `va_list` is passed is known here for x86-64 alone, so no line is kept.
#[cfg(not(target_arch = "x86_64"))]
pub(super) fn install_log() {
    ffmpeg_next::log::set_level(ffmpeg_next::log::Level::Quiet);
}

#[cfg(target_arch = "x86_64")]
unsafe extern "C" fn hear(
    source: *mut std::ffi::c_void,
    level: c_int,
    format: *const std::ffi::c_char,
    arguments: *mut ffi::__va_list_tag,
) {
    if level > ffi::AV_LOG_WARNING {
        return;
    }
    let mut line = [0u8; 1024];
    let mut prefix = 1;
    // SAFETY: FFmpeg passes a valid format with its arguments; the line is cut to the buffer and ends in NUL.
    let text = unsafe {
        let room = line.len() as c_int;
        let into = line.as_mut_ptr().cast();
        ffi::av_log_format_line2(source, level, format, arguments, into, room, &raw mut prefix);
        CStr::from_ptr(line.as_ptr().cast())
    };
    super::log::push(&text.to_string_lossy());
}
