//! The only place in reel that touches FFmpeg: files in, pictures and samples out, and back. It knows no
//! kinds, no keys and no film; times are presentation times of the file at hand.
//!
//! ```text
//!                 ┌─▶ VideoReader ─▶ Yuv420 … ─▶ VideoEncoder ─▶ segment.mp4 ─┐
//! file ─▶ probe ──┤                                                           ├─▶ join ─▶ film.mp4 ─▶ verify
//!                 └─▶ AudioReader ─▶ f32 …   ─▶ SoundEncoder ─▶ sound.m4a ────┘
//! ```
//!
//! | what | time 0 of it |
//! |---|---|
//! | a file with a picture | its first picture; sound before it is dropped |
//! | a file with sound alone | its first sample, with encoder priming taken off |
//!
//! Everything written here is bit-exact: no dates, no library tags, the same bytes from run to run.

pub mod conform;
mod container;
mod decode;
pub mod encoder;
pub mod error;
pub mod extras;
mod ffi;
pub mod filter;
pub mod fragments;
pub mod gif_out;
pub mod hardware;
pub mod identity;
mod input;
pub mod join;
pub mod join_sound;
mod light;
pub mod log;
mod pixels;
pub mod probe;
mod select;
pub mod sound_in;
pub mod sound_out;
pub mod verify;
pub mod video_in;
pub mod video_out;

pub use conform::{Fit, rgba_of};
pub use container::Layout;
pub use encoder::EncodeSpec;
pub use error::AvError;
pub use extras::{Cover, Extras, Subtitles};
pub use fragments::{Fragments, codec_name};
pub use gif_out::{GifEncoder, GifSpec, Palette};
pub use identity::identity;
pub use input::refuse_short;
pub use join::{JoinReport, JoinSpec, Segment, join};
pub use join_sound::join_sound;
pub use log::take_log;
pub use probe::{AudioInfo, MediaInfo, VideoInfo, probe};
pub use sound_in::{AudioReader, SoundRange};
pub use sound_out::{AacEncoder, Packets, SoundEncoder, SoundFormat};
pub use verify::{FilmFacts, verify};
pub use video_in::{ConformSpec, VideoReader, frame_at, measured_length};
pub use video_out::{EncodeReport, VideoEncoder, segment_media};

/// Readies FFmpeg once for the process: its messages go to the ring of [`log`], never to the terminal.
pub(crate) fn init() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        // It registers error strings and cannot fail in the FFmpeg versions that are supported.
        let _ = ffmpeg_next::init();
        ffi::install_log();
    });
}
