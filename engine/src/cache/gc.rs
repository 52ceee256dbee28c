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
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, TransactionBehavior, params};

use super::upkeep::{StoreError, Upkeep};
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
        (!self.assembled, self.used + u64::from((density + 1).ilog2()) * DAY)
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
    store: &Upkeep<'_>,
    budget: Budget,
    pinned: &BTreeSet<Digest>,
) -> Result<GcReport, StoreError> {
    let mut connection = store.connect()?;
    let inventory = take_inventory(&connection).map_err(|error| store.error(error))?;
    let mut report = GcReport { pinned: pinned_bytes(&inventory, pinned), ..GcReport::default() };
    report.below_working_set = budget.max_size.is_some_and(|max| report.pinned > max);
    let oldest = budget.max_age.map_or(0, |age| store.now.saturating_sub(age));
    let excess = budget.max_size.map_or(0, |max| inventory.size().saturating_sub(max));
    remove(store, &mut connection, inventory, pinned, (oldest, excess), &mut report)?;
    finish(store, &connection, ORPHAN_AGE, &mut report)?;
    Ok(report)
}

/// Removes all that no build may be using.
pub(super) fn clear(store: &Upkeep<'_>) -> Result<GcReport, StoreError> {
    let mut connection = store.connect()?;
    let inventory = take_inventory(&connection).map_err(|error| store.error(error))?;
    let mut report = GcReport::default();
    remove(store, &mut connection, inventory, &BTreeSet::new(), (u64::MAX, u64::MAX), &mut report)?;
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

/// Removes records last used before `oldest`, then others in order until `excess` bytes are free.
fn remove(
    store: &Upkeep<'_>,
    connection: &mut Connection,
    inventory: Inventory,
    pinned: &BTreeSet<Digest>,
    (oldest, excess): (u64, u64),
    report: &mut GcReport,
) -> Result<(), StoreError> {
    let Inventory { candidates, mut uses } = inventory;
    let (old, rest): (Vec<_>, Vec<_>) =
        candidates.into_iter().filter(|c| !pinned.contains(&c.key)).partition(|c| c.used < oldest);
    let old = old.into_iter().map(|candidate| (candidate, true));
    let mut queue = old.chain(rest.into_iter().map(|candidate| (candidate, false))).peekable();
    loop {
        // A build that begins waits for one batch at most, and the next batch knows of it.
        let _gate = store.locks.gate(false).map_err(|error| store.error(error))?;
        let live = store.live()?;
        report.live_builds = live.len();
        let untouchable = live.first().map_or(u64::MAX, |began| began.saturating_sub(DAY));
        let mut next = |freed: u64| queue.next_if(|(_, too_old)| *too_old || freed < excess).map(|(c, _)| c);
        let unused = remove_batch(connection, untouchable, &mut next, &mut uses, report)
            .map_err(|error| store.error(error))?;
        let Some(unused) = unused else {
            return Ok(());
        };
        for sha256 in unused {
            if removable(store, &sha256, live.is_empty()) {
                store.blobs.remove(&sha256).map_err(|error| store.error(error))?;
                report.blobs += 1;
            }
        }
    }
}

/// Removes some records in one transaction; the blobs that nothing uses any more, or `None` at the end.
fn remove_batch(
    connection: &mut Connection,
    untouchable: u64,
    next: &mut dyn FnMut(u64) -> Option<Candidate>,
    uses: &mut BTreeMap<[u8; 32], (u64, u64)>,
    report: &mut GcReport,
) -> rusqlite::Result<Option<Vec<[u8; 32]>>> {
    let limit = i64::try_from(untouchable).unwrap_or(i64::MAX);
    let change = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let (mut unused, mut looked_at) = (Vec::new(), 0);
    while looked_at < BATCH
        && let Some(candidate) = next(report.freed)
    {
        looked_at += 1;
        // It may have been used since it was looked at.
        let gone = change
            .prepare_cached("delete from results where id = ? and used < ?")?
            .execute(params![candidate.id, limit])?;
        if gone == 0 {
            report.held_by_builds += 1;
            continue;
        }
        change.prepare_cached("delete from result_blobs where result = ?")?.execute([candidate.id])?;
        report.records += 1;
        report.freed += candidate.record_bytes + release(&candidate, uses, &mut unused);
    }
    change.commit()?;
    Ok((looked_at > 0).then_some(unused))
}

/// Bytes of the blobs that nothing else uses, which are added to `unused`.
fn release(
    candidate: &Candidate,
    uses: &mut BTreeMap<[u8; 32], (u64, u64)>,
    unused: &mut Vec<[u8; 32]>,
) -> u64 {
    let mut bytes = 0;
    for (sha256, size) in &candidate.blobs {
        if let Some((count, _)) = uses.get_mut(sha256) {
            *count -= 1;
            if *count == 0 {
                bytes += size;
                unused.push(*sha256);
            }
        }
    }
    bytes
}

/// A blob may have been stored again since the inventory; its record is on the way then.
fn removable(store: &Upkeep<'_>, sha256: &[u8; 32], quiet: bool) -> bool {
    fs::metadata(store.blobs.path(sha256))
        .is_ok_and(|meta| quiet || meta.ctime().max(0).cast_unsigned() + ORPHAN_AGE < file_clock())
}

/// Ages of files are told by the clock of the machine, which sets their times, whatever the cache's clock says.
fn file_clock() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Blobs without a record, half-written files, old estimates, and the room they leave in the database.
fn finish(
    store: &Upkeep<'_>,
    connection: &Connection,
    orphan_age: u64,
    report: &mut GcReport,
) -> Result<(), StoreError> {
    let error = |error: &dyn std::fmt::Display| store.error(error);
    let before = file_clock().saturating_sub(orphan_age);
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
    connection.execute("delete from costs where seen < ?", [stale]).map_err(|e| error(&e))?;
    connection
        .execute_batch("pragma incremental_vacuum; pragma wal_checkpoint(truncate);")
        .map_err(|e| error(&e))?;
    report.left = kept.size();
    Ok(())
}
