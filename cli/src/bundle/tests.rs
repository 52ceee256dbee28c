//! Bundles that are right, that are damaged, and that somebody made to do harm.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use reel_engine::cache::Rank;
use reel_engine::digest::Digest;
use reel_engine::key::Manifest;
use tar::{Builder, EntryType, Header};

use super::contents::{Blob, Contents, Entry, FORMAT, Made, Outcome, Source};
use super::read::read;
use super::write::{Body, write};
use super::{LIST, header};

const PROJECT: &[u8] = b"version: 1\n";
const TEXT: &[u8] = b"a text that an action made";

fn outcome() -> Outcome {
    Outcome {
        kind: "text".into(),
        cost: 7,
        rank: Rank::Made,
        artifacts: vec![Made { port: "text".into(), media: "text/plain".into(), digest: Digest::of(TEXT) }],
        graph: None,
        log: "said".into(),
        manifest: Manifest::of_kind("text", 1),
    }
}

/// A right bundle of two files, one result and one blob.
fn sample(outcome: &Outcome) -> (Contents, Vec<Body>) {
    let source = |path: &str, bytes: &[u8], executable| Source {
        path: path.into(),
        digest: Digest::of(bytes),
        size: bytes.len() as u64,
        executable,
    };
    let bytes = serde_json::to_vec(outcome).unwrap();
    let entry = Entry { key: outcome.manifest.key().0, digest: Digest::of(&bytes), size: bytes.len() as u64 };
    let contents = Contents {
        format: FORMAT,
        project: "film".into(),
        targets: Vec::new(),
        set: Vec::new(),
        files: vec![source("a/tool.sh", b"#!/bin/sh\n", true), source("reel.yaml", PROJECT, false)],
        results: vec![entry],
        blobs: vec![Blob { digest: Digest::of(TEXT), size: TEXT.len() as u64 }],
        outside: BTreeMap::new(),
        tools: BTreeMap::new(),
    };
    let bodies = [&b"#!/bin/sh\n"[..], PROJECT, &bytes, TEXT].map(|bytes| Body::Bytes(bytes.to_vec()));
    (contents, bodies.to_vec())
}

/// A folder with a bundle, and what comes of opening it.
struct Space(tempfile::TempDir);

impl Space {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("film.reelbundle")
    }

    /// What is said against the bundle; whatever happens, nothing comes to lie outside the two folders.
    fn refused(&self) -> Option<String> {
        let folders = ["files", "blobs"].map(|name| self.0.path().join("in").join(name));
        let _ = fs::remove_dir_all(self.0.path().join("in"));
        folders.iter().for_each(|folder| fs::create_dir_all(folder).unwrap());
        let said = read(&self.path(), &folders[0], &folders[1]).err();
        for folder in [self.0.path().to_owned(), self.0.path().join("in")] {
            assert_eq!(fs::read_dir(&folder).unwrap().count(), 2, "{}", folder.display());
        }
        said
    }

    /// Writes entries as they are, whatever they say.
    fn put(&self, entries: &[(Header, &[u8])]) {
        let mut tar = Builder::new(zstd::Encoder::new(Vec::new(), 1).unwrap());
        entries.iter().for_each(|(header, bytes)| tar.append(header, *bytes).unwrap());
        fs::write(self.path(), tar.into_inner().unwrap().finish().unwrap()).unwrap();
    }
}

fn bytes(body: &Body) -> &[u8] {
    match body {
        Body::Bytes(bytes) => bytes,
        Body::File(path) => panic!("{}", path.display()),
    }
}

/// The entries of a bundle as they should be.
fn entries<'a>(list: &'a [u8], contents: &Contents, bodies: &'a [Body]) -> Vec<(Header, &'a [u8])> {
    let first = (header(LIST, 0, list.len() as u64, false).unwrap(), list);
    let rest = super::headers(contents).unwrap().into_iter().zip(bodies.iter().map(bytes));
    std::iter::once(first).chain(rest).collect()
}

/// A header and the bytes behind it.
type Packed<'a> = (Header, &'a [u8]);

#[test]
fn what_is_written_is_read_and_always_the_same_bytes() {
    let space = Space::new();
    let (contents, bodies) = sample(&outcome());
    let size = write(&space.path(), &contents, &bodies).unwrap();
    let first = fs::read(space.path()).unwrap();
    assert_eq!(size, first.len() as u64);
    write(&space.path(), &contents, &bodies).unwrap();
    assert_eq!(fs::read(space.path()).unwrap(), first);
    assert_eq!(space.refused(), None);
    let inside = |name: &str| fs::read(space.0.path().join("in").join(name)).unwrap();
    assert_eq!(inside("files/reel.yaml"), PROJECT);
    assert_eq!(inside(&format!("blobs/{}", Digest::of(TEXT))), TEXT);
    let mode = |name: &str| {
        use std::os::unix::fs::PermissionsExt;
        fs::metadata(space.0.path().join("in/files").join(name)).unwrap().permissions().mode() & 0o100
    };
    assert_eq!((mode("a/tool.sh"), mode("reel.yaml")), (0o100, 0));
}

#[test]
fn a_bundle_that_is_cut_off_or_changed_anywhere_is_refused() {
    let space = Space::new();
    let (contents, bodies) = sample(&outcome());
    write(&space.path(), &contents, &bodies).unwrap();
    let whole = fs::read(space.path()).unwrap();
    for end in 0..whole.len() {
        fs::write(space.path(), &whole[..end]).unwrap();
        assert!(space.refused().is_some(), "cut at {end}");
    }
    for at in 0..whole.len() {
        let mut flipped = whole.clone();
        flipped[at] ^= 0x10;
        fs::write(space.path(), &flipped).unwrap();
        // A bit that says nothing may be another one: then all is as it was.
        if space.refused().is_none() {
            let folder = space.0.path().join("in");
            assert_eq!(fs::read(folder.join("files/reel.yaml")).unwrap(), PROJECT, "flipped at {at}");
        }
    }
    fs::write(space.path(), [&whole[..], b"more"].concat()).unwrap();
    assert!(space.refused().is_some());
}

#[test]
fn entries_are_what_the_list_says_in_its_order_and_no_others() {
    let (contents, bodies) = sample(&outcome());
    let list = serde_json::to_vec(&contents).unwrap();
    let right = entries(&list, &contents, &bodies);
    let space = Space::new();
    space.put(&right);
    assert_eq!(space.refused(), None);
    let refused = |change: &dyn Fn(&mut Vec<Packed<'_>>)| {
        let mut entries = right.clone();
        change(&mut entries);
        space.put(&entries);
        space.refused().unwrap()
    };
    let named = |path: &[u8], size: usize| {
        let mut header = header("x", 0, size as u64, false).unwrap();
        header.as_mut_bytes()[..path.len()].copy_from_slice(path);
        header.set_cksum();
        header
    };
    let other = "in the place of `a/tool.sh` there is something else";
    assert_eq!(refused(&|all| all.swap(1, 2)), other);
    for path in [&b"../../escape"[..], b"/tmp/escape", b"files/../../escape", b"files/b"] {
        assert_eq!(refused(&|all| all[1].0 = named(path, 10)), other);
    }
    for kind in [EntryType::Symlink, EntryType::Link, EntryType::Directory, EntryType::GNULongName] {
        let become_of = |all: &mut Vec<Packed<'_>>| {
            all[1].0.set_entry_type(kind);
            all[1].0.set_cksum();
        };
        assert_eq!(refused(&become_of), other, "{kind:?}");
    }
    assert_eq!(
        refused(&|all| all.push((named(b"files/z", 1), b"z"))),
        "there is more in it than the list says"
    );
    assert_eq!(
        refused(&|all| all.truncate(4)),
        format!("it is cut off before blob {}", Digest::of(TEXT).short())
    );
    assert_eq!(refused(&|all| *all = all.split_off(1)), "it does not begin with the list of a bundle");
    let swapped = "b text that an action made";
    assert!(refused(&|all| all[4].1 = swapped.as_bytes()).ends_with("is not what the list says"));
    assert!(refused(&|all| all[2].1 = b"version: 2\n").starts_with("`reel.yaml` is not what"));
}

#[test]
fn a_list_or_a_result_that_lies_is_refused() {
    let space = Space::new();
    let said = |change: &dyn Fn(&mut Contents)| {
        let (mut contents, bodies) = sample(&outcome());
        change(&mut contents);
        let list = serde_json::to_vec(&contents).unwrap();
        space.put(&entries(&list, &contents, &bodies));
        space.refused().unwrap()
    };
    assert!(
        said(&|it| it.files[0].path = "../escape".into()).contains("is not a path that a bundle may have")
    );
    assert!(said(&|it| it.files[0].path = ".git/hooks/x".into()).contains("is not a path"));
    assert!(said(&|it| it.format = 9).contains("format is 9"));
    assert!(said(&|it| it.results[0].key = Digest::of(b"another")).contains("gives another key"));
    assert!(said(&|it| it.results[0].size = u64::MAX / 2).contains("is too long"));
    assert!(said(&|it| it.blobs.clear()).contains("are not in it"));
    let of = |outcome: &Outcome| {
        let (contents, bodies) = sample(outcome);
        write(&space.path(), &contents, &bodies).unwrap();
        space.refused().unwrap()
    };
    assert!(of(&Outcome { kind: "exec".into(), ..outcome() }).contains("another kind than its key"));
}

#[test]
fn names_that_do_not_fit_the_format_have_others() {
    let space = Space::new();
    let (mut contents, bodies) = sample(&outcome());
    contents.files[0].path = format!("a/{}.sh", "ü".repeat(90));
    write(&space.path(), &contents, &bodies).unwrap();
    assert_eq!(space.refused(), None);
    assert!(Path::new(&space.0.path().join("in/files").join(&contents.files[0].path)).is_file());
}
