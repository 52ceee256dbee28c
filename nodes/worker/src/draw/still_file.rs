//! Stills as files between actions: a header and three raw planes. It knows no folder.
//!
//! | bytes | what |
//! |---|---|
//! | 0–7 | `REELYUV4`; another layout would get another name |
//! | 8–11, 12–15 | width, height |
//! | 16– | Y, Cb, Cr: `width · height` bytes each, rows packed |
//!
//! Numbers are unsigned and little-endian. Nothing follows the last plane.

use std::io::{self, Read, Write};

use crate::draw::error::DrawError;
use crate::frame::Yuv444;

const MAGIC: [u8; 8] = *b"REELYUV4";
const MAX_SIDE: u32 = 32_768;

impl Yuv444 {
    /// Writes the still as a file.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(&self, mut out: impl Write) -> io::Result<()> {
        out.write_all(&MAGIC)?;
        for number in [self.width as u32, self.height as u32] {
            out.write_all(&number.to_le_bytes())?;
        }
        for plane in &self.planes {
            out.write_all(plane)?;
        }
        out.flush()
    }

    /// Reads what [`Yuv444::write`] wrote.
    ///
    /// # Errors
    /// Anything else: another kind of file, too short, too long, or unreadable.
    pub fn read(mut from: impl Read) -> Result<Self, DrawError> {
        let mut header = [0; 16];
        from.read_exact(&mut header).map_err(|e| wrong(&format!("its header cannot be read ({e})")))?;
        let (magic, numbers) = header.split_at(8);
        if magic != MAGIC {
            return Err(wrong("it is another kind of file"));
        }
        let [width, height] = [0, 4].map(|at| {
            numbers[at..at + 4].iter().rev().fold(0_u32, |number, &byte| (number << 8) | u32::from(byte))
        });
        if !(1..=MAX_SIDE).contains(&width) || !(1..=MAX_SIDE).contains(&height) {
            return Err(wrong(&format!("{width} × {height} is no size of a still")));
        }
        let (width, height) = (width as usize, height as usize);
        let mut plane = || {
            // The length is claimed by the file: memory grows with what is really there.
            let mut plane = Vec::new();
            let read = from.by_ref().take((width * height) as u64).read_to_end(&mut plane);
            read.map_err(|e| wrong(&format!("it cannot be read ({e})")))?;
            if plane.len() == width * height { Ok(plane) } else { Err(wrong("it breaks off")) }
        };
        let planes = [plane()?, plane()?, plane()?];
        match from.read(&mut [0]) {
            Ok(0) => Ok(Self { width, height, planes }),
            _ => Err(wrong("something follows its planes")),
        }
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
