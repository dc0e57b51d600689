//! Transactions: changes of events and jobs in one frame.

mod remembered;
mod request;

use async_trait::async_trait;
use portique_jobs::{Committed, EnqueuePlan, Error, PlannedJob, Settled, Transact, Transaction};
use portique_journal::Lane;

use crate::fact::{Fact, Hash, Transacted};

use super::commit::Draft;
use super::jobs::{self, Missed, check_batch, check_settle_count};
use super::{Broker, Core, Shared};

pub(super) use remembered::{Answer, Remembered};

use remembered::{IS_EARLIER, IS_NEW, committed};
use request::{content_hash, key_hash};

/// Most events of one transaction, as of one batch of the bus.
const EVENTS_MAX: usize = 1_000;
/// Most bytes of the events and jobs of one transaction: they fit into one frame.
const BYTES_MAX: usize = 3 * 1024 * 1024;
/// Longest key, in bytes.
const KEY_BYTES_MAX: usize = 256;
/// Most consumers of which deliveries are acknowledged or positions are moved.
const CONSUMERS_MAX: usize = 256;
/// Most acknowledgements, as of one call of the bus.
const ACKNOWLEDGEMENTS_MAX: usize = 4_096;

/// A request that was checked.
struct Request {
    transaction: Transaction,
    /// Its events, encoded.
    events: Vec<Draft>,
    named: Option<Named>,
}

/// The hashes of a key and of what it was used for.
struct Named {
    key: Hash,
    content: Hash,
}

/// What was decided.
struct Decision {
    drafts: Vec<Draft>,
    /// As if it stood at the end of the frame.
    transacted: Transacted,
    missed: Missed,
}

#[async_trait]
impl Transact for Broker {
    async fn commit(&self, transaction: Transaction) -> Result<Committed, Error> {
        self.shared.transact(transaction).await
    }
}

impl Shared {
    async fn transact(&self, transaction: Transaction) -> Result<Committed, Error> {
        let request = self.check_request(transaction)?;
        let lane = match request.takes_in() {
            true => Lane::Work,
            false => Lane::Drain,
        };
        let mut known: Option<Answer> = None;
        let mut made: Option<Transacted> = None;
        let mut missed = Missed::default();
        let pending = self.change_jobs(lane, |core, now| {
            known = request.known(core, now.wall)?;
            if known.is_some() {
                return Ok(Vec::new());
            }
            let decision = request.decide(self, core, now)?;
            missed = decision.missed;
            made = Some(decision.transacted);
            Ok(decision.drafts)
        });
        let pending = pending.await?;
        self.tell_missed(&missed);
        if let Some(answer) = known {
            self.wait_for(answer.sequence).await?;
            return Ok(answer.committed);
        }
        let last = pending.as_ref().map(|pending| pending.sequences().end().0);
        let last = last.unwrap_or_else(|| self.core().last);
        self.settle_down(pending, last).await?;
        self.changed.notify_waiters();
        let made = made.unwrap_or_default();
        // The frame ends with what stands for the transaction, if it has a key; else one before.
        let place = if request.named.is_some() {
            last
        } else {
            last + 1
        };
        Ok(committed(place, &made))
    }

    fn check_request(&self, transaction: Transaction) -> Result<Request, Error> {
        check_sizes(&transaction)?;
        let named = match &transaction.idempotency_key {
            None => None,
            Some(key) if (1..=KEY_BYTES_MAX).contains(&key.len()) => Some(Named {
                key: key_hash(key),
                content: content_hash(&transaction),
            }),
            Some(key) => {
                let problem = format!("{} bytes long: write 1 to {KEY_BYTES_MAX}", key.len());
                return Err(Error::InvalidOption {
                    name: "idempotency_key",
                    problem,
                });
            }
        };
        let accepted = self.clock.now();
        let events = transaction.publish.iter();
        let events: Vec<_> = events
            .map(|event| Draft::event(accepted, event.clone()))
            .collect();
        let event_bytes: usize = events.iter().map(Draft::bytes).sum();
        let job_bytes = check_batch(&transaction.enqueue)?;
        check_count(event_bytes + job_bytes, BYTES_MAX, "bytes")?;
        Ok(Request {
            transaction,
            events,
            named,
        })
    }
}

impl Request {
    /// Whether it brings anything new, which a full disk does not take.
    fn takes_in(&self) -> bool {
        !self.transaction.publish.is_empty() || !self.transaction.enqueue.is_empty()
    }

    /// What the same request came to before.
    fn known(&self, core: &Core, now: portique_clock::Timestamp) -> Result<Option<Answer>, Error> {
        let Some(named) = &self.named else {
            return Ok(None);
        };
        let Some(answer) = core.remembered.find(&named.key, now) else {
            core.remembered.check_room(self.transaction.enqueue.len())?;
            return Ok(None);
        };
        if answer.content == named.content {
            return Ok(Some(answer));
        }
        let key = self.transaction.idempotency_key.clone();
        Err(Error::KeyConflict {
            key: key.unwrap_or_default(),
            existing: None,
        })
    }

    fn decide(
        &self,
        shared: &Shared,
        core: &Core,
        now: portique_jobs::Now,
    ) -> Result<Decision, Error> {
        let mut drafts = self.events.clone();
        let before_jobs = drafts.len();
        let mut missed = Missed::default();
        let mut plan = self.decide_jobs(shared, core, now, &mut missed)?;
        drafts.extend(jobs::drafts(plan.facts));
        plan.jobs.truncate(self.transaction.enqueue.len());
        let planned = plan.jobs;
        self.decide_completions(core, now, &mut drafts)?;
        self.decide_bus(core, &mut drafts)?;
        let end = drafts.len() as u64;
        let back = |place: usize| (end - (before_jobs + place) as u64) << 2;
        let jobs = planned.iter().map(|job| match *job {
            PlannedJob::New(place) => back(place) | IS_NEW,
            PlannedJob::Same(place) => back(place),
            PlannedJob::Existing(id) => (id.0 << 2) | IS_EARLIER,
        });
        let named = self.named.as_ref();
        let transacted = Transacted {
            key: named.map_or_else(Hash::default, |named| named.key),
            content: named.map_or_else(Hash::default, |named| named.content),
            at: now.wall.as_nanos(),
            events_back: if self.events.is_empty() { 0 } else { end },
            events: self.events.len() as u64,
            jobs: jobs.collect(),
        };
        if named.is_some() {
            drafts.push(Draft::fact(Fact::Transacted(transacted.clone())));
        }
        Ok(Decision {
            drafts,
            transacted,
            missed,
        })
    }

    /// Its own jobs, and after them those that its events become.
    fn decide_jobs(
        &self,
        shared: &Shared,
        core: &Core,
        now: portique_jobs::Now,
        missed: &mut Missed,
    ) -> Result<EnqueuePlan, Error> {
        let own = &self.transaction.enqueue;
        let events = &self.transaction.publish;
        let bound = core.jobs.bound_jobs(events.iter());
        let count = bound.len();
        if own.is_empty() && count == 0 {
            return Ok(EnqueuePlan {
                facts: Vec::new(),
                jobs: Vec::new(),
            });
        }
        let machine = &core.jobs.machine;
        match machine.decide_enqueue([own.clone(), bound].concat(), now) {
            Err(error) if count > 0 && shared.any_goes_first(events.iter()) => {
                let plan = machine.decide_enqueue(own.clone(), now)?;
                missed.note(count, &error);
                Ok(plan)
            }
            plan => plan,
        }
    }

    fn decide_completions(
        &self,
        core: &Core,
        now: portique_jobs::Now,
        to: &mut Vec<Draft>,
    ) -> Result<(), Error> {
        let completions = &self.transaction.complete;
        if completions.is_empty() {
            return Ok(());
        }
        let settling = core
            .jobs
            .machine
            .decide_complete(completions.clone(), now)?;
        let stale = settling
            .settled
            .iter()
            .position(|one| *one != Settled::Done);
        if let Some(index) = stale {
            return Err(Error::StaleLease {
                lease: completions[index].lease,
            });
        }
        to.extend(jobs::drafts(settling.facts));
        Ok(())
    }

    fn decide_bus(&self, core: &Core, to: &mut Vec<Draft>) -> Result<(), Error> {
        for (consumer, tokens) in &self.transaction.acknowledge {
            if !tokens.is_empty() {
                let fact = core.state.decide_acknowledgement(consumer, tokens)?;
                to.push(Draft::fact(Fact::Acknowledged(fact)));
            }
        }
        for cursor in &self.transaction.seek {
            let fact = core.state.decide_seek(&cursor.consumer, cursor.next.0)?;
            to.push(Draft::fact(Fact::Sought(fact)));
        }
        Ok(())
    }
}

fn check_sizes(transaction: &Transaction) -> Result<(), Error> {
    let acknowledged = transaction.acknowledge.iter();
    let acknowledged = acknowledged.map(|(_, tokens)| tokens.len()).sum();
    check_count(transaction.publish.len(), EVENTS_MAX, "events")?;
    check_count(acknowledged, ACKNOWLEDGEMENTS_MAX, "tokens")?;
    check_count(transaction.acknowledge.len(), CONSUMERS_MAX, "consumers")?;
    check_count(transaction.seek.len(), CONSUMERS_MAX, "consumers")?;
    check_settle_count(transaction.complete.len())
}

fn check_count(given: usize, max: usize, unit: &'static str) -> Result<(), Error> {
    if given > max {
        return Err(Error::BatchTooLarge { given, max, unit });
    }
    Ok(())
}
