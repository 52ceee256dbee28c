//! Snapshots of whatever bytes there are, under right seals, and a walk over all that can be read of one. For fuzzing
//! and tests alone; it believes nothing.

use std::fs;
use std::io;
use std::path::Path;

use zerocopy::{FromBytes, IntoBytes};

use super::layout::{Header, MAGIC, UNSEALED};
use super::log::{beside, sealed};
use super::{Snapshot, SnapshotKey, head_length};
use crate::digest::Digest;

/// Writes `main` as the snapshot of a key and `log` as its log, both sealed.
pub(crate) fn write_torn(folder: &Path, key: SnapshotKey, main: &[u8], log: &[u8]) -> io::Result<()> {
    let mut bytes = main.to_vec();
    bytes.resize(bytes.len().max(size_of::<Header>()), 0);
    let Ok((mut header, _)) = Header::read_from_prefix(&bytes) else { return Ok(()) };
    let length = head_length(&header).and_then(|length| usize::try_from(length).ok());
    let end = length.and_then(|length| length.checked_add(size_of::<Header>()));
    let end = end.unwrap_or(usize::MAX).min(bytes.len());
    header.magic = MAGIC;
    header.body_seal = *Digest::of(&bytes[end..]).as_bytes();
    bytes[..size_of::<Header>()].copy_from_slice(header.as_bytes());
    header.head_seal = *Digest::of(&bytes[UNSEALED..end]).as_bytes();
    bytes[..size_of::<Header>()].copy_from_slice(header.as_bytes());
    let path = key.path(folder);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(&path, bytes)?;
    fs::write(beside(&path), sealed(Digest::from_bytes(header.head_seal), log))
}

impl Snapshot {
    /// Looks at all that lies in it; how many nodes can be made again of that.
    pub(crate) fn walk(&self) -> usize {
        let _ = (self.nodes(), self.outputs().count(), self.uses_tools(), self.capacity());
        let _ = (self.sources().count(), self.contents().count(), self.places().count());
        let Some(body) = self.body() else { return 0 };
        let Some(view) = body.view() else { return 0 };
        let mut whole = 0;
        for index in 0..view.count() {
            let _ = (view.name(index), view.kind(index), view.done(index));
            whole += usize::from(view.detail(index).is_some());
            let _ = (view.awaits(index).map(Iterator::count), view.uses(index).map(Iterator::count));
            let _ = view.expands(index);
        }
        whole
    }
}
