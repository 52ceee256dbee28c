//! Reads a bundle into folders, and believes nothing that it does not find to be so. What it leaves when it fails is
//! for the caller to remove.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use reel_engine::digest::Digest;
use tar::{Archive, EntryType, Header};

use super::contents::{Contents, Outcome};
use super::{LIST, MAGIC, headers};

/// The list of a bundle may be so long.
const LONGEST_LIST: u64 = 64 << 20;
/// What is known of one action may be so long.
const LONGEST_RESULT: u64 = 64 << 20;

/// Why a bundle is refused, in a line.
pub(crate) type Refused = String;

/// A bundle that was read and found to be right.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) contents: Contents,
    /// In the order of the list.
    pub(crate) outcomes: Vec<Outcome>,
}

/// Reads a bundle: files of the project go below `files`, blobs by their digest into `blobs`; both are there and empty.
pub(crate) fn read(path: &Path, files: &Path, blobs: &Path) -> Result<Opened, Refused> {
    let mut file = File::open(path).map_err(|error| error.to_string())?;
    let mut head = [0; MAGIC.len()];
    if file.read_exact(&mut head).is_err() || head != MAGIC {
        return Err("it is no bundle".to_owned());
    }
    file.rewind().map_err(|error| error.to_string())?;
    let zstd = zstd::Decoder::new(file).map_err(|error| error.to_string())?;
    let mut archive = Archive::new(zstd);
    let opened = entries(&mut archive, files, blobs)?;
    // Only now is the checksum of the whole compared.
    let left = io::copy(&mut archive.into_inner(), &mut NothingElse);
    left.map_err(|error| format!("its end is not right: {error}"))?;
    Ok(opened)
}

fn entries(archive: &mut Archive<impl Read>, files: &Path, blobs: &Path) -> Result<Opened, Refused> {
    // Raw, so that a header is what it is: no other one says what the next is called.
    let mut entries = archive.entries().map_err(broken)?.raw(true);
    let mut next = |what: &str| match entries.next() {
        Some(entry) => entry.map_err(broken),
        None => Err(format!("it is cut off before {what}")),
    };
    let mut first = next("its list")?;
    let is_list =
        first.header().entry_type() == EntryType::Regular && *first.path_bytes() == *LIST.as_bytes();
    if !is_list || first.size() > LONGEST_LIST {
        return Err("it does not begin with the list of a bundle".to_owned());
    }
    let mut list = Vec::new();
    first.read_to_end(&mut list).map_err(broken)?;
    let contents: Contents =
        serde_json::from_slice(&list).map_err(|error| format!("its list cannot be read: {error}"))?;
    if let Some(fault) = contents.fault() {
        return Err(fault);
    }
    let headers = headers(&contents).map_err(broken)?;
    let mut headers = headers.iter();
    let mut entry = |what: &str| {
        let entry = next(what)?;
        let is_next = headers.next().is_some_and(|expected| same(expected, entry.header()));
        if is_next { Ok(entry) } else { Err(format!("in the place of {what} there is something else")) }
    };
    for source in &contents.files {
        let what = format!("`{}`", source.path);
        let place = files.join(&source.path);
        let mode = if source.executable { 0o777 } else { 0o666 };
        unpack(&mut entry(&what)?, &place, mode, (source.digest, source.size), &what)?;
    }
    let mut outcomes = Vec::with_capacity(contents.results.len().min(1 << 16));
    for result in &contents.results {
        let what = format!("result {}", result.key.short());
        if result.size > LONGEST_RESULT {
            return Err(format!("{what} is too long"));
        }
        let mut bytes = Vec::new();
        entry(&what)?.read_to_end(&mut bytes).map_err(broken)?;
        if Digest::of(&bytes) != result.digest {
            return Err(format!("{what} is not what the list says"));
        }
        let outcome: Outcome =
            serde_json::from_slice(&bytes).map_err(|error| format!("{what} cannot be read: {error}"))?;
        if let Some(fault) = outcome.fault(&result.key).or_else(|| unknown_blob(&outcome, &contents)) {
            return Err(format!("{what}: {fault}"));
        }
        outcomes.push(outcome);
    }
    for blob in &contents.blobs {
        let what = format!("blob {}", blob.digest.short());
        let place = blobs.join(blob.digest.to_string());
        unpack(&mut entry(&what)?, &place, 0o600, (blob.digest, blob.size), &what)?;
    }
    match entries.next() {
        None => Ok(Opened { contents, outcomes }),
        Some(_) => Err("there is more in it than the list says".to_owned()),
    }
}

fn broken(error: io::Error) -> Refused {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "it is cut off".to_owned(),
        _ => error.to_string(),
    }
}

fn same(expected: &Header, found: &Header) -> bool {
    let size = |header: &Header| header.entry_size().ok();
    found.entry_type() == EntryType::Regular
        && expected.path_bytes() == found.path_bytes()
        && size(expected) == size(found)
}

/// An artifact of which the bundle does not have the bytes.
fn unknown_blob(outcome: &Outcome, contents: &Contents) -> Option<String> {
    let has = |digest: &Digest| contents.blobs.binary_search_by_key(digest, |blob| blob.digest).is_ok();
    let lacking = outcome.artifacts.iter().find(|made| !has(&made.digest))?;
    Some(format!("the bytes of `{}` are not in it", lacking.port))
}

/// Writes an entry to a new file, whose digest is then taken from what stands there.
fn unpack(
    entry: &mut impl Read,
    place: &Path,
    mode: u32,
    (digest, size): (Digest, u64),
    what: &str,
) -> Result<(), Refused> {
    let failed = |error: io::Error| format!("cannot unpack {what}: {error}");
    if let Some(folder) = place.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(place).map_err(failed)?;
    if io::copy(entry, &mut file).map_err(broken)? < size {
        return Err(format!("it is cut off within {what}"));
    }
    match Digest::of_file(place) {
        Ok((found, _)) if found == digest => Ok(()),
        Ok(_) => Err(format!("{what} is not what the list says")),
        Err(error) => Err(failed(error)),
    }
}

/// Takes the zeros with which an archive ends, and nothing else.
struct NothingElse;

impl io::Write for NothingElse {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.iter().all(|byte| *byte == 0) {
            return Ok(bytes.len());
        }
        Err(io::Error::other("something follows it"))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
