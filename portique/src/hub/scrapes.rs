use std::path::Path;
use std::sync::Arc;

use super::engines::Engines;
use crate::config::Config;
use crate::forward::{self, Forwarding};
use crate::http::Source;
use crate::lifetime::TaskGroup;
use crate::outbound::Trust;
use crate::scrape::{self, Scraping};

/// The handles of what does what a `prometheus.yml` says.
pub(super) struct Scrapes {
    pub(super) scraping: Scraping,
    pub(super) forwarding: Forwarding,
}

/// What does it.
pub(super) struct ScrapeWorkers {
    scraping: scrape::Worker,
    forwarding: forward::Worker,
}

impl Scrapes {
    /// Does what was loaded, once the workers run.
    pub(super) fn new(
        config: &Config,
        loaded: scrape::Loaded,
        data: &Path,
        engines: &Engines,
    ) -> (Self, ScrapeWorkers) {
        let (loaded, trust) = (Arc::new(loaded), Trust::default());
        let telemetry = &engines.telemetry;
        let (forwarding, forwarder) =
            Forwarding::new(loaded.clone(), data, telemetry.clone(), trust.clone());
        let (scraping, scraper) = Scraping::new(
            config.telemetry.prometheus_file.as_deref(),
            loaded,
            telemetry.clone(),
            Some(forwarding.clone()),
            trust,
        );
        let workers = ScrapeWorkers {
            scraping: scraper,
            forwarding: forwarder,
        };
        let scrapes = Self {
            scraping,
            forwarding,
        };
        (scrapes, workers)
    }

    /// What they count.
    pub(super) fn sources(&self) -> [Source; 2] {
        let (scraping, forwarding) = (self.scraping.clone(), self.forwarding.clone());
        [
            Source(Box::new(move || scraping.figures())),
            Source(Box::new(move || forwarding.figures())),
        ]
    }
}

impl ScrapeWorkers {
    /// Starts them; they stop with the group.
    pub(super) fn spawn(self, control: &TaskGroup) {
        let stop = control.token();
        control.spawn("scraping", async move {
            self.scraping.run(stop).await;
            Ok(())
        });
        let stop = control.token();
        control.spawn("remote-write", async move {
            self.forwarding.run(stop).await;
            Ok(())
        });
    }
}
