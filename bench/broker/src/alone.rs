//! One event in flight in the engine's own process: what is left between it and the disk.

use std::sync::Arc;

use anyhow::Context;
use portique_broker::{Broker, Config};
use portique_clock::{Seeded, WallClock};
use portique_journal::{FolderDisk, Journal, Opened};

use crate::events;
use crate::load::Ended;

const EVENTS: usize = 5_000;

/// Publishes one event after the other, each durable before the next.
pub(crate) async fn publish(bytes: usize) -> anyhow::Result<Ended> {
    let folder = tempfile::tempdir()?;
    let disk = Arc::new(FolderDisk::open(folder.path())?);
    let clock = Arc::new(WallClock::new());
    let config = portique_journal::Config::default();
    let opened = Journal::open(config, disk, clock.clone(), &mut Seeded::new(1))?;
    let Opened {
        journal, committer, ..
    } = opened;
    let committer = portique_journal::spawn(committer)?;
    let broker = Broker::open(Config::default(), journal.clone(), clock).await?;
    let ended = events::publish_ours(broker.bus(), EVENTS, bytes, 1).await?;
    broker.close().await?;
    journal.close();
    committer.join().ok().context("the committer panicked")?;
    Ok(ended)
}
