//! Counting and verifying a store. It collects nothing that is right.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use rusqlite::Connection;

use super::blobs::Blobs;
use super::epoch;
use super::gc;
use super::records::{self, Row};
use super::result::{ActionResult, Place, Stored};
use super::roots;
use super::upkeep::{StoreError, Upkeep, database};
use crate::digest::Digest;

/// What a store holds of one kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KindStats {
    /// Results.
    pub records: u64,
    /// Bytes of their blobs, counted once for each result, and of their records.
    pub bytes: u64,
    /// Microseconds that making them took.
    pub cost_micros: u64,
}

/// What a store holds for a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectStats {
    /// Where it was last.
    pub folder: PathBuf,
    /// When it was last seen, in seconds since 1970.
    pub seen: u64,
    /// Bytes that its current outputs need, what they share with other projects among them.
    pub bytes: u64,
}

/// What a store holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stats {
    /// Where it is.
    pub folder: PathBuf,
    /// Results.
    pub records: u64,
    /// Bytes of the database file.
    pub record_bytes: u64,
    /// Blobs.
    pub blobs: u64,
    /// Their bytes.
    pub blob_bytes: u64,
    /// By kind.
    pub kinds: BTreeMap<String, KindStats>,
    /// Projects that were seen within the last 30 days, in the order of their folders.
    pub projects: Vec<ProjectStats>,
    /// When any result was last used, in seconds since 1970.
    pub last_used: Option<u64>,
    /// When the result that was not used for longest was used, in seconds since 1970.
    pub first_used: Option<u64>,
}

/// How the bytes of an artifact are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// They are what was recorded.
    Right,
    /// They are not there.
    Missing,
    /// They are something else.
    Damaged,
}

/// What a verification found and dropped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct VerifyReport {
    /// Records read.
    pub records: u64,
    /// Blobs hashed.
    pub blobs: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Records that did not agree with their seal or their inline bytes.
    pub bad_records: u64,
    /// Blobs that were not what their name or record says.
    pub bad_blobs: u64,
    /// Records whose blobs are missing or bad.
    pub incomplete_records: u64,
}

/// Hashes the bytes of an artifact, whatever their file looks like from outside.
pub(super) fn condition(blobs: &Blobs, stored: &Stored) -> Condition {
    let digest = match &stored.place {
        Place::Inline(bytes) => Some(Digest::of(bytes)),
        Place::Blob(blob) => match blobs.verify(&blob.sha256) {
            Ok((digest, named)) => named.then_some(digest),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Condition::Missing,
            Err(_) => None,
        },
    };
    if digest == Some(stored.artifact.digest) { Condition::Right } else { Condition::Damaged }
}

/// Counts what is there.
pub(super) fn stats(root: &Path, blobs: &Blobs, now: u64) -> Result<Stats, StoreError> {
    let error = |cause: &dyn std::fmt::Display| StoreError::new("read", root, cause);
    let found = blobs.walk().map_err(|e| error(&e))?;
    let path = database(root);
    let mut stats = Stats {
        folder: root.to_owned(),
        record_bytes: record_bytes(root),
        blobs: found.len() as u64,
        blob_bytes: found.iter().map(|blob| blob.size).sum(),
        ..Stats::default()
    };
    if !path.exists() {
        return Ok(stats);
    }
    let connection =
        records::connect(&path).or_else(|_| records::connect_read_only(&path)).map_err(|e| error(&e))?;
    count_kinds(&connection, &mut stats).map_err(|e| error(&e))?;
    let registered = roots::registered(root, now).map_err(|e| error(&e))?;
    let needs = gc::needs(&connection, &registered).map_err(|e| error(&e))?;
    let projects = registered.projects.into_iter().zip(needs);
    stats.projects = projects
        .map(|((project, seen), bytes)| ProjectStats { folder: project.folder, seen, bytes })
        .collect();
    Ok(stats)
}

/// Bytes of the database file, and of what is yet to be moved into it.
pub(super) fn record_bytes(root: &Path) -> u64 {
    let path = database(root);
    let files = [records::beside(&path, "-wal"), path];
    files.iter().filter_map(|path| std::fs::metadata(path).ok()).map(|meta| meta.len()).sum()
}

fn count_kinds(connection: &Connection, stats: &mut Stats) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(
        "select kind, count(*), sum(blob_bytes + length(body) + length(manifest)), sum(cost), min(used), max(used)
         from results group by kind",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let number = |column| row.get::<_, i64>(column).map(|n| n.max(0).cast_unsigned());
        let kind = KindStats { records: number(1)?, bytes: number(2)?, cost_micros: number(3)? };
        stats.records += kind.records;
        stats.first_used =
            Some(stats.first_used.map_or(number(4)?, |first| first.min(number(4).unwrap_or(first))));
        stats.last_used = stats.last_used.max(Some(number(5)?));
        stats.kinds.insert(row.get(0)?, kind);
    }
    Ok(())
}

/// Hashes every blob and every record, and drops what does not agree.
pub(super) fn verify(store: &Upkeep<'_>) -> Result<VerifyReport, StoreError> {
    let connection = store.connect()?;
    let found = store.blobs.walk().map_err(|error| store.error(error))?;
    let mut report = VerifyReport {
        blobs: found.len() as u64,
        bytes: found.iter().map(|blob| blob.size).sum(),
        ..VerifyReport::default()
    };
    let hashed: Vec<_> =
        found.par_iter().map(|blob| (blob.sha256, store.blobs.verify(&blob.sha256))).collect();
    let mut good = BTreeMap::new();
    for (sha256, result) in hashed {
        match result {
            Ok((digest, true)) => {
                good.insert(sha256, digest);
            }
            // Collected while we looked.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            _ => {
                report.bad_blobs += 1;
                store.blobs.remove(&sha256).map_err(|error| store.error(error))?;
            }
        }
    }
    let seen = records::inode(&database(store.root));
    match verify_records(store, &connection, &good, &mut report) {
        Err(error) if records::is_damage(&error) => {
            drop(connection);
            records::put_aside(&database(store.root), store.locks, seen)
                .map_err(|error| store.error(error))?;
            // None of them can be told from another any more.
            report.bad_records += report.records.max(1);
        }
        done => done.map_err(|error| store.error(error))?,
    }
    if report.bad_records + report.incomplete_records > 0 {
        epoch::renew(store.root);
    }
    Ok(report)
}

fn verify_records(
    store: &Upkeep<'_>,
    connection: &Connection,
    good: &BTreeMap<[u8; 32], Digest>,
    report: &mut VerifyReport,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare("select key from results")?;
    let keys: Vec<Vec<u8>> = statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    for bytes in keys {
        report.records += 1;
        let key = <[u8; 32]>::try_from(bytes.as_slice()).map(Digest::from_bytes);
        let row = match &key {
            Ok(key) => records::get_row(connection, key, None)?,
            Err(_) => Some(Row::Damaged),
        };
        let bad = match &row {
            None => continue,
            Some(Row::Damaged) => true,
            Some(Row::Whole(result, _)) => {
                let incomplete = !complete(store, result, good);
                report.incomplete_records += u64::from(incomplete);
                if incomplete {
                    epoch::renew(store.root);
                    records::remove_row(connection, &result.key)?;
                    continue;
                }
                !inline_right(result)
            }
        };
        if bad {
            report.bad_records += 1;
            epoch::renew(store.root);
            connection.execute(
                "delete from result_blobs where result = (select id from results where key = ?)",
                [&bytes],
            )?;
            connection.execute("delete from results where key = ?", [&bytes])?;
        }
    }
    Ok(())
}

/// Whether every blob is there and right; one that came after the walk is hashed now.
fn complete(store: &Upkeep<'_>, result: &ActionResult, good: &BTreeMap<[u8; 32], Digest>) -> bool {
    result.artifacts.iter().all(|stored| match &stored.place {
        Place::Inline(_) => true,
        Place::Blob(blob) => match good.get(&blob.sha256) {
            Some(digest) => *digest == stored.artifact.digest,
            None => store
                .blobs
                .verify(&blob.sha256)
                .is_ok_and(|(digest, named)| named && digest == stored.artifact.digest),
        },
    })
}

fn inline_right(result: &ActionResult) -> bool {
    result.artifacts.iter().all(|stored| match &stored.place {
        Place::Inline(bytes) => Digest::of(bytes) == stored.artifact.digest,
        Place::Blob(_) => true,
    })
}
