//! Workers as processes, each killed at random and followed by another.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use portique_clock::{Random, Seeded};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio_util::sync::CancellationToken;

use super::QUEUE;
use super::clients::Clients;
use super::hub::MortalHub;
use crate::pages::Page;

/// What a worker's process is told by its environment.
pub(super) const KIND: &str = "PORTIQUE_TRIAL_WORKER";
pub(super) const NAME: &str = "PORTIQUE_TRIAL_NAME";
pub(super) const HTTP: &str = "PORTIQUE_TRIAL_HTTP";
pub(super) const GRPC: &str = "PORTIQUE_TRIAL_GRPC";
pub(super) const TOKEN: &str = "PORTIQUE_TRIAL_TOKEN";
pub(super) const SEED: &str = "PORTIQUE_TRIAL_SEED";

/// The test that is a worker when it is started as a process.
const WORKER: &str = "queue_kills::worker::works_until_it_is_killed";
/// The program of the page, and what runs it as it stands and says what was acknowledged to it.
const PYTHON_PAGE: &str = "write-a-worker-with-curl.md";
const PYTHON: &str = "worker.py";
const RECORDER: &str = "recorder.py";
const RECORDER_SOURCE: &str = include_str!("recorder.py");
/// Lines that a worker says before it is killed, at most; most come with others in one answer.
const LINES_MAX: u64 = 120;
/// Of one that takes one job at a time and sleeps for a second when the hub is away.
const PYTHON_LINES_MAX: u64 = 12;

/// How a worker works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Requests of its own over HTTP, several jobs at a time.
    Requests,
    /// The worker of the client library, over gRPC.
    Client,
    /// The program of the how-to page.
    Python,
}

/// The workers of a trial, one of each.
pub(super) const CREW: [Kind; 4] = [Kind::Requests, Kind::Requests, Kind::Client, Kind::Python];

/// Where workers go, and who hears them.
pub(super) struct Workplace {
    clients: Arc<Clients>,
    folder: PathBuf,
    http: String,
    grpc: String,
    token: String,
    no_more: CancellationToken,
}

/// A process and what it says.
struct Process {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Workplace {
    pub(super) fn new(hub: &MortalHub, clients: Arc<Clients>) -> Self {
        let folder = hub.folder().to_owned();
        let page = Page::open(PYTHON_PAGE);
        std::fs::write(folder.join(PYTHON), page.program("python")).unwrap();
        std::fs::write(folder.join(RECORDER), RECORDER_SOURCE).unwrap();
        Self {
            clients,
            folder,
            http: hub.http(),
            grpc: hub.grpc(),
            token: hub.token(),
            no_more: CancellationToken::new(),
        }
    }

    /// Kills every worker, once for all.
    pub(super) fn close(&self) {
        self.no_more.cancel();
    }

    /// One worker after the other, each killed with all that it holds. Gives how many there were.
    pub(super) async fn employ(self: Arc<Self>, kind: Kind, n: usize, mut random: Seeded) -> u64 {
        let lines_max = match kind {
            Kind::Requests | Kind::Client => LINES_MAX,
            Kind::Python => PYTHON_LINES_MAX,
        };
        let mut life = 0;
        while !self.no_more.is_cancelled() {
            life += 1;
            let mut process = self.start(kind, &format!("worker-{n}-{life}"), random.next_u64());
            for _ in 0..=random.below(lines_max) {
                tokio::select! {
                    line = process.lines.next_line() => self.hear(line.unwrap(), kind),
                    () = self.no_more.cancelled() => break,
                }
            }
            process.child.kill().await.unwrap();
            // What it said before it died counts.
            while let Some(line) = process.lines.next_line().await.unwrap() {
                self.clients.hear(&line);
            }
        }
        life
    }

    fn hear(&self, line: Option<String>, kind: Kind) {
        let line = line.unwrap_or_else(|| panic!("a worker of kind {kind:?} ended by itself"));
        self.clients.hear(&line);
    }

    fn start(&self, kind: Kind, name: &str, seed: u64) -> Process {
        let mut command = match kind {
            Kind::Requests => self.own("requests"),
            Kind::Client => self.own("client"),
            Kind::Python => self.python(),
        };
        let mut child = command
            .env(NAME, name)
            .env(SEED, seed.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let stdout = child.stdout.take().unwrap();
        let lines = BufReader::new(stdout).lines();
        Process { child, lines }
    }

    /// This program once more, as a worker.
    fn own(&self, kind: &str) -> Command {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args([WORKER, "--exact", "--ignored", "--nocapture"])
            .env(KIND, kind)
            .env(HTTP, &self.http)
            .env(GRPC, &self.grpc)
            .env(TOKEN, &self.token);
        command
    }

    fn python(&self) -> Command {
        let file = |name: &str| Path::new(&self.folder).join(name);
        let mut command = Command::new("python3");
        command
            .args([file(RECORDER), file(PYTHON)])
            .arg(QUEUE)
            .env("PORTIQUE_HUB", &self.http)
            .env("PORTIQUE_TOKEN", &self.token)
            // It says whenever the hub is away.
            .stderr(Stdio::null());
        command
    }
}
