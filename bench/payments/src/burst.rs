//! A burst of transfers while the hub is killed, and what is missing after it.
//!
//! Every batch is sent until it was answered, so that some come twice; each transfer has to be posted once. What every
//! account holds at the end is worked out beside the hub, from what was generated: one lost or doubled is seen there.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use bench_harness::{Connection, Hub};
use clap::Args;
use portique_clock::{Random, Seeded};
use portique_payments::{Amount, Currency, Generator};
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::place::{Place, ask};
use crate::{BATCH, Options, ours, processes, trial};

/// Between two kills.
const KILL_PAUSE_MS: std::ops::Range<u64> = 300..3_000;
/// Between two tries to reach a hub that is not there, and between two looks.
const RETRY_PAUSE: Duration = Duration::from_millis(50);
const MEMORY_PAUSE: Duration = Duration::from_millis(250);
/// A burst that is not drained by then never will be.
const DRAINED_WAIT_MAX: Duration = Duration::from_secs(1_200);
/// Accounts of one page.
const PAGE: usize = 1_000;

/// `bench/payments/run burst`.
#[derive(Debug, Args)]
pub(crate) struct Burst {
    /// Transfers, in thousands.
    #[arg(long, default_value_t = 2_000)]
    thousands: u32,
    /// Says when the hub is killed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Kills of the hub, and of the workers inside it.
    #[arg(long, default_value_t = 12)]
    kills: u32,
    /// Memory that the hub may take, in MiB.
    #[arg(long, default_value_t = 1_024)]
    memory_mib_max: u32,
}

/// What was seen on the way.
#[derive(Debug, Default)]
struct Seen {
    kills: u32,
    /// The longest that a hub took until it was ready again.
    ready: Duration,
    /// The most memory.
    memory: Arc<AtomicU64>,
}

/// Where the hub is now; none while there is none.
type Whereabouts = watch::Receiver<Option<Place>>;

impl Burst {
    pub(crate) async fn run(&self, options: &Options) -> anyhow::Result<()> {
        let burst = self.all(options).await;
        burst.with_context(|| format!("burst --seed {}", self.seed))
    }

    async fn all(&self, options: &Options) -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        let hub = Hub::start_on(&options.portique, folder.path()).await?;
        let generator = Arc::new(trial::generator(options.accounts)?);
        let deposits = trial::prepare(&ours::place(&hub), &generator).await?;

        let (tell, whereabouts) = watch::channel(Some(ours::place(&hub)));
        let mut seen = Seen::default();
        let mut watchers = JoinSet::new();
        watchers.spawn(watch_memory(whereabouts.clone(), seen.memory.clone()));
        let begin = Instant::now();
        let mut senders = self.senders(options, &generator, &whereabouts);
        let hub = self
            .kill_now_and_then(hub, folder.path(), options, &tell, &mut seen, &senders)
            .await?;
        while let Some(sender) = senders.join_next().await {
            sender??;
        }
        let accepted = begin.elapsed();
        let place = ours::place(&hub);
        let total = deposits + self.transfers();
        wait_drained(&place, total).await?;
        let drained = begin.elapsed();
        let repeated = self.check(&place, &generator, deposits).await?;
        let memory_mib = f64::from_bits(seen.memory.load(Ordering::Relaxed));
        ensure!(
            memory_mib <= f64::from(self.memory_mib_max),
            "the hub took {memory_mib:.0} MiB"
        );
        hub.stop().await?;
        self.print(&seen, accepted, drained, repeated);
        Ok(())
    }

    fn transfers(&self) -> u64 {
        u64::from(self.thousands) * u64::from(BATCH)
    }

    fn senders(
        &self,
        options: &Options,
        generator: &Arc<Generator>,
        whereabouts: &Whereabouts,
    ) -> JoinSet<anyhow::Result<()>> {
        let next = Arc::new(AtomicU32::new(0));
        let mut senders = JoinSet::new();
        for _ in 0..options.connections {
            let (generator, next) = (generator.clone(), next.clone());
            let (whereabouts, end) = (whereabouts.clone(), self.thousands);
            senders.spawn(async move {
                let mut connection = None;
                loop {
                    let batch = next.fetch_add(1, Ordering::Relaxed);
                    if batch >= end {
                        return Ok(());
                    }
                    let body = generator.lines(u64::from(batch) * u64::from(BATCH), BATCH);
                    send(body.as_bytes(), &mut connection, &whereabouts).await?;
                }
            });
        }
        senders
    }

    /// Kills the hub as the seed says, while the burst comes in and while it is drained.
    async fn kill_now_and_then(
        &self,
        mut hub: Hub,
        folder: &Path,
        options: &Options,
        tell: &watch::Sender<Option<Place>>,
        seen: &mut Seen,
        senders: &JoinSet<anyhow::Result<()>>,
    ) -> anyhow::Result<Hub> {
        let mut random = Seeded::new(self.seed);
        for _ in 0..self.kills {
            let pause = KILL_PAUSE_MS.start + random.below(KILL_PAUSE_MS.end - KILL_PAUSE_MS.start);
            tokio::time::sleep(Duration::from_millis(pause)).await;
            if senders.is_empty() {
                break;
            }
            tell.send_replace(None);
            hub.kill().await?;
            hub = Hub::start_on(&options.portique, folder).await?;
            seen.kills += 1;
            seen.ready = seen.ready.max(hub.ready);
            tell.send_replace(Some(ours::place(&hub)));
        }
        Ok(hub)
    }

    /// Holds all that is there against what was generated; how many came again.
    async fn check(
        &self,
        place: &Place,
        generator: &Generator,
        deposits: u64,
    ) -> anyhow::Result<u64> {
        let mut connection = place.connect().await?;
        let counts = ask(&mut connection, &place.path("counts")).await?;
        let posted = counts["posted"].as_u64().context("no count")?;
        let wanted = deposits + self.transfers();
        ensure!(
            posted == wanted,
            "{posted} were posted, not {wanted}: {counts}"
        );
        ensure!(counts["drift"] == 0, "there is drift: {counts}");
        let balance = ask(&mut connection, &place.path("trial-balance")).await?;
        let mut currencies = balance.as_array().context("no trial balance")?.iter();
        ensure!(
            currencies.all(|it| it["balanced"] == true),
            "the trial balance is {balance}"
        );
        let verified = ask(&mut connection, &place.path("verify")).await?;
        ensure!(
            verified["ok"] == true,
            "the chain of hashes says {verified}"
        );
        let mut expected = self.expected(generator)?;
        for (iban, minor) in balances(place, &mut connection).await? {
            let wanted = expected.remove(&iban).unwrap_or_default();
            ensure!(
                minor == wanted,
                "account {iban} has {minor} and should have {wanted}"
            );
        }
        ensure!(
            expected.is_empty(),
            "{} accounts are missing",
            expected.len()
        );
        Ok(counts["known"].as_u64().unwrap_or_default())
    }

    /// What every account holds when all was posted once, in the smallest unit.
    fn expected(&self, generator: &Generator) -> anyhow::Result<BTreeMap<String, i64>> {
        let mut expected = BTreeMap::new();
        let transfers = (0..self.transfers()).map(|number| generator.transfer(number));
        for transfer in generator.deposits().chain(transfers) {
            let minor = Amount::parse(&transfer.amount, Currency::EUR)?.minor();
            *expected.entry(transfer.debtor).or_insert(0) -= minor;
            *expected.entry(transfer.creditor).or_insert(0) += minor;
        }
        Ok(expected)
    }

    #[expect(clippy::print_stdout, reason = "a benchmark prints what it found")]
    fn print(&self, seen: &Seen, accepted: Duration, drained: Duration, repeated: u64) {
        let memory_mib = f64::from_bits(seen.memory.load(Ordering::Relaxed));
        println!(
            "burst --seed {}: {} transfers, {} kills\n  none lost, none doubled ({repeated} came again and were known), \
             trial balance zero, chain of hashes intact\n  accepted in {:.1} s, drained in {:.1} s, {memory_mib:.0} MiB \
             at most, ready again in {:.2} s at most",
            self.seed,
            self.transfers(),
            seen.kills,
            accepted.as_secs_f64(),
            drained.as_secs_f64(),
            seen.ready.as_secs_f64(),
        );
    }
}

/// Sends a batch until it was answered, wherever the hub is by then.
async fn send(
    body: &[u8],
    connection: &mut Option<(Place, Connection)>,
    whereabouts: &Whereabouts,
) -> anyhow::Result<()> {
    loop {
        let now = whereabouts.borrow().clone();
        let Some(place) = now else {
            tokio::time::sleep(RETRY_PAUSE).await;
            continue;
        };
        let is_there = connection
            .as_ref()
            .is_some_and(|(at, _)| at.host == place.host);
        if !is_there {
            *connection = match place.connect().await {
                Ok(open) => Some((place.clone(), open)),
                Err(_) => None,
            };
        }
        if let Some((at, open)) = connection {
            let path = at.path("transactions");
            match trial::send(open, &path, body).await {
                Ok(()) => return Ok(()),
                // An answer other than "taken" or "later" is no kill.
                Err(error)
                    if whereabouts
                        .borrow()
                        .as_ref()
                        .is_some_and(|it| it.host == at.host)
                        && !is_broken(&error) =>
                {
                    return Err(error);
                }
                Err(_) => *connection = None,
            }
        }
        tokio::time::sleep(RETRY_PAUSE).await;
    }
}

/// Whether a connection has ended, as it does when the other end is killed.
fn is_broken(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some()
        || error.to_string().contains("closed the connection")
}

async fn wait_drained(place: &Place, transactions: u64) -> anyhow::Result<()> {
    let mut connection = place.connect().await?;
    let begin = Instant::now();
    loop {
        let counts = ask(&mut connection, &place.path("counts")).await?;
        let queues = counts["queues"].as_array().context("no queues")?.iter();
        let waiting: u64 = queues
            .flat_map(|queue| {
                ["waiting", "active", "delayed"].map(|state| queue[state].as_u64().unwrap_or(1))
            })
            .sum();
        if waiting == 0 && counts["posted"].as_u64() >= Some(transactions) {
            return Ok(());
        }
        if begin.elapsed() > DRAINED_WAIT_MAX {
            bail!("not drained: {counts}");
        }
        tokio::time::sleep(RETRY_PAUSE).await;
    }
}

/// Every account and what it holds, in the smallest unit.
async fn balances(
    place: &Place,
    connection: &mut Connection,
) -> anyhow::Result<Vec<(String, i64)>> {
    let mut all = Vec::new();
    let mut after = String::new();
    loop {
        let path = place.path(&format!("accounts?limit={PAGE}{after}"));
        let page = ask(connection, &path).await?;
        for account in page["accounts"].as_array().context("no accounts")? {
            let iban = account["iban"].as_str().context("no number")?;
            let balance = account["balance"].as_str().context("no balance")?;
            // Always as many digits behind the point as the currency has.
            all.push((iban.to_owned(), balance.replace('.', "").parse()?));
        }
        match &page["next"] {
            Value::String(next) => after = format!("&after={next}"),
            _ => return Ok(all),
        }
    }
}

async fn watch_memory(whereabouts: Whereabouts, most: Arc<AtomicU64>) {
    loop {
        let place = whereabouts.borrow().clone();
        let seen = place.map_or(0.0, |place| {
            processes::memory_mib(&place.pids).unwrap_or_default()
        });
        let before = f64::from_bits(most.load(Ordering::Relaxed));
        most.store(before.max(seen).to_bits(), Ordering::Relaxed);
        tokio::time::sleep(MEMORY_PAUSE).await;
    }
}
