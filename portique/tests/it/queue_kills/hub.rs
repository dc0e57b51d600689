use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
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
    addresses: Addresses,
    child: Child,
    /// How often it was ready.
    pub(super) generation: u64,
}

/// Where it is reached, in every life.
#[derive(Clone, Copy)]
struct Addresses {
    http: SocketAddr,
    grpc: SocketAddr,
}

impl MortalHub {
    pub(super) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let addresses = free_addresses();
        let data = folder.path().join(super::DATA);
        let child = ready(spawn(addresses, &data)).await;
        Self {
            folder,
            addresses,
            child,
            generation: 1,
        }
    }

    pub(super) fn http(&self) -> String {
        format!("http://{}", self.addresses.http)
    }

    pub(super) fn grpc(&self) -> String {
        format!("http://{}", self.addresses.grpc)
    }

    /// What services show.
    pub(super) fn token(&self) -> String {
        let token = std::fs::read_to_string(self.data().join("service.token")).unwrap();
        token.trim().to_owned()
    }

    /// What is beside its data.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join(super::DATA)
    }

    /// Kills it and starts it again; with a number, it is killed a second time while it starts,
    /// after so many turns of doing nothing.
    pub(super) async fn kill_and_start(&mut self, at_start: Option<u64>) {
        self.child.kill().await.unwrap();
        if let Some(turns) = at_start {
            let mut unborn = spawn(self.addresses, &self.data());
            (0..turns).for_each(|n| _ = std::hint::black_box(n));
            unborn.kill().await.unwrap();
        }
        self.child = ready(spawn(self.addresses, &self.data())).await;
        self.generation += 1;
    }

    /// Kills it once more, so that what is checked is what a crash leaves.
    pub(super) async fn stop(mut self) -> TempDir {
        self.child.kill().await.unwrap();
        self.folder
    }
}

fn spawn(addresses: Addresses, data: &Path) -> Child {
    let (http, grpc) = (addresses.http.to_string(), addresses.grpc.to_string());
    let data = data.to_str().unwrap();
    let command = portique(&[
        "up",
        "--listen",
        &http,
        "--grpc-listen",
        &grpc,
        "--data",
        data,
    ]);
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

fn free_addresses() -> Addresses {
    let first = PORTS.start + (std::process::id() % 10_000) as u16;
    let mut free = (first..PORTS.end)
        .chain(PORTS)
        .map(|port| SocketAddr::from(([127, 0, 0, 1], port)))
        .filter(|address| TcpListener::bind(address).is_ok());
    let mut next = || free.next().expect("two of twelve thousand ports are free");
    Addresses {
        http: next(),
        grpc: next(),
    }
}
