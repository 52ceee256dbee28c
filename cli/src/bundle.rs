//! A project with its results in one file: what stands in it, and how it is written and read. It knows no project and
//! no cache.
//!
//! A bundle is a tar archive (ustar) in one frame of zstd with a checksum. Its first entry, `bundle.json`, lists all
//! others in order, each with size and digest:
//!
//! | entry | |
//! |---|---|
//! | `files/PATH` | a file of the project |
//! | `results/KEY` | what the cache knows of an action, as JSON |
//! | `blobs/DIGEST` | the bytes of artifacts |
//!
//! The same content gives the same bytes: entries are sorted, and no time, owner or name of a machine is in them.
//! Whoever reads one believes nothing: an entry is what the list says, in its place, of its size and with its digest,
//! or the whole is refused.

pub(crate) mod contents;
pub(crate) mod read;
pub(crate) mod write;

use tar::Header;

use contents::Contents;

/// The first entry.
const LIST: &str = "bundle.json";
/// How a file of zstd begins.
pub(crate) const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// A header with everything fixed but name and size, which has the name of the `index`th file if its own is too long
/// for the format.
fn header(name: &str, index: usize, size: u64, executable: bool) -> std::io::Result<Header> {
    let mut header = Header::new_ustar();
    if header.set_path(name).is_err() {
        header.set_path(format!("long/{index}"))?;
    }
    header.set_size(size);
    header.set_mode(if executable { 0o755 } else { 0o644 });
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header.set_cksum();
    Ok(header)
}

/// The headers of all entries behind the first, in order.
fn headers(contents: &Contents) -> std::io::Result<Vec<Header>> {
    let files =
        contents.files.iter().map(|file| (format!("files/{}", file.path), file.size, file.executable));
    let results = contents.results.iter().map(|entry| (format!("results/{}", entry.key), entry.size, false));
    let blobs = contents.blobs.iter().map(|blob| (format!("blobs/{}", blob.digest), blob.size, false));
    let all = files.chain(results).chain(blobs).enumerate();
    all.map(|(index, (name, size, executable))| header(&name, index, size, executable)).collect()
}

#[cfg(test)]
mod tests;
