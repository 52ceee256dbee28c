//! A door that closes behind a command: which files it, and whatever it starts, may still reach. It knows no node.
//!
//! The kernel's landlock does it, without rights and without another program. Where a kernel has none, a command
//! runs as it would without; whoever starts it is told.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use landlock::{
    ABI, Access, AccessFs, BitFlags, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError, RulesetStatus,
    path_beneath_rules,
};

/// Programs, libraries and their data as a system installs them: read and started.
const SYSTEM: [&str; 11] = [
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/opt",
    "/nix/store",
    "/gnu/store",
    "/home/linuxbrew/.linuxbrew",
];

/// What programs read of how a system is set up, and of themselves.
const SETTINGS: [&str; 33] = [
    "/etc/alternatives",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/ld.so.preload",
    "/etc/passwd",
    "/etc/group",
    "/etc/nsswitch.conf",
    "/etc/host.conf",
    "/etc/hosts",
    "/etc/resolv.conf",
    "/run/systemd/resolve",
    "/etc/services",
    "/etc/protocols",
    "/etc/gai.conf",
    "/etc/ssl",
    "/etc/pki",
    "/etc/ca-certificates",
    "/etc/localtime",
    "/etc/mime.types",
    "/etc/magic",
    "/etc/terminfo",
    "/etc/fonts",
    "/var/cache/fontconfig",
    "/etc/perl",
    "/etc/ImageMagick-6",
    "/etc/ImageMagick-7",
    "/etc/OpenCL",
    "/etc/vulkan",
    "/proc",
    "/sys/devices",
    "/sys/fs/cgroup",
    "/dev/random",
];

/// Devices that hold no files. Shared memory is among them: locks between the threads of a program lie there.
const DEVICES: [&str; 8] =
    ["/dev/null", "/dev/zero", "/dev/full", "/dev/urandom", "/dev/tty", "/dev/shm", "/dev/dri", "/dev/kfd"];

/// What stays open.
#[derive(Debug, Clone, Default)]
pub struct Open {
    /// Files and folders that may be read and started, beside the system's.
    pub read: Vec<PathBuf>,
    /// Folders in which everything may be done.
    pub write: Vec<PathBuf>,
    /// Whether a program between may set up a namespace, which it does by writing into `/proc`.
    pub namespaces: bool,
}

impl Open {
    /// Whether a path, links resolved, is beneath what stays open, the system's own among it.
    #[must_use]
    pub fn leads_to(&self, path: &Path) -> bool {
        let own = self.read.iter().chain(&self.write).map(PathBuf::as_path);
        let system = SYSTEM.iter().chain(&SETTINGS).chain(&DEVICES).map(Path::new);
        own.chain(system).any(|open| path.starts_with(open))
    }
}

/// Starts a command behind the door; also whether there is one.
///
/// # Errors
/// When the command cannot be started.
pub fn spawn(command: &mut Command, open: &Open) -> io::Result<(Child, bool)> {
    // On a thread of its own: the door closes behind a thread and what it starts, not behind all of reel.
    std::thread::scope(|scope| {
        let started = scope.spawn(|| {
            let closed = close(open).unwrap_or(false);
            Ok((command.spawn()?, closed))
        });
        started.join().unwrap_or_else(|_| Err(io::Error::other("the thread that starts commands failed")))
    })
}

/// Whether this kernel has a door to close.
#[must_use]
pub fn works() -> bool {
    std::thread::spawn(|| close(&Open::default()).unwrap_or(false)).join().unwrap_or(false)
}

/// Closes it behind the calling thread; false where the kernel has none.
fn close(open: &Open) -> Result<bool, RulesetError> {
    let all = AccessFs::from_all(ABI::V3);
    let read = AccessFs::from_read(ABI::V3);
    let look = AccessFs::ReadFile | AccessFs::ReadDir;
    let proc: BitFlags<AccessFs> = if open.namespaces { look | AccessFs::WriteFile } else { look };
    let status = Ruleset::default()
        .handle_access(all)?
        .create()?
        .add_rules(path_beneath_rules(SYSTEM, read))?
        .add_rules(path_beneath_rules(SETTINGS, look))?
        .add_rules(path_beneath_rules(["/proc"], proc))?
        .add_rules(path_beneath_rules(DEVICES, all & !AccessFs::Execute))?
        .add_rules(path_beneath_rules(graphics(), look | AccessFs::WriteFile))?
        .add_rules(path_beneath_rules(&open.read, read))?
        .add_rules(path_beneath_rules(&open.write, all))?
        .restrict_self()?;
    Ok(status.ruleset != RulesetStatus::NotEnforced)
}

/// Devices of graphics cards that are not in a folder of their own.
fn graphics() -> Vec<PathBuf> {
    let entries = std::fs::read_dir("/dev").into_iter().flatten().flatten();
    let named = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("nvidia"));
    named.map(|entry| entry.path()).collect()
}

/// What a program needs of what was installed with it: its own file, and the libraries beside its folder. A
/// program of the system has these in the system's folders.
#[must_use]
pub fn tree(program: &Path) -> Vec<PathBuf> {
    let mut found = vec![program.to_owned()];
    let folder = program.parent().unwrap_or(program);
    if folder.file_name().is_some_and(|name| name == "bin") {
        let beside = folder.parent().unwrap_or(folder);
        found.extend(["lib", "lib64", "libexec"].map(|name| beside.join(name)));
    }
    found
}

/// A file or folder that a command was refused, as far as its words tell: a path that is there, on a line that
/// says so, and not open.
#[must_use]
pub fn refused(log: &str, open: &Open) -> Option<PathBuf> {
    let lines = log.lines().rev().filter(|line| line.to_lowercase().contains("permission denied"));
    let quotes = ['\'', '"', '`', '‘', '’', '“', '”', ':', ',', '(', ')', '[', ']', '='];
    let words = lines.flat_map(|line| line.split(|c: char| c.is_whitespace() || quotes.contains(&c)));
    words.filter(|word| word.len() > 1 && word.starts_with('/')).map(PathBuf::from).find(|path| {
        let real = path.canonicalize().unwrap_or_else(|_| path.clone());
        path.parent().is_some_and(Path::exists) && !open.leads_to(&real)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_path_is_found_in_what_commands_say() {
        let folder = tempfile::tempdir().unwrap();
        let (closed, given) = (folder.path().join("closed.txt"), folder.path().join("in"));
        std::fs::write(&closed, "x").unwrap();
        std::fs::create_dir(&given).unwrap();
        let open = Open { read: vec![given.canonicalize().unwrap()], ..Open::default() };
        let path = closed.display();
        for log in [
            format!("cat: {path}: Permission denied\n"),
            format!("PermissionError: [Errno 13] Permission denied: '{path}'\n"),
            format!("sh: 1: cannot open {path}: Permission denied\n"),
            format!(
                "first\n[in#0 @ 0x55] Error opening input file {path}.\n{path}: Permission denied\nlast\n"
            ),
        ] {
            assert_eq!(refused(&log, &open).as_deref(), Some(closed.as_path()), "{log}");
        }
        for log in [
            format!("cat: {path}: No such file or directory\n"),
            format!("cat: {}/x: Permission denied\n", given.display()),
            "cat: /usr/lib/x: Permission denied\n".to_owned(),
            "Permission denied (publickey)\n".to_owned(),
        ] {
            assert_eq!(refused(&log, &open), None, "{log}");
        }
    }

    #[test]
    fn a_program_of_its_own_tree_brings_its_libraries() {
        let tree = tree(Path::new("/home/a/.pyenv/versions/3.12/bin/python3"));
        assert!(tree.contains(&PathBuf::from("/home/a/.pyenv/versions/3.12/lib")));
        assert!(!tree.contains(&PathBuf::from("/home/a/.pyenv/versions/3.12")));
        assert_eq!(super::tree(Path::new("/home/a/tool")), [PathBuf::from("/home/a/tool")]);
    }
}
