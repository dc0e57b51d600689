use std::collections::BTreeMap;
use std::time::Duration;

use portique_broker::Broker;
use portique_bus::ConsumerOptions;
use portique_event::Filter;
use portique_jobs::{Backoff, Binding, JobOptions, QueueOptions, Rate, RetryPolicy};
use portique_journal::Journal;

use super::answers::Stopped;
use super::names::{QUEUES, consumer, kind, label, queue, schedule_name};
use super::world::World;

const LEASE: Duration = Duration::from_secs(5);

impl World {
    /// Defines what is there from the first life on; later it is found as it was.
    pub(super) async fn begin(
        &mut self,
        broker: &Broker,
        journal: &Journal,
    ) -> Result<(), Stopped> {
        let (jobs, bus) = (broker.jobs(), broker.bus());
        for name in QUEUES {
            let name = queue(name);
            let defined = jobs.define_queue(&name, options(name.as_str()));
            let defined = self.patient(journal, defined).await;
            self.answered(defined)?;
        }
        let binding = Binding {
            name: schedule_name("bound"),
            filter: Filter::new("bound.>").unwrap(),
            queue: queue("plain"),
            kind: kind(),
            options: JobOptions::default(),
        };
        let bound = self.patient(journal, jobs.bind(binding)).await;
        self.answered(bound)?;
        let reader = ConsumerOptions {
            ack_wait: LEASE,
            max_deliver: 3,
            ..ConsumerOptions::new(Filter::new(">").unwrap())
        };
        let made = self
            .patient(journal, bus.consumer(&consumer(), reader))
            .await;
        self.answered_bus(made)?;
        Ok(())
    }
}

fn options(name: &str) -> QueueOptions {
    let base = QueueOptions {
        lease: LEASE,
        retry: RetryPolicy {
            attempts: 3,
            backoff: Backoff {
                first: Duration::from_secs(2),
                factor: 2.0,
                max: Duration::from_secs(10),
                jitter: 0.5,
            },
        },
        // Clocks jump by hours, and what is finished is asked for at the end.
        result_ttl: Duration::from_secs(300 * 24 * 60 * 60),
        ..QueueOptions::default()
    };
    match name {
        "keyed" => QueueOptions {
            key_concurrency: Some(1),
            concurrency: Some(4),
            ..base
        },
        "fair" => QueueOptions {
            weights: BTreeMap::from([(label("x"), 3)]),
            group_concurrency: Some(2),
            ageing: None,
            ..base
        },
        "few" => QueueOptions {
            jobs_max: 20,
            losses_max: 2,
            rate: Some(Rate {
                count: 5,
                per: Duration::from_secs(10),
            }),
            ..base
        },
        _ => base,
    }
}
