use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use portique_bus::Error;
use portique_clock::Timestamp;
use portique_event::Event;
use portique_fault::{Code, Fault, chain};
use portique_journal::{Lane, Pending, Record};

use crate::fact::{Fact, Published};
use crate::tail::{Placed, Stamped};

use super::{Core, Shared};

/// A fact about to be submitted, with the event it is about where it is one.
#[derive(Clone)]
pub(super) struct Draft {
    fact: Fact,
    event: Option<(Arc<Stamped>, usize)>,
}

impl Draft {
    pub(super) fn fact(fact: Fact) -> Self {
        Self { fact, event: None }
    }

    pub(super) fn event(accepted: Timestamp, event: Event) -> Self {
        let body = Published::encode(accepted, &event);
        let bytes = body.len();
        let stamped = Arc::new(Stamped { accepted, event });
        Self {
            fact: Fact::Published(body),
            event: Some((stamped, bytes)),
        }
    }

    /// Bytes of the event's record; 0 for another fact.
    pub(super) fn event_bytes(&self) -> usize {
        self.event.as_ref().map_or(0, |(_, bytes)| *bytes)
    }

    pub(super) fn record(&self) -> Record {
        let (kind, body): (u8, Bytes) = self.fact.encode();
        Record { kind, body }
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
        loop {
            // Taken first: whatever fills the queue at the attempt lies beyond it, so that a queue
            // that is emptied right afterwards is not waited for.
            let next = self.journal.durable().next();
            let submitted = {
                let mut core = self.core();
                let now = self.clock.monotonic();
                let drafts = decide(&core, now)?;
                if drafts.is_empty() {
                    return Ok(None);
                }
                core.submit(self, &drafts, lane, now)
            };
            match submitted {
                Ok(pending) => return Ok(Some(pending)),
                // The queue empties by whole frames, each of which moves the watermark.
                Err(portique_journal::Error::Full { .. }) => {
                    self.journal.wait_durable(next).await.map_err(&refusal)?;
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

impl Core {
    /// Hands the facts to the journal in one frame and takes them in.
    pub(super) fn submit(
        &mut self,
        shared: &Shared,
        drafts: &[Draft],
        lane: Lane,
        now: Duration,
    ) -> Result<Pending, portique_journal::Error> {
        let records = drafts.iter().map(Draft::record).collect();
        let pending = shared.journal.submit(records, lane)?;
        let durable = shared.durable();
        for (sequence, draft) in (pending.sequences().start().0..).zip(drafts) {
            self.state.apply(sequence, &draft.fact, now);
            if let Some((stamped, bytes)) = &draft.event {
                let placed = Placed {
                    sequence,
                    stamped: stamped.clone(),
                };
                self.tail.push(placed, *bytes, durable);
            }
            self.last = sequence;
        }
        Ok(pending)
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
