//! Process groups: the signals that reach one, and the CPU time it used. It knows no worker and no frame.

use std::collections::BTreeSet;
use std::fs;

use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;

/// Sends a signal to all processes of a group; that none is left is no error.
pub(super) fn signal(group: Pid, signal: Signal) {
    // The only errors are "no such group" and "not yours", and neither leaves anything to do.
    let _ = signal::killpg(group, signal);
}

/// CPU time that the group used so far, in clock ticks: of its processes, of their descendants, and of those
/// of them that ended and were waited for. It may shrink when a process ends; any change means life.
pub(super) fn cpu_ticks(group: Pid) -> u64 {
    let mut members = BTreeSet::from([group.as_raw()]);
    let mut stats: Vec<Stat> = all_processes();
    let mut ticks = 0;
    loop {
        let before = stats.len();
        stats.retain(|stat| {
            let belongs = stat.group == group.as_raw() || members.contains(&stat.parent);
            if belongs {
                members.insert(stat.pid);
                ticks += stat.ticks;
            }
            !belongs
        });
        if stats.len() == before {
            return ticks;
        }
    }
}

/// Whether a process of the group still runs; one that is dead and not waited for does not.
pub(super) fn lives(group: Pid) -> bool {
    all_processes().iter().any(|stat| stat.group == group.as_raw() && !stat.dead)
}

struct Stat {
    pid: i32,
    parent: i32,
    group: i32,
    ticks: u64,
    dead: bool,
}

fn all_processes() -> Vec<Stat> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| {
            let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
            parse(pid, &fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
        })
        .collect()
}

/// Reads a line of `/proc/PID/stat` (proc(5)). The name may hold anything, spaces and brackets too, so the
/// fields are counted after its last bracket: state, ppid, pgrp, …, utime, stime, cutime, cstime.
fn parse(pid: i32, line: &str) -> Option<Stat> {
    let fields: Vec<&str> = line.get(line.rfind(')')? + 1..)?.split_ascii_whitespace().collect();
    let number = |index: usize| fields.get(index)?.parse::<i64>().ok();
    let ticks = (11..15).map(|index| number(index).unwrap_or(0).max(0).cast_unsigned()).sum();
    let dead = matches!(fields.first(), Some(&"Z" | &"X"));
    let (parent, group) = (i32::try_from(number(1)?).ok()?, i32::try_from(number(2)?).ok()?);
    Some(Stat { pid, parent, group, ticks, dead })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_and_spaces_does_not_move_the_fields() {
        let line = "42 (a) b (c) R 7 42 42 0 -1 4194304 100 0 0 0 11 5 2 1 20 0 1 0 100";
        let stat = parse(42, line).unwrap();
        assert_eq!((stat.parent, stat.group, stat.ticks), (7, 42, 11 + 5 + 2 + 1));
        assert!(parse(1, "1 (cut").is_none());
        assert!(parse(1, "").is_none());
    }

    #[test]
    fn this_process_group_uses_cpu() {
        let group = nix::unistd::getpgrp();
        let before = cpu_ticks(group);
        let mut sum = 0_u64;
        let start = std::time::Instant::now();
        while start.elapsed().as_millis() < 100 {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        assert!(cpu_ticks(group) > before);
    }
}
