//! What a store holds, in the order in which it may go. It removes nothing.

use std::collections::BTreeMap;

use rusqlite::Connection;

use super::DAY;
use crate::cache::result::Rank;
use crate::digest::Digest;

/// What a collection knows of a record.
pub(super) struct Candidate {
    pub(super) id: i64,
    pub(super) key: Digest,
    pub(super) used: u64,
    rank: Rank,
    cost_micros: u64,
    pub(super) record_bytes: u64,
    pub(super) blobs: Vec<([u8; 32], u64)>,
}

impl Candidate {
    fn bytes(&self) -> u64 {
        self.record_bytes + self.blobs.iter().map(|(_, size)| size).sum::<u64>()
    }

    /// The lowest goes first.
    fn worth(&self) -> (Rank, u64) {
        let density = self.cost_micros / (self.bytes() / 1024).max(1);
        (self.rank, self.used + u64::from((density + 1).ilog2()) * DAY)
    }
}

/// All records, in the order in which they go, and how often each blob is used.
pub(super) struct Inventory {
    pub(super) candidates: Vec<Candidate>,
    /// For each blob, how many records name it, and its bytes.
    pub(super) uses: BTreeMap<[u8; 32], (u64, u64)>,
}

impl Inventory {
    /// Looks through the records. A last use that is yet to come counts as now.
    pub(super) fn take(connection: &Connection, now: u64) -> rusqlite::Result<Self> {
        let (mut blobs, uses) = blobs(connection)?;
        let mut statement = connection.prepare(
            "select id, key, used, rank, cost, length(body) + length(manifest) + length(kind) from results",
        )?;
        let candidates = statement.query_map([], |row| {
            let id = row.get(0)?;
            Ok(Candidate {
                id,
                key: Digest::from_bytes(row.get(1)?),
                used: row.get::<_, i64>(2)?.max(0).cast_unsigned().min(now),
                rank: Rank::of(row.get(3)?),
                cost_micros: row.get::<_, i64>(4)?.max(0).cast_unsigned(),
                record_bytes: row.get::<_, i64>(5)?.cast_unsigned(),
                blobs: blobs.remove(&id).unwrap_or_default(),
            })
        })?;
        let mut candidates = candidates.collect::<rusqlite::Result<Vec<_>>>()?;
        candidates.sort_by_key(|c| (c.worth(), c.key));
        Ok(Self { candidates, uses })
    }

    /// Bytes of all records and blobs, each blob once.
    pub(super) fn size(&self) -> u64 {
        self.candidates.iter().map(|c| c.record_bytes).sum::<u64>()
            + self.uses.values().map(|(_, size)| size).sum::<u64>()
    }

    /// Where each key is among the candidates.
    pub(super) fn index(&self) -> BTreeMap<Digest, usize> {
        self.candidates.iter().enumerate().map(|(at, candidate)| (candidate.key, at)).collect()
    }

    /// Bytes that these keys need, each blob once.
    pub(super) fn bytes_of(&self, index: &BTreeMap<Digest, usize>, keys: &[Digest]) -> u64 {
        let (mut records, mut blobs) = (0, BTreeMap::new());
        for candidate in keys.iter().filter_map(|key| self.candidates.get(*index.get(key)?)) {
            records += candidate.record_bytes;
            blobs.extend(candidate.blobs.iter().copied());
        }
        records + blobs.values().sum::<u64>()
    }
}

type Blobs = (BTreeMap<i64, Vec<([u8; 32], u64)>>, BTreeMap<[u8; 32], (u64, u64)>);

fn blobs(connection: &Connection) -> rusqlite::Result<Blobs> {
    let (mut by_result, mut uses) = Blobs::default();
    let mut statement = connection.prepare("select result, sha256, size from result_blobs")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (sha256, size) = (row.get::<_, [u8; 32]>(1)?, row.get::<_, i64>(2)?.cast_unsigned());
        by_result.entry(row.get(0)?).or_default().push((sha256, size));
        uses.entry(sha256).or_insert((0, size)).0 += 1;
    }
    Ok((by_result, uses))
}
