use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::Stdio;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::hub_process::portique;

/// Below the ports that the machine gives out by itself, so that nobody else takes the hub's while
/// it is down.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// A hub that is killed and started again, on the same folder and port.
pub(super) struct MortalHub {
    folder: TempDir,
    pub(super) address: SocketAddr,
    child: Child,
    /// How often it was ready.
    pub(super) generation: u64,
}

impl MortalHub {
    pub(super) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = free_address();
        let data = folder.path().join(super::DATA);
        let child = ready(spawn(address, &data)).await;
        Self {
            folder,
            address,
            child,
            generation: 1,
        }
    }

    pub(super) fn data(&self) -> PathBuf {
        self.folder.path().join(super::DATA)
    }

    /// Kills it and starts it again; with a number, it is killed a second time while it starts,
    /// after so many turns of doing nothing.
    pub(super) async fn kill_and_start(&mut self, at_start: Option<u64>) {
        self.child.kill().await.unwrap();
        if let Some(turns) = at_start {
            let mut unborn = spawn(self.address, &self.data());
            (0..turns).for_each(|n| _ = std::hint::black_box(n));
            unborn.kill().await.unwrap();
        }
        self.child = ready(spawn(self.address, &self.data())).await;
        self.generation += 1;
    }

    /// Kills it once more, so that what is checked is what a crash leaves.
    pub(super) async fn stop(mut self) -> TempDir {
        self.child.kill().await.unwrap();
        self.folder
    }
}

fn spawn(address: SocketAddr, data: &std::path::Path) -> Child {
    let listen = address.to_string();
    let command = portique(&["up", "--listen", &listen, "--data", data.to_str().unwrap()]);
    let mut command = Command::from(command);
    command
        .args(["--log", "warn"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command.spawn().unwrap()
}

/// Waits until it says so.
async fn ready(mut child: Child) -> Child {
    let mut line = String::new();
    let stdout = child.stdout.take().unwrap();
    BufReader::new(stdout).read_line(&mut line).await.unwrap();
    if line.starts_with("ready ") {
        return child;
    }
    let mut complaint = String::new();
    let mut stderr = child.stderr.take().unwrap();
    stderr.read_to_string(&mut complaint).await.unwrap();
    panic!("no ready line but {line:?}; {complaint}");
}

fn free_address() -> SocketAddr {
    let first = PORTS.start + (std::process::id() % 10_000) as u16;
    (first..PORTS.end)
        .chain(PORTS)
        .map(|port| SocketAddr::from(([127, 0, 0, 1], port)))
        .find(|address| TcpListener::bind(address).is_ok())
        .expect("one of twelve thousand ports is free")
}
