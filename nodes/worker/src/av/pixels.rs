//! Pictures of 8 bits and 4:2:0 into the frames that encoders take. It knows no encoder.

use ffmpeg_next::{color, format, frame};
use reel_nodes::media::encoding::{Encoding, PixelFormat, VideoCodec};

use super::conform::copy_in;
use crate::frame::Yuv420;

/// What an encoder takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pixels {
    /// 8 bits, 4:2:0.
    Plain,
    /// 8 bits, 4:2:0, both kinds of chroma in one plane.
    Paired,
    /// 10 bits, 4:2:0.
    Deep,
    /// 10 bits, 4:2:2.
    DeepWide,
}

impl Pixels {
    /// What an encoding takes.
    pub(super) const fn of(encoding: &Encoding) -> Self {
        match (encoding.codec, encoding.pixel_format) {
            _ if encoding.hw.is_some() => Self::Paired,
            (VideoCodec::Prores, _) => Self::DeepWide,
            (_, Some(PixelFormat::Yuv420p10)) => Self::Deep,
            _ => Self::Plain,
        }
    }

    /// FFmpeg's name of it.
    pub(super) const fn format(self) -> format::Pixel {
        match self {
            Self::Plain => format::Pixel::YUV420P,
            Self::Paired => format::Pixel::NV12,
            Self::Deep => format::Pixel::YUV420P10LE,
            Self::DeepWide => format::Pixel::YUV422P10LE,
        }
    }

    /// A frame of it, tagged as what is drawn: BT.709 in limited range.
    pub(super) fn frame(self, width: u32, height: u32) -> frame::Video {
        let mut frame = frame::Video::new(self.format(), width, height);
        frame.set_color_space(color::Space::BT709);
        frame.set_color_range(color::Range::MPEG);
        frame.set_color_primaries(color::Primaries::BT709);
        frame.set_color_transfer_characteristic(color::TransferCharacteristic::BT709);
        frame
    }

    /// Writes a picture into a frame of it. Limited range of 10 bits is four times that of 8, exactly.
    pub(super) fn fill(self, picture: &Yuv420, frame: &mut frame::Video) {
        match self {
            Self::Plain => return copy_in(picture, frame),
            Self::Paired => return pair(picture, frame),
            Self::Deep | Self::DeepWide => {}
        }
        deepen(&picture.y, picture.width, 0, frame);
        for (index, plane) in [(1, &picture.u), (2, &picture.v)] {
            match self {
                Self::DeepWide => widen(plane, picture.width / 2, index, frame),
                _ => deepen(plane, picture.width / 2, index, frame),
            }
        }
    }
}

/// Brightness as it is, and chroma by turns.
fn pair(picture: &Yuv420, frame: &mut frame::Video) {
    let stride = frame.stride(0);
    let rows = frame.data_mut(0).chunks_mut(stride);
    for (to, from) in rows.zip(picture.y.chunks_exact(picture.width)) {
        to[..picture.width].copy_from_slice(from);
    }
    let (stride, half) = (frame.stride(1), picture.width / 2);
    let chroma = picture.u.chunks_exact(half).zip(picture.v.chunks_exact(half));
    for (to, (u, v)) in frame.data_mut(1).chunks_mut(stride).zip(chroma) {
        to.chunks_exact_mut(2).zip(u.iter().zip(v)).for_each(|(to, (u, v))| to.copy_from_slice(&[*u, *v]));
    }
}

/// A plane with four times its values.
fn deepen(plane: &[u8], width: usize, index: usize, frame: &mut frame::Video) {
    let stride = frame.stride(index);
    let rows = frame.data_mut(index).chunks_mut(stride);
    for (to, from) in rows.zip(plane.chunks_exact(width)) {
        to.chunks_exact_mut(2).zip(from).for_each(|(to, value)| {
            to.copy_from_slice(&(u16::from(*value) * 4).to_le_bytes());
        });
    }
}

/// A plane of chroma with twice its rows. A row of 4:2:0 lies between two of 4:2:2, so each of these is a quarter away
/// from one row and three quarters from the next: 3 : 1, and four times the value comes out whole.
fn widen(plane: &[u8], width: usize, index: usize, frame: &mut frame::Video) {
    let stride = frame.stride(index);
    let last = (plane.len() / width).saturating_sub(1);
    let row_of = |row: usize| &plane[row * width..(row + 1) * width];
    let rows = frame.data_mut(index).chunks_mut(stride).take((last + 1) * 2);
    for (row, to) in rows.enumerate() {
        let near = row / 2;
        let far = if row % 2 == 0 { near.saturating_sub(1) } else { (near + 1).min(last) };
        let pairs = row_of(near).iter().zip(row_of(far));
        to.chunks_exact_mut(2).zip(pairs).for_each(|(to, (near, far))| {
            to.copy_from_slice(&(u16::from(*near) * 3 + u16::from(*far)).to_le_bytes());
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(frame: &frame::Video, plane: usize, row: usize) -> u16 {
        let data = frame.data(plane);
        let at = row * frame.stride(plane);
        u16::from_le_bytes([data[at], data[at + 1]])
    }

    #[test]
    fn ten_bits_are_four_times_eight() {
        let mut frame = Pixels::Deep.frame(16, 16);
        Pixels::Deep.fill(&Yuv420::filled(16, 16, [235, 16, 240]), &mut frame);
        assert_eq!([value(&frame, 0, 15), value(&frame, 1, 7), value(&frame, 2, 0)], [940, 64, 960]);
    }

    #[test]
    fn chroma_comes_by_turns() {
        let mut frame = Pixels::Paired.frame(16, 16);
        Pixels::Paired.fill(&Yuv420::filled(16, 16, [235, 16, 240]), &mut frame);
        assert_eq!((frame.data(0)[15], &frame.data(1)[..4]), (235, [16, 240, 16, 240].as_slice()));
        let last = frame.stride(1) * 7;
        assert_eq!(frame.data(1)[last + 14..last + 16], [16, 240]);
    }

    #[test]
    fn rows_of_chroma_lie_between_those_that_were_drawn() {
        let mut picture = Yuv420::filled(16, 16, [16, 0, 128]);
        picture.u.chunks_mut(8).enumerate().for_each(|(row, to)| to.fill(row as u8 * 10));
        let mut frame = Pixels::DeepWide.frame(16, 16);
        Pixels::DeepWide.fill(&picture, &mut frame);
        let rows: Vec<u16> = (0..6).map(|row| value(&frame, 1, row)).collect();
        assert_eq!(rows, [0, 10, 30, 50, 70, 90]);
        assert_eq!(value(&frame, 1, 15), 280);
        assert_eq!(value(&frame, 2, 9), 512);
    }
}
