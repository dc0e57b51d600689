//! A peer's server as a process of its own, on a free port and a folder that goes with it.

use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::process;

/// Tries to reach a server that starts, and the pause between two.
const CONNECT_TRIES: u32 = 1_000;
const CONNECT_PAUSE: Duration = Duration::from_millis(10);

pub(crate) struct Server {
    pub(crate) port: u16,
    child: Child,
    pid: u32,
    _folder: TempDir,
}

impl Server {
    /// Redis with its log synced as `fsync` says: `everysec` or `always`.
    pub(crate) async fn redis(fsync: &str) -> anyhow::Result<Self> {
        let (port, folder) = (free_port()?, tempfile::tempdir()?);
        let mut command = Command::new("redis-server");
        command
            .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "yes"])
            .args(["--maxmemory-policy", "noeviction", "--daemonize", "no"])
            .args(["--appendfsync", fsync, "--port", &port.to_string()])
            .arg("--dir")
            .arg(folder.path());
        Self::start(command, port, folder).await
    }

    /// JetStream with file storage, synced as it ships or, with `sync_interval`, as that says.
    pub(crate) async fn nats(program: &Path, sync_interval: Option<&str>) -> anyhow::Result<Self> {
        let (port, folder) = (free_port()?, tempfile::tempdir()?);
        let store = folder.path().join("store");
        let sync = sync_interval.map_or(String::new(), |sync| format!(", sync_interval: {sync}"));
        let store = store.display();
        let config = format!(
            "host: 127.0.0.1\nport: {port}\njetstream {{ store_dir: \"{store}\", max_mem: 1G, max_file: 20G{sync} }}\n"
        );
        let file = folder.path().join("nats.conf");
        std::fs::write(&file, config)?;
        let mut command = Command::new(program);
        command.arg("-c").arg(file);
        Self::start(command, port, folder).await
    }

    async fn start(mut command: Command, port: u16, folder: TempDir) -> anyhow::Result<Self> {
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {command:?}"))?;
        let pid = child.id().context("the server has ended")?;
        for _ in 0..CONNECT_TRIES {
            if TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
                return Ok(Self {
                    port,
                    child,
                    pid,
                    _folder: folder,
                });
            }
            tokio::time::sleep(CONNECT_PAUSE).await;
        }
        bail!("{command:?} does not listen on port {port}")
    }

    /// Processor seconds it has used.
    pub(crate) fn cpu_seconds(&self) -> anyhow::Result<f64> {
        process::cpu_seconds(self.pid)
    }

    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        let pid = Pid::from_raw(self.pid as i32).context("no process id")?;
        kill_process(pid, Signal::TERM)?;
        self.child.wait().await?;
        Ok(())
    }
}

fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
