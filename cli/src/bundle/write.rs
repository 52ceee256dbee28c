//! Writes a bundle. It is given the list and where the bytes are.

use std::fs::{File, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tar::Builder;

use super::contents::Contents;
use super::{LIST, header, headers};

/// How hard zstd tries: most of a bundle is films and sounds, which it cannot make smaller.
const LEVEL: i32 = 3;

/// The bytes of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Body {
    File(PathBuf),
    Bytes(Vec<u8>),
}

/// Writes a bundle to `path`, whole or not at all; `bodies` are those of the entries in the order of the list. Gives
/// its size.
pub(crate) fn write(path: &Path, contents: &Contents, bodies: &[Body]) -> io::Result<u64> {
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    // It is a file like any other: as readable as the user's umask says.
    let mode = Permissions::from_mode(0o666);
    let mut temporary = tempfile::Builder::new().permissions(mode).tempfile_in(folder)?;
    write_to(&mut temporary, contents, bodies)?;
    let size = temporary.as_file().metadata()?.len();
    temporary.persist(path).map_err(|error| error.error)?;
    Ok(size)
}

fn write_to(out: &mut impl Write, contents: &Contents, bodies: &[Body]) -> io::Result<()> {
    let mut zstd = zstd::Encoder::new(out, LEVEL)?;
    zstd.include_checksum(true)?;
    let mut tar = Builder::new(zstd);
    let list = serde_json::to_vec(contents)?;
    tar.append(&header(LIST, 0, list.len() as u64, false)?, list.as_slice())?;
    for (header, body) in headers(contents)?.iter().zip(bodies) {
        match body {
            Body::Bytes(bytes) => tar.append(header, bytes.as_slice())?,
            Body::File(path) => {
                let body = Exactly { file: File::open(path)?, left: header.entry_size()? };
                tar.append(header, body)?;
            }
        }
    }
    tar.into_inner()?.finish()?;
    Ok(())
}

/// So many bytes of a file; one that is shorter was changed meanwhile, and would shift all that follows.
struct Exactly {
    file: File,
    left: u64,
}

impl Read for Exactly {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 || buffer.is_empty() {
            return Ok(0);
        }
        let most = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        match self.file.read(&mut buffer[..most])? {
            0 => Err(io::Error::other("a file became shorter while it was packed")),
            read => {
                self.left -= read as u64;
                Ok(read)
            }
        }
    }
}
