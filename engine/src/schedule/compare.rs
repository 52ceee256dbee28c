//! What an action made once more, against what is recorded of it. It records nothing.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor};
use std::path::Path;

use crate::cache::{ActionResult, Cache, Place, Stored};
use crate::digest::Digest;
use crate::event::{Difference, Made};
use crate::operation::{Body, Failure, FailureCode, Outcome};

/// Compares by port.
pub(super) fn compare(
    recorded: &ActionResult,
    outcome: &Outcome,
    cache: &Cache,
) -> Result<Vec<Difference>, Failure> {
    let unread =
        |error: io::Error| Failure::of(FailureCode::Machine, format!("cannot compare its result: {error}"));
    let mut differences = Vec::new();
    for produced in &outcome.produced {
        let again = made(&produced.body).map_err(unread)?;
        let stored = recorded.port(&produced.port);
        let before = stored.map(made_before);
        if before.is_some_and(|before| before.digest == again.digest) {
            continue;
        }
        let offset = stored.and_then(|stored| first_difference(stored, &produced.body, cache));
        let port = Some(produced.port.clone());
        differences.push(Difference { port, recorded: before, again: Some(again), offset });
    }
    let gone = recorded
        .artifacts
        .iter()
        .filter(|stored| outcome.produced.iter().all(|produced| produced.port != stored.port));
    differences.extend(gone.map(|stored| Difference {
        port: Some(stored.port.clone()),
        recorded: Some(made_before(stored)),
        again: None,
        offset: Some(0),
    }));
    if recorded.graph != outcome.graph {
        let text = |graph| serde_json::to_vec(graph).unwrap_or_default();
        let (before, after) = (text(&recorded.graph), text(&outcome.graph));
        let made = |text: &[u8]| Made { digest: Digest::of(text), size: text.len() as u64 };
        let offset = first_unequal(Cursor::new(&before), Cursor::new(&after)).map_err(unread)?;
        let (recorded, again) = (Some(made(&before)), Some(made(&after)));
        differences.push(Difference { port: None, recorded, again, offset });
    }
    Ok(differences)
}

fn made_before(stored: &Stored) -> Made {
    Made { digest: stored.artifact.digest, size: stored.artifact.size }
}

fn made(body: &Body) -> io::Result<Made> {
    match body {
        Body::Bytes(bytes) => Ok(Made { digest: Digest::of(bytes), size: bytes.len() as u64 }),
        Body::File(path) => Digest::of_file(path).map(|(digest, size)| Made { digest, size }),
    }
}

/// The first byte that differs; `None` when what is recorded can no longer be read.
fn first_difference(stored: &Stored, body: &Body, cache: &Cache) -> Option<u64> {
    let before: Box<dyn BufRead> = match &stored.place {
        Place::Inline(bytes) => Box::new(Cursor::new(bytes)),
        // A blob is a file already.
        Place::Blob(_) => {
            Box::new(BufReader::new(File::open(cache.materialise(stored, Path::new("")).ok()?).ok()?))
        }
    };
    match body {
        Body::Bytes(bytes) => first_unequal(before, Cursor::new(bytes)),
        Body::File(path) => first_unequal(before, BufReader::new(File::open(path).ok()?)),
    }
    .ok()?
}

/// The position of the first byte that differs, the end of the shorter one included; `None` if there is none.
fn first_unequal(mut one: impl BufRead, mut other: impl BufRead) -> io::Result<Option<u64>> {
    let mut position = 0;
    loop {
        let (left, right) = (one.fill_buf()?, other.fill_buf()?);
        let length = left.len().min(right.len());
        if let Some(at) = left.iter().zip(right).position(|(a, b)| a != b) {
            return Ok(Some(position + at as u64));
        }
        if length == 0 {
            return Ok((left.len() != right.len()).then_some(position));
        }
        one.consume(length);
        other.consume(length);
        position += length as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_difference_is_found_whatever_the_buffers() {
        let at = |one: &str, other: &str| {
            first_unequal(BufReader::with_capacity(3, one.as_bytes()), Cursor::new(other)).unwrap()
        };
        assert_eq!(at("", ""), None);
        assert_eq!(at("abcdefg", "abcdefg"), None);
        assert_eq!(at("abcdefg", "abcdeXg"), Some(5));
        assert_eq!(at("abcdefg", "abc"), Some(3), "one is the beginning of the other");
        assert_eq!(at("", "a"), Some(0));
    }
}
