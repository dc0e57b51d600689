//! The one who sends to a receiver.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use portique_exposition::{WriteEncoder, WriteVersion};
use portique_series::Metadata;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::cursor::Cursor;
use super::outlet::{Item, LeftOut, Outlet};
use super::request::{Verdict, body, post};
use crate::outbound::Endpoint;
use crate::telemetry::Telemetry;

/// How often it is written down how far the receiver is: what a crash lets be sent twice.
const CURSOR_EVERY: Duration = Duration::from_secs(1);
/// How often the receiver is told what metrics are, as in Prometheus.
const METADATA_EVERY: Duration = Duration::from_mins(1);
/// Metrics told of in one request.
const METADATA_MAX: usize = 2_000;

pub(super) struct Sender {
    pub(super) outlet: Arc<Outlet>,
    endpoint: Arc<Endpoint>,
    pub(super) telemetry: Telemetry,
    cursor: Cursor,
    /// What the cursor's file says.
    written_ms: Option<i64>,
    cursor_due: Instant,
    metadata: HashMap<String, Metadata>,
    metadata_due: Instant,
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sending {
    /// It is acknowledged, or refused for ever.
    Settled,
    /// The hub stops.
    Stopped,
}

impl Sender {
    pub(super) fn new(
        outlet: Arc<Outlet>,
        endpoint: Arc<Endpoint>,
        telemetry: Telemetry,
        cursor: Cursor,
    ) -> Self {
        let now = Instant::now();
        Self {
            outlet,
            endpoint,
            telemetry,
            cursor,
            written_ms: None,
            cursor_due: now,
            metadata: HashMap::new(),
            metadata_due: now,
        }
    }

    /// Sends until it is told to stop, and leaves behind how far it came.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            self.write_cursor().await;
            self.tell_metadata(&stop).await;
            if self.outlet.behind_ms().is_some() {
                self.catch_up(&stop).await;
                continue;
            }
            if self.outlet.pending() < self.outlet.config.queue.samples_per_send {
                tokio::select! {
                    () = stop.cancelled() => break,
                    () = self.outlet.ready.notified() => {}
                    () = sleep(self.outlet.config.queue.batch_deadline) => {}
                }
            }
            let items = self.outlet.take();
            if !items.is_empty() && self.send(items, &stop).await == Sending::Settled {
                self.outlet.arrived();
            }
        }
        self.cursor_due = Instant::now();
        self.write_cursor().await;
    }

    /// Sends samples until the receiver says yes or never.
    pub(super) async fn send(&mut self, mut items: Vec<Item>, stop: &CancellationToken) -> Sending {
        self.leave_out_old(&mut items);
        if items.is_empty() {
            return Sending::Settled;
        }
        let config = self.outlet.config.clone();
        let made = body(config.version, &items, &self.metadata);
        let bytes = match made {
            Ok(bytes) => Bytes::from(bytes),
            Err(error) => {
                self.refuse(&items, error.to_string());
                return Sending::Settled;
            }
        };
        let mut backoff = config.queue.min_backoff;
        loop {
            let verdict = tokio::select! {
                () = stop.cancelled() => return Sending::Stopped,
                verdict = post(&self.endpoint, &config, bytes.clone()) => verdict,
            };
            match verdict {
                Verdict::Taken => {
                    self.outlet.settle(&items, false, self.now_ms());
                    let sent = bytes.len() as u64;
                    self.outlet.count(|counts| {
                        counts.requests += 1;
                        counts.bytes += sent;
                    });
                    return Sending::Settled;
                }
                Verdict::Refused(said) => {
                    self.refuse(&items, said);
                    return Sending::Settled;
                }
                Verdict::Later(said, after) => {
                    self.outlet.count(|counts| {
                        counts.retries += 1;
                        counts.last_error = said;
                    });
                    let wait = after.unwrap_or(backoff).max(backoff);
                    tokio::select! {
                        () = stop.cancelled() => return Sending::Stopped,
                        () = sleep(wait) => {}
                    }
                    backoff = (backoff * 2).min(config.queue.max_backoff);
                    self.write_cursor().await;
                }
            }
        }
    }

    fn refuse(&self, items: &[Item], said: String) {
        let (name, samples) = (&self.outlet.config.name, items.len());
        tracing::warn!(
            name,
            samples,
            said,
            "a receiver refuses samples: they are left out"
        );
        self.outlet.settle(items, true, self.now_ms());
        self.outlet.count(|counts| counts.last_error = said);
    }

    fn leave_out_old(&self, items: &mut Vec<Item>) {
        let limit = self.outlet.config.queue.age_limit;
        if limit.is_zero() {
            return;
        }
        let limit_ms = i64::try_from(limit.as_millis()).unwrap_or(i64::MAX);
        let oldest_ms = self.now_ms().saturating_sub(limit_ms);
        let before = items.len();
        items.retain(|item| item.at_ms >= oldest_ms);
        let left_out = (before - items.len()) as u64;
        self.outlet
            .count(|counts| counts.leave_out(LeftOut::TooOld, left_out));
    }

    /// Tells the receiver what metrics are, in the first version; keeps it for the requests of the second.
    async fn tell_metadata(&mut self, stop: &CancellationToken) {
        if !self.outlet.config.sends_metadata || Instant::now() < self.metadata_due {
            return;
        }
        self.metadata_due = Instant::now() + METADATA_EVERY;
        let all = self.telemetry.store.metadata(None, usize::MAX);
        if self.outlet.config.version == WriteVersion::V2 {
            self.metadata = all.into_iter().collect();
            return;
        }
        for some in all.chunks(METADATA_MAX) {
            let mut encoder = WriteEncoder::new(WriteVersion::V1);
            for (metric, metadata) in some {
                encoder.metadata(metric, metadata);
            }
            let Ok(body) = encoder.finish() else {
                return;
            };
            let told = post(&self.endpoint, &self.outlet.config, Bytes::from(body));
            tokio::select! {
                () = stop.cancelled() => return,
                verdict = told => if verdict != Verdict::Taken {
                    // It is told again in a minute.
                    return;
                }
            }
        }
    }

    /// Writes down how far the receiver is, when that is due and has changed.
    async fn write_cursor(&mut self) {
        // Whoever was sent nothing yet is sent what comes from the first start on.
        let unsent_ms = self.written_ms.unwrap_or_else(|| self.now_ms());
        let at_ms = self.outlet.cursor_ms().unwrap_or(unsent_ms);
        if Instant::now() < self.cursor_due || self.written_ms == Some(at_ms) {
            return;
        }
        self.cursor_due = Instant::now() + CURSOR_EVERY;
        let cursor = self.cursor.clone();
        let written = tokio::task::spawn_blocking(move || cursor.write(at_ms)).await;
        match written {
            Ok(Ok(())) => self.written_ms = Some(at_ms),
            Ok(Err(error)) => {
                let name = &self.outlet.config.name;
                tracing::warn!(name, %error, "how far a receiver is cannot be written down");
            }
            Err(error) => tracing::warn!(%error, "how far a receiver is cannot be written down"),
        }
    }

    pub(super) fn now_ms(&self) -> i64 {
        self.telemetry.clock.now().as_millis()
    }
}
