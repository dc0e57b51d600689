//! The way of a vehicle's messages to launch control.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use portique_clock::Clock;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use crate::{Downlink, ModuleId, Received, RocketId, Sample};

/// Sends what one rocket says, stamped with when it was heard.
pub(crate) struct Outlet {
    rocket: RocketId,
    clock: Arc<dyn Clock>,
    downlink: mpsc::Sender<Received>,
    shed: AtomicU64,
}

impl Outlet {
    pub(crate) fn new(
        rocket: RocketId,
        clock: Arc<dyn Clock>,
        downlink: mpsc::Sender<Received>,
    ) -> Self {
        Self {
            rocket,
            clock,
            downlink,
            shed: AtomicU64::new(0),
        }
    }

    /// Which rocket.
    pub(crate) fn rocket(&self) -> &RocketId {
        &self.rocket
    }

    /// The time that stamps messages.
    pub(crate) fn clock(&self) -> &dyn Clock {
        self.clock.as_ref()
    }

    /// Sends a sample, or sheds and counts it when launch control does not keep up.
    pub(crate) fn sample(&self, module: &ModuleId, sample: Sample) {
        let message = self.stamp(Downlink::Sample(module.clone(), sample));
        match self.downlink.try_send(message) {
            Ok(()) => self.tell_shed(module),
            Err(TrySendError::Full(_)) => _ = self.shed.fetch_add(1, Ordering::Relaxed),
            Err(TrySendError::Closed(_)) => {}
        }
    }

    /// Sends what must not be lost; waits while launch control does not keep up.
    pub(crate) async fn tell(&self, message: Downlink) {
        // A closed queue means that launch control has closed the link.
        _ = self.downlink.send(self.stamp(message)).await;
    }

    fn tell_shed(&self, module: &ModuleId) {
        if self.shed.load(Ordering::Relaxed) == 0 {
            return;
        }
        let shed = self.shed.swap(0, Ordering::Relaxed);
        let line = format!("launch control did not keep up: {shed} samples were shed");
        tracing::warn!(rocket = %self.rocket, shed, "samples shed");
        _ = self
            .downlink
            .try_send(self.stamp(Downlink::Log(module.clone(), line)));
    }

    fn stamp(&self, message: Downlink) -> Received {
        Received {
            rocket: self.rocket.clone(),
            message,
            at: self.clock.monotonic(),
        }
    }
}
