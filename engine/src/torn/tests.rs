//! The kept corpus of every fuzz target, and a fixed number of mutations of it: what `cargo fuzz` does for as long as
//! one likes, in short and the same each time.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::{snapshot_nodes, targets};

/// Mutations of each file of the corpus.
const ROUNDS: u64 = 300;

fn corpus(target: &str) -> BTreeMap<PathBuf, Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    entries.map(|entry| entry.unwrap().path()).map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

/// SplitMix64.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % bound.max(1) as u64) as usize
    }
}

/// Bytes that mean something to some reader.
const WORDS: &[&[u8]] = &[
    b"\0\0\0\0",
    b"\xff\xff\xff\xff",
    b"\xff\xff\xff\x7f",
    b"\x01\0\0\0",
    b"${a.b}",
    b"${",
    b"}",
    b"[",
    b"]",
    b"{",
    b":",
    b"\n",
    b"  ",
    b"- ",
    b"&a ",
    b"*a",
    b"\"",
    b"'",
    b"null",
    b"1e999",
    b"foreach",
    b"matrix",
    b"\xc3\xa9",
    b"|",
    b"#",
    b",",
];

fn mutated(seed: &[u8], other: &[u8], chance: &mut Chance) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=chance.below(4) {
        let at = chance.below(bytes.len() + 1);
        match chance.below(7) {
            0 if at < bytes.len() => bytes[at] ^= 1 << chance.below(8),
            1 if at < bytes.len() => bytes[at] = chance.below(256) as u8,
            2 => bytes.truncate(at),
            3 => drop(bytes.splice(at..at, WORDS[chance.below(WORDS.len())].iter().copied())),
            4 => drop(bytes.splice(at..(at + chance.below(9)).min(bytes.len()), [])),
            5 => {
                let end = (at + chance.below(40)).min(bytes.len());
                let piece = bytes[at..end].to_vec();
                let to = chance.below(bytes.len() + 1);
                drop(bytes.splice(to..to, piece));
            }
            _ => {
                let (start, to) = (chance.below(other.len()), chance.below(bytes.len() + 1));
                let end = (start + chance.below(40)).min(other.len());
                drop(bytes.splice(to..to, other[start..end].iter().copied()));
            }
        }
    }
    bytes
}

fn try_all(target: &str) {
    let run = targets()[target];
    let corpus = corpus(target);
    assert!(corpus.len() > 1, "`{target}` has no corpus");
    let mut chance = Chance(7);
    for (path, seed) in &corpus {
        run(seed);
        for round in 0..ROUNDS {
            let other = corpus.values().nth(chance.below(corpus.len())).unwrap();
            let bytes = mutated(seed, other, &mut chance);
            if let Err(panic) = std::panic::catch_unwind(|| run(&bytes)) {
                let found = std::env::temp_dir().join(format!("reel-fuzz-{target}-{round}"));
                fs::write(&found, &bytes).unwrap();
                eprintln!("mutation {round} of {}: kept in {}", path.display(), found.display());
                std::panic::resume_unwind(panic);
            }
        }
    }
}

#[test]
fn yaml_of_any_kind_is_a_project_or_told_what_is_wrong() {
    try_all("yaml");
}

#[test]
fn rows_of_any_kind_are_rows_or_told_what_is_wrong() {
    try_all("rows");
}

#[test]
fn a_record_of_any_kind_is_what_was_written_or_none() {
    try_all("record");
}

#[test]
fn a_snapshot_of_any_kind_is_one_or_none() {
    try_all("snapshot");
}

#[test]
fn the_kept_snapshot_is_one_of_this_format() {
    let film = corpus("snapshot").into_iter().find(|(path, _)| path.ends_with("film.bin")).unwrap().1;
    assert_eq!(snapshot_nodes(&film), Some(3), "keep one of the new format beside it, which is then a miss");
}

#[test]
fn a_history_of_any_kind_is_one_or_none() {
    try_all("history");
}

#[test]
fn states_of_files_of_any_kind_are_states_or_none() {
    try_all("files");
}

#[test]
fn frames_of_any_kind_are_messages_or_errors() {
    try_all("frames");
}

#[test]
fn every_target_has_its_program_and_its_corpus() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
    for name in targets().keys() {
        let program = fuzz.join(format!("fuzz_targets/{name}.rs"));
        assert!(program.is_file() && fuzz.join("corpus").join(name).is_dir(), "{name}");
    }
}
