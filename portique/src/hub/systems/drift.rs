use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use portique_payments::service::Payments;
use tokio_util::sync::CancellationToken;

/// Between two counts: an alert wants several that agree.
const COUNT_EVERY: Duration = Duration::from_secs(5);

/// How many transactions were not where they should be when they were last counted.
#[derive(Debug, Clone, Default)]
pub(super) struct Drift(Arc<AtomicU64>);

impl Drift {
    pub(super) fn last(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Counts again and again until it is told to stop.
    pub(super) async fn watch(self, payments: Payments, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(COUNT_EVERY);
        let counting = async {
            loop {
                ticks.tick().await;
                // Queues that cannot be read are told of by others; what was counted stands until then.
                if let Ok(counts) = payments.counts().await {
                    self.0.store(counts.drift, Ordering::Relaxed);
                }
            }
        };
        let _: Option<()> = stop.run_until_cancelled(counting).await;
    }
}
