//! Both digests of bytes that are read once: BLAKE3, by which everything here is known, and SHA-256, which names
//! blobs. It knows no store.
//!
//! Many bytes are hashed on two threads: this one reads and makes the BLAKE3, the other makes the SHA-256 of
//! the same buffers, of which there are few, so that neither runs far ahead.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender, SyncSender};
use std::thread;

use sha2::{Digest as _, Sha256};

use crate::digest::Digest;

/// Bytes that are read at a time: enough for both digests to run at full speed, and little enough that several results
/// stored at once hold a few MiB.
const CHUNK: usize = 256 << 10;
/// Buffers between the two threads.
const AHEAD: usize = 2;

/// BLAKE3, SHA-256, and the number of bytes.
pub(super) type Hashed = (Digest, [u8; 32], u64);

/// Why bytes were not hashed.
pub(super) enum Stopped {
    /// They cannot be read.
    Reading(io::Error),
    /// Whoever wanted them as well does not take them.
    Passing(io::Error),
}

/// Reads to the end, and passes everything on to `pass`, once it is read.
pub(super) fn both(
    source: &mut impl Read,
    pass: &mut dyn FnMut(&[u8]) -> io::Result<()>,
) -> Result<Hashed, Stopped> {
    let mut first = Vec::new();
    fill(source, &mut first).map_err(Stopped::Reading)?;
    if first.len() < CHUNK {
        // All there is: not worth a thread.
        pass(&first).map_err(Stopped::Passing)?;
        return Ok((Digest::of(&first), Sha256::digest(&first).into(), first.len() as u64));
    }
    thread::scope(|scope| {
        let (full, filled) = mpsc::sync_channel(AHEAD);
        let (empty, emptied) = mpsc::channel();
        let sha256 = scope.spawn(move || sha256_of(&filled, &empty));
        let hashed = pump(source, first, pass, &Buffers { full, emptied });
        let sha256 = sha256.join().map_err(|_| Stopped::Reading(io::Error::other("hashing panicked")))?;
        hashed.map(|(digest, size)| (digest, sha256, size))
    })
}

struct Buffers {
    full: SyncSender<Arc<Vec<u8>>>,
    emptied: Receiver<Arc<Vec<u8>>>,
}

/// The thread that reads. The other one ends when the buffers that are full are all taken.
fn pump(
    source: &mut impl Read,
    first: Vec<u8>,
    pass: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    buffers: &Buffers,
) -> Result<(Digest, u64), Stopped> {
    let gone = || Stopped::Reading(io::Error::other("hashing ended early"));
    let mut hasher = blake3::Hasher::new();
    let mut buffer = first;
    while !buffer.is_empty() {
        let shared = Arc::new(buffer);
        buffers.full.send(Arc::clone(&shared)).map_err(|_| gone())?;
        hasher.update(&shared);
        pass(&shared).map_err(Stopped::Passing)?;
        drop(shared);
        // A buffer that came back is ours alone; the first few times there is none yet.
        buffer = buffers.emptied.try_recv().ok().and_then(Arc::into_inner).unwrap_or_default();
        fill(source, &mut buffer).map_err(Stopped::Reading)?;
    }
    Ok((Digest::from_bytes(*hasher.finalize().as_bytes()), hasher.count()))
}

fn sha256_of(filled: &Receiver<Arc<Vec<u8>>>, empty: &Sender<Arc<Vec<u8>>>) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for chunk in filled {
        hasher.update(chunk.as_slice());
        // At the end nobody wants it back.
        drop(empty.send(chunk));
    }
    hasher.finalize().into()
}

/// Reads a whole chunk, or what is left.
fn fill(source: &mut impl Read, buffer: &mut Vec<u8>) -> io::Result<()> {
    buffer.clear();
    // One more than is taken, or looking for the end would double it.
    buffer.reserve_exact(CHUNK + 1);
    source.take(CHUNK as u64).read_to_end(buffer).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives few bytes at a time, as a pipe does.
    struct Slow<'a>(&'a [u8]);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let length = buffer.len().min(70_000);
            self.0.read(&mut buffer[..length])
        }
    }

    #[test]
    fn both_digests_are_right_whatever_the_length() {
        for length in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 9 * CHUNK + 77] {
            let bytes: Vec<u8> = (0..length).map(|i| (i % 249) as u8).collect();
            let mut passed = Vec::new();
            let result = both(&mut Slow(&bytes), &mut |chunk| {
                passed.extend_from_slice(chunk);
                Ok(())
            });
            let Ok((digest, sha256, size)) = result else { panic!("{length} bytes can be read") };
            let expected: [u8; 32] = Sha256::digest(&bytes).into();
            assert!((digest, sha256, size) == (Digest::of(&bytes), expected, length as u64), "{length}");
            assert!(passed == bytes, "{length}");
        }
    }

    #[test]
    fn whoever_does_not_take_the_bytes_stops_it() {
        for length in [5, 5 * CHUNK] {
            let bytes = vec![1; length];
            let full = both(&mut bytes.as_slice(), &mut |_| Err(io::ErrorKind::StorageFull.into()));
            assert!(
                matches!(full, Err(Stopped::Passing(error)) if error.kind() == io::ErrorKind::StorageFull)
            );
        }
    }
}
