//! How long a film or a sound lasts, by what its file says of itself. It decodes nothing, and believes no more than that.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::time::Duration;

use super::sniff;

/// How long the film or sound in a file lasts: MP4 and MOV, WAV, FLAC. `None` for what is none of these, or does not say.
///
/// # Errors
/// When the file cannot be read.
pub fn of_file(path: &Path) -> io::Result<Option<Duration>> {
    let mut file = File::open(path)?;
    let mut head = Vec::new();
    file.by_ref().take(sniff::HEAD as u64).read_to_end(&mut head)?;
    let said = match sniff::media_type(&head) {
        Some("video/mp4" | "video/quicktime" | "audio/mp4") => movie(&mut file),
        Some("audio/wav") => wave(&mut file),
        Some("audio/flac") => Ok(flac(&head)),
        _ => return Ok(None),
    };
    match said {
        // A file that is cut off says nothing.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        said => said.map(|said| said.and_then(|(units, rate)| duration(units, rate))),
    }
}

/// So many units of which there are `rate` a second.
fn duration(units: u64, rate: u64) -> Option<Duration> {
    let nanos = u128::from(units) * 1_000_000_000 / u128::from(Some(rate).filter(|rate| *rate > 0)?);
    u64::try_from(nanos).ok().map(Duration::from_nanos)
}

/// A length in units, and how many of these are a second.
type Said = io::Result<Option<(u64, u64)>>;

/// The header of a movie (`moov/mvhd`), wherever in the file it stands.
fn movie(file: &mut File) -> Said {
    let end = file.metadata()?.len();
    let Some((start, end)) = inside(file, 0, end, *b"moov")? else { return Ok(None) };
    let Some((start, _)) = inside(file, start, end, *b"mvhd")? else { return Ok(None) };
    file.seek(SeekFrom::Start(start))?;
    let version = array::<4>(file)?[0];
    Ok(Some(if version == 1 {
        array::<16>(file)?;
        let rate = u32::from_be_bytes(array(file)?);
        (u64::from_be_bytes(array(file)?), rate.into())
    } else {
        array::<8>(file)?;
        let rate = u32::from_be_bytes(array(file)?);
        (u32::from_be_bytes(array(file)?).into(), rate.into())
    }))
}

/// Where the content of the first box of this name between two places begins and ends.
fn inside(file: &mut File, mut at: u64, end: u64, wanted: [u8; 4]) -> io::Result<Option<(u64, u64)>> {
    while at.saturating_add(8) <= end {
        file.seek(SeekFrom::Start(at))?;
        let (short, name) = (u32::from_be_bytes(array(file)?), array::<4>(file)?);
        let (size, header) = match short {
            0 => (end - at, 8),
            1 => (u64::from_be_bytes(array(file)?), 16),
            size => (size.into(), 8),
        };
        let next = at.saturating_add(size);
        if size < header || next > end {
            return Ok(None);
        }
        if name == wanted {
            return Ok(Some((at + header, next)));
        }
        at = next;
    }
    Ok(None)
}

/// Bytes of sound, and how many are a second.
fn wave(file: &mut File) -> Said {
    let (end, mut at, mut rate) = (file.metadata()?.len(), 12, None);
    while at + 8 <= end {
        file.seek(SeekFrom::Start(at))?;
        let (name, size) = (array::<4>(file)?, u32::from_le_bytes(array(file)?));
        match &name {
            b"fmt " => {
                array::<8>(file)?;
                rate = Some(u32::from_le_bytes(array(file)?));
            }
            b"data" => return Ok(rate.map(|rate| (u64::from(size).min(end - at - 8), rate.into()))),
            _ => {}
        }
        at += 8 + u64::from(size) + u64::from(size % 2);
    }
    Ok(None)
}

/// Samples, and how many are a second: 20 bits and 36 bits of the first block, of which 8 others lie between.
fn flac(head: &[u8]) -> Option<(u64, u64)> {
    let packed = u64::from_be_bytes(*head.get(18..)?.first_chunk()?);
    let samples = packed & 0xf_ffff_ffff;
    (samples > 0).then_some((samples, packed >> 44))
}

fn array<const N: usize>(file: &mut File) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn said(bytes: &[u8]) -> Option<u128> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        of_file(file.path()).unwrap().map(|length| length.as_millis())
    }

    fn boxed(name: &str, content: &[u8]) -> Vec<u8> {
        let size = (content.len() as u32 + 8).to_be_bytes();
        [&size[..], name.as_bytes(), content].concat()
    }

    fn header(version: u8) -> Vec<u8> {
        let mut content = vec![version, 0, 0, 0];
        if version == 1 {
            content.extend([0; 16]);
            content.extend(1000_u32.to_be_bytes());
            content.extend(2500_u64.to_be_bytes());
        } else {
            content.extend([0; 8]);
            content.extend(1000_u32.to_be_bytes());
            content.extend(2500_u32.to_be_bytes());
        }
        boxed("moov", &[boxed("free", &[0; 3]), boxed("mvhd", &content)].concat())
    }

    #[test]
    fn a_movie_tells_its_length_wherever_its_header_stands() {
        let kind = boxed("ftyp", b"isom\0\0\0\0isom");
        let media = boxed("mdat", &[0; 100]);
        for version in [0, 1] {
            let header = header(version);
            assert_eq!(said(&[&kind[..], &header, &media].concat()), Some(2500));
            assert_eq!(said(&[&kind[..], &media, &header].concat()), Some(2500));
        }
    }

    #[test]
    fn sounds_tell_their_length() {
        let mut wave = b"RIFF\0\0\0\0WAVEfmt ".to_vec();
        wave.extend(16_u32.to_le_bytes());
        wave.extend([1, 0, 1, 0]);
        wave.extend(48_000_u32.to_le_bytes());
        wave.extend(96_000_u32.to_le_bytes());
        wave.extend([2, 0, 16, 0]);
        wave.extend(b"data");
        wave.extend(48_000_u32.to_le_bytes());
        wave.resize(wave.len() + 48_000, 0);
        assert_eq!(said(&wave), Some(500));
        let mut flac = b"fLaC\0\0\0\x22".to_vec();
        flac.extend([0; 10]);
        flac.extend(((48_000_u64 << 44) | 72_000).to_be_bytes());
        flac.resize(42, 0);
        assert_eq!(said(&flac), Some(1500));
    }

    #[test]
    fn what_is_cut_off_or_something_else_says_nothing() {
        let movie = [boxed("ftyp", b"isom\0\0\0\0isom"), header(0)].concat();
        for end in 0..movie.len() {
            assert_eq!(said(&movie[..end]), None, "cut at {end}");
        }
        assert_eq!(said(b"fLaC\0\0\0\x22"), None);
        assert_eq!(said(b"a text"), None);
        // A rate of nothing, and a box that is smaller than its own header.
        assert_eq!(
            said(&[boxed("ftyp", b"isom\0\0\0\0isom"), boxed("moov", &boxed("mvhd", &[0; 20]))].concat()),
            None
        );
        assert_eq!(
            said(&[boxed("ftyp", b"isom\0\0\0\0isom"), vec![0, 0, 0, 3, b'm', b'o', b'o', b'v']].concat()),
            None
        );
    }
}
