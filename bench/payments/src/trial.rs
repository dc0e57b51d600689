//! One run of one side: accounts and what they have, then the transfers against the clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::bail;
use bench_harness::Connection;
use portique_payments::{Generator, GeneratorOptions};
use serde_json::json;
use tokio::task::JoinSet;

use crate::BATCH;
use crate::place::{Place, lines};
use crate::processes;

const LINES: &str = "content-type: application/x-ndjson\r\n";
/// The hub is behind; what it says to whoever should come later.
const TOO_MANY_REQUESTS: u16 = 429;
/// Before a request that was told to come later comes again.
const LATER_PAUSE: Duration = Duration::from_millis(100);
/// Between two looks at whether all is done, and at the memory.
const LOOK_PAUSE: Duration = Duration::from_millis(20);
const MEMORY_PAUSE: Duration = Duration::from_millis(500);
/// A side that is not done by then never will be.
const DONE_WAIT_MAX: Duration = Duration::from_secs(900);

/// What a run came to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Took {
    /// Transfers a second, from the first request until all can be found.
    pub(crate) rate: f64,
    /// Until the last request was answered.
    pub(crate) accepted_s: f64,
    pub(crate) cpu_s_per_million: f64,
    /// The most that was seen.
    pub(crate) memory_mib: f64,
}

pub(crate) fn generator(accounts: u32) -> anyhow::Result<Generator> {
    let options = GeneratorOptions {
        accounts,
        ..GeneratorOptions::default()
    };
    Ok(Generator::new(options)?)
}

/// Opens the accounts and pays in what each has; how many transactions that were.
pub(crate) async fn prepare(place: &Place, generator: &Generator) -> anyhow::Result<u64> {
    let mut connection = place.connect().await?;
    for body in place.openings(generator) {
        send(&mut connection, &place.path("accounts"), body.as_bytes()).await?;
    }
    let deposits: Vec<_> = generator.deposits().map(|deposit| json!(deposit)).collect();
    for batch in deposits.chunks(BATCH as usize) {
        let body = lines(batch);
        send(
            &mut connection,
            &place.path("transactions"),
            body.as_bytes(),
        )
        .await?;
    }
    let deposits = deposits.len() as u64;
    wait_done(place, &mut connection, deposits).await?;
    Ok(deposits)
}

/// Sends so many batches and waits until all of them can be found.
pub(crate) async fn measure(
    place: &Place,
    generator: &Generator,
    batches: u32,
    connections: usize,
) -> anyhow::Result<Took> {
    let deposits = prepare(place, generator).await?;
    let transfers = u64::from(batches) * u64::from(BATCH);
    let body = |batch: u32| generator.lines(u64::from(batch) * u64::from(BATCH), BATCH);
    let bodies: Arc<Vec<String>> = Arc::new((0..batches).map(body).collect());
    let memory = Arc::new(AtomicU64::new(0));
    let mut watch = JoinSet::new();
    watch.spawn(watch_memory(place.pids.clone(), memory.clone()));

    let cpu = processes::cpu_seconds(&place.pids)?;
    let begin = Instant::now();
    let next = Arc::new(AtomicU32::new(0));
    let mut senders = JoinSet::new();
    for _ in 0..connections {
        let connection = place.connect().await?;
        let path = place.path("transactions");
        senders.spawn(send_all(connection, path, bodies.clone(), next.clone()));
    }
    while let Some(sender) = senders.join_next().await {
        sender??;
    }
    let accepted_s = begin.elapsed().as_secs_f64();
    let mut connection = place.connect().await?;
    wait_done(place, &mut connection, deposits + transfers).await?;
    let took_s = begin.elapsed().as_secs_f64();
    let cpu_s = processes::cpu_seconds(&place.pids)? - cpu;
    place.check(&mut connection, deposits + transfers).await?;
    watch.shutdown().await;
    Ok(Took {
        rate: transfers as f64 / took_s,
        accepted_s,
        cpu_s_per_million: cpu_s / transfers as f64 * 1e6,
        memory_mib: f64::from_bits(memory.load(Ordering::Relaxed)),
    })
}

async fn send_all(
    mut connection: Connection,
    path: String,
    bodies: Arc<Vec<String>>,
    next: Arc<AtomicU32>,
) -> anyhow::Result<()> {
    while let Some(body) = bodies.get(next.fetch_add(1, Ordering::Relaxed) as usize) {
        send(&mut connection, &path, body.as_bytes()).await?;
    }
    Ok(())
}

/// Sends a body until it is taken: whoever is told to come later does.
pub(crate) async fn send(
    connection: &mut Connection,
    path: &str,
    body: &[u8],
) -> anyhow::Result<()> {
    loop {
        let answer = connection.try_send(path, LINES, body).await?;
        match answer.status {
            200..300 => return Ok(()),
            TOO_MANY_REQUESTS => {}
            status => bail!("{path}: {status}: {}", String::from_utf8_lossy(answer.body)),
        }
        tokio::time::sleep(LATER_PAUSE).await;
    }
}

/// Waits until so many transactions can be found.
pub(crate) async fn wait_done(
    place: &Place,
    connection: &mut Connection,
    transactions: u64,
) -> anyhow::Result<()> {
    let begin = Instant::now();
    while !place.is_done(connection, transactions).await? {
        if begin.elapsed() > DONE_WAIT_MAX {
            bail!("not done after {} s", DONE_WAIT_MAX.as_secs());
        }
        tokio::time::sleep(LOOK_PAUSE).await;
    }
    Ok(())
}

async fn watch_memory(pids: Vec<u32>, most: Arc<AtomicU64>) {
    loop {
        let seen = processes::memory_mib(&pids).unwrap_or_default();
        let before = f64::from_bits(most.load(Ordering::Relaxed));
        most.store(before.max(seen).to_bits(), Ordering::Relaxed);
        tokio::time::sleep(MEMORY_PAUSE).await;
    }
}
