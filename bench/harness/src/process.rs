//! What the system knows of a process.

use std::fs;

use anyhow::Context;

/// Processor seconds that a process has used, in all its threads.
pub(crate) fn cpu_seconds(pid: u32) -> anyhow::Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let after_name = stat.rsplit_once(") ").context("no name in stat")?.1;
    let fields: Vec<&str> = after_name.split(' ').collect();
    // Fields 14 and 15 of proc_pid_stat(5); the first here is the third there.
    let ticks: u64 = [11, 12]
        .iter()
        .filter_map(|i| fields.get(*i)?.parse::<u64>().ok())
        .sum();
    Ok(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
}

/// Resident memory of a process, in MiB.
pub(crate) fn resident_mib(pid: u32) -> anyhow::Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok());
    Ok(kib.context("no VmRSS in status")? / 1024.0)
}
