//! A process and all that it started, as Linux's `/proc` shows them: to stop them, and to count what they use.

use std::collections::BTreeSet;
use std::fs;

use rustix::process::{Pid, Signal, kill_process};

/// The pids of `root` and of all its descendants, those of `root` first.
#[must_use]
pub fn pids(root: u32) -> Vec<u32> {
    let parents: Vec<(u32, u32)> = all_pids().filter_map(|pid| Some((pid, stat(pid)?.parent))).collect();
    let mut tree = vec![root];
    let mut next = 0;
    while next < tree.len() {
        let parent = tree[next];
        tree.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(pid, _)| *pid));
        next += 1;
    }
    tree
}

/// Kills `root` and all its descendants with SIGKILL, and those that were being forked meanwhile. Gives their pids.
pub fn kill(root: u32) -> Vec<u32> {
    let mut killed = BTreeSet::new();
    loop {
        // The tree shrinks to what is not yet dead; whoever was killed stays in it as a zombie until it is reaped.
        let fresh: Vec<u32> = pids(root).into_iter().filter(|pid| killed.insert(*pid)).collect();
        if fresh.is_empty() {
            return killed.into_iter().collect();
        }
        for pid in fresh {
            if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
                // It may be gone already, which is what we want.
                let _ = kill_process(pid, Signal::KILL);
            }
        }
    }
}

/// Whether a process is still there and more than a zombie, which holds no file and no lock.
#[must_use]
pub fn is_alive(pid: u32) -> bool {
    stat(pid).is_some_and(|stat| !stat.is_dead)
}

/// CPU time that `root` and its living descendants have used, in seconds, and that of children they have reaped.
#[must_use]
pub fn cpu_s(root: u32) -> f64 {
    let ticks: u64 = pids(root).into_iter().filter_map(|pid| Some(stat(pid)?.cpu_ticks)).sum();
    ticks as f64 / rustix::param::clock_ticks_per_second() as f64
}

/// Memory of `root` and its descendants in bytes; pages shared by several processes are shared out among them
/// (proportional set size).
#[must_use]
pub fn pss_bytes(root: u32) -> u64 {
    pids(root)
        .into_iter()
        .filter_map(|pid| field_kib(&format!("/proc/{pid}/smaps_rollup"), "Pss:"))
        .sum::<u64>()
        * 1024
}

/// Memory of a single process that is resident now, in bytes.
#[must_use]
pub fn rss_bytes(pid: u32) -> u64 {
    field_kib(&format!("/proc/{pid}/status"), "VmRSS:").unwrap_or(0) * 1024
}

struct Stat {
    is_dead: bool,
    parent: u32,
    cpu_ticks: u64,
}

fn stat(pid: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the program's name in parentheses and may hold anything; what follows it does not.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
    let cpu_ticks = number(14)? + number(15)? + number(16)? + number(17)?;
    let is_dead = matches!(fields.first(), Some(&("Z" | "X")));
    Some(Stat { is_dead, parent: u32::try_from(number(4)?).ok()?, cpu_ticks })
}

fn all_pids() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").expect("Linux has /proc");
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

fn field_kib(path: &str, name: &str) -> Option<u64> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
