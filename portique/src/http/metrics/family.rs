use portique_exposition::bound_text;
use portique_series::{Metadata, MetricKind};

use super::figure::{Figure, Histogram, LabelledFigure, Labels, Samples, Value};

/// What the names of the hub's figures begin with.
const PREFIX: &str = "portique_";
/// What names begin with that are the same in every program that Prometheus' libraries are in: dashboards
/// and rules for processes find them by these.
const OF_PROCESSES: &str = "process_";
/// Units that a name ends with.
const UNITS: [&str; 2] = ["seconds", "bytes"];

/// One metric, with the samples of all things it is about.
#[derive(Debug, Clone)]
pub(crate) struct Family {
    /// As samples are named: with its prefix, and `_total` when it is a counter.
    pub(crate) name: String,
    pub(crate) metadata: Metadata,
    series: Vec<(Labels, Reading)>,
}

#[derive(Debug, Clone)]
enum Reading {
    Number(f64),
    Spread(Histogram),
}

impl Family {
    /// Says of each sample its name, its labels without the name, and its value.
    pub(crate) fn each(&self, mut tell: impl FnMut(&str, &[(&str, &str)], f64)) {
        for (labels, reading) in &self.series {
            let labels: Vec<(&str, &str)> = labels
                .iter()
                .map(|(name, value)| (*name, value.as_str()))
                .collect();
            match reading {
                Reading::Number(value) => tell(&self.name, &labels, *value),
                Reading::Spread(histogram) => self.spread(histogram, labels, &mut tell),
            }
        }
    }

    fn spread(
        &self,
        histogram: &Histogram,
        labels: Vec<(&str, &str)>,
        tell: &mut impl FnMut(&str, &[(&str, &str)], f64),
    ) {
        let bucket = format!("{}_bucket", self.name);
        let mut count = 0;
        for (bound, above) in &histogram.buckets {
            count += above;
            let bound = bound_text(*bound);
            let mut labels = labels.clone();
            labels.push(("le", &bound));
            tell(&bucket, &labels, count as f64);
        }
        tell(&format!("{}_sum", self.name), &labels, histogram.sum);
        tell(&format!("{}_count", self.name), &labels, count as f64);
    }

    fn new(name: &str, help: &str, kind: MetricKind, series: Vec<(Labels, Reading)>) -> Self {
        let unit = UNITS.into_iter().find(|unit| name.ends_with(*unit));
        let prefix = if name.starts_with(OF_PROCESSES) {
            ""
        } else {
            PREFIX
        };
        let total = if kind == MetricKind::Counter {
            "_total"
        } else {
            ""
        };
        Self {
            name: format!("{prefix}{name}{total}"),
            metadata: Metadata {
                kind,
                help: help.to_owned(),
                unit: unit.unwrap_or_default().to_owned(),
            },
            series,
        }
    }
}

impl From<Figure> for Family {
    fn from(figure: Figure) -> Self {
        let (kind, value) = match figure.value {
            Value::Counter(value) => (MetricKind::Counter, value as f64),
            Value::FloatCounter(value) => (MetricKind::Counter, value),
            Value::Gauge(value) => (MetricKind::Gauge, value),
        };
        let series = vec![(Labels::new(), Reading::Number(value))];
        Self::new(figure.name, figure.help, kind, series)
    }
}

impl From<LabelledFigure> for Family {
    fn from(figure: LabelledFigure) -> Self {
        let (kind, series) = match figure.samples {
            Samples::Counters(samples) => {
                (MetricKind::Counter, numbers(samples, |value| value as f64))
            }
            Samples::Gauges(samples) => (MetricKind::Gauge, numbers(samples, |value| value)),
            Samples::Histograms(samples) => {
                let spread = |(labels, histogram)| (labels, Reading::Spread(histogram));
                (
                    MetricKind::Histogram,
                    samples.into_iter().map(spread).collect(),
                )
            }
        };
        Self::new(figure.name, figure.help, kind, series)
    }
}

fn numbers<T>(samples: Vec<(Labels, T)>, value: fn(T) -> f64) -> Vec<(Labels, Reading)> {
    let number = |(labels, sample)| (labels, Reading::Number(value(sample)));
    samples.into_iter().map(number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(family: &Family) -> Vec<String> {
        let mut all = Vec::new();
        family.each(|name, labels, value| all.push(format!("{name}{labels:?} {value}")));
        all
    }

    #[test]
    fn buckets_count_up_to_their_bound() {
        let spread = Histogram {
            buckets: vec![(0.5, 2), (1.0, 1), (f64::INFINITY, 4)],
            sum: 9.5,
        };
        let labels = vec![("queue", "mail".to_owned())];
        let family = Family::from(LabelledFigure {
            name: "wait_seconds",
            help: "",
            samples: Samples::Histograms(vec![(labels, spread)]),
        });
        let expected = [
            "portique_wait_seconds_bucket[(\"queue\", \"mail\"), (\"le\", \"0.5\")] 2",
            "portique_wait_seconds_bucket[(\"queue\", \"mail\"), (\"le\", \"1.0\")] 3",
            "portique_wait_seconds_bucket[(\"queue\", \"mail\"), (\"le\", \"+Inf\")] 7",
            "portique_wait_seconds_sum[(\"queue\", \"mail\")] 9.5",
            "portique_wait_seconds_count[(\"queue\", \"mail\")] 7",
        ];
        assert_eq!(told(&family), expected);
        assert_eq!(family.metadata.unit, "seconds");
    }

    #[test]
    fn counters_end_in_total_and_figures_of_processes_have_the_names_they_have_elsewhere() {
        let figure = |name, value| {
            Family::from(Figure {
                name,
                help: "",
                value,
            })
        };
        let counted = figure("jobs", Value::Counter(3));
        assert_eq!(told(&counted), ["portique_jobs_total[] 3"]);
        let cpu = figure("process_cpu_seconds", Value::FloatCounter(0.25));
        assert_eq!(told(&cpu), ["process_cpu_seconds_total[] 0.25"]);
        assert_eq!(cpu.metadata.unit, "seconds");
    }
}
