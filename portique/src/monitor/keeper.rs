//! What has been decided about alerts and notifications, kept so that a restart goes on where it was.
//!
//! A fact is an event on the bus, under `monitor.<name>.<kind>`: whoever wants the history reads it there. What
//! belongs to facts, such as the jobs that they decided, is committed with them. A checkpoint is a list of facts
//! in the records; on a start it is applied, and the events behind it. A consumer that nobody fetches for holds
//! retention off what no checkpoint has yet.

mod checkpoint;
mod facts;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use portique_bus::{Bus, ConsumerName, ConsumerOptions, Sequence, Start};
use portique_clock::{Clock, Seeded};
use portique_event::{DATA_BYTES_MAX, Data, Event, EventId, Filter, Subject};
use portique_fault::{Code, Fault, Retry};
use portique_jobs::{Committed, Transact, Transaction};
use portique_records::Records;

/// The first token of the facts' subjects.
pub(crate) const SUBJECTS: &str = "monitor";
/// What the names of their consumers begin with.
pub(crate) const CONSUMERS: &str = "monitor-";

/// A fact has at most this many bytes: what an event may carry.
pub(crate) const FACT_BYTES_MAX: usize = DATA_BYTES_MAX;
/// Facts of one frame: half of what the bus takes at once, so that there is room for what belongs to them.
const FRAME_FACTS_MAX: usize = 500;
/// Bytes of the facts of one frame, but for a single fact that is larger: half of what the bus takes at once.
const FRAME_BYTES_MAX: usize = 1024 * 1024;
/// Facts read back in one go: as much as the bus gives.
const PAGE_FACTS: usize = 1_000;
/// A checkpoint is due after this many facts, so that a start applies few, or after as many as the last one
/// had, so that a large state is not written all the time.
const CHECKPOINT_FACTS_MIN: u64 = 1_000;
/// A checkpoint is due after this long, however few facts there were: until then they hold retention.
const CHECKPOINT_AFTER: Duration = Duration::from_mins(1);
/// A checkpoint waits that long once more for as many facts as it has.
const FACTS_PER_WAIT: u64 = 10_000;
/// Retention is given no fewer records than this: giving takes a record too.
const RELEASE_MIN: u64 = 100;

/// Something decided that is kept: applied in order, facts make a state what it was.
pub(crate) trait KeptFact: Sized + Send + Sync + 'static {
    /// What these facts are about: the second token of their subjects, and the name of their checkpoint.
    const NAME: &'static str;

    /// The third token of its subject.
    fn kind(&self) -> &'static str;

    /// What orders it among others, for consumers that want to keep it, if anything.
    fn key(&self) -> Option<String>;

    /// A JSON object.
    fn encode(&self) -> Vec<u8>;

    /// Reads what [`encode`](Self::encode) wrote.
    ///
    /// # Errors
    /// What is wrong with it.
    fn decode(bytes: &[u8]) -> Result<Self, String>;
}

/// What facts are kept in.
#[derive(Clone)]
pub(crate) struct KeeperPorts {
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) transact: Arc<dyn Transact>,
    pub(crate) records: Arc<dyn Records>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Seeded,
}

/// Keeps the facts of one state machine; there is one keeper for each kind of facts.
pub(crate) struct Keeper<F> {
    ports: KeeperPorts,
    consumer: ConsumerName,
    /// Whether the consumer is there: it comes with the first fact.
    holds: bool,
    /// The first event that no checkpoint has.
    next: Sequence,
    /// Retention has what is before this.
    released: Sequence,
    /// Facts that no checkpoint has.
    behind: u64,
    /// Facts in the newest checkpoint.
    kept: u64,
    generation: u64,
    checkpoint_at: Duration,
    kind: std::marker::PhantomData<fn() -> F>,
}

/// Why facts are not kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The bus did not take or give events.
    #[error("the bus does not keep what is decided about {name}")]
    Bus {
        /// About what.
        name: &'static str,
        #[source]
        source: portique_jobs::Error,
    },
    /// The records did not take or give a checkpoint.
    #[error("the records do not keep a checkpoint of {name}")]
    Records {
        /// Of what.
        name: &'static str,
        #[source]
        source: portique_records::Error,
    },
    /// What was kept cannot be read.
    #[error("what was decided about {name} cannot be read: {place}: {problem}")]
    Damaged {
        /// About what.
        name: &'static str,
        /// Which event or document.
        place: String,
        /// What is wrong with it.
        problem: String,
    },
}

impl Fault for Error {
    fn code(&self) -> Code {
        match self {
            Self::Bus { source, .. } => source.code(),
            Self::Records { source, .. } => source.code(),
            Self::Damaged { .. } => Code::DataLoss,
        }
    }

    fn retry(&self) -> Retry {
        match self {
            Self::Bus { source, .. } => source.retry(),
            Self::Records { source, .. } => source.retry(),
            Self::Damaged { .. } => Retry::No,
        }
    }
}

impl<F: KeptFact> Keeper<F> {
    /// Applies everything that was kept, oldest first.
    ///
    /// # Errors
    /// [`Error`]; nothing was changed.
    pub(crate) async fn open(
        ports: KeeperPorts,
        mut apply: impl FnMut(F) + Send,
    ) -> Result<Self, Error> {
        let head = checkpoint::read(ports.records.as_ref(), &mut apply).await?;
        let consumer = ConsumerName::new(format!("{CONSUMERS}{}", F::NAME));
        let checkpoint_at = ports.clock.monotonic();
        let mut keeper = Self {
            ports,
            consumer: consumer.expect("names of facts are short words"),
            holds: false,
            next: Sequence(head.next),
            released: Sequence(0),
            behind: 0,
            kept: head.facts,
            generation: head.generation,
            checkpoint_at,
            kind: std::marker::PhantomData,
        };
        keeper.catch_up(&mut apply).await?;
        Ok(keeper)
    }

    /// Keeps facts with what belongs to them; durable on return. Within a frame, 500 facts or 1 MiB, all is kept
    /// or nothing; of more, the first frames may be kept when a later one is not, and what belongs to them goes
    /// with the last.
    ///
    /// Facts alone are kept even when the disk is nearly full: alerts begin then too.
    ///
    /// # Errors
    /// [`Error::Bus`], also for a fact that is too large.
    pub(crate) async fn keep(
        &mut self,
        facts: &[F],
        with: Transaction,
    ) -> Result<Committed, Error> {
        let mut frames = self.frames(facts)?;
        if !facts.is_empty() {
            self.hold().await?;
        }
        let last = match with == Transaction::default() {
            true => None,
            false => Some(frames.pop().unwrap_or_default()),
        };
        for frame in frames {
            let count = frame.len() as u64;
            let published = self.ports.bus.publish_reserved(frame).await;
            published.map_err(|error| bus_error::<F>(error.into()))?;
            self.behind += count;
        }
        let Some(mut publish) = last else {
            return Ok(Committed::default());
        };
        let count = publish.len() as u64;
        publish.extend(with.publish.iter().cloned());
        let committed = self
            .ports
            .transact
            .commit(Transaction { publish, ..with })
            .await;
        let mut committed = committed.map_err(bus_error::<F>)?;
        self.behind += count;
        committed.sequences.drain(..count as usize);
        Ok(committed)
    }

    /// Notes that something happened which is not on the bus: the next checkpoint has it.
    pub(crate) fn owe(&mut self) {
        self.behind += 1;
    }

    /// Whether it is time to write a checkpoint.
    pub(crate) fn is_checkpoint_due(&self) -> bool {
        let waited = self
            .ports
            .clock
            .monotonic()
            .saturating_sub(self.checkpoint_at);
        let many = self.behind >= self.kept.max(CHECKPOINT_FACTS_MIN);
        let waits = u32::try_from(1 + self.kept / FACTS_PER_WAIT).unwrap_or(u32::MAX);
        many || (self.holds && waited >= CHECKPOINT_AFTER.saturating_mul(waits))
    }

    /// Keeps these facts, which make an empty state what it is now, in the place of all before.
    ///
    /// # Errors
    /// [`Error`]; what was kept before still is.
    pub(crate) async fn checkpoint(&mut self, facts: Vec<F>) -> Result<(), Error> {
        self.checkpoint_at = self.ports.clock.monotonic();
        // Only this keeper publishes its facts, so that none comes between this and the end.
        let end = self.end().await?;
        if self.behind > 0 {
            let count = facts.len() as u64;
            let head = checkpoint::Head {
                generation: self.generation + 1,
                next: end.0,
                facts: count,
                chunks: 0,
            };
            checkpoint::write(self.ports.records.as_ref(), head, facts).await?;
            self.generation += 1;
            (self.next, self.behind, self.kept) = (end, 0, count);
        }
        self.release(end).await
    }

    /// Applies the events behind the checkpoint.
    async fn catch_up(&mut self, apply: &mut (impl FnMut(F) + Send)) -> Result<(), Error> {
        let filter = filter::<F>();
        let mut start = self.next;
        loop {
            let page = self
                .ports
                .bus
                .read_back(&filter, Start::Sequence(start), PAGE_FACTS);
            let page = page.await.map_err(|error| bus_error::<F>(error.into()))?;
            for delivered in &page.events {
                apply(read_event(&delivered.event)?);
                self.behind += 1;
            }
            if page.events.is_empty() {
                break;
            }
            start = page.next;
        }
        self.holds = self.is_held().await?;
        Ok(())
    }

    async fn is_held(&self) -> Result<bool, Error> {
        let consumers = self.ports.bus.consumers().await;
        let consumers = consumers.map_err(|error| bus_error::<F>(error.into()))?;
        Ok(consumers.iter().any(|known| known.name == self.consumer))
    }

    /// Holds retention from here on.
    async fn hold(&mut self) -> Result<(), Error> {
        if self.holds {
            return Ok(());
        }
        let options = ConsumerOptions {
            start: Start::New,
            ..ConsumerOptions::new(filter::<F>())
        };
        let made = self.ports.bus.consumer(&self.consumer, options).await;
        made.map_err(|error| bus_error::<F>(error.into()))?;
        self.holds = true;
        Ok(())
    }

    /// Lets retention have what is before this.
    async fn release(&mut self, end: Sequence) -> Result<(), Error> {
        if !self.holds || end.0 < self.released.0 + RELEASE_MIN {
            return Ok(());
        }
        let moved = self.ports.bus.seek(&self.consumer, Start::Sequence(end));
        moved.await.map_err(|error| bus_error::<F>(error.into()))?;
        self.released = end;
        Ok(())
    }

    /// Where the bus goes on, after all events there are.
    async fn end(&self) -> Result<Sequence, Error> {
        let page = self.ports.bus.read(&filter::<F>(), Start::New, 1).await;
        Ok(page.map_err(|error| bus_error::<F>(error.into()))?.next)
    }

    /// The facts as events, in batches that the bus takes.
    fn frames(&mut self, facts: &[F]) -> Result<Vec<Vec<Event>>, Error> {
        let mut frames: Vec<Vec<Event>> = Vec::new();
        let mut room = 0;
        for fact in facts {
            let bytes = fact.encode();
            let size = bytes.len();
            let event = self.event(fact, &bytes)?;
            match frames.last_mut() {
                Some(frame) if size <= room && frame.len() < FRAME_FACTS_MAX => {
                    frame.push(event);
                    room -= size;
                }
                _ => {
                    frames.push(vec![event]);
                    room = FRAME_BYTES_MAX.saturating_sub(size);
                }
            }
        }
        Ok(frames)
    }

    fn event(&mut self, fact: &F, bytes: &[u8]) -> Result<Event, Error> {
        if bytes.len() > FACT_BYTES_MAX {
            return Err(bus_error::<F>(portique_jobs::Error::PayloadTooLarge {
                given: bytes.len(),
                max: FACT_BYTES_MAX,
            }));
        }
        let now = self.ports.clock.now();
        let id = EventId::generate(now, &mut self.ports.random);
        let kind = format!("{}.{}", F::NAME, fact.kind());
        let subject = Subject::new(format!("{SUBJECTS}.{kind}")).expect("kinds are words");
        let value: serde_json::Value =
            serde_json::from_slice(bytes).expect("a fact is a JSON object");
        let event = Event::builder(id, "/monitor", format!("portique.monitor.{kind}"), subject);
        let mut event = event.time(now).json(value);
        if let Some(key) = fact.key() {
            event = event.extension("partitionkey", key);
        }
        // The same object without its spaces and with its keys sorted is not larger.
        Ok(event.build().expect("it is within the limits of an event"))
    }
}

/// All facts of a kind.
fn filter<F: KeptFact>() -> Filter {
    Filter::new(format!("{SUBJECTS}.{}.>", F::NAME)).expect("names of facts are words")
}

fn bus_error<F: KeptFact>(source: portique_jobs::Error) -> Error {
    let name = F::NAME;
    Error::Bus { name, source }
}

fn read_event<F: KeptFact>(event: &Event) -> Result<F, Error> {
    let bytes = match event.data() {
        Some(Data::Json(value)) => serde_json::to_vec(value).unwrap_or_default(),
        _ => Vec::new(),
    };
    F::decode(&bytes).map_err(|problem| Error::Damaged {
        name: F::NAME,
        place: format!("event {}", event.id()),
        problem,
    })
}
