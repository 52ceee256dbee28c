//! Rows: how a result is written, read back and judged. It knows no threads and no transactions.

use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, params};

use super::super::result::{self, ActionResult, BlobState, Place, Rank, Stored};
use crate::digest::{Digest, Hasher};

/// A result to be recorded.
pub(crate) struct Entry {
    /// What consumers see.
    pub(crate) result: Arc<ActionResult>,
    /// How early it goes.
    pub(crate) rank: Rank,
    /// Everything behind the key.
    pub(crate) manifest: Vec<u8>,
    /// Where its blobs are, to be synced at the end.
    pub(crate) blob_paths: Vec<PathBuf>,
}

/// What looking up a row gives.
pub(crate) enum Row {
    /// The result, and when it was last used (seconds since 1970).
    Whole(Box<ActionResult>, u64),
    /// Bytes that are not what was written.
    Damaged,
}

/// The part of a row that its seal covers, besides the key.
struct Sealed {
    kind: String,
    created: i64,
    cost: i64,
    rank: i64,
    body: Vec<u8>,
}

impl Sealed {
    fn seal(&self, key: &Digest) -> Digest {
        let mut hasher = Hasher::new();
        hasher.field("key", key.as_bytes());
        hasher.field("kind", self.kind.as_bytes());
        hasher.field("created", &self.created.to_le_bytes());
        hasher.field("cost", &self.cost.to_le_bytes());
        hasher.field("rank", &self.rank.to_le_bytes());
        hasher.field("body", &self.body);
        hasher.finish()
    }
}

/// Records a result unless its key has one: the first wins.
pub(crate) fn put(connection: &Connection, entry: &Entry, boot: i64, now: u64) -> rusqlite::Result<()> {
    let ActionResult { key, kind, cost_micros, created, artifacts, graph, log } = &*entry.result;
    let sealed = Sealed {
        kind: kind.clone(),
        created: created.cast_signed(),
        cost: cost_micros.cast_signed(),
        rank: entry.rank.number().into(),
        body: result::encode(artifacts, graph.as_ref(), log),
    };
    let blobs = || {
        artifacts.iter().filter_map(|stored| match &stored.place {
            Place::Blob(blob) => Some((blob.sha256, stored.artifact.size)),
            Place::Inline(_) => None,
        })
    };
    let inserted = connection
        .prepare_cached(
            "insert into results
               (key, kind, created, cost, rank, seal, used, unsynced, blob_bytes, body, manifest)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) on conflict (key) do nothing",
        )?
        .execute(params![
            key.as_bytes(),
            sealed.kind,
            sealed.created,
            sealed.cost,
            sealed.rank,
            sealed.seal(key).as_bytes(),
            now.cast_signed(),
            if blobs().next().is_none() { 0 } else { boot },
            blobs().map(|(_, size)| size).sum::<u64>().cast_signed(),
            sealed.body,
            sealed_manifest(&entry.manifest),
        ])?;
    if inserted == 1 {
        let id = connection.last_insert_rowid();
        for (sha256, size) in blobs() {
            connection
                .prepare_cached("insert or ignore into result_blobs values (?, ?, ?)")?
                .execute(params![id, sha256, size.cast_signed()])?;
        }
    }
    Ok(())
}

/// Learns from what actions of a kind took, in the order in which they ended.
pub(crate) fn record_costs(
    connection: &Connection,
    kind: &str,
    costs: &[u64],
    now: u64,
) -> rusqlite::Result<()> {
    let known = cost_estimate(connection, kind)?;
    // Half new and half history: a machine that got slower shows soon, an odd run does not stay.
    let learnt =
        costs.iter().fold(known, |known, cost| Some(known.map_or(*cost, |known| known.midpoint(*cost))));
    connection
        .prepare_cached("insert or replace into costs values (?, ?, ?)")?
        .execute(params![kind, learnt.unwrap_or(0).cast_signed(), now.cast_signed()])
        .map(drop)
}

/// A row as it was read; to judge it needs no connection.
pub(crate) struct Raw(Option<Columns>);

/// What is sealed, the seal, when it was last used, and the run of the machine in which its blobs were written.
type Columns = (Sealed, Vec<u8>, i64, i64);

impl Raw {
    /// What it says, if it is what was written.
    pub(crate) fn open(self, key: &Digest, boot: Option<i64>) -> Row {
        let opened = self.0.and_then(|(sealed, seal, used, unsynced)| {
            let settled = unsynced == 0 || Some(unsynced) == boot;
            (sealed.seal(key).as_bytes() == seal.as_slice()).then(|| opened(*key, sealed, used, settled))?
        });
        opened.unwrap_or(Row::Damaged)
    }
}

/// The row of a key.
pub(crate) fn get(connection: &Connection, key: &Digest, boot: Option<i64>) -> rusqlite::Result<Option<Row>> {
    read(connection, key).map(|raw| raw.map(|raw| raw.open(key, boot)))
}

/// The row of a key, not judged yet.
pub(crate) fn read(connection: &Connection, key: &Digest) -> rusqlite::Result<Option<Raw>> {
    let found = connection
        .prepare_cached(
            "select kind, created, cost, rank, body, seal, used, unsynced from results where key = ?",
        )?
        .query_row([key.as_bytes()], |row| {
            let sealed = Sealed {
                kind: row.get(0)?,
                created: row.get(1)?,
                cost: row.get(2)?,
                rank: row.get(3)?,
                body: row.get(4)?,
            };
            Ok((sealed, row.get(5)?, row.get(6)?, row.get(7)?))
        })
        .optional();
    match found {
        Ok(found) => Ok(found.map(|columns| Raw(Some(columns)))),
        // A flipped byte in a row's header gives another type of column.
        Err(
            rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::Utf8Error(..),
        ) => Ok(Some(Raw(None))),
        Err(error) => Err(error),
    }
}

fn opened(key: Digest, sealed: Sealed, used: i64, settled: bool) -> Option<Row> {
    let (artifacts, graph, log) = result::decode(key, &sealed.body, settled)?;
    let result = ActionResult {
        key,
        kind: sealed.kind,
        cost_micros: sealed.cost.cast_unsigned(),
        created: sealed.created.cast_unsigned(),
        artifacts,
        graph,
        log,
    };
    Some(Row::Whole(Box::new(result), used.max(0).cast_unsigned()))
}

/// Notes that a result was used.
pub(crate) fn touch(connection: &Connection, key: &Digest, now: u64) -> rusqlite::Result<()> {
    connection
        .prepare_cached("update results set used = ? where key = ?")?
        .execute(params![now.cast_signed(), key.as_bytes()])
        .map(drop)
}

/// Removes a row, whatever is in it.
pub(crate) fn remove(connection: &Connection, key: &Digest) -> rusqlite::Result<()> {
    connection
        .prepare_cached("delete from result_blobs where result = (select id from results where key = ?)")?
        .execute([key.as_bytes()])?;
    connection.prepare_cached("delete from results where key = ?")?.execute([key.as_bytes()]).map(drop)
}

/// Removes the row that an artifact came from; one that was made anew meanwhile stays.
pub(crate) fn forget(connection: &Connection, stored: &Stored) -> rusqlite::Result<()> {
    if let Some(Row::Whole(result, _)) = get(connection, &stored.key, None)?
        && let Some(now) = result.port(&stored.port)
        && !same_place(&now.place, &stored.place)
    {
        return Ok(());
    }
    remove(connection, &stored.key)
}

fn same_place(a: &Place, b: &Place) -> bool {
    match (a, b) {
        (Place::Blob(a), Place::Blob(b)) => {
            (a.sha256, a.mtime_ns, a.inode) == (b.sha256, b.mtime_ns, b.inode)
        }
        (a, b) => a == b,
    }
}

/// Writes the state in which a blob was found to be right.
pub(crate) fn restat(
    connection: &Connection,
    stored: &Stored,
    state: BlobState,
    boot: i64,
) -> rusqlite::Result<()> {
    let Some(Row::Whole(mut result, _)) = get(connection, &stored.key, None)? else {
        return Ok(());
    };
    for artifact in &mut result.artifacts {
        if let Place::Blob(blob) = &mut artifact.place
            && blob.sha256 == state.sha256
        {
            *blob = state;
        }
    }
    let rank = connection
        .prepare_cached("select rank from results where key = ?")?
        .query_row([stored.key.as_bytes()], |row| row.get(0))?;
    let sealed = Sealed {
        body: result::encode(&result.artifacts, result.graph.as_ref(), &result.log),
        kind: result.kind,
        created: result.created.cast_signed(),
        cost: result.cost_micros.cast_signed(),
        rank,
    };
    connection
        .prepare_cached("update results set body = ?, seal = ?, unsynced = ? where key = ?")?
        .execute(params![sealed.body, sealed.seal(&stored.key).as_bytes(), boot, stored.key.as_bytes()])
        .map(drop)
}

/// Notes that the blobs of a result have reached the disk.
pub(crate) fn settle(connection: &Connection, key: &Digest) -> rusqlite::Result<()> {
    connection
        .prepare_cached("update results set unsynced = 0 where key = ?")?
        .execute([key.as_bytes()])
        .map(drop)
}

/// The manifest behind a key, if it reads back as it was written.
pub(crate) fn manifest(connection: &Connection, key: &Digest) -> rusqlite::Result<Option<Vec<u8>>> {
    let bytes: Option<Vec<u8>> = connection
        .prepare_cached("select manifest from results where key = ?")?
        .query_row([key.as_bytes()], |row| row.get(0))
        .optional()?;
    Ok(bytes.and_then(|bytes| {
        let (seal, manifest) = bytes.split_first_chunk::<32>()?;
        (Digest::of(manifest).as_bytes() == seal).then(|| manifest.to_vec())
    }))
}

/// How early the result of a key goes.
pub(crate) fn rank(connection: &Connection, key: &Digest) -> rusqlite::Result<Option<Rank>> {
    connection
        .prepare_cached("select rank from results where key = ?")?
        .query_row([key.as_bytes()], |row| row.get(0))
        .optional()
        .map(|rank| rank.map(Rank::of))
}

fn sealed_manifest(manifest: &[u8]) -> Vec<u8> {
    let mut bytes = Digest::of(manifest).as_bytes().to_vec();
    bytes.extend(manifest);
    bytes
}

/// Microseconds that actions of a kind are likely to take.
pub(crate) fn cost_estimate(connection: &Connection, kind: &str) -> rusqlite::Result<Option<u64>> {
    connection
        .prepare_cached("select micros from costs where kind = ?")?
        .query_row([kind], |row| row.get::<_, i64>(0))
        .optional()
        .map(|micros| micros.map(|micros| micros.max(0).cast_unsigned()))
}
