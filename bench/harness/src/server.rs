//! A peer's server as a process of its own, on a free port of loopback.

use std::net::TcpListener;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::process;

/// Tries to reach a server that starts, and the pause between two.
const CONNECT_TRIES: u32 = 20_000;
const CONNECT_PAUSE: Duration = Duration::from_millis(5);

/// A server that runs; dropped, it is killed.
#[derive(Debug)]
pub struct Server {
    /// Where it listens on loopback.
    pub port: u16,
    child: Child,
    pid: u32,
}

impl Server {
    /// Starts it and waits until it listens.
    ///
    /// # Errors
    /// When it cannot be started, or does not listen for a hundred seconds.
    pub async fn start(mut command: Command, port: u16) -> anyhow::Result<Self> {
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {command:?}"))?;
        let pid = child.id().context("the server has ended")?;
        let mut server = Self { port, child, pid };
        for _ in 0..CONNECT_TRIES {
            if TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
                return Ok(server);
            }
            if let Some(status) = server.child.try_wait()? {
                bail!("{command:?} ended with {status}");
            }
            tokio::time::sleep(CONNECT_PAUSE).await;
        }
        bail!("{command:?} does not listen on port {port}")
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

/// A port of loopback that nobody listens on.
///
/// # Errors
/// When there is none.
pub fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
