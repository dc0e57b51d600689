//! Ends a worker's programs when the worker is gone, however it went.
//!
//! A hub ends the programs of a worker that was killed, and a worker ends its own when the hub is gone. When both are
//! killed at the same moment nobody is left who would. So a worker starts a process that holds the other end of a
//! pipe, and is told which process groups run; when the pipe is closed it ends those that are left, and goes.

use std::collections::BTreeSet;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::process::{Pid, Signal, kill_process_group};

use super::TOKEN_VARIABLE;

/// The hidden verb of the process.
pub(crate) const VERB: &str = "worker-guard";
/// This program, also when its file was replaced since.
const OWN_EXECUTABLE: &str = "/proc/self/exe";
/// A sign, a process number and the end of the line.
const LINE_BYTES_MAX: u64 = 16;
/// Process groups that are remembered: as many as a worker has slots.
const GROUPS_MAX: usize = 1_024;
/// Least process number that can be a program's.
const GROUP_MIN: i32 = 2;

/// A worker's end of the pipe.
#[derive(Debug, Clone, Default)]
pub(super) struct Guard(Arc<Mutex<Option<Running>>>);

#[derive(Debug)]
struct Running {
    process: Child,
    line: ChildStdin,
}

/// A program that ends with the worker, until it is dropped.
pub(super) struct Guarded(Guard, Option<u32>);

impl Guard {
    /// Starts the process if there is none. Without it a program may go on when worker and hub are killed
    /// together, which is no reason not to work.
    pub(super) fn stand(&self) {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if running.is_none() {
            match start() {
                Ok(started) => *running = Some(started),
                Err(error) => tracing::warn!(%error, "programs are not guarded"),
            }
        }
    }

    /// From now on this process group ends with the worker.
    pub(super) fn hold(&self, group: Option<u32>) -> Guarded {
        self.tell('+', group);
        Guarded(self.clone(), group)
    }

    fn tell(&self, sign: char, group: Option<u32>) {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (Some(guard), Some(group)) = (running.as_mut(), group) else {
            return;
        };
        if let Err(error) = guard.line.write_all(format!("{sign}{group}\n").as_bytes()) {
            tracing::warn!(%error, "the guard of programs is gone: the next one gets another");
            if let Some(mut gone) = running.take() {
                // Whatever it does, it does not listen.
                _ = gone.process.kill();
                _ = gone.process.wait();
            }
        }
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        self.0.tell('-', self.1);
    }
}

fn start() -> io::Result<Running> {
    use std::os::unix::process::CommandExt;
    let own = PathBuf::from(OWN_EXECUTABLE);
    let executable = if own.exists() {
        own
    } else {
        std::env::current_exe()?
    };
    let mut process = Command::new(executable)
        // What a list of processes shows.
        .arg0("portique")
        .arg(VERB)
        .env_remove(TOKEN_VARIABLE)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()?;
    let line = process.stdin.take().expect("it is piped");
    // A guard that does not read must not hold a worker up.
    let flags = fcntl_getfl(&line)?;
    fcntl_setfl(&line, flags | OFlags::NONBLOCK)?;
    Ok(Running { process, line })
}

/// Is the guard of the worker at the other end of standard input.
pub(crate) fn run() {
    for group in left_over(io::stdin().lock()) {
        if let Some(group) = Pid::from_raw(group) {
            // It may have ended since.
            _ = kill_process_group(group, Signal::KILL);
        }
    }
}

/// The groups that run when the line ends, or says what it cannot say.
fn left_over(line: impl Read) -> BTreeSet<i32> {
    let mut groups = BTreeSet::new();
    let mut line = BufReader::new(line);
    let mut said = String::new();
    loop {
        said.clear();
        let read = line.by_ref().take(LINE_BYTES_MAX).read_line(&mut said);
        if !matches!(read, Ok(1..)) {
            return groups;
        }
        let number = said.get(1..).and_then(|rest| rest.trim_end().parse().ok());
        let group = number.filter(|group: &i32| *group >= GROUP_MIN);
        match (said.chars().next(), group) {
            (Some('+'), Some(_)) if groups.len() >= GROUPS_MAX => {}
            (Some('+'), Some(group)) => _ = groups.insert(group),
            (Some('-'), Some(group)) => _ = groups.remove(&group),
            _ => return groups,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_runs_when_the_line_ends_is_left_over() {
        let left = |said: &str| left_over(said.as_bytes()).into_iter().collect::<Vec<_>>();
        assert!(left("").is_empty());
        assert_eq!(left("+70\n+71\n-70\n"), [71]);
        assert_eq!(left("+70\n-70\n-70\n+70\n"), [70]);
        // A group of nobody's, or everybody's, is never ended.
        for wrong in [
            "+0\n",
            "+1\n",
            "+-5\n",
            "70\n",
            "+\n",
            "x",
            "+99999999999999999999\n",
        ] {
            assert_eq!(left(&format!("+70\n{wrong}+71\n")), [70], "{wrong:?}");
        }
    }

    #[test]
    fn no_more_is_remembered_than_a_worker_can_run() {
        let many: String = (2..10_000).map(|group| format!("+{group}\n")).collect();
        assert_eq!(left_over(many.as_bytes()).len(), GROUPS_MAX);
    }
}
