use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use portique_broker::{BUS_CLAIMS, JOBS_CLAIMS};
use portique_bus::{Bus, conformance as bus_suite};
use portique_clock::Timestamp;
use portique_jobs::{Jobs, Transact, conformance as jobs_suite};

use super::rig::Rig;

/// Over the wire the ports claim what the engine behind the hub does: nothing is lost on the way.
const ENGINES: [&str; 2] = ["embedded", "embedded, over gRPC"];

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

/// The page of the engines, relative to this crate.
const PAGE: &str = "../docs/engines.md";

#[test]
fn the_page_of_the_engines_shows_what_they_claim() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE);
    let written = std::fs::read_to_string(&path).unwrap();
    let bus = bus_suite::table(&ENGINES.map(|engine| (engine, BUS_CLAIMS)));
    let jobs = jobs_suite::markdown(&ENGINES.map(|engine| (engine, JOBS_CLAIMS)));
    let right = with_table(&with_table(&written, "bus", &bus), "jobs", &jobs);
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, &right).unwrap();
        return;
    }
    assert_eq!(written, right, "UPDATE_EXPECT=1 writes the tables anew");
}

/// The page with this table where its marks are.
fn with_table(page: &str, name: &str, table: &str) -> String {
    let mark = |word: &str| format!("<!-- {word} table: {name} -->");
    let (before, rest) = page.split_once(&mark("begin")).unwrap();
    let (_, after) = rest.split_once(&mark("end")).unwrap();
    let (begin, end) = (mark("begin"), mark("end"));
    format!("{before}{begin}\n\n{table}\n{end}{after}")
}
