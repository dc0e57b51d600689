//! What the machine says of this process, under the names that Prometheus' libraries give it.

use std::fs;

use portique_clock::Timestamp;

use crate::http::{Figure, Value};

/// Parts of a second in which the kernel tells processes their time, on every platform in use
/// (`USER_HZ`, proc(5)).
const TICKS_PER_SECOND: f64 = 100.0;
/// A file of `/proc/self` has a few kilobytes.
const KIB: f64 = 1024.0;
/// Where the times lie in `/proc/self/stat`, counted from the state, which follows the name
/// (proc(5): fields 3, 14 and 15).
const USER_TIME: usize = 11;
const SYSTEM_TIME: usize = 12;

/// The figures of the process that began at `began`; where the machine has no `/proc`, its beginning only.
pub(crate) fn figures(began: Timestamp) -> Vec<Figure> {
    let mut figures = vec![Figure::gauge(
        "process_start_time_seconds",
        "When the hub was opened, in Unix time",
        began.as_millis() as f64 / 1000.0,
    )];
    if let Some(seconds) = read("stat").and_then(|stat| cpu_seconds(&stat)) {
        figures.push(Figure {
            name: "process_cpu_seconds",
            help: "Processor time spent, in the kernel too",
            value: Value::FloatCounter(seconds),
        });
    }
    let status = read("status").unwrap_or_default();
    let memory = [
        ("process_resident_memory_bytes", "Memory in use", "VmRSS:"),
        ("process_virtual_memory_bytes", "Memory mapped", "VmSize:"),
    ];
    for (name, help, field) in memory {
        figures.extend(amount(&status, field).map(|kib| Figure::gauge(name, help, kib * KIB)));
    }
    let threads = amount(&status, "Threads:");
    figures.extend(threads.map(|count| Figure::gauge("process_threads", "Threads", count)));
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        // One of them is this folder.
        let open = open.count().saturating_sub(1);
        figures.push(Figure::gauge(
            "process_open_fds",
            "Files and connections",
            open as f64,
        ));
    }
    let limits = read("limits").unwrap_or_default();
    let most = amount(&limits, "Max open files");
    let help = "Files and connections that may be open at once";
    figures.extend(most.map(|most| Figure::gauge("process_max_fds", help, most)));
    figures
}

fn read(file: &str) -> Option<String> {
    fs::read_to_string(format!("/proc/self/{file}")).ok()
}

/// User and system time; the name before them may hold anything but ends with the last parenthesis.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    let ticks = |index: usize| fields.get(index)?.parse::<u64>().ok();
    Some((ticks(USER_TIME)? + ticks(SYSTEM_TIME)?) as f64 / TICKS_PER_SECOND)
}

/// The number after a name at the beginning of a line.
fn amount(text: &str, name: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_and_blanks_does_not_move_the_times() {
        let stat = "7 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20";
        assert_eq!(cpu_seconds(stat), Some(2.0));
        assert_eq!(cpu_seconds("7 (a) S 1"), None);
    }

    #[test]
    fn this_process_has_files_open_and_memory_in_use() {
        let figures = figures(Timestamp::from_millis(1_500));
        let value = |name: &str| {
            let found = figures.iter().find(|figure| figure.name == name).unwrap();
            match found.value {
                Value::Gauge(value) | Value::FloatCounter(value) => value,
                Value::Counter(value) => value as f64,
            }
        };
        assert_eq!(value("process_start_time_seconds"), 1.5);
        assert!(value("process_resident_memory_bytes") > 100_000.0);
        assert!(value("process_open_fds") >= 3.0);
        assert!(value("process_max_fds") >= value("process_open_fds"));
        assert!(value("process_cpu_seconds") < 1e6);
    }
}
