//! The system calls that name a file: which argument is the path, and what the call means for the file. It reads
//! no memory and follows nobody.

use nix::libc;

/// What a call does with the file it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    /// Opens it; the flags are this argument.
    Open(usize),
    /// Opens it; this argument points at the flags.
    OpenHow(usize),
    /// Opens it to be written anew.
    Create,
    /// Starts it.
    Start,
    /// Looks at it from outside.
    Look,
    /// Makes, moves or removes it.
    Change,
    /// Makes a way to open files without a call for each.
    Ring,
}

/// A call that names a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) act: Act,
    /// The argument with the folder that a relative path begins at; `None`: the current one.
    pub(super) folder: Option<usize>,
    /// The argument that points at the path; `None` when there is none.
    pub(super) path: Option<usize>,
}

const fn at(act: Act, folder: usize, path: usize) -> Shape {
    Shape { act, folder: Some(folder), path: Some(path) }
}

/// What a call is, if it names a file.
pub(super) fn shape(number: u64) -> Option<Shape> {
    let number = i64::try_from(number).ok()?;
    let shape = match number {
        libc::SYS_openat => at(Act::Open(2), 0, 1),
        libc::SYS_openat2 => at(Act::OpenHow(2), 0, 1),
        libc::SYS_execve => Shape { act: Act::Start, folder: None, path: Some(0) },
        libc::SYS_execveat => at(Act::Start, 0, 1),
        libc::SYS_newfstatat | libc::SYS_statx | libc::SYS_faccessat | libc::SYS_faccessat2 => {
            at(Act::Look, 0, 1)
        }
        libc::SYS_readlinkat => at(Act::Look, 0, 1),
        libc::SYS_mkdirat | libc::SYS_unlinkat => at(Act::Change, 0, 1),
        libc::SYS_renameat2 | libc::SYS_linkat => at(Act::Change, 2, 3),
        libc::SYS_symlinkat => at(Act::Change, 1, 2),
        libc::SYS_truncate => Shape { act: Act::Change, folder: None, path: Some(0) },
        libc::SYS_io_uring_setup => Shape { act: Act::Ring, folder: None, path: None },
        number => return old_shape(number),
    };
    Some(shape)
}

/// Calls that only older architectures have.
#[cfg(target_arch = "x86_64")]
fn old_shape(number: i64) -> Option<Shape> {
    let (act, path) = match number {
        libc::SYS_open => (Act::Open(1), 0),
        libc::SYS_creat => (Act::Create, 0),
        libc::SYS_stat | libc::SYS_lstat | libc::SYS_access | libc::SYS_readlink => (Act::Look, 0),
        libc::SYS_mkdir | libc::SYS_rmdir | libc::SYS_unlink => (Act::Change, 0),
        libc::SYS_rename | libc::SYS_link | libc::SYS_symlink => (Act::Change, 1),
        libc::SYS_renameat => return Some(at(Act::Change, 2, 3)),
        _ => return None,
    };
    Some(Shape { act, folder: None, path: Some(path) })
}

#[cfg(not(target_arch = "x86_64"))]
const fn old_shape(_: i64) -> Option<Shape> {
    None
}

/// Whether calls of this architecture (audit(7)) have the numbers that this program was built with.
pub(super) const fn is_native(architecture: u32) -> bool {
    if cfg!(target_arch = "x86_64") {
        architecture == 0xC000_003E
    } else if cfg!(target_arch = "aarch64") {
        architecture == 0xC000_00B7
    } else {
        true
    }
}
