//! What processes and all that they started use.

use std::collections::BTreeMap;
use std::fs;

use anyhow::Context;

/// Fields of `/proc/PID/stat` behind the name (proc_pid_stat(5)), the parent's number first.
const PARENT: usize = 1;
/// Of the process, and of its children that have ended: user and system.
const TICKS: std::ops::Range<usize> = 11..15;

/// These processes and all below them.
fn all_below(roots: &[u32]) -> anyhow::Result<BTreeMap<u32, Vec<String>>> {
    let mut known = BTreeMap::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        // One that has just ended is no loss.
        if let Some(fields) = stat(pid) {
            known.insert(pid, fields);
        }
    }
    let mut below: Vec<u32> = roots.to_vec();
    let mut at = 0;
    while let Some(parent) = below.get(at).map(u32::to_string) {
        let children = known.iter().filter(|(_, fields)| fields[PARENT] == parent);
        below.extend(children.map(|(pid, _)| *pid));
        at += 1;
    }
    known.retain(|pid, _| below.contains(pid));
    Ok(known)
}

fn stat(pid: u32) -> Option<Vec<String>> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, after_name) = stat.rsplit_once(") ")?;
    let fields: Vec<String> = after_name.split(' ').map(str::to_owned).collect();
    (fields.len() >= TICKS.end).then_some(fields)
}

/// Processor seconds, of those that have ended among them.
pub(crate) fn cpu_seconds(roots: &[u32]) -> anyhow::Result<f64> {
    let processes = all_below(roots)?;
    let fields = processes.values().flat_map(|fields| &fields[TICKS]);
    let ticks: u64 = fields.filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    Ok(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
}

/// Memory in MiB; what several share is counted once.
pub(crate) fn memory_mib(roots: &[u32]) -> anyhow::Result<f64> {
    let processes = all_below(roots)?;
    let kib = processes
        .keys()
        .filter_map(|pid| share_kib(*pid))
        .sum::<u64>();
    (kib > 0)
        .then_some(kib as f64 / 1024.0)
        .context("the processes have ended")
}

fn share_kib(pid: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    line.split_whitespace().next()?.parse().ok()
}
