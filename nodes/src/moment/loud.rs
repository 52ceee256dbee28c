//! How loud a levelled sound is along its time, for drawings. It reads the WAV files that our own kinds write, no other.

/// The highest sample of each of `count` equal parts of a WAV of 32-bit floats, of 255; `None` when it is no such file.
#[must_use]
pub fn heights(wav: &[u8], count: usize) -> Option<Vec<u8>> {
    const FLOAT: u16 = 3;
    let rest = wav.strip_prefix(b"RIFF")?.get(4..)?.strip_prefix(b"WAVE")?;
    let (mut rest, mut is_float) = (rest, false);
    let samples = loop {
        let name = rest.get(..4)?;
        let size = u32::from_le_bytes(rest.get(4..8)?.try_into().ok()?) as usize;
        let body = rest.get(8..)?;
        let body = body.get(..size.min(body.len()))?;
        match name {
            b"fmt " => {
                let format = u16::from_le_bytes(body.get(..2)?.try_into().ok()?);
                // An extended head says the same further back.
                let format = if format == 0xfffe {
                    u16::from_le_bytes(body.get(24..26)?.try_into().ok()?)
                } else {
                    format
                };
                is_float = format == FLOAT && body.get(14..16)? == 32_u16.to_le_bytes();
            }
            b"data" => break body,
            _ => {}
        }
        rest = rest.get(8 + size + size % 2..)?;
    };
    if !is_float {
        return None;
    }
    let samples = samples.as_chunks::<4>().0;
    let height = |column: usize| {
        let at = |column: usize| (column as u64 * samples.len() as u64 / count.max(1) as u64) as usize;
        let loudest =
            samples[at(column)..at(column + 1)].iter().map(|bytes| f32::from_le_bytes(*bytes).abs());
        (loudest.fold(0.0_f32, f32::max).min(1.0) * 255.0).round() as u8
    };
    Some((0..count).map(height).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wav(format: u16, bits: u16, samples: &[f32]) -> Vec<u8> {
        let mut out = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0".to_vec();
        out.extend(format.to_le_bytes());
        out.extend([1, 0, 0x80, 0xbb, 0, 0, 0, 0, 0, 0, 4, 0]);
        out.extend(bits.to_le_bytes());
        out.extend(b"LIST\x03\0\0\0abc\0data");
        out.extend((samples.len() as u32 * 4).to_le_bytes());
        out.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
        out
    }

    #[test]
    fn each_part_is_as_high_as_its_loudest_sample() {
        let file = wav(3, 32, &[0.0, -0.5, 0.1, 0.2, 1.5, 0.0]);
        assert_eq!(heights(&file, 3), Some(vec![128, 51, 255]));
        assert_eq!(heights(&file, 0), Some(vec![]));
        assert_eq!(heights(&wav(3, 32, &[]), 2), Some(vec![0, 0]));
    }

    #[test]
    fn other_files_have_no_heights() {
        assert_eq!(heights(&wav(1, 16, &[0.5]), 1), None);
        assert_eq!(heights(b"RIFF\0\0\0\0WAVE", 1), None);
        assert_eq!(heights(b"fLaC", 1), None);
        assert_eq!(heights(&wav(3, 32, &[0.5])[..20], 1), None);
    }
}
