//! Runs on-board computers as processes of this executable.
//!
//! A computer gets its token in its environment, never on its command line, and nothing else of the
//! hub's environment but what its log needs. It runs in a process group of its own, so that Ctrl-C in a terminal
//! reaches the hub only, which then stops its computers in order. If the hub is killed, they find no
//! ground and end by themselves after [`EXIT_WHEN_LOST_S`].

pub(crate) mod lines;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::OptionFuture;
use portique_client::Ask;
use portique_launch::link::{Assignment, Exit as ComputerExit, ModuleHost};
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::exit::Exit;
use crate::logs::{Kind, Logs};
use crate::module::TOKEN_VARIABLE;
use crate::visit::FINGERPRINT_VARIABLE;

/// Seconds without a hub after which a computer ends; longer than a hub's restart of its listener
/// would take, short enough that nobody finds stray processes.
const EXIT_WHEN_LOST_S: u32 = 10;

/// Time for a computer to end by itself before it is killed.
const STOP_GRACE: Duration = Duration::from_secs(3);

/// Lines of a computer that wait to be kept; later ones are dropped.
const LINES_WAITING_MAX: usize = 256;

/// Variables of the hub that a computer inherits.
const INHERITED: [&str; 3] = ["PORTIQUE_LOG", "RUST_BACKTRACE", "TMPDIR"];

/// A host that starts a process for each run of a computer.
#[derive(Clone)]
pub struct Processes {
    executable: PathBuf,
    hub: String,
    /// Where what they print is kept.
    logs: Option<Logs>,
    pin: Option<Ask>,
}

impl Processes {
    /// Runs computers with this executable's `module` verb; `hub` is the gRPC address to give them.
    pub fn new(executable: impl Into<PathBuf>, hub: impl Into<String>) -> Self {
        Self {
            executable: executable.into(),
            hub: hub.into(),
            logs: None,
            pin: None,
        }
    }

    /// The same, with what they print kept here too.
    pub(crate) fn with_logs(self, logs: Logs) -> Self {
        let logs = Some(logs);
        Self { logs, ..self }
    }

    /// The same, who are told by which certificate they know the hub.
    pub(crate) fn pinned(self, pin: Ask) -> Self {
        Self {
            pin: Some(pin),
            ..self
        }
    }

    /// Keeps each line and passes it on.
    async fn keep(
        &self,
        assignment: &Assignment,
        mut printed: mpsc::Receiver<String>,
        lines: mpsc::Sender<String>,
    ) {
        let rocket = assignment.rocket.as_str();
        let name = format!("{rocket}/{}", assignment.module.as_str());
        while let Some(line) = printed.recv().await {
            if let Some(logs) = &self.logs {
                logs.keep(Kind::Module, rocket, &name, &line);
            }
            // Full means that nobody reads fast enough: losing log lines is the lesser evil.
            _ = lines.try_send(line);
        }
    }

    fn command(&self, assignment: &Assignment) -> Command {
        let mut command = Command::new(&self.executable);
        command
            .arg("module")
            .args(["--rocket", assignment.rocket.as_str()])
            .args(["--module", assignment.module.as_str()])
            .args(["--hub", &self.hub])
            .args(["--exit-when-lost", &EXIT_WHEN_LOST_S.to_string()])
            .env_clear()
            .envs(inherited())
            .env(TOKEN_VARIABLE, &assignment.token)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        if let Some(pin) = self.pin.as_ref().and_then(|pin| pin()) {
            command.env(FINGERPRINT_VARIABLE, pin.to_string());
        }
        command
    }
}

#[async_trait]
impl ModuleHost for Processes {
    async fn run(
        &self,
        assignment: &Assignment,
        lines: mpsc::Sender<String>,
        stop: CancellationToken,
    ) -> ComputerExit {
        let mut child = match self.command(assignment).spawn() {
            Ok(child) => child,
            Err(error) => {
                let executable = self.executable.display();
                return ComputerExit::Failed(format!("{executable} cannot be started: {error}"));
            }
        };
        let (to, printed) = mpsc::channel(LINES_WAITING_MAX);
        let output = child.stdout.take();
        let output = output.map(|from| lines::forward(from, to.clone()));
        let errors = child.stderr.take().map(|from| lines::forward(from, to));
        let printed = async {
            tokio::join!(
                OptionFuture::from(output),
                OptionFuture::from(errors),
                self.keep(assignment, printed, lines),
            )
        };
        let (status, _) = tokio::join!(wait(&mut child, &stop), printed);
        match status {
            Ok(_) if stop.is_cancelled() => ComputerExit::Stopped,
            Ok(status) if status.code() == Some(Exit::Destroyed.status().into()) => {
                ComputerExit::Destroyed
            }
            Ok(status) => ComputerExit::Failed(status.to_string()),
            Err(error) => ComputerExit::Failed(format!("cannot be waited for: {error}")),
        }
    }
}

/// Waits for the end; once `stop` is cancelled, brings it about.
async fn wait(child: &mut Child, stop: &CancellationToken) -> std::io::Result<ExitStatus> {
    tokio::select! {
        status = child.wait() => return status,
        () = stop.cancelled() => {}
    }
    if let Some(pid) = child.id().and_then(|id| Pid::from_raw(id.cast_signed()))
        && let Err(error) = kill_process(pid, Signal::TERM)
    {
        tracing::debug!(%error, "the computer ended before it was told to");
    }
    match tokio::time::timeout(STOP_GRACE, child.wait()).await {
        Ok(status) => status,
        Err(_) => {
            tracing::warn!(pid = child.id(), "the computer does not stop; killing it");
            child.kill().await?;
            child.wait().await
        }
    }
}

fn inherited() -> impl Iterator<Item = (&'static str, OsString)> {
    INHERITED
        .into_iter()
        .filter_map(|name| Some((name, std::env::var_os(name)?)))
}
