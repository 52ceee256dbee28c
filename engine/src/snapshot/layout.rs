//! The bytes of a snapshot: fixed records that are used where they lie, and text beside them. It knows no meaning.
//!
//! ```text
//! head:  Header | meta as JSON | FileRecord × files | text of the head
//! body:  NodeRecord × nodes | U32 × edges (nodes awaited) | U32 × uses (files read) | text of the body
//! ```
//! All numbers are little-endian. Each part is sealed by its BLAKE3 in the header; a part that does not agree
//! with its seal, or with the lengths the header tells, is as good as none. A build that has nothing to do reads
//! the head alone.

use zerocopy::little_endian::{I64, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::cache::Known;
use crate::digest::Digest;
use crate::file_state::FileState;
use crate::history::{Brief, Came};
use crate::key::ActionKey;

/// First bytes of every snapshot; the number is the version of the format.
pub(super) const MAGIC: [u8; 8] = *b"reelsn1\n";

/// A piece of a text, or of a list.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub(super) struct Range {
    start: U32,
    length: U32,
}

impl Range {
    pub(super) fn new(start: usize, length: usize) -> Self {
        Self { start: U32::new(start as u32), length: U32::new(length as u32) }
    }

    pub(super) fn of<T>(self, list: &[T]) -> Option<&[T]> {
        let start = self.start.get() as usize;
        list.get(start..start.checked_add(self.length.get() as usize)?)
    }
}

/// How long everything is, and what seals it.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub(super) struct Header {
    pub(super) magic: [u8; 8],
    /// Of all of the head that follows this field.
    pub(super) head_seal: [u8; 32],
    pub(super) body_seal: [u8; 32],
    pub(super) meta: U64,
    pub(super) files: U64,
    pub(super) head_text: U64,
    pub(super) nodes: U64,
    pub(super) edges: U64,
    pub(super) uses: U64,
    pub(super) body_text: U64,
}

/// Bytes of the header that its seal does not cover.
pub(super) const UNSEALED: usize = 8 + 32;

/// What a file is to the project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// An action reads it.
    Source,
    /// The graph was made of it.
    LookedInto,
    /// Somebody searched there; only its state counts.
    Place,
    /// An output was put there.
    Output,
}

/// A file, and how it was.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub(super) struct FileRecord {
    pub(super) path: Range,
    pub(super) seen: Seen,
    role: u8,
}

/// How a file was.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub(super) struct Seen {
    device: U64,
    inode: U64,
    size: U64,
    modified: I64,
    changed: I64,
    digest: [u8; 32],
    flags: u8,
}

const TRUSTED: u8 = 1;
const ABSENT: u8 = 2;

impl Seen {
    pub(super) fn known(&self) -> Known {
        Known {
            state: self.state(),
            digest: Digest::from_bytes(self.digest),
            trusted: self.flags & TRUSTED != 0,
        }
    }

    pub(super) fn state(&self) -> FileState {
        FileState {
            device: self.device.get(),
            inode: self.inode.get(),
            size: self.size.get(),
            modified: self.modified.get(),
            changed: self.changed.get(),
        }
    }

    pub(super) const fn is_absent(&self) -> bool {
        self.flags & ABSENT != 0
    }

    /// A place that has only a state, or is not there.
    pub(super) fn place(state: Option<FileState>) -> Self {
        let known =
            Known { state: state.unwrap_or_default(), digest: Digest::from_bytes([0; 32]), trusted: true };
        let mut seen = Self::from(known);
        if state.is_none() {
            seen.flags |= ABSENT;
        }
        seen
    }
}

impl From<Known> for Seen {
    fn from(known: Known) -> Self {
        Self {
            device: U64::new(known.state.device),
            inode: U64::new(known.state.inode),
            size: U64::new(known.state.size),
            modified: I64::new(known.state.modified),
            changed: I64::new(known.state.changed),
            digest: *known.digest.as_bytes(),
            flags: if known.trusted { TRUSTED } else { 0 },
        }
    }
}

impl FileRecord {
    pub(super) fn new(path: Range, seen: Seen, role: Role) -> Self {
        let role = match role {
            Role::Source => 0,
            Role::LookedInto => 1,
            Role::Place => 2,
            Role::Output => 3,
        };
        Self { path, seen, role }
    }

    pub(super) const fn role(&self) -> Role {
        match self.role {
            0 => Role::Source,
            2 => Role::Place,
            3 => Role::Output,
            _ => Role::LookedInto,
        }
    }
}

/// A node whose result is known.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub(super) struct NodeRecord {
    pub(super) name: Range,
    pub(super) detail: Range,
    pub(super) awaits: Range,
    pub(super) uses: Range,
    pub(super) done: Done,
    expands: u8,
}

/// What came of a node.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub(super) struct Done {
    key: [u8; 32],
    cost: U64,
    build: U64,
    came: u8,
}

impl Done {
    /// `None` when it is of no form that is known.
    pub(super) fn brief(&self) -> Option<Brief> {
        Some(Brief {
            key: ActionKey(Digest::from_bytes(self.key)),
            cost_micros: self.cost.get(),
            build: self.build.get(),
            came: Came::of(self.came)?,
        })
    }
}

impl From<Brief> for Done {
    fn from(brief: Brief) -> Self {
        let Brief { key, cost_micros, build, came } = brief;
        Self { key: *key.0.as_bytes(), cost: U64::new(cost_micros), build: U64::new(build), came: came as u8 }
    }
}

impl NodeRecord {
    pub(super) fn new(
        name: Range,
        detail: Range,
        awaits: Range,
        uses: Range,
        done: Done,
        expands: bool,
    ) -> Self {
        Self { name, detail, awaits, uses, done, expands: u8::from(expands) }
    }

    pub(super) const fn expands(&self) -> bool {
        self.expands != 0
    }
}

/// Takes a list of `count` records off the front of `bytes`.
pub(super) fn take<'b, T: FromBytes + KnownLayout + Immutable + Unaligned>(
    bytes: &mut &'b [u8],
    count: u64,
) -> Option<&'b [T]> {
    let length = usize::try_from(count).ok()?.checked_mul(size_of::<T>())?;
    let (front, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    <[T]>::ref_from_bytes(front).ok()
}
