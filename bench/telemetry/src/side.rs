//! The three that are compared, and how each is set up.

use std::path::{Path, PathBuf};

use bench_harness::{Connection, Hub, Peer, Server, free_port, version_of};
use tokio::process::Command;

use crate::Options;

/// Who is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Portique,
    Prometheus,
    VictoriaMetrics,
}

/// One of those compared, not running yet.
#[derive(Debug)]
pub(crate) struct Side {
    pub(crate) kind: Kind,
    program: PathBuf,
    /// What ours is held against; of no meaning for ours itself.
    pub(crate) peer: Peer,
}

/// Those that take part.
#[derive(Debug)]
pub(crate) struct Sides {
    pub(crate) all: Vec<Side>,
}

impl Sides {
    pub(crate) async fn find(options: &Options) -> anyhow::Result<Self> {
        let mut all = vec![Side {
            kind: Kind::Portique,
            program: options.portique.clone(),
            peer: Peer::new("Portique", "portique", "", ""),
        }];
        if !options.alone {
            let version = version_of_prometheus(&options.prometheus).await?;
            all.push(Side {
                kind: Kind::Prometheus,
                program: options.prometheus.clone(),
                peer: Peer::new("Prometheus", "prometheus", version, ""),
            });
            let version = version_of_victoria_metrics(&options.victoria_metrics).await?;
            all.push(Side {
                kind: Kind::VictoriaMetrics,
                program: options.victoria_metrics.clone(),
                peer: Peer::new("VictoriaMetrics", "victoriametrics", version, ""),
            });
        }
        Ok(Self { all })
    }

    pub(crate) fn peer(&self, kind: Kind) -> Option<Peer> {
        let side = self.all.iter().find(|side| side.kind == kind);
        side.map(|side| side.peer)
    }
}

/// Versions stand in figures to the end, and are not given back.
async fn version_of_prometheus(program: &Path) -> anyhow::Result<&'static str> {
    let version = version_of(program, "--version", "version ").await?;
    Ok(String::leak(version.unwrap_or_default()))
}

async fn version_of_victoria_metrics(program: &Path) -> anyhow::Result<&'static str> {
    let version = match version_of(program, "-version", "tags-v").await? {
        Some(version) => Some(version),
        // Debian's build does not say.
        None => {
            let apt = Path::new("apt-cache");
            version_of(apt, "policy victoria-metrics", "Candidate: ").await?
        }
    };
    Ok(String::leak(version.unwrap_or_default()))
}

/// A server that runs.
pub(crate) struct Running {
    kind: Kind,
    process: Process,
    host: String,
}

enum Process {
    Hub(Box<Hub>),
    Peer(Server),
}

impl Side {
    /// Starts it on a folder, which may hold what it left there.
    pub(crate) async fn start(&self, folder: &Path) -> anyhow::Result<Running> {
        let kind = self.kind;
        if kind == Kind::Portique {
            let hub = Hub::start_on(&self.program, folder).await?;
            let host = hub.http.clone();
            let process = Process::Hub(Box::new(hub));
            return Ok(Running {
                kind,
                process,
                host,
            });
        }
        let port = free_port()?;
        let host = format!("127.0.0.1:{port}");
        let command = match kind {
            Kind::Prometheus => prometheus(&self.program, folder, &host)?,
            _ => victoria_metrics(&self.program, folder, &host),
        };
        let server = Server::start(command, port).await?;
        let running = Running {
            kind,
            process: Process::Peer(server),
            host,
        };
        running.until_ready().await?;
        Ok(running)
    }
}

/// As it ships, with the receiver of remote write; it keeps what is older than fifteen days, as the others do.
fn prometheus(program: &Path, folder: &Path, host: &str) -> anyhow::Result<Command> {
    let config = folder.join("prometheus.yml");
    std::fs::write(&config, "global:\n  scrape_interval: 15s\n")?;
    let mut command = Command::new(program);
    command
        .arg(format!("--config.file={}", config.display()))
        .arg(format!("--storage.tsdb.path={}/data", folder.display()))
        .arg(format!("--web.listen-address={host}"))
        .args([
            "--web.enable-remote-write-receiver",
            "--web.enable-admin-api",
        ])
        .args(["--storage.tsdb.retention.time=90d", "--log.level=warn"])
        .current_dir(folder);
    Ok(command)
}

/// As it ships; it keeps what is older than a month, as the others do.
fn victoria_metrics(program: &Path, folder: &Path, host: &str) -> Command {
    let mut command = Command::new(program);
    command
        .arg(format!("-storageDataPath={}/data", folder.display()))
        .arg(format!("-httpListenAddr={host}"))
        .args(["-retentionPeriod=1y", "-loggerLevel=ERROR"]);
    command
}

impl Running {
    pub(crate) async fn connect(&self) -> anyhow::Result<Connection> {
        let token = match &self.process {
            Process::Hub(hub) => Some(hub.token.as_str()),
            Process::Peer(_) => None,
        };
        Connection::open(&self.host, token).await
    }

    pub(crate) fn write_path(&self) -> &'static str {
        match self.kind {
            Kind::Portique => "/prometheus/api/v1/write",
            _ => "/api/v1/write",
        }
    }

    /// Where a query is asked, and what each query has to say for its answer to be made anew.
    pub(crate) fn query_path(&self) -> &'static str {
        match self.kind {
            Kind::Portique => "/prometheus/api/v1/query?",
            Kind::Prometheus => "/api/v1/query?",
            Kind::VictoriaMetrics => "/api/v1/query?nocache=1&",
        }
    }

    pub(crate) fn cpu_seconds(&self) -> anyhow::Result<f64> {
        match &self.process {
            Process::Hub(hub) => hub.cpu_seconds(),
            Process::Peer(server) => server.cpu_seconds(),
        }
    }

    pub(crate) fn resident_bytes(&self) -> anyhow::Result<f64> {
        let mib = match &self.process {
            Process::Hub(hub) => hub.resident_mib(),
            Process::Peer(server) => server.resident_mib(),
        };
        Ok(mib? * f64::from(1 << 20))
    }

    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        match self.process {
            Process::Hub(hub) => hub.stop().await,
            Process::Peer(server) => server.stop().await,
        }
    }

    pub(crate) async fn kill(self) -> anyhow::Result<()> {
        match self.process {
            Process::Hub(hub) => hub.kill().await,
            Process::Peer(server) => server.kill().await,
        }
    }

    /// Prometheus listens before it has read its log.
    async fn until_ready(&self) -> anyhow::Result<()> {
        if self.kind != Kind::Prometheus {
            return Ok(());
        }
        let mut connection = self.connect().await?;
        while connection.try_fetch("/-/ready").await?.status != 200 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        Ok(())
    }
}
