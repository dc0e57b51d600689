//! Telemetry read back from the store, sample by sample.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use portique_clock::Timestamp;
use portique_series::{
    METRIC_NAME, MatchOp, Matcher, Samples, Selected, Selection, Source, is_stale,
};
use serde::{Deserialize, Serialize};

use super::PREFIX;
use super::metrics::{METRICS, PHASE, T, is_of_every_module};
use crate::{Error, ModuleId, Parameter, RocketId, Sample};

/// Samples on one page at most.
const PAGE_SAMPLES_MAX: usize = 1_000;
/// Closest distance of two samples of a page when nobody says, in seconds of flight.
const EVERY_S: f64 = 0.1;
/// How far T may fall before it is another attempt: less is a clock that was corrected.
const FALL_S: f64 = 1.0;
/// Latest and earliest T that is shown, in seconds: eleven days, longer than any count or flight.
const T_S_MAX: f64 = 1e6;
/// Time that is read in one go: sixty thousand samples of each series at the full rate.
const WINDOW: Duration = Duration::from_mins(10);
/// Before a rocket was added there is nothing of it; its clock may be a little off.
const MARGIN: Duration = Duration::from_mins(1);

/// Which part of a module's history.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TelemetryQuery {
    /// From this T on, in seconds.
    pub from_s: Option<f64>,
    /// Before this T, in seconds.
    pub to_s: Option<f64>,
    /// Closest distance of two samples, in seconds of flight; 0.1 when absent, 0 for all.
    pub every_s: Option<f64>,
    /// After this cursor: the `next` of the page before.
    pub after: Option<String>,
    /// Samples, 1 to 1000; 1000 when absent.
    pub limit: Option<usize>,
}

/// Some samples in the order in which they were heard, which is the order of T within one attempt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TelemetryPage {
    /// The samples.
    pub samples: Vec<Sample>,
    /// Where the next page begins; absent at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// One page; reads the store on a thread that may block.
///
/// # Errors
/// [`Error::Input`] for a query that makes no sense, [`Error::Series`].
pub(crate) async fn page(
    source: Arc<dyn Source>,
    (rocket, module): (&RocketId, &ModuleId),
    (added, now): (Timestamp, Timestamp),
    query: &TelemetryQuery,
) -> Result<TelemetryPage, Error> {
    let wanted = Wanted::new(query)?;
    let from_ms = match wanted.after_ms {
        Some(after_ms) => after_ms,
        None => added.minus(MARGIN).as_millis(),
    };
    let to_ms = now.plus(MARGIN).as_millis();
    let matchers = vec![
        Matcher::equal("rocket", rocket.as_str()),
        Matcher::equal("module", module.as_str()),
    ];
    let read = move || read(source.as_ref(), &matchers, (from_ms, to_ms), &wanted);
    match tokio::task::spawn_blocking(read).await {
        Ok(page) => page.map_err(Error::Series),
        Err(_) => Err(Error::Unavailable {
            reason: "it is stopping",
        }),
    }
}

struct Wanted {
    t_s: std::ops::Range<f64>,
    every_s: f64,
    after_ms: Option<i64>,
    limit: usize,
}

impl Wanted {
    fn new(query: &TelemetryQuery) -> Result<Self, Error> {
        let limit = query.limit.unwrap_or(PAGE_SAMPLES_MAX);
        let wrong = |what, problem| Err(Error::Input { what, problem });
        if !(1..=PAGE_SAMPLES_MAX).contains(&limit) {
            return wrong(
                "limit",
                format!("{limit} is outside 1 to {PAGE_SAMPLES_MAX}"),
            );
        }
        let every_s = query.every_s.unwrap_or(EVERY_S);
        if !(0.0..=T_S_MAX).contains(&every_s) {
            return wrong("every_s", format!("{every_s} is outside 0 to {T_S_MAX}"));
        }
        let after_ms = query.after.as_deref().map(str::parse).transpose();
        let Ok(after_ms) = after_ms else {
            return wrong(
                "after",
                "is no cursor: give the next of the page before".into(),
            );
        };
        Ok(Self {
            t_s: query.from_s.unwrap_or(-T_S_MAX)..query.to_s.unwrap_or(T_S_MAX),
            every_s,
            after_ms,
            limit,
        })
    }

    /// Whether a sample at this T is wanted, after the last one that was. T that falls begins another
    /// attempt: a recycled count comes by the same T again.
    fn takes(&self, t_s: f64, last_s: Option<f64>) -> bool {
        // Half a millisecond of grace: ten times a tenth of a second is not quite a second. A NaN, as a
        // stale marker is, is within nothing.
        let is_next = |last_s| t_s < last_s - FALL_S || t_s >= last_s + self.every_s - 0.000_5;
        self.t_s.contains(&t_s) && last_s.is_none_or(is_next)
    }
}

fn read(
    source: &dyn Source,
    matchers: &[Matcher],
    (from_ms, to_ms): (i64, i64),
    wanted: &Wanted,
) -> Result<TelemetryPage, portique_series::Error> {
    let select = |name: Matcher, from_ms, to_ms| {
        let matchers = matchers.iter().cloned().chain([name]).collect();
        source.select(&Selection {
            matchers,
            from_ms,
            to_ms,
        })
    };
    let times = select(Matcher::equal(METRIC_NAME, T), from_ms, to_ms)?;
    let window_ms = i64::try_from(WINDOW.as_millis()).unwrap_or(i64::MAX);
    let (mut page, mut column) = (BTreeMap::new(), Samples::default());
    let (mut last_s, mut begin_ms) = (None, from_ms);
    while !times.is_empty() && begin_ms <= to_ms && page.len() <= wanted.limit {
        let end_ms = begin_ms.saturating_add(window_ms - 1).min(to_ms);
        times.read(0, begin_ms, end_ms, &mut column)?;
        let before = page.len();
        for (at_ms, t_s) in column.timestamps.iter().zip(&column.floats) {
            if wanted.after_ms == Some(*at_ms) {
                last_s = Some(*t_s);
            } else if page.len() <= wanted.limit && wanted.takes(*t_s, last_s) {
                last_s = Some(*t_s);
                page.insert(*at_ms, (Sample::default(), Vec::new()));
            }
        }
        if page.len() > before {
            let name = Matcher::new(METRIC_NAME, MatchOp::Regex, &format!("{PREFIX}.+"))?;
            let selected = select(name, begin_ms, end_ms)?;
            fill(&mut page, selected.as_ref(), (begin_ms, end_ms))?;
        }
        begin_ms = end_ms.saturating_add(1);
    }
    let has_more = page.len() > wanted.limit;
    if has_more {
        page.pop_last();
    }
    let next = page.last_key_value().filter(|_| has_more);
    let next = next.map(|(at_ms, _)| at_ms.to_string());
    let samples = page.into_values().map(|(sample, parameters)| Sample {
        parameters: parameters.into(),
        ..sample
    });
    Ok(TelemetryPage {
        samples: samples.collect(),
        next,
    })
}

/// The samples of a page by their time, with their parameters apart.
type Page = BTreeMap<i64, (Sample, Vec<Parameter>)>;

fn fill(
    page: &mut Page,
    selected: &dyn Selected,
    (from_ms, to_ms): (i64, i64),
) -> Result<(), portique_series::Error> {
    let mut column = Samples::default();
    for index in 0..selected.len() {
        let labels = selected.labels(index);
        let name = labels.metric().strip_prefix(PREFIX).unwrap_or_default();
        let metric = METRICS.iter().find(|metric| metric.name == name);
        let phase = labels.get("phase").and_then(|phase| phase.parse().ok());
        let is_phase = labels.metric() == PHASE;
        if metric.is_none() && !is_phase && is_of_every_module(name) {
            continue;
        }
        selected.read(index, from_ms, to_ms, &mut column)?;
        for (at_ms, value) in column.timestamps.iter().zip(&column.floats) {
            let Some((sample, parameters)) = page.get_mut(at_ms).filter(|_| !is_stale(*value))
            else {
                continue;
            };
            match (metric, phase) {
                (Some(metric), _) => (metric.into)(sample, *value),
                (None, Some(phase)) if is_phase => sample.phase = phase,
                _ => parameters.push(Parameter {
                    name: name.to_owned(),
                    part: labels.get("part").map(str::to_owned),
                    value: *value,
                }),
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(times_s: &[f64], query: &TelemetryQuery) -> Vec<f64> {
        let wanted = Wanted::new(query).unwrap();
        let mut last_s = None;
        let mut taken = Vec::new();
        for t_s in times_s {
            if wanted.takes(*t_s, last_s) {
                last_s = Some(*t_s);
                taken.push(*t_s);
            }
        }
        taken
    }

    #[test]
    fn samples_are_thinned_out_and_a_second_attempt_is_shown_too() {
        let times = [-60.0, -59.95, -3.0, -3.2, -60.0, -59.9];
        let all = TelemetryQuery::default();
        assert_eq!(taken(&times, &all), [-60.0, -3.0, -60.0, -59.9]);
        let every = TelemetryQuery {
            every_s: Some(0.0),
            ..all
        };
        assert_eq!(taken(&[1.0, 1.01, 1.02], &every), [1.0, 1.01, 1.02]);
    }

    #[test]
    fn one_impossible_time_does_not_hide_what_follows() {
        let times = [1.0, 1e300, f64::NAN, f64::INFINITY, -1e7, 2.0];
        assert_eq!(taken(&times, &TelemetryQuery::default()), [1.0, 2.0]);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let refused = |query: TelemetryQuery| Wanted::new(&query).is_err();
        assert!(refused(TelemetryQuery {
            limit: Some(0),
            ..Default::default()
        }));
        assert!(refused(TelemetryQuery {
            every_s: Some(f64::NAN),
            ..Default::default()
        }));
        assert!(refused(TelemetryQuery {
            after: Some("x".into()),
            ..Default::default()
        }));
    }

    #[test]
    fn every_metric_has_a_name_of_its_own() {
        assert_eq!(super::super::metrics::full("t_seconds"), T);
    }
}
