//! Reading from the store what a receiver has not acknowledged.

use std::sync::Arc;

use portique_series::{METRIC_NAME, MatchOp, Matcher, Samples, Selected, Selection, Source, Value};
use tokio_util::sync::CancellationToken;

use super::outlet::{Item, LATE_MS};
use super::sender::{Sender, Sending};

/// So much time is read at once: a series has some hundred samples in it at most.
const WINDOW_MS: i64 = 5 * 60_000;
/// Samples may lie so far ahead of the clock.
const AHEAD_MS: i64 = 3_600_000;

/// A window of the store on its way to the receiver.
struct Window {
    selected: Arc<dyn Selected>,
    from_ms: i64,
    to_ms: i64,
}

impl Sender {
    /// Sends what the store has, window by window; with the last one samples go through the queue again.
    pub(super) async fn catch_up(&mut self, stop: &CancellationToken) {
        let Some(from_ms) = self.outlet.behind_ms() else {
            return;
        };
        let settled_ms = self.now_ms().saturating_sub(LATE_MS);
        let is_last = from_ms >= settled_ms;
        let to_ms = match is_last {
            true => self.now_ms().saturating_add(AHEAD_MS),
            false => settled_ms.min(from_ms.saturating_add(WINDOW_MS)),
        };
        let (outlet, store) = (self.outlet.clone(), self.telemetry.store.clone());
        let selected = tokio::task::spawn_blocking(move || {
            let look = || store.select(&everything(from_ms, to_ms));
            match is_last {
                true => outlet.go_live(look),
                false => look(),
            }
        });
        let selected = match selected.await {
            Ok(Ok(selected)) => Arc::from(selected),
            Ok(Err(error)) => {
                self.give_up(from_ms, to_ms, &error.to_string());
                return;
            }
            Err(error) => {
                self.give_up(from_ms, to_ms, &error.to_string());
                return;
            }
        };
        let window = Window {
            selected,
            from_ms,
            to_ms,
        };
        self.outlet.on_its_way(from_ms);
        if self.send_window(window, stop).await == Sending::Settled {
            match is_last {
                true => self.outlet.arrived(),
                false => self.outlet.caught_up_to(to_ms),
            }
        }
    }

    async fn send_window(&mut self, window: Window, stop: &CancellationToken) -> Sending {
        let window = Arc::new(window);
        let mut next = 0;
        while next < window.selected.len() {
            let (sender, read) = (self.outlet.clone(), window.clone());
            let done = tokio::task::spawn_blocking(move || read.items(&sender, next)).await;
            let items = match done {
                Ok(Ok((items, after))) => {
                    next = after;
                    items
                }
                Ok(Err(error)) => {
                    self.give_up(window.from_ms, window.to_ms, &error.to_string());
                    return Sending::Settled;
                }
                Err(error) => {
                    self.give_up(window.from_ms, window.to_ms, &error.to_string());
                    return Sending::Settled;
                }
            };
            if self.send(items, stop).await == Sending::Stopped {
                return Sending::Stopped;
            }
        }
        Sending::Settled
    }

    /// Damage in the store is not sent, and does not keep the rest from being sent.
    fn give_up(&self, from_ms: i64, to_ms: i64, problem: &str) {
        let name = &self.outlet.config.name;
        tracing::error!(
            name,
            from_ms,
            to_ms,
            problem,
            "samples cannot be read to be sent on"
        );
        self.outlet
            .count(|counts| counts.last_error = problem.to_owned());
        self.outlet.caught_up_to(to_ms);
    }
}

impl Window {
    /// The samples of one request, from a series on, and the series after them.
    fn items(
        &self,
        outlet: &super::Outlet,
        mut next: usize,
    ) -> Result<(Vec<Item>, usize), portique_series::Error> {
        let mut items = Vec::new();
        let mut samples = Samples::default();
        while next < self.selected.len() && items.len() < outlet.config.queue.samples_per_send {
            let index = next;
            next += 1;
            let Some(series) = outlet.sent_of(self.selected.labels(index)) else {
                continue;
            };
            self.selected
                .read(index, self.from_ms, self.to_ms, &mut samples)?;
            let acknowledged_ms = series.acknowledged_ms();
            for (nth, at_ms) in samples.timestamps.iter().enumerate() {
                let value = samples.value(nth);
                let is_histogram = matches!(value, Value::Histogram(_));
                if *at_ms <= acknowledged_ms
                    || is_histogram && !outlet.config.sends_native_histograms
                {
                    continue;
                }
                items.push(Item {
                    series: series.clone(),
                    at_ms: *at_ms,
                    value,
                    start_ms: samples.starts.get(nth).copied().unwrap_or(0),
                    exemplars: Vec::new(),
                });
            }
        }
        Ok((items, next))
    }
}

/// Every series there is, in a time.
fn everything(from_ms: i64, to_ms: i64) -> Selection {
    let named = Matcher::new(METRIC_NAME, MatchOp::NotEqual, "");
    Selection {
        matchers: vec![named.expect("a comparison without a pattern can be made")],
        from_ms,
        to_ms,
    }
}
