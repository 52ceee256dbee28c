//! Stills and sprites as files between actions: a header and raw pixels. It knows no folder.
//!
//! | bytes | of a still | of a sprite |
//! |---|---|---|
//! | 0–7 | `REELYUV4` | `REELRGBA`; another layout would get another name |
//! | 8–11, 12–15 | width, height | the same |
//! | 16– | Y, Cb, Cr: `width · height` bytes each, rows packed | straight RGBA, `4 · width · height` bytes |
//!
//! Numbers are unsigned and little-endian. Nothing follows the pixels.

use std::io::{self, Read, Write};

use crate::draw::error::DrawError;
use crate::frame::{Rgba, Yuv444};

const MAGIC: [u8; 8] = *b"REELYUV4";
const SPRITE: [u8; 8] = *b"REELRGBA";
const MAX_SIDE: u32 = 32_768;

impl Yuv444 {
    /// Writes the still as a file.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(&self, out: impl Write) -> io::Result<()> {
        write(out, MAGIC, (self.width, self.height), self.planes.iter().map(Vec::as_slice))
    }

    /// Reads what [`Yuv444::write`] wrote.
    ///
    /// # Errors
    /// Anything else: another kind of file, too short, too long, or unreadable.
    pub fn read(mut from: impl Read) -> Result<Self, DrawError> {
        let (width, height) = header(&mut from, MAGIC)?;
        let mut plane = || pixels(&mut from, width * height);
        let planes = [plane()?, plane()?, plane()?];
        end(from)?;
        Ok(Self { width, height, planes })
    }
}

impl Rgba {
    /// Writes the picture as a file.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(&self, out: impl Write) -> io::Result<()> {
        write(out, SPRITE, (self.width, self.height), [self.pixels.as_slice()])
    }

    /// Reads what [`Rgba::write`] wrote.
    ///
    /// # Errors
    /// Anything else: another kind of file, too short, too long, or unreadable.
    pub fn read(mut from: impl Read) -> Result<Self, DrawError> {
        let (width, height) = header(&mut from, SPRITE)?;
        let pixels = pixels(&mut from, 4 * width * height)?;
        end(from)?;
        Ok(Self { width, height, pixels })
    }
}

fn write<'a>(
    mut out: impl Write,
    magic: [u8; 8],
    (width, height): (usize, usize),
    planes: impl IntoIterator<Item = &'a [u8]>,
) -> io::Result<()> {
    out.write_all(&magic)?;
    for number in [width as u32, height as u32] {
        out.write_all(&number.to_le_bytes())?;
    }
    for plane in planes {
        out.write_all(plane)?;
    }
    out.flush()
}

/// Width and height of a file that begins with `magic`.
fn header(from: &mut impl Read, magic: [u8; 8]) -> Result<(usize, usize), DrawError> {
    let mut header = [0; 16];
    from.read_exact(&mut header).map_err(|e| wrong(&format!("its header cannot be read ({e})")))?;
    let (found, numbers) = header.split_at(8);
    if found != magic {
        return Err(wrong("it is another kind of file"));
    }
    let [width, height] = [0, 4].map(|at| {
        numbers[at..at + 4].iter().rev().fold(0_u32, |number, &byte| (number << 8) | u32::from(byte))
    });
    if !(1..=MAX_SIDE).contains(&width) || !(1..=MAX_SIDE).contains(&height) {
        return Err(wrong(&format!("{width} × {height} is no size of a still")));
    }
    Ok((width as usize, height as usize))
}

/// So many bytes; the length is claimed by the file, so memory grows with what is really there.
fn pixels(from: &mut impl Read, count: usize) -> Result<Vec<u8>, DrawError> {
    let mut pixels = Vec::new();
    let read = from.by_ref().take(count as u64).read_to_end(&mut pixels);
    read.map_err(|e| wrong(&format!("it cannot be read ({e})")))?;
    if pixels.len() == count { Ok(pixels) } else { Err(wrong("it breaks off")) }
}

fn end(mut from: impl Read) -> Result<(), DrawError> {
    match from.read(&mut [0]) {
        Ok(0) => Ok(()),
        _ => Err(wrong("something follows its pixels")),
    }
}

fn wrong(cause: &str) -> DrawError {
    DrawError::StillFile { cause: cause.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> (Yuv444, Vec<u8>) {
        let plane = |seed: usize| (0..6 * 4).map(|i| (i * seed) as u8).collect();
        let still = Yuv444 { width: 6, height: 4, planes: [plane(3), plane(5), plane(7)] };
        let mut bytes = Vec::new();
        still.write(&mut bytes).unwrap();
        (still, bytes)
    }

    #[test]
    fn what_was_written_is_read_back() {
        let (still, bytes) = sample();
        assert_eq!(bytes.len(), 16 + 3 * 24);
        assert_eq!(Yuv444::read(&bytes[..]).unwrap(), still);
    }

    #[test]
    fn sprites_are_read_back_and_are_no_stills() {
        let sprite = Rgba { width: 3, height: 2, pixels: (0..24).collect() };
        let mut bytes = Vec::new();
        sprite.write(&mut bytes).unwrap();
        assert_eq!(Rgba::read(&bytes[..]).unwrap(), sprite);
        assert!(Yuv444::read(&bytes[..]).is_err() && Rgba::read(&bytes[..39]).is_err());
    }

    #[test]
    fn every_truncation_and_any_addition_is_an_error() {
        let (_, mut bytes) = sample();
        for length in 0..bytes.len() {
            assert!(Yuv444::read(&bytes[..length]).is_err(), "{length} bytes");
        }
        bytes.push(0);
        assert!(Yuv444::read(&bytes[..]).unwrap_err().to_string().contains("follows"));
    }

    #[test]
    fn another_kind_of_file_or_size_is_refused() {
        let (_, bytes) = sample();
        for (at, value) in [(0, b'r'), (7, b'5'), (10, 1), (12, 0)] {
            let mut wrong = bytes.clone();
            wrong[at] = value;
            assert!(Yuv444::read(&wrong[..]).is_err(), "{at}");
        }
    }
}
