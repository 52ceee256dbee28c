//! What this machine has: cores and memory, with the limits of cgroups honoured, and GPUs. It knows no action.

mod gpu;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

pub use gpu::detect_gpus;

use crate::claim::Capacity;

/// Concurrent transfers that are polite to servers and enough to fill a line.
const TRANSFERS: u32 = 8;
/// Assumed where the system does not tell.
const FALLBACK_MEMORY: u64 = 4 << 30;

/// What was detected, with the source of each figure for `reel devices`.
#[derive(Debug, Clone)]
pub struct Machine {
    /// What a build may use.
    pub capacity: Capacity,
    /// Where the number of cores comes from.
    pub cpu_source: String,
    /// Where the amount of memory comes from.
    pub memory_source: String,
}

impl Machine {
    /// Looks at this machine; at its GPUs only [`detect_gpus`] looks, since that takes time.
    #[must_use]
    pub fn detect() -> Self {
        Self::detect_under(Path::new("/"))
    }

    /// Looks at the machine whose `/proc` and `/sys` stand under `root`.
    #[must_use]
    pub fn detect_under(root: &Path) -> Self {
        let (mut cpu_milli, mut cpu_source) = online_cores();
        let (mut memory, mut memory_source) = match total_memory(root) {
            Some(bytes) => (bytes, "memory of the machine".to_owned()),
            None => (FALLBACK_MEMORY, "assumed".to_owned()),
        };
        for group in cgroups(root) {
            if let Some(limit) = group.cpu_milli.filter(|limit| *limit < cpu_milli) {
                (cpu_milli, cpu_source) = (limit, format!("cgroup {}", group.name));
            }
            if let Some(limit) = group.memory.filter(|limit| *limit < memory) {
                (memory, memory_source) = (limit, format!("cgroup {}", group.name));
            }
        }
        let capacity = Capacity {
            cpu_milli: cpu_milli.max(100),
            memory,
            network: TRANSFERS,
            gpus: Vec::new(),
            pools: BTreeMap::new(),
        };
        Self { capacity, cpu_source, memory_source }
    }
}

fn online_cores() -> (u32, String) {
    let cores = std::thread::available_parallelism().map_or(1, |n| n.get() as u32);
    (cores * 1000, "cores that this process may run on".to_owned())
}

fn total_memory(root: &Path) -> Option<u64> {
    let text = fs::read_to_string(root.join("proc/meminfo")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib << 10)
}

struct Cgroup {
    name: String,
    cpu_milli: Option<u32>,
    memory: Option<u64>,
}

/// The groups this process is in, from its own up to the root; version 2, else version 1.
fn cgroups(root: &Path) -> Vec<Cgroup> {
    let Ok(text) = fs::read_to_string(root.join("proc/self/cgroup")) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for line in text.lines() {
        let mut parts = line.splitn(3, ':');
        let (Some(_), Some(controllers), Some(path)) = (parts.next(), parts.next(), parts.next()) else {
            continue;
        };
        let base = match controllers {
            "" => "sys/fs/cgroup".to_owned(),
            "memory" => "sys/fs/cgroup/memory".to_owned(),
            c if c.split(',').any(|c| c == "cpu") => "sys/fs/cgroup/cpu".to_owned(),
            _ => continue,
        };
        let mut here = Some(Path::new(path.trim_start_matches('/')));
        while let Some(group) = here {
            found.push(read_group(&root.join(&base).join(group), &format!("/{}", group.display())));
            here = group.parent();
        }
    }
    found
}

fn read_group(dir: &Path, name: &str) -> Cgroup {
    let read = |file: &str| fs::read_to_string(dir.join(file)).ok();
    let number = |file: &str| read(file)?.trim().parse::<u64>().ok();
    let quota = |quota: u64, period: u64| (period > 0).then(|| (quota * 1000 / period) as u32);
    let cpu_v2 = read("cpu.max").and_then(|text| {
        let (limit, period) = text.trim().split_once(' ')?;
        quota(limit.parse().ok()?, period.parse().ok()?)
    });
    let cpu_v1 = || quota(number("cpu.cfs_quota_us")?, number("cpu.cfs_period_us")?);
    Cgroup {
        name: name.to_owned(),
        cpu_milli: cpu_v2.or_else(cpu_v1),
        memory: number("memory.max").or_else(|| number("memory.limit_in_bytes")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fake(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        dir
    }

    #[test]
    fn limits_of_a_parent_group_count() {
        let dir = fake(&[
            ("proc/meminfo", "MemTotal:       16777216 kB\n"),
            ("proc/self/cgroup", "0::/build/one\n"),
            ("sys/fs/cgroup/build/cpu.max", "50000 100000\n"),
            ("sys/fs/cgroup/build/one/cpu.max", "max 100000\n"),
            ("sys/fs/cgroup/build/one/memory.max", "1073741824\n"),
        ]);
        let machine = Machine::detect_under(dir.path());
        assert_eq!(machine.capacity.cpu_milli, 500);
        assert_eq!(machine.cpu_source, "cgroup /build");
        assert_eq!(machine.capacity.memory, 1 << 30);
    }

    #[test]
    fn the_first_version_of_cgroups_is_understood() {
        let dir = fake(&[
            ("proc/meminfo", "MemTotal:       16777216 kB\n"),
            ("proc/self/cgroup", "4:cpu,cpuacct:/x\n7:memory:/x\n"),
            ("sys/fs/cgroup/cpu/x/cpu.cfs_quota_us", "20000\n"),
            ("sys/fs/cgroup/cpu/x/cpu.cfs_period_us", "100000\n"),
            ("sys/fs/cgroup/memory/x/memory.limit_in_bytes", "2147483648\n"),
        ]);
        let machine = Machine::detect_under(dir.path());
        assert_eq!(machine.capacity.cpu_milli, 200);
        assert_eq!(machine.capacity.memory, 2 << 30);
    }

    #[test]
    fn without_any_of_it_a_guess_is_made() {
        let machine = Machine::detect_under(Path::new("/nonexistent"));
        assert_eq!(machine.capacity.memory, FALLBACK_MEMORY);
        assert!(machine.capacity.cpu_milli >= 1000);
    }
}
