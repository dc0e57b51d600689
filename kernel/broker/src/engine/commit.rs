use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use portique_bus::Error;
use portique_clock::Timestamp;
use portique_event::Event;
use portique_fault::{Code, Fault, chain};
use portique_jobs::{Fact as JobsFact, Now};
use portique_journal::{Lane, Pending, Record};

use crate::fact::{Carriage, Fact, Published};
use crate::job_tail::Stored;
use crate::tail::{Placed, Stamped};

use super::{Core, Shared};

/// A change about to be submitted: its record, and what it does here.
#[derive(Clone)]
pub(super) struct Draft {
    record: Record,
    change: Change,
}

#[derive(Clone)]
#[expect(
    clippy::large_enum_variant,
    reason = "most changes are jobs, and a box for each costs more than moving it"
)]
enum Change {
    Fact(Fact),
    Event { fact: Fact, stamped: Arc<Stamped> },
    Jobs(JobsFact),
}

/// An event about to be published: the body of its record, and what is kept of it here.
pub(super) struct Publication {
    body: Bytes,
    stamped: Arc<Stamped>,
}

impl Publication {
    /// Its body becomes a part of the buffer, which all of a frame share.
    pub(super) fn new(buffer: &mut BytesMut, accepted: Timestamp, event: Event) -> Self {
        let body = Published::encode_into(buffer, accepted, &event);
        let stamped = Stamped {
            accepted,
            event,
            carriage: None,
        };
        Self {
            body,
            stamped: Arc::new(stamped),
        }
    }

    pub(super) fn event(&self) -> &Event {
        &self.stamped.event
    }

    /// Bytes of its record.
    pub(super) fn bytes(&self) -> usize {
        self.body.len()
    }

    fn fact(&self) -> Fact {
        Fact::Published(self.body.clone())
    }

    fn record(&self) -> Record {
        let (kind, body) = self.fact().encode();
        Record { kind, body }
    }
}

impl Draft {
    pub(super) fn fact(fact: Fact) -> Self {
        let (kind, body) = fact.encode();
        Self {
            record: Record { kind, body },
            change: Change::Fact(fact),
        }
    }

    pub(super) fn event(accepted: Timestamp, event: Event) -> Self {
        Self::publication(&Publication::new(&mut BytesMut::new(), accepted, event))
    }

    pub(super) fn publication(publication: &Publication) -> Self {
        Self {
            record: publication.record(),
            change: Change::Event {
                fact: publication.fact(),
                stamped: publication.stamped.clone(),
            },
        }
    }

    pub(super) fn jobs(fact: JobsFact) -> Self {
        let (kind, body) = fact.encode();
        Self {
            record: Record { kind, body },
            change: Change::Jobs(fact),
        }
    }

    /// An event's next place.
    pub(super) fn carried(placed: &Placed) -> Self {
        let Stamped {
            accepted,
            event,
            carriage,
        } = placed.stamped.as_ref();
        let previous = placed.sequence;
        let origin = carriage.map_or(previous, |before| before.origin);
        let carriage = Carriage { previous, origin };
        let fact = Fact::Carried(Published::encode_carried(*accepted, event, carriage));
        let (kind, body) = fact.encode();
        let stamped = Arc::new(Stamped {
            accepted: *accepted,
            event: event.clone(),
            carriage: Some(carriage),
        });
        Self {
            record: Record { kind, body },
            change: Change::Event { fact, stamped },
        }
    }

    /// Whether it is the tick of a schedule.
    pub(super) fn is_tick(&self) -> bool {
        matches!(&self.change, Change::Jobs(fact) if fact.is_tick())
    }

    /// The event it publishes, if it does.
    pub(super) fn as_event(&self) -> Option<&Event> {
        match &self.change {
            Change::Event { stamped, .. } => Some(&stamped.event),
            Change::Fact(_) | Change::Jobs(_) => None,
        }
    }

    /// Bytes of its record.
    pub(super) fn bytes(&self) -> usize {
        self.record.body.len()
    }

    #[cfg(test)]
    pub(super) fn record(&self) -> Record {
        self.record.clone()
    }
}

impl Shared {
    /// Decides under the lock, and submits and applies what was decided, unless the broker is being
    /// closed. None when nothing was decided.
    pub(super) async fn commit(
        &self,
        lane: Lane,
        mut decide: impl FnMut(&Core, Duration) -> Result<Vec<Draft>, Error>,
    ) -> Result<Option<Pending>, Error> {
        let decide = |core: &Core, now| {
            self.check_open()?;
            decide(core, now)
        };
        self.submit(lane, decide, bus_error).await
    }

    /// As [`commit`](Self::commit), in any case: waits while the journal's queue is full, and then
    /// decides again.
    pub(super) async fn submit<E>(
        &self,
        lane: Lane,
        mut decide: impl FnMut(&Core, Duration) -> Result<Vec<Draft>, E>,
        refusal: impl Fn(portique_journal::Error) -> E,
    ) -> Result<Option<Pending>, E> {
        let attempt = |core: &mut Core, now: Now| {
            let drafts = decide(core, now.monotonic)?;
            Ok((!drafts.is_empty()).then(|| core.submit(self, drafts, lane, now)))
        };
        self.when_room(lane, attempt, refusal).await
    }

    /// Publishes events that no job is bound to. None, and nothing was done, when there is none, or a job
    /// is bound to one: whether that is taken in depends on those before it.
    pub(super) async fn publish_unbound<'a>(
        &self,
        publications: impl Iterator<Item = &'a Publication> + Clone,
    ) -> Result<Option<Pending>, Error> {
        let attempt = |core: &mut Core, now: Now| {
            self.check_open()?;
            let mut events = publications.clone().map(Publication::event).peekable();
            if events.peek().is_none() || core.jobs.binds_any(events) {
                return Ok(None);
            }
            Ok(Some(core.publish(self, publications.clone(), now)))
        };
        self.when_room(Lane::Work, attempt, bus_error).await
    }

    /// Attempts under the lock until it is not the journal's queue that is full. None when there was
    /// nothing to do.
    async fn when_room<E>(
        &self,
        lane: Lane,
        mut attempt: impl FnMut(&mut Core, Now) -> Result<Option<Submitted>, E>,
        refusal: impl Fn(portique_journal::Error) -> E,
    ) -> Result<Option<Pending>, E> {
        loop {
            let submitted = {
                let mut core = self.core();
                let now = self.now();
                attempt(&mut core, now)?
            };
            match submitted.transpose() {
                Ok(pending) => return Ok(pending),
                Err(portique_journal::Error::Full { wanted_bytes, .. }) => {
                    let room = self.journal.room(lane, wanted_bytes).await;
                    room.map_err(&refusal)?;
                }
                Err(error) => return Err(refusal(error)),
            }
        }
    }

    pub(super) fn check_open(&self) -> Result<(), Error> {
        if self.is_closed() {
            return Err(Error::Unavailable {
                reason: "it is being closed".into(),
            });
        }
        Ok(())
    }
}

/// What the journal said of records.
type Submitted = Result<Pending, portique_journal::Error>;

impl Core {
    /// Hands the changes to the journal in one frame and takes them in.
    pub(super) fn submit(
        &mut self,
        shared: &Shared,
        drafts: Vec<Draft>,
        lane: Lane,
        now: Now,
    ) -> Result<Pending, portique_journal::Error> {
        let records = drafts.iter().map(|draft| draft.record.clone()).collect();
        let pending = shared.journal.submit(records, lane)?;
        let durable = shared.durable();
        for (sequence, draft) in (pending.sequences().start().0..).zip(drafts) {
            let bytes = draft.bytes();
            match draft.change {
                Change::Fact(fact) => self.apply(sequence, &fact, now),
                Change::Jobs(fact) => {
                    let Record { kind, body } = draft.record;
                    self.jobs
                        .take_in(sequence, &fact, Stored { kind, body }, now);
                }
                Change::Event { fact, stamped } => {
                    self.state.apply(sequence, &fact, now.monotonic);
                    self.tail.push(Placed { sequence, stamped }, bytes, durable);
                }
            }
            self.last = sequence;
            self.written += bytes as u64;
        }
        self.jobs.pass_on(&shared.jobs, now);
        Ok(pending)
    }

    /// As [`submit`](Self::submit), of events alone: a hub does nothing more often.
    fn publish<'a>(
        &mut self,
        shared: &Shared,
        publications: impl Iterator<Item = &'a Publication> + Clone,
        now: Now,
    ) -> Submitted {
        let records = publications.clone().map(Publication::record).collect();
        let pending = shared.journal.submit(records, Lane::Work)?;
        let durable = shared.durable();
        for (sequence, publication) in (pending.sequences().start().0..).zip(publications) {
            self.state
                .apply(sequence, &publication.fact(), now.monotonic);
            let placed = Placed {
                sequence,
                stamped: publication.stamped.clone(),
            };
            self.tail.push(placed, publication.bytes(), durable);
            self.last = sequence;
            self.written += publication.bytes() as u64;
        }
        self.jobs.pass_on(&shared.jobs, now);
        Ok(pending)
    }

    fn apply(&mut self, sequence: u64, fact: &Fact, now: Now) {
        self.state.apply(sequence, fact, now.monotonic);
        match fact {
            Fact::Opened(opened) => self.jobs.machine.open(opened.epoch),
            Fact::Transacted(transacted) => self.remembered.apply(sequence, transacted),
            _ => {}
        }
    }
}

/// What the journal's refusal means to a user of the bus.
pub(super) fn bus_error(error: portique_journal::Error) -> Error {
    use portique_journal::Error as Journal;
    match error {
        Journal::TooLarge { given, max, unit } => Error::BatchTooLarge { given, max, unit },
        Journal::DrainOnly { .. } => {
            let remedy = "events are refused, acknowledgements are not: free space on the disk or \
                          shorten retention";
            Error::Exhausted {
                resource: "disk space",
                remedy: remedy.into(),
            }
        }
        Journal::Starved { .. } => Error::Exhausted {
            resource: "disk space",
            remedy: "not even the reserve is left: free space on the disk".into(),
        },
        Journal::Full { .. } => {
            let remedy = "the disk is slower than the publishers: publish less at a time";
            Error::Exhausted {
                resource: "room in the journal's queue",
                remedy: remedy.into(),
            }
        }
        Journal::Corrupt {
            path,
            offset,
            reason,
            ..
        } => Error::Damaged {
            path,
            offset,
            problem: reason,
        },
        other if other.code() == Code::ResourceExhausted => Error::Exhausted {
            resource: "disk space",
            remedy: chain(&other),
        },
        other => Error::Unavailable {
            reason: chain(&other),
        },
    }
}

/// What it means that facts already submitted did not become durable: the next start may find them.
pub(super) fn in_doubt(error: portique_journal::Error) -> Error {
    Error::InDoubt {
        reason: chain(&error),
    }
}
