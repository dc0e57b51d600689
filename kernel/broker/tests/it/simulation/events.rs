use std::time::Duration;

use portique_broker::Broker;
use portique_event::Event;
use portique_jobs::{Completion, Lease, Settled, Transaction};
use portique_journal::Journal;

use super::answers::Stopped;
use super::names::consumer;
use super::world::World;
use crate::rig::event;

impl World {
    pub(super) async fn publish(
        &mut self,
        broker: &Broker,
        journal: &Journal,
    ) -> Result<(), Stopped> {
        let batch = (0..=self.below(2)).map(|_| self.new_event()).collect();
        let answer = self.patient(journal, broker.bus().publish(batch)).await;
        if let Some(sequences) = self.answered_bus(answer)? {
            self.ledger
                .told
                .published
                .extend(sequences.iter().map(|sequence| sequence.0));
        }
        Ok(())
    }

    fn new_event(&mut self) -> Event {
        let id = self.below(1 << 40).to_string();
        event(&id, ["bound.a", "free.a"][self.choose(2)])
    }

    pub(super) async fn consume(
        &mut self,
        broker: &Broker,
        journal: &Journal,
    ) -> Result<(), Stopped> {
        let bus = broker.bus();
        let reader = consumer();
        let fetched = bus.fetch(&reader, 3, Duration::ZERO);
        let answer = self.patient(journal, fetched).await;
        for delivery in self.answered_bus(answer)?.unwrap_or_default() {
            let token = delivery.token;
            let answer = match self.below(5) {
                0 => continue,
                1 => {
                    let delay = self.seconds(3);
                    self.patient(journal, bus.nak(&reader, token, delay)).await
                }
                _ => self.patient(journal, bus.ack(&reader, &[token])).await,
            };
            self.answered_bus(answer)?;
        }
        Ok(())
    }

    /// Completes, acknowledges, publishes and enqueues in one frame.
    pub(super) async fn commit(
        &mut self,
        broker: &Broker,
        journal: &Journal,
    ) -> Result<(), Stopped> {
        let (bus, transact) = (broker.bus(), broker.transact());
        let reader = consumer();
        let fetched = self
            .patient(journal, bus.fetch(&reader, 1, Duration::ZERO))
            .await;
        let deliveries = self.answered_bus(fetched)?.unwrap_or_default();
        let tokens = deliveries.iter().map(|delivery| delivery.token).collect();
        let leases: Vec<Lease> = self.take_held(2).iter().map(|job| job.lease).collect();
        let (job, text) = self.new_job(0);
        let completion = |lease: &Lease| Completion {
            lease: *lease,
            result: None,
        };
        let transaction = Transaction {
            publish: vec![self.new_event()],
            enqueue: vec![job],
            complete: leases.iter().map(completion).collect(),
            acknowledge: vec![(reader, tokens)],
            ..Transaction::default()
        };
        self.ledger.ask(
            std::slice::from_ref(&text),
            leases.iter().map(|lease| lease.id),
        );
        let answer = self.patient(journal, transact.commit(transaction)).await;
        if let Some(committed) = self.answered(answer)? {
            self.reached.committed += 1;
            let sequences = committed.sequences.iter().map(|sequence| sequence.0);
            self.ledger.told.published.extend(sequences);
            self.ledger.enqueued(vec![text], &committed.jobs);
            for lease in leases {
                self.ledger.completed(lease, &Settled::Done);
            }
        }
        Ok(())
    }
}
