use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use portique_records::{
    Collection, Comparison, Condition, Cursor, Document, FieldKind, Index, OnConflict, Order,
    Query, Records,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::mpsc;

use crate::Error;
use crate::{ModuleId, RocketId, Sample};

/// The collection that holds telemetry until there is a room for series.
const COLLECTION: &str = "launch_telemetry";
/// Samples on one page at most.
const PAGE_SAMPLES_MAX: usize = 1_000;
/// Samples that may wait to be written; more are left out of the history and counted.
const SAMPLES_WAITING_MAX: usize = 10_000;
/// Samples written in one go.
const BATCH_SAMPLES_MAX: usize = 1_000;
/// How often samples are written.
const FLUSH_EVERY: Duration = Duration::from_millis(500);
/// Closest distance of two stored samples of one module, in seconds of flight.
const STORED_EVERY_S: f64 = 0.1;
/// How far T may fall before it is another attempt: less is a clock that was corrected.
const FALL_S: f64 = 1.0;
/// Latest and earliest T that is stored, in seconds: eleven days, longer than any count or flight.
const T_S_MAX: f64 = 1e6;
/// The document that counts the runs of the hub; no module has its name.
const RUNS: &str = "runs";

/// Which part of a module's history.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TelemetryQuery {
    /// From this T on, in seconds.
    pub from_s: Option<f64>,
    /// Before this T, in seconds.
    pub to_s: Option<f64>,
    /// After this cursor: the `next` of the page before.
    pub after: Option<String>,
    /// Samples, 1 to 1000; 1000 when absent.
    pub limit: Option<usize>,
}

/// Some samples in order of T.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TelemetryPage {
    /// The samples, at most ten a second of flight.
    pub samples: Vec<Sample>,
    /// Where the next page begins; absent at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

pub(crate) async fn define(records: &dyn Records) -> Result<(), Error> {
    let index = |field: &str, kind| Index {
        field: field.into(),
        kind,
    };
    let collection = Collection {
        name: COLLECTION.into(),
        indexes: vec![
            index("module", FieldKind::Text),
            index("t_s", FieldKind::Real),
        ],
        full_text: Vec::new(),
    };
    records.define(collection).await.map_err(Error::Records)
}

pub(crate) async fn page(
    records: &dyn Records,
    rocket: &RocketId,
    module: &ModuleId,
    query: &TelemetryQuery,
) -> Result<TelemetryPage, Error> {
    let limit = query.limit.unwrap_or(PAGE_SAMPLES_MAX);
    if !(1..=PAGE_SAMPLES_MAX).contains(&limit) {
        let problem = format!("{limit} is outside 1 to {PAGE_SAMPLES_MAX}");
        return Err(Error::Input {
            what: "limit",
            problem,
        });
    }
    let is_module = Condition {
        field: "module".into(),
        comparison: Comparison::Equal,
        value: key(rocket, module).into(),
    };
    let bound = |comparison, t_s: Option<f64>| {
        t_s.map(|t_s| Condition {
            field: "t_s".into(),
            comparison,
            value: json!(t_s),
        })
    };
    let conditions = [
        Some(is_module),
        bound(Comparison::AtLeast, query.from_s),
        bound(Comparison::Less, query.to_s),
    ];
    let query = Query {
        conditions: conditions.into_iter().flatten().collect(),
        text: None,
        order: Some(Order {
            field: Some("t_s".into()),
            descending: false,
        }),
        limit,
        after: query.after.clone().map(Cursor),
    };
    let page = records
        .query(COLLECTION, query)
        .await
        .map_err(Error::Records)?;
    let samples = page.documents.into_iter().map(|mut document| {
        serde_json::from_value(document.body["sample"].take()).map_err(|source| Error::Damaged {
            id: document.id,
            source,
        })
    });
    let samples = samples.collect::<Result<_, _>>()?;
    Ok(TelemetryPage {
        samples,
        next: page.next.map(|cursor| cursor.0),
    })
}

fn key(rocket: &RocketId, module: &ModuleId) -> String {
    format!("{rocket}/{module}")
}

/// The queue that [`run`] empties.
type Queue = mpsc::Receiver<(RocketId, ModuleId, Sample)>;

/// Whether a sample at this T is to be stored, after the last one that was. T that falls begins
/// another attempt: a recycled count comes by the same T again.
fn is_due(t_s: f64, last_s: Option<f64>) -> bool {
    // A NaN is within nothing.
    let is_possible = (-T_S_MAX..=T_S_MAX).contains(&t_s);
    // Half a millisecond of grace: ten times a tenth of a second is not quite a second.
    let is_next = |last_s| t_s < last_s - FALL_S || t_s >= last_s + STORED_EVERY_S - 0.000_5;
    is_possible && last_s.is_none_or(is_next)
}

/// Hands samples to the writer, thinned out to ten a second of flight.
pub(crate) struct Recorder {
    samples: mpsc::Sender<(RocketId, ModuleId, Sample)>,
    last_s: BTreeMap<ModuleId, f64>,
    left_out: u64,
}

impl Recorder {
    /// A source of recorders and the queue that [`run`] empties.
    pub(crate) fn channel() -> (RecorderSource, Queue) {
        let (samples, received) = mpsc::channel(SAMPLES_WAITING_MAX);
        (RecorderSource(samples), received)
    }

    pub(crate) fn record(&mut self, rocket: &RocketId, module: &ModuleId, sample: &Sample) {
        if !is_due(sample.t_s, self.last_s.get(module).copied()) {
            return;
        }
        self.last_s.insert(module.clone(), sample.t_s);
        if self
            .samples
            .try_send((rocket.clone(), module.clone(), sample.clone()))
            .is_err()
        {
            self.left_out += 1;
            if self.left_out.is_power_of_two() {
                let left_out = self.left_out;
                tracing::warn!(%rocket, left_out, "telemetry history is too slow; samples left out");
            }
        }
    }
}

/// Makes one recorder per rocket.
#[derive(Clone)]
pub(crate) struct RecorderSource(mpsc::Sender<(RocketId, ModuleId, Sample)>);

impl RecorderSource {
    pub(crate) fn recorder(&self) -> Recorder {
        Recorder {
            samples: self.0.clone(),
            last_s: BTreeMap::new(),
            left_out: 0,
        }
    }
}

/// Writes samples until every recorder is gone.
pub(crate) async fn run(records: Arc<dyn Records>, mut received: Queue) {
    let mut attempts = Attempts {
        run: begin_run(records.as_ref()).await,
        modules: BTreeMap::new(),
    };
    let mut batch = Vec::new();
    while received.recv_many(&mut batch, BATCH_SAMPLES_MAX).await > 0 {
        let documents = batch
            .drain(..)
            .map(|(rocket, module, sample)| attempts.document(&rocket, &module, &sample));
        if let Err(error) = records
            .insert(COLLECTION, documents.collect(), OnConflict::Replace)
            .await
        {
            let error = portique_fault::chain(&error);
            tracing::error!(error, "telemetry cannot be written; samples left out");
        }
        tokio::time::sleep(FLUSH_EVERY).await;
    }
}

/// The number of this run of the hub: a count that goes on after a restart comes by the same T again.
async fn begin_run(records: &dyn Records) -> u64 {
    let last = match records.find(COLLECTION, RUNS).await {
        Ok(document) => document.and_then(|document| document.body["run"].as_u64()),
        Err(error) => {
            let error = portique_fault::chain(&error);
            tracing::error!(error, "the telemetry history cannot be read");
            None
        }
    };
    let run = last.map_or(0, |last| last + 1);
    let document = Document {
        id: RUNS.into(),
        body: json!({ "module": RUNS, "t_s": 0.0, "run": run }),
    };
    if let Err(error) = records
        .insert(COLLECTION, vec![document], OnConflict::Replace)
        .await
    {
        let error = portique_fault::chain(&error);
        tracing::error!(error, "the telemetry history cannot be written");
    }
    run
}

/// Keeps apart what was seen at the same T in another attempt.
struct Attempts {
    run: u64,
    /// By module: how often T has fallen, and the last T.
    modules: BTreeMap<String, (u32, f64)>,
}

impl Attempts {
    fn document(&mut self, rocket: &RocketId, module: &ModuleId, sample: &Sample) -> Document {
        let (key, t_s, run) = (key(rocket, module), sample.t_s, self.run);
        let (attempt, last_s) = self.modules.entry(key.clone()).or_insert((0, t_s));
        if t_s < *last_s {
            *attempt += 1;
        }
        *last_s = t_s;
        let id = format!("{key}/{run}.{attempt}/{t_s:.3}");
        let body = json!({ "module": key, "t_s": t_s, "sample": sample });
        Document { id, body }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(times_s: &[f64]) -> Vec<String> {
        let (source, mut queue) = Recorder::channel();
        let mut recorder = source.recorder();
        let rocket = RocketId::new("demo").unwrap();
        let module = ModuleId::new("booster").unwrap();
        for &t_s in times_s {
            let sample = Sample {
                t_s,
                ..Sample::default()
            };
            recorder.record(&rocket, &module, &sample);
        }
        let mut attempts = Attempts {
            run: 7,
            modules: BTreeMap::new(),
        };
        std::iter::from_fn(|| queue.try_recv().ok())
            .map(|(rocket, module, sample)| attempts.document(&rocket, &module, &sample).id)
            .collect()
    }

    #[test]
    fn a_second_attempt_does_not_overwrite_the_first() {
        assert_eq!(
            stored(&[-60.0, -59.95, -3.0, -3.2, -60.0, -59.9]),
            [
                "demo/booster/7.0/-60.000",
                "demo/booster/7.0/-3.000",
                "demo/booster/7.1/-60.000",
                "demo/booster/7.1/-59.900",
            ]
        );
    }

    #[test]
    fn one_impossible_time_does_not_silence_a_module() {
        let stored = stored(&[1.0, 1e300, f64::NAN, f64::INFINITY, -1e7, 2.0]);
        assert_eq!(stored, ["demo/booster/7.0/1.000", "demo/booster/7.0/2.000"]);
    }
}
