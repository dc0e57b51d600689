//! BullMQ on a Redis of its own, driven from Node.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::Context;
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::load::Ended;
use crate::report::Peer;
use crate::server::Server;

pub(crate) struct BullMq {
    driver: PathBuf,
    pub(crate) peer: Peer,
    redis: Server,
}

/// A line of the driver; each role gives some of these.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Line {
    start: f64,
    end: f64,
    p50_ms: f64,
    p99_ms: f64,
}

impl BullMq {
    /// As it ships, and as it would have to run to promise what we do; none when ours is alone.
    pub(crate) fn peers(alone: bool) -> &'static [Peer] {
        if alone {
            return &[];
        }
        &[Peer::BULLMQ_EVERYSEC, Peer::BULLMQ_ALWAYS]
    }

    pub(crate) async fn start(driver: &Path, peer: &Peer) -> anyhow::Result<Self> {
        let redis = Server::redis(peer.sync).await?;
        let driver = driver.to_owned();
        Ok(Self {
            driver,
            peer: *peer,
            redis,
        })
    }

    /// Processor seconds of Redis alone.
    pub(crate) fn cpu_seconds(&self) -> anyhow::Result<f64> {
        self.redis.cpu_seconds()
    }

    /// From the first `addBulk` to the last completion.
    pub(crate) async fn bulk(
        &self,
        jobs: usize,
        batch: usize,
        workers: usize,
    ) -> anyhow::Result<Ended> {
        self.both(
            ["bulk".into(), jobs.to_string(), batch.to_string()],
            jobs,
            workers,
        )
        .await
    }

    /// From the first `add` to the last completion.
    pub(crate) async fn single(&self, jobs: usize, in_flight: usize) -> anyhow::Result<Ended> {
        self.both(
            ["add".into(), jobs.to_string(), in_flight.to_string()],
            jobs,
            in_flight,
        )
        .await
    }

    /// `rate` jobs a second, each added at its time.
    pub(crate) async fn paced(
        &self,
        rate: u32,
        seconds: u32,
        workers: usize,
    ) -> anyhow::Result<Ended> {
        let jobs = (rate * seconds) as usize;
        self.both(
            ["paced".into(), rate.to_string(), seconds.to_string()],
            jobs,
            workers,
        )
        .await
    }

    /// Starts the worker, then the producer, and waits for both.
    async fn both(
        &self,
        producer: [String; 3],
        jobs: usize,
        workers: usize,
    ) -> anyhow::Result<Ended> {
        let worker = ["work".into(), jobs.to_string(), workers.to_string()];
        let (mut worker, mut from_worker) = self.role(&worker)?;
        line(&mut from_worker).await?;
        let (mut producer, mut from_producer) = self.role(&producer)?;
        let added = line(&mut from_producer).await?;
        let worked = line(&mut from_worker).await?;
        producer.wait().await?;
        worker.wait().await?;
        Ok(Ended {
            rate: jobs as f64 / ((worked.end - added.start) / 1000.0),
            p50_ms: worked.p50_ms,
            p99_ms: worked.p99_ms,
        })
    }

    fn role(&self, words: &[String; 3]) -> anyhow::Result<(Child, Lines<BufReader<ChildStdout>>)> {
        let [role, first, second] = words;
        let mut child = Command::new("node")
            .arg(&self.driver)
            .args([role, &self.redis.port.to_string(), first, second])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("cannot start node")?;
        let out = child.stdout.take().context("no standard output")?;
        Ok((child, BufReader::new(out).lines()))
    }

    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        self.redis.stop().await
    }
}

async fn line(lines: &mut Lines<BufReader<ChildStdout>>) -> anyhow::Result<Line> {
    let text = lines
        .next_line()
        .await?
        .context("node ended without its figures")?;
    serde_json::from_str(&text).with_context(|| format!("node said {text:?}"))
}
