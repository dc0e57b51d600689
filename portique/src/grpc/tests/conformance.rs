use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use portique_bus::{Bus, conformance as bus_suite};
use portique_clock::Timestamp;
use portique_jobs::{Jobs, Transact, conformance as jobs_suite};

use super::rig::Rig;

/// What the bus claims over the wire: what the embedded engine does.
const BUS_CLAIMS: bus_suite::Capabilities = bus_suite::Capabilities {
    start_by_time: true,
    delayed_nak: true,
    durable: true,
    keyed: true,
    inactive_after: true,
    extend: true,
    seek: true,
    compaction: true,
    replay: true,
    batch_events_max: 1_000,
};

/// What the job queues claim over the wire: what the embedded engine does.
const JOBS_CLAIMS: jobs_suite::Capabilities = jobs_suite::Capabilities::all(8_000);

struct BusHarness(Rig);

#[async_trait]
impl bus_suite::Harness for BusHarness {
    fn bus(&self) -> Arc<dyn Bus> {
        self.0.client().bus()
    }

    fn now(&self) -> Timestamp {
        self.0.now()
    }

    async fn advance(&mut self, by: Duration) {
        self.0.advance(by).await;
    }

    async fn reopen(&mut self) {
        self.0.restart(Duration::ZERO).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_bus_suite_passes_over_the_wire() {
    bus_suite::suite(BUS_CLAIMS, || async {
        Box::new(BusHarness(Rig::open().await)) as Box<dyn bus_suite::Harness>
    })
    .await;
}

struct JobsHarness(Rig);

#[async_trait]
impl jobs_suite::Harness for JobsHarness {
    fn jobs(&self) -> Arc<dyn Jobs> {
        self.0.client().jobs()
    }

    fn now(&self) -> Timestamp {
        self.0.now()
    }

    async fn advance(&mut self, by: Duration) {
        self.0.advance(by).await;
    }

    async fn reopen(&mut self, down: Duration) {
        self.0.restart(down).await;
    }

    fn bus(&self) -> Option<Arc<dyn Bus>> {
        Some(self.0.client().bus())
    }

    fn transact(&self) -> Option<Arc<dyn Transact>> {
        Some(self.0.client().transact())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_jobs_suite_passes_over_the_wire() {
    jobs_suite::suite(JOBS_CLAIMS, || async {
        Box::new(JobsHarness(Rig::open().await)) as Box<dyn jobs_suite::Harness>
    })
    .await;
}
