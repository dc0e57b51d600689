use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use portique_broker::BUS_CLAIMS;
use portique_bus::Bus;
use portique_bus::conformance::{Harness, suite};
use portique_clock::Timestamp;
use portique_journal::{FolderDisk, SimulatedDisk};
use tempfile::TempDir;

use crate::rig::Rig;

struct BrokerHarness {
    rig: Rig,
    _folder: Option<TempDir>,
}

#[async_trait]
impl Harness for BrokerHarness {
    fn bus(&self) -> Arc<dyn Bus> {
        self.rig.bus()
    }

    fn now(&self) -> Timestamp {
        self.rig.now()
    }

    async fn advance(&mut self, by: Duration) {
        self.rig.advance(by).await;
    }

    async fn reopen(&mut self) {
        self.rig.restart().await;
    }
}

#[tokio::test]
async fn the_suite_passes_on_a_simulated_disk() {
    suite(BUS_CLAIMS, || async {
        let rig = Rig::open(Arc::new(SimulatedDisk::new(1, 1 << 30))).await;
        Box::new(BrokerHarness { rig, _folder: None }) as Box<dyn Harness>
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_suite_passes_on_a_folder() {
    suite(BUS_CLAIMS, || async {
        let folder = tempfile::tempdir().unwrap();
        let rig = Rig::open(Arc::new(FolderDisk::open(folder.path()).unwrap())).await;
        Box::new(BrokerHarness {
            rig,
            _folder: Some(folder),
        }) as Box<dyn Harness>
    })
    .await;
}
