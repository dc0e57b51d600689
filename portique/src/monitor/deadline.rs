//! How long a rule may ask the store: as long as a query of a visitor.

use std::sync::Arc;
use std::time::Duration;

use portique_clock::Clock;
use portique_monitor::PromQl;
use portique_promql::{Interrupt, Interruption};
use tokio_util::sync::CancellationToken;

use crate::telemetry::Telemetry;

struct Deadline {
    at: Duration,
    clock: Arc<dyn Clock>,
    stop: CancellationToken,
}

impl Interrupt for Deadline {
    fn interruption(&self) -> Option<Interruption> {
        if self.stop.is_cancelled() {
            return Some(Interruption::Canceled);
        }
        (self.clock.monotonic() >= self.at).then_some(Interruption::TimedOut)
    }
}

/// PromQL with the hub's limits of queries; evaluations end when the hub does.
pub(super) fn language(telemetry: &Telemetry, stop: CancellationToken) -> PromQl {
    let (clock, timeout) = (telemetry.clock.clone(), telemetry.query_timeout);
    let engine = Arc::new(telemetry.engine.clone());
    PromQl::new(engine).with_deadlines(move || {
        Box::new(Deadline {
            at: clock.monotonic().saturating_add(timeout),
            clock: clock.clone(),
            stop: stop.clone(),
        })
    })
}
