//! Three services of Node with queues of BullMQ on Redis, and a ledger and a journal in PostgreSQL.

use std::path::Path;
use std::process::Stdio;

use anyhow::Context;
use bench_harness::{Peer, Server, free_port, version_of};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::Options;
use crate::place::{Place, Side};
use crate::trial::{self, Took};

/// Of its package.json.
const BULLMQ: &str = "6.7.0";

/// How the services store what they post.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Storing {
    /// A batch in one transaction of the database, and as one job of the journal.
    Batches,
    /// Each transfer in a transaction of its own, and as a job of its own: what pipelines begin as.
    OneByOne,
}

impl Storing {
    /// Jobs that the post worker has in hand, those of the journal worker, and rows of a database transaction: what
    /// was fastest of 1, 2, 4 and 8. Batches lock nearly all accounts, so that two at a time only wait for each other.
    fn setting(self) -> [&'static str; 3] {
        match self {
            Self::Batches => ["1", "1", "1000"],
            Self::OneByOne => ["8", "8", "1"],
        }
    }

    fn key(self) -> (&'static str, &'static str) {
        match self {
            Self::Batches => ("bullmq_postgres", "everysec; batches"),
            Self::OneByOne => ("bullmq_postgres_one_by_one", "everysec; one by one"),
        }
    }
}

/// What it is called in figures.
pub(crate) async fn peer(options: &Options, storing: Storing) -> anyhow::Result<Peer> {
    let program = options.postgres.join("postgres");
    let postgres = version_of(&program, "--version", "PostgreSQL) ").await?;
    let redis = version_of(Path::new("redis-server"), "--version", "v=").await?;
    let versions = format!(
        "{BULLMQ}, {}, {}",
        redis.unwrap_or_default(),
        postgres.unwrap_or_default()
    );
    let (key, setting) = storing.key();
    let name = "BullMQ, Redis and PostgreSQL";
    // Figures hold names to the end; they are few.
    Ok(Peer::new(name, key, String::leak(versions), setting))
}

/// All of it; dropped, it is killed.
struct Pipeline {
    inject: Server,
    workers: [Child; 2],
    redis: Server,
    postgres: Server,
    _folder: TempDir,
}

pub(crate) async fn run(options: &Options, storing: Storing) -> anyhow::Result<Took> {
    let pipeline = Pipeline::start(options, storing).await?;
    let generator = trial::generator(options.accounts)?;
    let batches = match storing {
        Storing::Batches => options.batches,
        Storing::OneByOne => options.single_batches,
    };
    let place = pipeline.place()?;
    let took = trial::measure(&place, &generator, batches, options.connections).await?;
    pipeline.stop().await?;
    Ok(took)
}

impl Pipeline {
    async fn start(options: &Options, storing: Storing) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let redis = redis(folder.path()).await?;
        let postgres = postgres(options, folder.path()).await?;
        let [post, journal, rows] = storing.setting();
        let service = |name: &str, arguments: &[&str]| {
            let mut command = Command::new("node");
            command
                .arg(options.services.join(name))
                .args([redis.port.to_string(), postgres.port.to_string()])
                .args(arguments);
            command
        };
        let port = free_port()?;
        let inject = Server::start(service("inject.mjs", &[&port.to_string()]), port).await?;
        let workers = [
            worker(service("post.mjs", &[post, rows]))?,
            worker(service("journal.mjs", &[journal]))?,
        ];
        Ok(Self {
            inject,
            workers,
            redis,
            postgres,
            _folder: folder,
        })
    }

    fn place(&self) -> anyhow::Result<Place> {
        let mut pids = vec![self.inject.pid(), self.redis.pid(), self.postgres.pid()];
        for worker in &self.workers {
            pids.push(worker.id().context("a worker has ended")?);
        }
        Ok(Place {
            side: Side::Theirs,
            host: format!("127.0.0.1:{}", self.inject.port),
            token: None,
            pids,
        })
    }

    async fn stop(self) -> anyhow::Result<()> {
        for mut worker in self.workers {
            worker.kill().await?;
        }
        self.inject.kill().await?;
        self.postgres.stop().await?;
        self.redis.stop().await
    }
}

fn worker(mut command: Command) -> anyhow::Result<Child> {
    let child = command.stdin(Stdio::null()).kill_on_drop(true).spawn();
    child.context("cannot start node")
}

async fn redis(folder: &Path) -> anyhow::Result<Server> {
    let port = free_port()?;
    let mut command = Command::new("redis-server");
    command
        .args(["--bind", "127.0.0.1", "--port", &port.to_string()])
        .args(["--appendonly", "yes", "--appendfsync", "everysec"])
        .args(["--save", "", "--maxmemory-policy", "noeviction", "--dir"])
        .arg(folder);
    Server::start(command, port).await
}

async fn postgres(options: &Options, folder: &Path) -> anyhow::Result<Server> {
    let port = free_port()?;
    let mut command = Command::new(options.services.join("cluster"));
    command
        .arg(&options.postgres)
        .arg(folder)
        .arg(port.to_string())
        .arg(options.services.join("schema.sql"));
    Server::start(command, port).await
}
