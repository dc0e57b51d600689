//! One worker's process, from its start to its end.
//!
//! The process leads a process group of its own, so that Ctrl-C in a terminal reaches the hub only. Its standard input is
//! a socket, on which it says how it is (see `worker/control.rs`), and whose end tells it that the hub is gone. What it
//! prints goes to the hub's log under its name, within limits. When it is gone, so is everything in its group and in
//! the groups of the programs it ran.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::OptionFuture;
use portique_fleet::{Ended, Heartbeat, WorkerId};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

use super::desk::Desk;
use crate::config::PoolWork;
use crate::logs::{Kind, Logs};
use crate::supervisor::lines;
use crate::worker::{Beat, TOKEN_VARIABLE};

/// Lines that wait for the log; more are left out, so that no worker waits for it.
const LINES_WAITING_MAX: usize = 256;
/// Lines of one worker that go to the log in a second.
const LINES_PER_SECOND_MAX: u32 = 100;
/// What is still in the pipes of a worker that is gone is waited for so long.
const LAST_LINES: Duration = Duration::from_millis(500);
/// Longest line of a worker about itself: a thousand process groups.
const BEAT_BYTES_MAX: usize = 64 * 1024;
/// Least process number that can be a program's.
const GROUP_MIN: u32 = 2;

/// What all workers are started with.
pub(super) struct Launch {
    pub(super) executable: PathBuf,
    pub(super) data: PathBuf,
    /// Where the hub serves HTTP.
    pub(super) hub: String,
    pub(super) logs: Logs,
}

/// What a babysitter is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// Ask the worker to end what it has in hand and to go.
    Drain,
    /// End it, and all that it started.
    End,
}

/// What a babysitter says of a worker.
pub(super) struct Report {
    pub(super) worker: WorkerId,
    pub(super) heard: Heard,
}

/// What happened to it.
pub(super) enum Heard {
    /// Its process runs.
    Started(u32),
    /// It said how it is.
    Beat(Heartbeat),
    /// It is gone.
    Ended {
        ended: Ended,
        /// The last line that it printed.
        last: String,
        /// Lines that are not in the log.
        left_out: u64,
    },
}

/// Starts a worker and stays with it to its end.
pub(super) async fn stay_with(
    worker: WorkerId,
    desk: Arc<Desk>,
    launch: Arc<Launch>,
    orders: mpsc::Receiver<Order>,
    reports: mpsc::Sender<Report>,
) {
    let voice = Voice { worker, reports };
    let name = desk.worker_name(worker);
    let heard = match start(&name, &desk, &launch) {
        Ok((child, line)) => {
            let pid = child.id().unwrap_or_default();
            voice.say(Heard::Started(pid)).await;
            let printer = Printer::new(&name, &desk.config.name, launch.logs.clone());
            watch(printer, child, line, orders, &voice).await
        }
        Err(error) => {
            let executable = launch.executable.display();
            Heard::Ended {
                ended: Ended::NotStarted,
                last: format!("{executable} cannot be started: {error}"),
                left_out: 0,
            }
        }
    };
    voice.say(heard).await;
}

/// How a babysitter tells of its worker.
struct Voice {
    worker: WorkerId,
    reports: mpsc::Sender<Report>,
}

impl Voice {
    async fn say(&self, heard: Heard) {
        let worker = self.worker;
        // Who does not listen any more has ended all workers.
        let _ = self.reports.send(Report { worker, heard }).await;
    }
}

fn start(name: &str, desk: &Desk, launch: &Launch) -> io::Result<(Child, UnixStream)> {
    let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
    ours.set_nonblocking(true)?;
    let config = &desk.config;
    let mut command = Command::new(&launch.executable);
    command
        .arg("worker")
        .arg(config.queue.as_str())
        .args(["--supervised", "--name", name])
        .arg("--data")
        .arg(&launch.data)
        .args(["--slots", &config.policy.slots.to_string()])
        .args(["--timeout", &config.timeout.as_secs().to_string()])
        .args(["--drain", &config.drain.as_secs().to_string()])
        .env_remove(TOKEN_VARIABLE)
        .env_remove("PORTIQUE_GRPC")
        .env("PORTIQUE_HUB", &launch.hub)
        .env("NO_COLOR", "1")
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    if let Some(bytes) = config.memory_bytes {
        command.args(["--memory-max", &bytes.to_string()]);
    }
    if !config.folder.as_os_str().is_empty() {
        command.current_dir(&config.folder);
    }
    if let PoolWork::Program(words) = &config.work {
        command.arg("--").args(words);
    }
    let child = command.spawn()?;
    Ok((child, UnixStream::from_std(ours)?))
}

async fn watch(
    printer: Printer,
    mut child: Child,
    mut line: UnixStream,
    mut orders: mpsc::Receiver<Order>,
    voice: &Voice,
) -> Heard {
    let group = child.id();
    let mut printing = std::pin::pin!(printer.print(child.stdout.take(), child.stderr.take()));
    let mut beats = Beats::default();
    let (mut is_printing, mut is_silent) = (true, false);
    let status = loop {
        tokio::select! {
            status = child.wait() => break status,
            Some(order) = orders.recv() => {
                let signal = match order {
                    Order::Drain => Signal::TERM,
                    Order::End => Signal::KILL,
                };
                signal_group(group, signal);
            }
            read = line.read_buf(&mut beats.unread), if !is_silent => {
                is_silent = !matches!(read, Ok(1..));
                for beat in beats.take() {
                    voice.say(Heard::Beat(beat)).await;
                }
            }
            () = &mut printing, if is_printing => is_printing = false,
        }
    };
    // What it left running belongs to nobody.
    for group in beats.groups.iter().copied().map(Some).chain([group]) {
        signal_group(group, Signal::KILL);
    }
    if is_printing {
        _ = timeout(LAST_LINES, printing).await;
    }
    let (last, left_out) = printer.end();
    Heard::Ended {
        ended: how(status),
        last,
        left_out,
    }
}

fn how(status: io::Result<ExitStatus>) -> Ended {
    use std::os::unix::process::ExitStatusExt;
    match status {
        Ok(status) => match (status.code(), status.signal()) {
            (Some(code), _) => Ended::Exit(code),
            (None, signal) => Ended::Signal(signal.unwrap_or_default()),
        },
        Err(_) => Ended::NotStarted,
    }
}

fn signal_group(group: Option<u32>, signal: Signal) {
    let group = group.filter(|group| *group >= GROUP_MIN);
    let Some(group) = group.and_then(|group| Pid::from_raw(group.cast_signed())) else {
        return;
    };
    if let Err(error) = kill_process_group(group, signal) {
        tracing::debug!(%error, ?group, "nobody is there any more");
    }
}

/// What a worker says of itself.
#[derive(Default)]
struct Beats {
    unread: Vec<u8>,
    /// The process groups of its programs.
    groups: BTreeSet<u32>,
}

impl Beats {
    /// The lines that are complete; what is no line of a worker is left out.
    fn take(&mut self) -> Vec<Heartbeat> {
        let mut beats = Vec::new();
        while let Some(end) = self.unread.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.unread.drain(..=end).collect();
            match serde_json::from_slice::<Beat>(&line) {
                Ok(beat) => {
                    beats.push(Heartbeat {
                        leased: beat.leased,
                        finished: beat.finished,
                    });
                    self.groups = beat.groups;
                }
                Err(error) => tracing::debug!(%error, "a worker says what nobody understands"),
            }
        }
        if self.unread.len() > BEAT_BYTES_MAX {
            self.unread.clear();
        }
        beats
    }
}

/// Puts what a worker prints into the hub's log, and into that of processes.
struct Printer {
    name: String,
    pool: String,
    logs: Logs,
    printed: Mutex<Printed>,
}

#[derive(Default)]
struct Printed {
    last: String,
    left_out: u64,
    /// The second that lines are counted in, and how many were printed in it.
    second: Option<(Instant, u32)>,
}

impl Printer {
    fn new(name: &str, pool: &str, logs: Logs) -> Self {
        Self {
            name: name.to_owned(),
            pool: pool.to_owned(),
            logs,
            printed: Mutex::default(),
        }
    }

    /// Until both pipes are closed.
    async fn print(&self, output: Option<ChildStdout>, errors: Option<ChildStderr>) {
        let (to, mut lines) = mpsc::channel(LINES_WAITING_MAX);
        let output = output.map(|output| lines::forward(output, to.clone()));
        let errors = errors.map(|errors| lines::forward(errors, to));
        let logging = async {
            while let Some(line) = lines.recv().await {
                self.log(line);
            }
        };
        tokio::join!(
            OptionFuture::from(output),
            OptionFuture::from(errors),
            logging
        );
    }

    fn log(&self, line: String) {
        self.logs.keep(Kind::Worker, &self.pool, &self.name, &line);
        let mut printed = self.printed.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let (since, count) = match printed.second {
            Some((since, count)) if now - since < Duration::from_secs(1) => (since, count + 1),
            _ => (now, 1),
        };
        printed.second = Some((since, count));
        if count <= LINES_PER_SECOND_MAX {
            tracing::info!(worker = self.name, "{line}");
        } else {
            if count == LINES_PER_SECOND_MAX + 1 {
                tracing::warn!(
                    worker = self.name,
                    "it prints too much: some lines are left out"
                );
            }
            printed.left_out += 1;
        }
        printed.last = line;
    }

    fn end(&self) -> (String, u64) {
        let mut printed = self.printed.lock().unwrap_or_else(PoisonError::into_inner);
        (std::mem::take(&mut printed.last), printed.left_out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beats_are_lines_and_what_is_none_is_left_out() {
        let mut beats = Beats::default();
        beats
            .unread
            .extend(b"{\"leased\":1,\"finished\":2,\"groups\":[77]}\nnonsense\n{\"lea");
        let heard = beats.take();
        assert_eq!(
            heard,
            [Heartbeat {
                leased: 1,
                finished: 2
            }]
        );
        assert_eq!(beats.groups, BTreeSet::from([77]));
        beats
            .unread
            .extend(b"sed\":0,\"finished\":3,\"groups\":[]}\n");
        assert_eq!(beats.take().len(), 1);
        assert!(beats.groups.is_empty());
        beats.unread.extend(vec![b'x'; BEAT_BYTES_MAX + 1]);
        assert_eq!(beats.take(), []);
        assert!(beats.unread.is_empty());
    }

    #[tokio::test]
    async fn a_worker_that_prints_without_end_does_not_fill_the_log() {
        let clock = portique_clock::SimulatedClock::new(portique_clock::Timestamp::EPOCH);
        let logs = Logs::new(Arc::new(clock));
        let printer = Printer::new("w-1", "w", logs.clone());
        for number in 0..1_000 {
            printer.log(number.to_string());
        }
        let (last, left_out) = printer.end();
        assert_eq!(last, "999");
        assert!(
            left_out >= 1_000 - 2 * u64::from(LINES_PER_SECOND_MAX),
            "{left_out}"
        );
        // Whoever looks for the last of them finds it all the same.
        let kept = logs.processes();
        assert_eq!((kept.len(), kept[0].lines), (1, 1_000));
    }
}
