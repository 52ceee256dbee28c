//! What may go: collecting and clearing a store. It knows no build but by its start, and no project but by what
//! it registered.
//!
//! # What is never collected
//!
//! - What the current outputs of a project need, for as long as the project was seen within 30 days.
//! - While builds are going on: a record that was last used less than a day before the oldest of them began,
//!   or later. A use is written down once a day, so such a record may be in use. What a collection wants to
//!   remove and must leave for one of these reasons is in its report.
//! - A blob that was stored less than an hour ago: its record may be on the way.
//!
//! # In what order the rest goes
//!
//! What is too old first; then, until the budget is met, results that only put others together; then by last
//! use, where being dear to make counts as having been used later: one day for each doubling of microseconds
//! per KiB; what was paid for last.

mod inventory;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, TransactionBehavior, params};

use super::epoch;
use super::roots::{self, Registered};
use super::upkeep::{StoreError, Upkeep};
use crate::digest::Digest;
use inventory::{Candidate, Inventory};

const DAY: u64 = 24 * 3600;
/// A blob without a record is left alone for so long, in seconds.
const ORPHAN_AGE: u64 = 3600;
/// Estimates of costs that were not renewed for so long are dropped, in seconds.
const COST_AGE: u64 = 90 * DAY;
/// A file in the store that was written when it was last looked through.
const COLLECTED: &str = "collected";
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
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GcReport {
    /// Records removed.
    pub records: u64,
    /// Blobs removed.
    pub blobs: u64,
    /// Bytes they had.
    pub freed: u64,
    /// Bytes that are left.
    pub left: u64,
    /// Bytes that are left beyond the budget.
    pub over: u64,
    /// Projects whose current outputs are kept.
    pub projects: usize,
    /// Projects that were not seen for 30 days, and are forgotten.
    pub lapsed: usize,
    /// Projects whose registration was damaged; their next build registers them again.
    pub damaged_projects: usize,
    /// Bytes that current outputs of projects need.
    pub pinned: u64,
    /// The project whose outputs need most, if it alone exceeds the budget, and what it needs: the budget is
    /// below one build's working set.
    pub below_working_set: Option<(PathBuf, u64)>,
    /// Builds that are going on.
    pub live_builds: usize,
    /// Records that would have gone but for these.
    pub held_by_builds: u64,
    /// Records that were too old, but current outputs need them.
    pub held_by_projects: u64,
}

/// Keeps the store within a budget.
pub(super) fn collect(store: &Upkeep<'_>, budget: Budget) -> Result<GcReport, StoreError> {
    let registered = roots::registered(store.root, store.now).map_err(|error| store.error(error))?;
    let mut connection = store.connect()?;
    let inventory = Inventory::take(&connection, store.now).map_err(|error| store.error(error))?;
    let mut report = GcReport {
        projects: registered.projects.len(),
        lapsed: registered.lapsed.len(),
        damaged_projects: registered.damaged.len(),
        ..GcReport::default()
    };
    let pinned = pin(&inventory, &registered, budget, &mut report);
    let oldest = budget.max_age.map_or(0, |age| store.now.saturating_sub(age));
    let excess = budget.max_size.map_or(0, |max| inventory.size().saturating_sub(max));
    remove(store, &mut connection, inventory, &pinned, (oldest, excess), &mut report)?;
    for path in registered.lapsed.iter().chain(&registered.damaged) {
        fs::remove_file(path).map_err(|error| store.error(error))?;
    }
    finish(store, &connection, ORPHAN_AGE, &mut report)?;
    note_collected(store);
    report.over = budget.max_size.map_or(0, |max| report.left.saturating_sub(max));
    Ok(report)
}

/// Whether a collection is worth its time: over the budget as far as a glance tells, or not looked through for
/// long.
pub(super) fn is_needed(store: &Upkeep<'_>, budget: Budget) -> Result<bool, StoreError> {
    // Ages are told by days, and what is found only by walking through everything can wait for a week.
    let interval = if budget.max_age.is_some() { DAY } else { 7 * DAY };
    match fs::metadata(store.root.join(COLLECTED)) {
        Ok(meta) if meta.mtime().max(0).cast_unsigned().abs_diff(file_clock()) > interval => return Ok(true),
        Ok(_) => {}
        Err(_) => note_collected(store),
    }
    let Some(max) = budget.max_size else { return Ok(false) };
    let blobs: i64 = store
        .connect()?
        .query_row(
            "select coalesce(sum(size), 0) from (select distinct sha256, size from result_blobs)",
            [],
            |row| row.get(0),
        )
        .map_err(|error| store.error(error))?;
    Ok(super::inspect::record_bytes(store.root) + blobs.cast_unsigned() > max)
}

/// Notes that everything was looked through now. Where it cannot be noted, it is looked through more often.
fn note_collected(store: &Upkeep<'_>) {
    let _ = fs::write(store.root.join(COLLECTED), "");
}

/// Removes all that no build may be using.
pub(super) fn clear(store: &Upkeep<'_>) -> Result<GcReport, StoreError> {
    let mut connection = store.connect()?;
    let inventory = Inventory::take(&connection, store.now).map_err(|error| store.error(error))?;
    let mut report = GcReport::default();
    remove(store, &mut connection, inventory, &[], (u64::MAX, u64::MAX), &mut report)?;
    let age = if report.live_builds == 0 { 0 } else { ORPHAN_AGE };
    if report.live_builds == 0 {
        roots::forget_all(store.root).map_err(|error| store.error(error))?;
    }
    finish(store, &connection, age, &mut report)?;
    Ok(report)
}

/// Bytes that the current outputs of each project need, in the order of the projects.
pub(super) fn needs(connection: &Connection, registered: &Registered) -> rusqlite::Result<Vec<u64>> {
    let inventory = Inventory::take(connection, u64::MAX)?;
    let index = inventory.index();
    let projects = registered.projects.iter();
    Ok(projects.map(|(project, _)| inventory.bytes_of(&index, &project.keys())).collect())
}

/// The keys that current outputs need, in order; how much that is goes into the report.
fn pin(inventory: &Inventory, registered: &Registered, budget: Budget, report: &mut GcReport) -> Vec<Digest> {
    let index = inventory.index();
    let mut all = Vec::new();
    for (project, _) in &registered.projects {
        let keys = project.keys();
        let needs = inventory.bytes_of(&index, &keys);
        let most = report.below_working_set.as_ref().map_or(0, |(_, most)| *most);
        if budget.max_size.is_some_and(|max| needs > max) && needs > most {
            report.below_working_set = Some((project.folder.clone(), needs));
        }
        all.extend(keys);
    }
    all.sort_unstable();
    all.dedup();
    report.pinned = inventory.bytes_of(&index, &all);
    all
}

/// Removes records last used before `oldest`, then others in order until `excess` bytes are free.
fn remove(
    store: &Upkeep<'_>,
    connection: &mut Connection,
    inventory: Inventory,
    pinned: &[Digest],
    (oldest, excess): (u64, u64),
    report: &mut GcReport,
) -> Result<(), StoreError> {
    let Inventory { candidates, mut uses } = inventory;
    let (kept, free): (Vec<_>, Vec<_>) =
        candidates.into_iter().partition(|c| pinned.binary_search(&c.key).is_ok());
    report.held_by_projects = kept.iter().filter(|c| c.used < oldest).count() as u64;
    let (old, rest): (Vec<_>, Vec<_>) = free.into_iter().partition(|c| c.used < oldest);
    let old = old.into_iter().map(|candidate| (candidate, true));
    let mut queue = old.chain(rest.into_iter().map(|candidate| (candidate, false))).peekable();
    loop {
        // A build that begins waits for one batch at most, and the next batch knows of it.
        let _gate = store.locks.gate(false).map_err(|error| store.error(error))?;
        let live = store.live()?;
        report.live_builds = live.len();
        let untouchable = live.first().map_or(u64::MAX, |began| began.saturating_sub(DAY));
        let mut next = |freed: u64| queue.next_if(|(_, too_old)| *too_old || freed < excess).map(|(c, _)| c);
        let removed = report.records;
        let unused = remove_batch(store, connection, untouchable, (&mut next, &mut uses), report)
            .map_err(|error| store.error(error))?;
        if report.records > removed {
            epoch::renew(store.root);
        }
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

type Source<'a> = (&'a mut dyn FnMut(u64) -> Option<Candidate>, &'a mut BTreeMap<[u8; 32], (u64, u64)>);

/// Removes some records in one transaction; the blobs that nothing uses any more, or `None` at the end.
fn remove_batch(
    store: &Upkeep<'_>,
    connection: &mut Connection,
    untouchable: u64,
    (next, uses): Source<'_>,
    report: &mut GcReport,
) -> rusqlite::Result<Option<Vec<[u8; 32]>>> {
    let limit = i64::try_from(untouchable).unwrap_or(i64::MAX);
    let change = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let (mut unused, mut looked_at, before) = (Vec::new(), 0, report.records);
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
    if report.records > before {
        epoch::renew(store.root);
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
    let kept = Inventory::take(connection, store.now).map_err(|e| error(&e))?;
    for blob in found {
        if !kept.uses.contains_key(&blob.sha256) && (blob.changed < before || orphan_age == 0) {
            store.blobs.remove(&blob.sha256).map_err(|e| error(&e))?;
            report.blobs += 1;
            report.freed += blob.size;
        }
    }
    store.blobs.sweep(before).map_err(|e| error(&e))?;
    sweep_epochs(store, before);
    if store.live()?.is_empty() {
        // A last use that is yet to come was written by a clock that was ahead: from now on it grows old.
        let now = store.now.cast_signed();
        connection.execute("update results set used = ?1 where used > ?1", [now]).map_err(|e| error(&e))?;
    }
    let stale = store.now.saturating_sub(COST_AGE).cast_signed();
    connection.execute("delete from costs where seen < ?", [stale]).map_err(|e| error(&e))?;
    connection
        .execute_batch("pragma incremental_vacuum; pragma wal_checkpoint(truncate);")
        .map_err(|e| error(&e))?;
    report.left = kept.size();
    Ok(())
}

/// What a process that died left when it was about to begin an epoch.
fn sweep_epochs(store: &Upkeep<'_>, before: u64) {
    for entry in fs::read_dir(store.root).into_iter().flatten().flatten() {
        let old = entry.metadata().is_ok_and(|meta| meta.ctime().max(0).cast_unsigned() < before);
        if old && entry.file_name().to_str().is_some_and(|name| name.starts_with(epoch::TEMPORARY)) {
            let _ = fs::remove_file(entry.path());
        }
    }
}
