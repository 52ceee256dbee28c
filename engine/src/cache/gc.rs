//! What may go: collecting, clearing, verifying and counting a store. It knows no build but by its start.
//!
//! # What is never collected
//!
//! - A pinned key.
//! - While builds are going on: a record that was last used less than a day before the oldest of them began,
//!   or later. A use is written down once a day, so such a record may be in use. What a collection wants to
//!   remove and must leave for this reason is in its report.
//! - A blob that was stored less than an hour ago: its record may be on the way.
//!
//! # In what order the rest goes
//!
//! What is too old first; then, until the budget is met, results that only put others together; then by last
//! use, where being dear to make counts as having been used later: one day for each doubling of microseconds
//! per KiB.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use rusqlite::{Connection, params};

use super::blobs::Blobs;
use super::lock::{Locks, live_builds};
use super::records::{self, Row};
use super::result::{ActionResult, Place};
use crate::digest::Digest;

const DAY: u64 = 24 * 3600;
/// A blob without a record is left alone for so long, in seconds.
const ORPHAN_AGE: u64 = 3600;
/// Estimates of costs that were not renewed for so long are dropped, in seconds.
const COST_AGE: u64 = 90 * DAY;
/// So many records are removed with the gate closed.
const BATCH: usize = 256;

/// What a store may hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Budget {
    /// Bytes of blobs and records.
    pub max_size: Option<u64>,
    /// Seconds since a result was last used.
    pub max_age: Option<u64>,
}

/// What a collection did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GcReport {
    /// Records removed.
    pub records: u64,
    /// Blobs removed.
    pub blobs: u64,
    /// Bytes they had.
    pub freed: u64,
    /// Bytes that are left.
    pub left: u64,
    /// Bytes that pinned results need.
    pub pinned: u64,
    /// Whether those alone exceed the budget: one build's results do not fit.
    pub below_working_set: bool,
    /// Builds that are going on.
    pub live_builds: usize,
    /// Records that would have gone but for these.
    pub held_by_builds: u64,
}

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
    /// When any result was last used, in seconds since 1970.
    pub last_used: Option<u64>,
    /// When the result that was not used for longest was used, in seconds since 1970.
    pub first_used: Option<u64>,
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

/// Why the store could not be looked after.
#[derive(Debug, thiserror::Error)]
#[error("cannot {what} the cache `{}`: {cause}", folder.display())]
pub struct StoreError {
    what: &'static str,
    folder: PathBuf,
    cause: String,
}

impl StoreError {
    pub(super) fn read_only(folder: &Path) -> Self {
        Self::new("write to", folder, "it is read-only")
    }

    fn new(what: &'static str, folder: &Path, cause: impl ToString) -> Self {
        Self {
            what,
            folder: folder.to_owned(),
            cause: cause.to_string(),
        }
    }
}

/// A store to be looked after.
pub(super) struct Collector<'a> {
    pub(super) root: &'a Path,
    pub(super) blobs: &'a Blobs,
    pub(super) locks: &'a Locks,
    /// Seconds since 1970.
    pub(super) now: u64,
}

impl Collector<'_> {
    fn error(&self, cause: impl ToString) -> StoreError {
        StoreError::new("clean", self.root, cause)
    }

    fn connect(&self) -> Result<Connection, StoreError> {
        records::connect(&database(self.root)).map_err(|error| self.error(error))
    }

    fn live(&self) -> Result<Vec<u64>, StoreError> {
        live_builds(&self.root.join("live")).map_err(|error| self.error(error))
    }
}

fn database(root: &Path) -> PathBuf {
    root.join("records.db")
}

/// What a collection knows of a record.
struct Candidate {
    id: i64,
    key: Digest,
    used: u64,
    assembled: bool,
    cost_micros: u64,
    record_bytes: u64,
    blobs: Vec<([u8; 32], u64)>,
}

impl Candidate {
    fn bytes(&self) -> u64 {
        self.record_bytes + self.blobs.iter().map(|(_, size)| size).sum::<u64>()
    }

    /// The lowest goes first.
    fn worth(&self) -> (bool, u64) {
        let density = self.cost_micros / (self.bytes() / 1024).max(1);
        (
            !self.assembled,
            self.used + u64::from((density + 1).ilog2()) * DAY,
        )
    }
}

/// Candidates in the order in which they go, and how often each blob is used.
struct Inventory {
    candidates: Vec<Candidate>,
    uses: BTreeMap<[u8; 32], (u64, u64)>,
}

impl Inventory {
    fn size(&self) -> u64 {
        self.candidates.iter().map(|c| c.record_bytes).sum::<u64>()
            + self.uses.values().map(|(_, size)| size).sum::<u64>()
    }
}

/// Keeps the store within a budget.
pub(super) fn collect(
    store: &Collector<'_>,
    budget: Budget,
    pinned: &BTreeSet<Digest>,
) -> Result<GcReport, StoreError> {
    let connection = store.connect()?;
    let inventory = take_inventory(&connection).map_err(|error| store.error(error))?;
    let mut report = GcReport {
        pinned: pinned_bytes(&inventory, pinned),
        ..GcReport::default()
    };
    report.below_working_set = budget.max_size.is_some_and(|max| report.pinned > max);
    let oldest = budget.max_age.map_or(0, |age| store.now.saturating_sub(age));
    let excess = budget
        .max_size
        .map_or(0, |max| inventory.size().saturating_sub(max));
    remove(
        store,
        &connection,
        inventory,
        pinned,
        (oldest, excess),
        &mut report,
    )?;
    finish(store, &connection, ORPHAN_AGE, &mut report)?;
    Ok(report)
}

/// Removes all that no build may be using.
pub(super) fn clear(store: &Collector<'_>) -> Result<GcReport, StoreError> {
    let connection = store.connect()?;
    let inventory = take_inventory(&connection).map_err(|error| store.error(error))?;
    let mut report = GcReport::default();
    remove(
        store,
        &connection,
        inventory,
        &BTreeSet::new(),
        (u64::MAX, u64::MAX),
        &mut report,
    )?;
    let age = if report.live_builds == 0 { 0 } else { ORPHAN_AGE };
    finish(store, &connection, age, &mut report)?;
    Ok(report)
}

fn pinned_bytes(inventory: &Inventory, pinned: &BTreeSet<Digest>) -> u64 {
    let mut blobs = BTreeMap::new();
    let mut bytes = 0;
    for candidate in inventory.candidates.iter().filter(|c| pinned.contains(&c.key)) {
        bytes += candidate.record_bytes;
        blobs.extend(candidate.blobs.iter().copied());
    }
    bytes + blobs.values().sum::<u64>()
}

fn take_inventory(connection: &Connection) -> rusqlite::Result<Inventory> {
    let mut blobs: BTreeMap<i64, Vec<([u8; 32], u64)>> = BTreeMap::new();
    let mut uses = BTreeMap::new();
    let mut statement = connection.prepare("select result, sha256, size from result_blobs")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (sha256, size) = (row.get::<_, [u8; 32]>(1)?, row.get::<_, i64>(2)?.cast_unsigned());
        blobs.entry(row.get(0)?).or_default().push((sha256, size));
        uses.entry(sha256).or_insert((0, size)).0 += 1;
    }
    let mut statement = connection.prepare(
        "select id, key, used, assembled, cost, length(body) + length(manifest) + length(kind) from results",
    )?;
    let candidates = statement.query_map([], |row| {
        let id = row.get(0)?;
        Ok(Candidate {
            id,
            key: Digest::from_bytes(row.get(1)?),
            used: row.get::<_, i64>(2)?.max(0).cast_unsigned(),
            assembled: row.get(3)?,
            cost_micros: row.get::<_, i64>(4)?.max(0).cast_unsigned(),
            record_bytes: row.get::<_, i64>(5)?.cast_unsigned(),
            blobs: blobs.remove(&id).unwrap_or_default(),
        })
    })?;
    let mut candidates = candidates.collect::<rusqlite::Result<Vec<_>>>()?;
    candidates.sort_by_key(|c| (c.worth(), c.key));
    Ok(Inventory { candidates, uses })
}

/// Removes records last used before `limits.0`, then others in order until `limits.1` bytes are free.
fn remove(
    store: &Collector<'_>,
    connection: &Connection,
    inventory: Inventory,
    pinned: &BTreeSet<Digest>,
    (oldest, excess): (u64, u64),
    report: &mut GcReport,
) -> Result<(), StoreError> {
    let Inventory { candidates, mut uses } = inventory;
    let (old, rest): (Vec<_>, Vec<_>) = candidates
        .into_iter()
        .filter(|c| !pinned.contains(&c.key))
        .partition(|c| c.used < oldest);
    let mut queue = old
        .into_iter()
        .map(|c| (c, true))
        .chain(rest.into_iter().map(|c| (c, false)))
        .peekable();
    loop {
        let gate = store.locks.gate(false).map_err(|error| store.error(error))?;
        let live = store.live()?;
        report.live_builds = live.len();
        let untouchable = live.first().map_or(u64::MAX, |began| began.saturating_sub(DAY));
        let (mut gone, mut freed) = (Vec::new(), report.freed);
        while gone.len() < BATCH
            && let Some((candidate, _)) = queue.next_if(|(_, too_old)| *too_old || freed < excess)
        {
            if candidate.used >= untouchable {
                report.held_by_builds += 1;
                continue;
            }
            freed += candidate.record_bytes + release(&candidate, &mut uses);
            gone.push(candidate);
        }
        if gone.is_empty() {
            return Ok(());
        }
        let removed = delete(connection, &gone, untouchable).map_err(|error| store.error(error))?;
        report.records += removed;
        report.freed = freed;
        for (sha256, _) in gone.iter().flat_map(|c| &c.blobs) {
            if uses.get(sha256).is_some_and(|(uses, _)| *uses == 0)
                && removable(store, sha256, live.is_empty())
            {
                store.blobs.remove(sha256).map_err(|error| store.error(error))?;
                report.blobs += 1;
            }
        }
        drop(gate);
    }
}

/// Bytes of the blobs that nothing else uses.
fn release(candidate: &Candidate, uses: &mut BTreeMap<[u8; 32], (u64, u64)>) -> u64 {
    let mut bytes = 0;
    for (sha256, size) in &candidate.blobs {
        if let Some((count, _)) = uses.get_mut(sha256) {
            *count -= 1;
            bytes += if *count == 0 { *size } else { 0 };
        }
    }
    bytes
}

/// A blob may have been stored again since the inventory; its record is on the way then.
fn removable(store: &Collector<'_>, sha256: &[u8; 32], quiet: bool) -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(store.blobs.path(sha256))
        .is_ok_and(|meta| quiet || meta.ctime().max(0).cast_unsigned() + ORPHAN_AGE < file_clock(store))
}

/// Ages of files are told by the clock of the file system, which no one can set for a test.
fn file_clock(store: &Collector<'_>) -> u64 {
    let _ = store;
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

fn delete(connection: &Connection, gone: &[Candidate], untouchable: u64) -> rusqlite::Result<u64> {
    let limit = i64::try_from(untouchable).unwrap_or(i64::MAX);
    let mut removed = 0;
    connection.execute_batch("begin immediate")?;
    let mut delete = || -> rusqlite::Result<()> {
        for candidate in gone {
            let count = connection
                .prepare_cached("delete from results where id = ? and used < ?")?
                .execute(params![candidate.id, limit])?;
            if count == 1 {
                removed += 1;
                connection
                    .prepare_cached("delete from result_blobs where result = ?")?
                    .execute([candidate.id])?;
            }
        }
        connection.execute_batch("commit")
    };
    if let Err(error) = delete() {
        let _ = connection.execute_batch("rollback");
        return Err(error);
    }
    Ok(removed)
}

/// Blobs without a record, half-written files, old estimates, and the room they leave in the database.
fn finish(
    store: &Collector<'_>,
    connection: &Connection,
    orphan_age: u64,
    report: &mut GcReport,
) -> Result<(), StoreError> {
    let error = |error: &dyn std::fmt::Display| store.error(error);
    let before = file_clock(store).saturating_sub(orphan_age);
    let _gate = store.locks.gate(false).map_err(|e| error(&e))?;
    // Looked at first: a record that comes later has a blob that is younger.
    let found = store.blobs.walk().map_err(|e| error(&e))?;
    let kept = take_inventory(connection).map_err(|e| error(&e))?;
    for blob in found {
        if !kept.uses.contains_key(&blob.sha256) && (blob.changed < before || orphan_age == 0) {
            store.blobs.remove(&blob.sha256).map_err(|e| error(&e))?;
            report.blobs += 1;
            report.freed += blob.size;
        }
    }
    store.blobs.sweep(before).map_err(|e| error(&e))?;
    let stale = store.now.saturating_sub(COST_AGE).cast_signed();
    connection
        .execute("delete from costs where seen < ?", [stale])
        .map_err(|e| error(&e))?;
    connection
        .execute_batch("pragma incremental_vacuum; pragma wal_checkpoint(truncate);")
        .map_err(|e| error(&e))?;
    report.left = kept.size();
    Ok(())
}

/// Counts what is there.
pub(super) fn stats(root: &Path, blobs: &Blobs) -> Result<Stats, StoreError> {
    let error = |cause: &dyn std::fmt::Display| StoreError::new("read", root, cause);
    let found = blobs.walk().map_err(|e| error(&e))?;
    let path = database(root);
    let mut stats = Stats {
        folder: root.to_owned(),
        record_bytes: [path.clone(), records::beside(&path, "-wal")]
            .iter()
            .filter_map(|path| std::fs::metadata(path).ok())
            .map(|meta| meta.len())
            .sum(),
        blobs: found.len() as u64,
        blob_bytes: found.iter().map(|blob| blob.size).sum(),
        ..Stats::default()
    };
    if !path.exists() {
        return Ok(stats);
    }
    let connection = records::connect(&path)
        .or_else(|_| records::connect_read_only(&path))
        .map_err(|e| error(&e))?;
    count_kinds(&connection, &mut stats).map_err(|e| error(&e))?;
    Ok(stats)
}

fn count_kinds(connection: &Connection, stats: &mut Stats) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(
        "select kind, count(*), sum(blob_bytes + length(body) + length(manifest)), sum(cost), min(used), max(used)
         from results group by kind",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let number = |column| row.get::<_, i64>(column).map(|n| n.max(0).cast_unsigned());
        let kind = KindStats {
            records: number(1)?,
            bytes: number(2)?,
            cost_micros: number(3)?,
        };
        stats.records += kind.records;
        stats.first_used = Some(
            stats
                .first_used
                .map_or(number(4)?, |first| first.min(number(4).unwrap_or(first))),
        );
        stats.last_used = stats.last_used.max(Some(number(5)?));
        stats.kinds.insert(row.get(0)?, kind);
    }
    Ok(())
}

/// Hashes every blob and every record, and drops what does not agree.
pub(super) fn verify(store: &Collector<'_>) -> Result<VerifyReport, StoreError> {
    let connection = store.connect()?;
    let found = store.blobs.walk().map_err(|error| store.error(error))?;
    let mut report = VerifyReport {
        blobs: found.len() as u64,
        bytes: found.iter().map(|blob| blob.size).sum(),
        ..VerifyReport::default()
    };
    let hashed: Vec<_> = found
        .par_iter()
        .map(|blob| (blob.sha256, store.blobs.verify(&blob.sha256)))
        .collect();
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
    verify_records(store, &connection, &good, &mut report).map_err(|error| store.error(error))?;
    Ok(report)
}

fn verify_records(
    store: &Collector<'_>,
    connection: &Connection,
    good: &BTreeMap<[u8; 32], Digest>,
    report: &mut VerifyReport,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare("select key from results")?;
    let keys: Vec<Vec<u8>> = statement
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
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
                    records::remove_row(connection, &result.key)?;
                    continue;
                }
                !inline_right(result)
            }
        };
        if bad {
            report.bad_records += 1;
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
fn complete(store: &Collector<'_>, result: &ActionResult, good: &BTreeMap<[u8; 32], Digest>) -> bool {
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
