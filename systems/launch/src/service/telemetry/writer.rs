//! The one task that gives telemetry to the store.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use portique_clock::Clock;
use portique_series::{
    Batch, Error, METRIC_NAME, MatchOp, Matcher, MetricKind, STALE, Samples, Selection, Sink,
    Source, is_stale,
};

use super::PREFIX;
use super::metrics::{MADE, METRICS, full};
use super::recorder::{Heard, Queue, What};
use super::series::ModuleSeries;
use crate::{ModuleId, RocketId};

/// Messages put into one batch: with two hundred parameters each, some hundred thousand values.
const MESSAGES_MAX: usize = 512;
/// How far back a query looks for the last value of a series, and some more.
const LOOKBACK: Duration = Duration::from_mins(6);

/// What the writer stands on.
pub(crate) struct Place {
    pub(crate) sink: Arc<dyn Sink>,
    pub(crate) source: Arc<dyn Source>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Counts samples that were not stored.
    pub(crate) left_out: Arc<AtomicU64>,
}

/// Writes what is heard until every recorder is gone.
pub(crate) async fn run(place: Place, mut queue: Queue) {
    let mut writer = Writer::default();
    let left_open = place.left_open().await;
    writer.describe();
    place.give(&mut writer.batch, 0).await;
    if let Some(mut left_open) = left_open {
        place.give(&mut left_open, 0).await;
    }
    let mut messages = Vec::with_capacity(MESSAGES_MAX);
    while queue.recv_many(&mut messages, MESSAGES_MAX).await > 0 {
        let samples = messages.len();
        let refused = messages
            .drain(..)
            .filter(|heard| !writer.take_in(heard))
            .count();
        place.left_out.fetch_add(refused as u64, Ordering::Relaxed);
        place.give(&mut writer.batch, samples - refused).await;
    }
}

impl Place {
    /// Gives a batch to the store and empties it; it is not waited for until it is durable, as nobody is told.
    async fn give(&self, batch: &mut Batch, samples: usize) {
        if batch.is_empty() {
            return;
        }
        let sink = self.sink.clone();
        let given = std::mem::take(batch);
        let work = tokio::task::spawn_blocking(move || {
            let taken = sink.submit(&given).map(|_| ());
            (given, taken)
        });
        let Ok((mut given, taken)) = work.await else {
            return;
        };
        given.clear();
        *batch = given;
        if let Err(error) = taken {
            self.lost(samples, &error);
        }
    }

    fn lost(&self, samples: usize, error: &Error) {
        let before = self.left_out.fetch_add(samples as u64, Ordering::Relaxed);
        let left_out = before + samples as u64;
        if left_out.ilog2() != before.max(1).ilog2() || before == 0 {
            let error = portique_fault::chain(error);
            tracing::error!(
                error,
                left_out,
                "telemetry cannot be stored; samples left out"
            );
        }
    }

    /// The ends of the series that a hub that was killed left open: their modules are not heard any more.
    async fn left_open(&self) -> Option<Batch> {
        let (source, now_ms) = (self.source.clone(), self.clock.now().as_millis());
        let looked = tokio::task::spawn_blocking(move || ends(source.as_ref(), now_ms)).await;
        match looked {
            Ok(Ok(batch)) => Some(batch),
            Ok(Err(error)) => {
                let error = portique_fault::chain(&error);
                tracing::warn!(error, "what telemetry was left open cannot be seen");
                None
            }
            Err(_) => None,
        }
    }
}

fn ends(source: &dyn Source, now_ms: i64) -> Result<Batch, Error> {
    let from_ms = now_ms.saturating_sub(i64::try_from(LOOKBACK.as_millis()).unwrap_or(i64::MAX));
    let selection = Selection {
        matchers: vec![
            Matcher::new(METRIC_NAME, MatchOp::Regex, &format!("{PREFIX}.+"))?,
            Matcher::new("rocket", MatchOp::NotEqual, "")?,
            Matcher::new("module", MatchOp::NotEqual, "")?,
        ],
        from_ms,
        to_ms: now_ms,
    };
    let selected = source.select(&selection)?;
    let (mut batch, mut samples) = (Batch::new(), Samples::default());
    for index in 0..selected.len() {
        selected.read_last(index, from_ms, now_ms, &mut samples)?;
        let is_open = samples.floats.last().is_some_and(|value| !is_stale(*value));
        if is_open && batch.series(selected.labels(index)).is_ok() {
            batch.float(now_ms, STALE);
        }
    }
    Ok(batch)
}

/// All modules that are heard, and the batch that is being filled.
#[derive(Default)]
pub(super) struct Writer {
    batch: Batch,
    rockets: BTreeMap<RocketId, BTreeMap<ModuleId, ModuleSeries>>,
}

impl Writer {
    fn describe(&mut self) {
        let measured = METRICS
            .iter()
            .map(|metric| (metric.name, metric.unit, metric.help));
        for (name, unit, help) in measured.chain(MADE) {
            self.batch
                .metadata(&full(name), MetricKind::Gauge, help, unit);
        }
    }

    /// Takes a message in; false for a sample that cannot be stored.
    fn take_in(&mut self, heard: &Heard) -> bool {
        let (vessel, at_ms) = (&heard.vessel, heard.at_ms);
        match &heard.what {
            What::Sample(module, sample) => {
                let series = self.series(heard, module);
                let (series, batch) = (series.0, series.1);
                return series.sample(batch, vessel, sample, at_ms);
            }
            What::Interrupted(module) => {
                // One that was not heard yet has nothing that could break off.
                let modules = self.rockets.get_mut(&vessel.rocket);
                if let Some(series) = modules.and_then(|modules| modules.get_mut(module)) {
                    series.interrupt(&mut self.batch, at_ms);
                }
            }
            What::Ended(module) => {
                let modules = self.rockets.get_mut(&vessel.rocket);
                if let Some(mut series) = modules.and_then(|modules| modules.remove(module)) {
                    series.end(&mut self.batch, at_ms);
                }
            }
            What::Closed => {
                let modules = self.rockets.remove(&vessel.rocket).unwrap_or_default();
                for mut series in modules.into_values() {
                    series.end(&mut self.batch, at_ms);
                }
            }
        }
        true
    }

    fn series(&mut self, heard: &Heard, module: &ModuleId) -> (&mut ModuleSeries, &mut Batch) {
        let rocket = &heard.vessel.rocket;
        if !self.rockets.contains_key(rocket) {
            self.rockets.insert(rocket.clone(), BTreeMap::new());
        }
        let modules = self.rockets.get_mut(rocket).expect("it was put there");
        if !modules.contains_key(module) {
            let series = ModuleSeries::new(&heard.vessel, module);
            modules.insert(module.clone(), series);
        }
        let series = modules.get_mut(module).expect("it was put there");
        (series, &mut self.batch)
    }
}
