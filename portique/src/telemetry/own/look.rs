//! From figures to samples, and the end of series that are gone.

use std::collections::HashSet;

use portique_clock::Timestamp;
use portique_series::{Batch, Labels, METRIC_NAME, MetricKind, STALE};

use crate::http::Family;

/// The job that the hub's own series have.
const JOB: &str = "portique";
/// Most series of the hub's own figures. Queues, consumers and webhooks are named by users: with as many
/// of each as the metrics page shows, there are some ten thousand.
const SERIES_MAX: usize = 20_000;

/// What was there at the last look.
pub(super) struct Looks {
    instance: String,
    known: HashSet<Labels>,
    last_ms: i64,
}

/// What came of a look.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Looked {
    pub(super) series: u64,
    /// Series beyond the limit.
    pub(super) left_out: u64,
}

impl Looks {
    pub(super) fn new(instance: &str) -> Self {
        Self {
            instance: instance.to_owned(),
            known: HashSet::new(),
            last_ms: i64::MIN,
        }
    }

    /// Fills the batch with a sample of every series, and with the end of those that are gone.
    pub(super) fn look(
        &mut self,
        families: &[Family],
        now: Timestamp,
        batch: &mut Batch,
    ) -> Looked {
        let at_ms = self.next(now);
        let mut seen = HashSet::with_capacity(self.known.len());
        let mut left_out = 0;
        let mut put = |name: &str, labels: &[(&str, &str)], value: f64| {
            let own = [
                (METRIC_NAME, name),
                ("job", JOB),
                ("instance", &self.instance),
            ];
            let labels = Labels::from_pairs(labels.iter().copied().chain(own));
            if seen.len() >= SERIES_MAX {
                left_out += 1;
            } else if batch.series(&labels).is_ok() {
                batch.float(at_ms, value);
                seen.insert(labels);
            }
        };
        put("up", &[], 1.0);
        for family in families {
            family.each(&mut put);
        }
        for family in families {
            let said = &family.metadata;
            batch.metadata(&family.name, said.kind, &said.help, &said.unit);
        }
        batch.metadata("up", MetricKind::Gauge, "Whether the target answered", "");
        self.known.retain(|labels| !seen.contains(labels));
        self.end_known(at_ms, batch);
        self.known = seen;
        Looked {
            series: self.known.len() as u64,
            left_out,
        }
    }

    /// Fills the batch with the end of every series.
    pub(super) fn end(&mut self, now: Timestamp, batch: &mut Batch) {
        let at_ms = self.next(now);
        self.end_known(at_ms, batch);
        self.known.clear();
    }

    fn end_known(&self, at_ms: i64, batch: &mut Batch) {
        for labels in &self.known {
            if batch.series(labels).is_ok() {
                batch.float(at_ms, STALE);
            }
        }
    }

    /// The time of this look: two of them in one millisecond would contradict each other.
    fn next(&mut self, now: Timestamp) -> i64 {
        let now_ms = now.as_millis();
        let at_ms = if now_ms == self.last_ms {
            now_ms + 1
        } else {
            now_ms
        };
        self.last_ms = at_ms;
        at_ms
    }
}

#[cfg(test)]
mod tests {
    use portique_series::is_stale;

    use super::*;
    use crate::http::{LabelledFigure, Samples};

    fn queues(names: impl IntoIterator<Item = impl Into<String>>) -> Vec<Family> {
        let samples = names
            .into_iter()
            .map(|name| (vec![("queue", name.into())], 1.0));
        let figure = LabelledFigure {
            name: "queue_jobs",
            help: "Jobs",
            samples: Samples::Gauges(samples.collect()),
        };
        vec![figure.into()]
    }

    /// Names with queue, and whether each ends.
    fn shown(batch: &Batch) -> Vec<String> {
        let series = batch.iter().map(|series| {
            let labels = series.to_labels();
            let end = if is_stale(series.floats()[0]) {
                " ends"
            } else {
                ""
            };
            let queue = labels.get("queue").unwrap_or_default();
            assert_eq!(labels.get("job"), Some("portique"));
            assert_eq!(labels.get("instance"), Some("127.0.0.1:8080"));
            format!(
                "{}/{queue}@{}{end}",
                labels.metric(),
                series.timestamps()[0]
            )
        });
        let mut all: Vec<String> = series.collect();
        all.sort();
        all
    }

    #[test]
    fn a_series_that_is_gone_ends_once() {
        let mut looks = Looks::new("127.0.0.1:8080");
        let mut batch = Batch::new();
        let at = Timestamp::from_millis;
        looks.look(&queues(["a", "b"]), at(10), &mut batch);
        assert_eq!(
            shown(&batch),
            [
                "portique_queue_jobs/a@10",
                "portique_queue_jobs/b@10",
                "up/@10"
            ]
        );
        batch.clear();
        looks.look(&queues(["b"]), at(20), &mut batch);
        assert_eq!(
            shown(&batch),
            [
                "portique_queue_jobs/a@20 ends",
                "portique_queue_jobs/b@20",
                "up/@20"
            ]
        );
        batch.clear();
        looks.look(&queues(["b"]), at(30), &mut batch);
        assert_eq!(shown(&batch), ["portique_queue_jobs/b@30", "up/@30"]);
        batch.clear();
        looks.end(at(30), &mut batch);
        assert_eq!(
            shown(&batch),
            ["portique_queue_jobs/b@31 ends", "up/@31 ends"]
        );
    }

    #[test]
    fn what_is_beyond_the_limit_is_counted() {
        let mut looks = Looks::new("i");
        let mut batch = Batch::new();
        let many = queues((0..SERIES_MAX + 4).map(|index| index.to_string()));
        let looked = looks.look(&many, Timestamp::from_millis(1), &mut batch);
        let expected = Looked {
            series: SERIES_MAX as u64,
            left_out: 5,
        };
        assert_eq!(looked, expected);
        assert_eq!(batch.len(), SERIES_MAX);
    }

    #[test]
    fn what_metrics_are_is_said() {
        let mut batch = Batch::new();
        Looks::new("i").look(&queues(["a"]), Timestamp::from_millis(1), &mut batch);
        let said: Vec<_> = batch
            .all_metadata()
            .map(|(name, m)| (name, m.kind))
            .collect();
        assert_eq!(
            said,
            [
                ("portique_queue_jobs", MetricKind::Gauge),
                ("up", MetricKind::Gauge)
            ]
        );
    }
}
