//! What a watched program may use without anybody being told. It watches nobody.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use reel_engine::operation::How;

/// Folders beneath which programs and their parts are installed.
const INSTALLED: [&str; 7] = ["/usr", "/lib", "/lib32", "/lib64", "/opt", "/nix/store", "/gnu/store"];

/// Where the loader, the language and the devices of every program are. What is here differs from machine to
/// machine, but a declared program looks at it only for how to run, not for what to make.
const EVERYWHERE: [&str; 32] = [
    "/etc/ld.so.cache",
    "/etc/ld.so.preload",
    "/etc/ld.so.conf",
    "/etc/locale.alias",
    "/usr/lib/locale",
    "/usr/share/locale",
    "/usr/share/i18n",
    "/usr/share/zoneinfo/UTC",
    "/usr/share/zoneinfo/Etc/UTC",
    "/dev/null",
    "/dev/zero",
    "/dev/full",
    "/dev/tty",
    "/dev/random",
    "/dev/urandom",
    "/dev/pts",
    "/dev/fd",
    "/dev/stdin",
    "/dev/stdout",
    "/dev/stderr",
    "/proc/cpuinfo",
    "/proc/filesystems",
    "/proc/loadavg",
    "/proc/meminfo",
    "/proc/mounts",
    "/proc/stat",
    "/proc/sys",
    "/proc/uptime",
    "/proc/version",
    "/sys/devices/system",
    "/sys/fs/cgroup",
    "/sys/kernel/mm",
];

/// What was declared for a program: its folders, the programs that do the work, its variables.
///
/// A declared program covers what it brings along: shared libraries wherever such are installed, and folders
/// named like the program beside the one it lies in (`/usr/lib/python3.11` of `/usr/bin/python3.11`).
#[derive(Debug, Clone, Default)]
pub struct Declared {
    folders: Vec<PathBuf>,
    programs: BTreeSet<PathBuf>,
    /// Where a program is installed, and how its folders are named.
    homes: BTreeSet<(PathBuf, String)>,
    variables: BTreeSet<String>,
}

impl Declared {
    /// A folder or file of which everything is declared.
    #[must_use]
    pub fn folder(mut self, path: &Path) -> Self {
        self.folders.push(real(path));
        self
    }

    /// A program, with the name by which it is called.
    #[must_use]
    pub fn program(mut self, path: &Path, name: &str) -> Self {
        let path = real(path);
        let file = path.file_name().map(|file| file.to_string_lossy().into_owned());
        if let Some(prefix) = path.parent().and_then(Path::parent) {
            let stems = file.iter().map(String::as_str).chain([name]).map(stem);
            self.homes.extend(stems.filter(|stem| !stem.is_empty()).map(|stem| (prefix.to_owned(), stem)));
        }
        self.programs.insert(path);
        self
    }

    /// Variables of the environment.
    #[must_use]
    pub fn variables<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        self.variables.extend(names.into_iter().map(str::to_owned));
        self
    }

    /// Whether a variable is declared.
    pub(super) fn has_variable(&self, name: &str) -> bool {
        self.variables.contains(name)
    }

    /// Whether nobody need be told of this use.
    pub(super) fn covers(&self, path: &Path, how: How) -> bool {
        if self.folders.iter().any(|folder| path.starts_with(folder)) {
            return true;
        }
        let device = path.starts_with("/dev");
        let everywhere = EVERYWHERE.iter().any(|known| path.starts_with(known));
        match how {
            How::Written => device && everywhere,
            How::Started => self.programs.contains(path),
            How::Variable | How::Unwatched => false,
            How::Read | How::Listed | How::LookedAt | How::Refused => {
                everywhere || self.programs.contains(path) || is_library(path) || self.is_part(path)
            }
        }
    }

    /// Whether it lies in a folder that is named like a declared program, where that is installed.
    fn is_part(&self, path: &Path) -> bool {
        let homes = self.homes.iter().flat_map(|(prefix, stem)| {
            ["lib", "lib64", "libexec", "share"].map(|folder| (prefix.join(folder), stem))
        });
        let settings = self.homes.iter().map(|(_, stem)| (PathBuf::from("/etc"), stem));
        homes.chain(settings).any(|(folder, stem)| {
            let Ok(rest) = path.strip_prefix(&folder) else { return false };
            let parts = rest.components().filter_map(|part| match part {
                Component::Normal(part) => part.to_str(),
                _ => None,
            });
            // Some systems have a folder for each architecture in between.
            parts.take(2).enumerate().any(|(depth, part)| {
                let between =
                    depth == 0 || rest.iter().next().is_some_and(|triple| is_triple(triple.to_str()));
                between && is_named(part, stem)
            })
        })
    }
}

fn is_triple(name: Option<&str>) -> bool {
    name.is_some_and(|name| name.contains("-linux-"))
}

/// `python3.11` and `python3-wheels` are named `python`; `pythonic` is not.
fn is_named(part: &str, stem: &str) -> bool {
    part.strip_prefix(stem)
        .is_some_and(|rest| rest.chars().next().is_none_or(|c| c.is_ascii_digit() || matches!(c, '.' | '-')))
}

/// The name of a program without its version.
fn stem(name: &str) -> String {
    name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.').trim_end_matches('-').to_owned()
}

/// Shared libraries, and the lists by which they are found.
fn is_library(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    let library = is_versioned(&name) || name.starts_with("gconv-modules");
    let folder = path.components().any(|part| matches!(part.as_os_str().to_str(), Some("glibc-hwcaps")));
    (library || folder) && INSTALLED.iter().any(|installed| path.starts_with(installed))
}

fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// `libx.so`, or with a version as `libx.so.6.1`.
fn is_versioned(name: &str) -> bool {
    let version = name.split_once(".so").map(|(_, version)| version);
    version.is_some_and(|version| {
        version.is_empty()
            || (version.starts_with('.') && version.chars().all(|c| c == '.' || c.is_ascii_digit()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared() -> Declared {
        Declared {
            folders: vec!["/scratch/run-1".into()],
            programs: BTreeSet::from(["/usr/bin/python3.11".into()]),
            homes: BTreeSet::from([("/usr".into(), "python".into()), ("/usr".into(), "sh".into())]),
            variables: BTreeSet::from(["HOME".into()]),
        }
    }

    #[test]
    fn what_a_program_brings_along_is_covered() {
        for path in [
            "/scratch/run-1/in/a.txt",
            "/usr/bin/python3.11",
            "/usr/lib/python3.11/json/__init__.py",
            "/usr/lib/python3/dist-packages/apt.py",
            "/usr/lib/x86_64-linux-gnu/python3.11/x.py",
            "/etc/python3.11/sitecustomize.py",
            "/usr/lib/x86_64-linux-gnu/libc.so.6",
            "/etc/ld.so.cache",
            "/usr/lib/locale/C.utf8/LC_CTYPE",
            "/dev/urandom",
        ] {
            assert!(declared().covers(Path::new(path), How::Read), "{path}");
        }
        assert!(declared().covers(Path::new("/dev/null"), How::Written));
    }

    #[test]
    fn what_it_does_not_bring_along_is_not() {
        for path in [
            "/scratch/run-2/in/a.txt",
            "/usr/bin/perl",
            "/usr/local/lib/python3.11/dist-packages/numpy/core.so.py",
            "/usr/share/shared-mime-info",
            "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
            "/home/a/.local/lib/libx.so",
            "/etc/passwd",
            "/etc/ld.so.cache.d",
            "/proc/1/environ",
        ] {
            assert!(!declared().covers(Path::new(path), How::Read), "{path}");
        }
        assert!(!declared().covers(Path::new("/usr/lib/python3.11/x.pyc"), How::Written));
        assert!(!declared().covers(Path::new("/usr/bin/env"), How::Started));
    }

    #[test]
    fn versions_are_no_part_of_a_name() {
        for (name, expected) in [("python3.11", "python"), ("ffmpeg", "ffmpeg"), ("gcc-12", "gcc"), ("7", "")]
        {
            assert_eq!(stem(name), expected);
        }
    }
}
