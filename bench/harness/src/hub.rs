//! A hub as a process of its own, on free ports and a folder that goes with it.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use portique_client::{Client, ClientOptions};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::process;

/// A hub that is not ready by then has failed.
const READY_WAIT_MAX: Duration = Duration::from_secs(120);

/// A hub that runs; dropped, it is killed.
#[derive(Debug)]
pub struct Hub {
    child: Child,
    pid: u32,
    /// Such as `127.0.0.1:40001`.
    pub http: String,
    /// As `http`.
    pub grpc: String,
    /// The commander's.
    pub token: String,
    /// From the start of the process until it said that it is ready.
    pub ready: Duration,
}

impl Hub {
    /// A hub on a fresh folder.
    ///
    /// # Errors
    /// When it does not become ready.
    pub async fn start(portique: &Path) -> anyhow::Result<Started> {
        let folder = tempfile::tempdir()?;
        let hub = Self::start_on(portique, folder.path()).await?;
        Ok(Started {
            hub,
            _folder: folder,
        })
    }

    /// A hub on this folder.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn start_on(portique: &Path, folder: &Path) -> anyhow::Result<Self> {
        Self::start_with(portique, folder, None).await
    }

    /// A hub on this folder, with a configuration file.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn start_with(
        portique: &Path,
        folder: &Path,
        config: Option<&Path>,
    ) -> anyhow::Result<Self> {
        let begin = Instant::now();
        let mut command = Command::new(portique);
        command
            .args(["up", "--listen", "127.0.0.1:0", "--log", "warn", "--data"])
            .arg(folder);
        if let Some(config) = config {
            command.arg("--config").arg(config);
        }
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("cannot start the hub")?;
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().context("no standard output")?);
        tokio::time::timeout(READY_WAIT_MAX, out.read_line(&mut line)).await??;
        let ready = begin.elapsed();
        if !line.contains("http=") {
            bail!("the hub said {line:?} and not that it is ready");
        }
        let addresses: serde_json::Value =
            serde_json::from_slice(&std::fs::read(folder.join("hub.json"))?)?;
        let address = |name: &str| {
            let text = addresses[name].as_str().map(str::to_owned);
            text.with_context(|| format!("no {name} in hub.json"))
        };
        let token = std::fs::read_to_string(folder.join("commander.token"))?;
        Ok(Self {
            pid: child.id().context("the hub has ended")?,
            child,
            http: address("http")?,
            grpc: address("grpc")?,
            token: token.trim().to_owned(),
            ready,
        })
    }

    /// A client of its ports.
    ///
    /// # Errors
    /// When it cannot be reached.
    pub async fn client(&self) -> anyhow::Result<Client> {
        let options = ClientOptions::new(format!("http://{}", self.grpc), &self.token);
        Ok(Client::connect(options).await?)
    }

    /// Its process, and that of all it starts.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Processor seconds it has used.
    ///
    /// # Errors
    /// When it has ended.
    pub fn cpu_seconds(&self) -> anyhow::Result<f64> {
        process::cpu_seconds(self.pid)
    }

    /// Resident memory, in MiB.
    ///
    /// # Errors
    /// When it has ended.
    pub fn resident_mib(&self) -> anyhow::Result<f64> {
        process::resident_mib(self.pid)
    }

    /// Ends it in order.
    ///
    /// # Errors
    /// When it cannot be told to.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        let pid = Pid::from_raw(self.pid as i32).context("no process id")?;
        kill_process(pid, Signal::TERM)?;
        self.child.wait().await?;
        Ok(())
    }

    /// Ends it as a crash would.
    ///
    /// # Errors
    /// When it cannot be killed.
    pub async fn kill(mut self) -> anyhow::Result<()> {
        self.child.kill().await?;
        Ok(())
    }
}

/// A hub with the folder that it is on.
#[derive(Debug)]
pub struct Started {
    hub: Hub,
    _folder: TempDir,
}

impl std::ops::Deref for Started {
    type Target = Hub;

    fn deref(&self) -> &Hub {
        &self.hub
    }
}

impl Started {
    /// Ends it in order, and removes its folder.
    ///
    /// # Errors
    /// When it cannot be told to.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.hub.stop().await
    }
}
