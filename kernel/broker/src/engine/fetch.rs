use std::time::Duration;

use portique_bus::{ConsumerName, Delivery, DeliveryToken, Error, Sequence};
use portique_fault::chain;
use portique_journal::Lane;
use tokio::time::Instant;

use crate::fact::{Delivered, Fact};
use crate::letter::{Origin, dead_letter};
use crate::state::{Fresh, Key, Plan};
use crate::tail::Placed;

use super::commit::{Draft, bus_error};
use super::jobs::Missed;
use super::scan::{Damage, Purpose, Search};
use super::{Core, Shared};

/// Most deliveries of one call: more of them would be due again before the last is worked on.
const FETCH_MAX: usize = 1_000;
/// Longest wait of one call: the caller asks again, so that a lost caller is forgotten.
const FETCH_WAIT_MAX: Duration = Duration::from_secs(60);

/// What one attempt to deliver came to.
enum Attempt {
    Delivered(Vec<Delivery>),
    /// Nothing to deliver before this long has passed, unless something changes.
    Nothing(Option<Duration>),
    /// Somebody else moved the cursor meanwhile, or there is more to look at.
    Outrun,
}

impl Shared {
    pub(super) async fn fetch(
        &self,
        name: &ConsumerName,
        limit: usize,
        wait: Duration,
    ) -> Result<Vec<Delivery>, Error> {
        let limit = limit.min(FETCH_MAX);
        let deadline = Instant::now() + wait.min(FETCH_WAIT_MAX);
        loop {
            self.check_open()?;
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            let next = self.journal.durable().next();
            let at_most = self.note_fetch(name);
            self.bury_spent(name).await?;
            let pause = match self.attempt(name, limit).await? {
                Attempt::Delivered(deliveries) => return Ok(deliveries),
                Attempt::Outrun => continue,
                Attempt::Nothing(pause) => pause,
            };
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(Vec::new());
            }
            tokio::select! {
                () = changed => {}
                durable = self.journal.wait_durable(next) => durable.map_err(bus_error)?,
                () = tokio::time::sleep(pause.unwrap_or(left).min(left).min(at_most)) => {}
            }
        }
    }

    /// Takes in that somebody fetches; returns how long it is at most until that must be said again.
    fn note_fetch(&self, name: &ConsumerName) -> Duration {
        let mut core = self.core();
        core.state.fetched(name, self.clock.monotonic());
        let consumer = core.state.consumer(name);
        let inactive_after = consumer.and_then(|consumer| consumer.options.inactive_after);
        inactive_after.map_or(FETCH_WAIT_MAX, |after| after / 2)
    }

    /// Removes the consumers that nobody fetches for any more.
    pub(super) async fn remove_unused(&self) -> Result<(), Error> {
        let removed = self.commit(Lane::Drain, |core, now| {
            let removed = core.state.decide_unused(now).into_iter();
            Ok(removed.map(Fact::Removed).map(Draft::fact).collect())
        });
        if let Some(pending) = removed.await? {
            let (first, last) = (pending.sequences().start().0, pending.sequences().end().0);
            let removed = last - first + 1;
            pending.await.map_err(bus_error)?;
            tracing::info!(removed, "consumers that nobody fetched for are gone");
            self.changed.notify_waiters();
        }
        Ok(())
    }

    async fn attempt(&self, name: &ConsumerName, limit: usize) -> Result<Attempt, Error> {
        let (plan, filter, now) = {
            let core = self.core();
            let now = self.clock.monotonic();
            let plan = core.state.plan(name, limit, now)?;
            (
                plan,
                core.state
                    .consumer(name)
                    .map(|consumer| consumer.options.filter.clone()),
                now,
            )
        };
        let Some(filter) = filter else {
            return Err(Error::UnknownConsumer { name: name.clone() });
        };
        let loaded = self.load(&plan.again).await?;
        self.tell_damage(name, &loaded.damage);
        self.give_up(name, plan.number, &loaded.lost).await?;
        let mut events = loaded.events;
        let again = events.len();
        let mut cursor = plan.cursor;
        // While something is left to deliver again, nothing newer overtakes it.
        if plan.look_max > 0 && again == plan.again.len() {
            let Plan { made, start, .. } = plan;
            let search = Search {
                filter,
                from: plan.cursor,
                limit: plan.look_max,
                purpose: Purpose::Deliver { made, start },
            };
            let found = self.search(search).await?;
            self.tell_damage(name, &found.damage);
            cursor = found.next.max(cursor);
            events.extend(found.events);
        }
        if events.is_empty() && plan.again.is_empty() {
            self.skip(&plan, cursor);
            return Ok(Attempt::Nothing(
                plan.next_due.map(|due| due.saturating_sub(now)),
            ));
        }
        self.deliver(&plan, &events, again, cursor).await
    }

    async fn deliver(
        &self,
        plan: &Plan,
        events: &[Placed],
        again: usize,
        cursor: u64,
    ) -> Result<Attempt, Error> {
        let (again, fresh) = events.split_at(again);
        let again: Vec<u64> = again.iter().map(|placed| placed.sequence).collect();
        let fresh: Vec<Fresh> = fresh.iter().map(to_fresh).collect();
        let mut decided = None;
        let pending = self
            .commit(Lane::Drain, |core, now| {
                let decision = core
                    .state
                    .decide_delivery(plan, &again, &fresh, cursor, now);
                decided = decision;
                let says_something =
                    |fact: &Delivered| !fact.sequences.is_empty() || !fact.parked.is_empty();
                let fact = decided.clone().filter(says_something);
                Ok(fact
                    .map(Fact::Delivered)
                    .map(Draft::fact)
                    .into_iter()
                    .collect())
            })
            .await?;
        let (Some(pending), Some(fact)) = (pending, decided) else {
            return Ok(Attempt::Outrun);
        };
        if fact.sequences.is_empty() {
            // What was found is parked behind busy keys: there may be more beyond it.
            return Ok(Attempt::Outrun);
        }
        let is_repeated = fact.attempts.iter().any(|attempt| *attempt > 1);
        if is_repeated {
            // An event that kills its worker, and the machine with it, must be counted.
            pending.await.map_err(bus_error)?;
        }
        Ok(Attempt::Delivered(deliveries(&fact, events)))
    }

    /// Moves the cursor over events that do not pass the filter. Replay would find the same, so it
    /// is not logged; the next delivery or checkpoint writes it down.
    fn skip(&self, plan: &Plan, cursor: u64) {
        let mut core = self.core();
        let Core { state, last, .. } = &mut *core;
        let now = self.clock.monotonic();
        if let Some(fact) = state.decide_delivery(plan, &[], &[], cursor, now) {
            state.apply(*last, &Fact::Delivered(fact), now);
        }
    }

    /// Says that a consumer goes on without what is damaged: whether its events were among it, nobody
    /// can know.
    fn tell_damage(&self, name: &ConsumerName, damage: &[Damage]) {
        for Damage { lost, what } in damage {
            let (first, last) = (lost.start(), lost.end());
            let count = last - first + 1;
            self.core().damaged += count;
            tracing::error!(consumer = %name, first, last, what, "damaged records are passed over");
        }
    }

    /// Gives up on events that are no longer kept, which nobody can be given again.
    async fn give_up(&self, name: &ConsumerName, number: u64, lost: &[u64]) -> Result<(), Error> {
        for sequence in lost.iter().copied() {
            let lost = self.commit(Lane::Drain, |core, _| {
                let fact = core.state.decide_loss(number, sequence);
                Ok(fact
                    .map(Fact::Buried)
                    .map(Draft::fact)
                    .into_iter()
                    .collect())
            });
            if lost.await?.is_some() {
                tracing::warn!(consumer = %name, sequence, "an event cannot be read any more and is given up");
            }
        }
        Ok(())
    }

    /// Puts aside what this consumer was given `max_deliver` times: its dead letter and the end of
    /// its delivery are one frame. When the disk has no room for letters they wait.
    pub(super) async fn bury_spent(&self, name: &ConsumerName) -> Result<(), Error> {
        let plan = self.core().state.plan(name, 0, self.clock.monotonic())?;
        if plan.spent.is_empty() {
            return Ok(());
        }
        for sequence in &plan.spent {
            let mut loaded = self.load(&[*sequence]).await?;
            self.tell_damage(name, &loaded.damage);
            let event = loaded.events.pop();
            if event.is_none() && loaded.lost.is_empty() {
                // It is kept but could not be read now: without its letter it is not buried.
                continue;
            }
            match self
                .bury(name, plan.number, *sequence, event.as_ref())
                .await
            {
                Err(error @ Error::Exhausted { .. }) => {
                    let reason = chain(&error);
                    tracing::warn!(consumer = %name, sequence, reason, "a dead letter waits");
                    return Ok(());
                }
                buried => buried?,
            }
        }
        self.changed.notify_waiters();
        Ok(())
    }

    async fn bury(
        &self,
        name: &ConsumerName,
        number: u64,
        sequence: u64,
        event: Option<&Placed>,
    ) -> Result<(), Error> {
        let mut missed = Missed::default();
        let pending = self
            .commit(Lane::Work, |core, now| {
                let Some(burial) = core.state.decide_burial(number, sequence, now) else {
                    return Ok(Vec::new());
                };
                let origin = Origin {
                    consumer: name,
                    number,
                    sequence: Sequence(sequence),
                    attempts: burial.attempts,
                };
                let letter = event.and_then(|placed| letter(&placed.stamped.event, origin));
                let letter = letter.map(|letter| Draft::event(self.clock.now(), letter));
                let drafts = letter
                    .into_iter()
                    .chain([Draft::fact(Fact::Buried(burial.fact))]);
                // A full queue does not keep a consumer from going on.
                self.with_bound_jobs(core, drafts.collect(), true, &mut missed)
            })
            .await?;
        self.tell_missed(&missed);
        if let Some(pending) = pending {
            pending.await.map_err(bus_error)?;
        }
        Ok(())
    }
}

/// The dead letter; an event that has no room for its origin is buried without one.
fn letter(event: &portique_event::Event, origin: Origin<'_>) -> Option<portique_event::Event> {
    dead_letter(event, origin).unwrap_or_else(|error| {
        let (sequence, reason) = (origin.sequence.0, chain(&error));
        tracing::warn!(
            sequence,
            reason,
            "an event is given up without a dead letter"
        );
        None
    })
}

fn to_fresh(placed: &Placed) -> Fresh {
    Fresh {
        sequence: placed.sequence,
        key: Key::of(&placed.stamped.event),
    }
}

fn deliveries(fact: &Delivered, events: &[Placed]) -> Vec<Delivery> {
    let numbered = (fact.token..).zip(fact.sequences.iter().zip(&fact.attempts));
    numbered
        .filter_map(|(token, (sequence, attempt))| {
            let index = events
                .binary_search_by_key(sequence, |placed| placed.sequence)
                .ok()?;
            Some(Delivery {
                token: DeliveryToken(token),
                attempt: *attempt,
                delivered: events[index].to_delivered(),
            })
        })
        .collect()
}
