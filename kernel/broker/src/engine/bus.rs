use std::time::Duration;

use async_trait::async_trait;
use portique_bus::{
    Bus, CompactionName, CompactionState, ConsumerName, ConsumerOptions, ConsumerState, Delivery,
    DeliveryToken, Error, Page, Sequence, Start,
};
use portique_event::{Event, Filter};
use portique_fault::chain;
use portique_journal::Lane;

use crate::fact::Fact;
use crate::state::check_same;
use crate::tail::Placed;

use super::commit::{Draft, bus_error, in_doubt};
use super::publish::{check_size, publish, publish_each};
use super::scan::{Purpose, Search};
use super::{Broker, Shared, retention};

/// Most events of one page.
const READ_MAX: usize = 1_000;
/// Most acknowledgements of one call: twice what one fetch can give and more.
const ACK_MAX: usize = 4_096;

#[async_trait]
impl Bus for Broker {
    async fn publish(&self, events: Vec<Event>) -> Result<Vec<Sequence>, Error> {
        publish(&self.shared, events, Lane::Work).await
    }

    async fn publish_each(&self, batches: Vec<Vec<Event>>) -> Vec<Result<Vec<Sequence>, Error>> {
        publish_each(&self.shared, batches).await
    }

    async fn publish_reserved(&self, events: Vec<Event>) -> Result<Vec<Sequence>, Error> {
        publish(&self.shared, events, Lane::Drain).await
    }

    async fn read(&self, filter: &Filter, start: Start, limit: usize) -> Result<Page, Error> {
        self.page(filter, start, limit, Purpose::Replay).await
    }

    async fn read_back(&self, filter: &Filter, start: Start, limit: usize) -> Result<Page, Error> {
        self.page(filter, start, limit, Purpose::ReadBack).await
    }

    async fn wait(&self, from: Sequence) -> Result<(), Error> {
        loop {
            let durable = self.shared.journal.durable();
            if self.shared.core().tail.last_event(durable.0) >= from.0 {
                return Ok(());
            }
            let next = durable.next().0.max(from.0);
            let next = portique_journal::Sequence(next);
            self.shared
                .journal
                .wait_durable(next)
                .await
                .map_err(bus_error)?;
        }
    }

    async fn consumer(&self, name: &ConsumerName, options: ConsumerOptions) -> Result<(), Error> {
        options.check()?;
        let resolved = self.shared.resolve(options.start).await?;
        let mut last = 0;
        let pending = self
            .shared
            .commit(Lane::Work, |core, _| {
                last = core.last;
                if let Some(existing) = core.state.consumer(name) {
                    check_same(existing, &options)?;
                    return Ok(Vec::new());
                }
                let is_new = options.start == Start::New;
                let cursor = if is_new { core.last + 1 } else { resolved };
                let created = core.state.decide_creation(name, &options, cursor)?;
                Ok(vec![Draft::fact(Fact::Created(created))])
            })
            .await?;
        match pending {
            Some(pending) => {
                retention::hold(&self.shared, resolved);
                pending.await.map(drop).map_err(in_doubt)
            }
            // Another caller made it, maybe a moment ago: it counts once that is durable.
            None => {
                let last = portique_journal::Sequence(last);
                self.shared
                    .journal
                    .wait_durable(last)
                    .await
                    .map_err(bus_error)
            }
        }
    }

    async fn remove_consumer(&self, name: &ConsumerName) -> Result<(), Error> {
        self.settle(|shared| {
            let removed = shared.state.decide_removal(name)?;
            Ok(Fact::Removed(removed))
        })
        .await
    }

    async fn consumers(&self) -> Result<Vec<ConsumerState>, Error> {
        let now = self.shared.clock.monotonic();
        Ok(self.shared.core().state.report(now))
    }

    async fn fetch(
        &self,
        consumer: &ConsumerName,
        limit: usize,
        wait: Duration,
    ) -> Result<Vec<Delivery>, Error> {
        check_limit(limit)?;
        self.shared.fetch(consumer, limit, wait).await
    }

    async fn ack(&self, consumer: &ConsumerName, tokens: &[DeliveryToken]) -> Result<(), Error> {
        check_size(tokens.len(), ACK_MAX, "tokens")?;
        if tokens.is_empty() {
            return Ok(());
        }
        self.settle(|core| {
            Ok(Fact::Acknowledged(
                core.state.decide_acknowledgement(consumer, tokens)?,
            ))
        })
        .await
    }

    async fn nak(
        &self,
        consumer: &ConsumerName,
        token: DeliveryToken,
        delay: Duration,
    ) -> Result<(), Error> {
        self.settle(|core| {
            Ok(Fact::Returned(
                core.state.decide_return(consumer, token, delay)?,
            ))
        })
        .await?;
        // It is given back already; what is spent now is buried later at the latest.
        if let Err(error) = self.shared.bury_spent(consumer).await {
            let reason = chain(&error);
            tracing::warn!(%consumer, reason, "dead letters wait");
        }
        Ok(())
    }

    async fn extend(&self, consumer: &ConsumerName, tokens: &[DeliveryToken]) -> Result<(), Error> {
        check_size(tokens.len(), ACK_MAX, "tokens")?;
        self.shared.check_open()?;
        let now = self.shared.clock.monotonic();
        self.shared.core().state.extend(consumer, tokens, now)
    }

    async fn seek(&self, consumer: &ConsumerName, start: Start) -> Result<(), Error> {
        let resolved = self.shared.resolve(start).await?;
        self.settle(|core| {
            let is_new = start == Start::New;
            let cursor = if is_new { core.last + 1 } else { resolved };
            Ok(Fact::Sought(core.state.decide_seek(consumer, cursor)?))
        })
        .await?;
        retention::hold(&self.shared, resolved);
        Ok(())
    }

    async fn compaction(&self, name: &CompactionName, filter: Filter) -> Result<(), Error> {
        self.shared.make_compaction(name, &filter).await
    }

    async fn remove_compaction(&self, name: &CompactionName) -> Result<(), Error> {
        self.settle(|core| {
            let ended = core.state.compactions().decide_removal(name)?;
            Ok(Fact::CompactionEnded(ended))
        })
        .await
    }

    async fn compactions(&self) -> Result<Vec<CompactionState>, Error> {
        Ok(self.shared.core().state.compactions().report())
    }
}

impl Broker {
    async fn page(
        &self,
        filter: &Filter,
        start: Start,
        limit: usize,
        purpose: Purpose,
    ) -> Result<Page, Error> {
        check_limit(limit)?;
        let from = self.shared.resolve(start).await?;
        let search = Search {
            filter: filter.clone(),
            from,
            limit: limit.min(READ_MAX),
            purpose,
        };
        let found = self.shared.search(search).await?;
        let events = found.events.iter().map(Placed::to_delivered).collect();
        Ok(Page {
            events,
            next: Sequence(found.next),
        })
    }

    /// Makes one fact durable, even when the disk is nearly full, and wakes whoever it makes room
    /// for.
    async fn settle(
        &self,
        mut decide: impl FnMut(&super::Core) -> Result<Fact, Error> + Send,
    ) -> Result<(), Error> {
        let shared: &Shared = &self.shared;
        let pending = shared
            .commit(Lane::Drain, |core, _| Ok(vec![Draft::fact(decide(core)?)]))
            .await?;
        shared.changed.notify_waiters();
        match pending {
            Some(pending) => pending.await.map(drop).map_err(in_doubt),
            None => Ok(()),
        }
    }
}

fn check_limit(limit: usize) -> Result<(), Error> {
    if limit > 0 {
        return Ok(());
    }
    Err(Error::InvalidOption {
        name: "limit",
        problem: "0: ask for 1 or more".into(),
    })
}
