use portique_series::{METRIC_NAME, MetricKind};

use crate::Error;
use crate::otlp::Sink;
use crate::otlp::attributes::Attributes;

/// The attributes that become `job` and `instance`, and are in no other label.
const IDENTIFYING: [&str; 3] = ["service.namespace", "service.name", "service.instance.id"];
const TARGET_INFO: &str = "target_info";

/// Who the metrics are of.
pub(super) struct Resource {
    job: String,
    instance: String,
    /// What is not in `job` and `instance`, as labels.
    others: Vec<(String, String)>,
    newest_ms: Option<i64>,
}

impl Resource {
    pub(super) fn new(attributes: &Attributes) -> Self {
        let value = |key| attributes.value(key).unwrap_or("").to_owned();
        let [namespace, name, instance] = IDENTIFYING.map(value);
        let job = match namespace.is_empty() || name.is_empty() {
            true => name,
            false => format!("{namespace}/{name}"),
        };
        let is_other = |pair: &&(String, String)| !IDENTIFYING.contains(&pair.0.as_str());
        let others = Attributes {
            pairs: attributes.pairs.iter().filter(is_other).cloned().collect(),
        };
        Self {
            job,
            instance,
            others: others.labels(),
            newest_ms: None,
        }
    }

    /// The labels that each series of it has.
    pub(super) fn labels(&self) -> [(&str, &str); 2] {
        [("job", &self.job), ("instance", &self.instance)]
    }

    /// Says that there is a sample at this time.
    pub(super) fn saw(&mut self, timestamp_ms: i64) {
        self.newest_ms = self.newest_ms.max(Some(timestamp_ms));
    }

    /// Adds `target_info`, if there is anything to tell and someone to tell it of.
    pub(super) fn describe(&self, sink: &mut Sink<'_>) -> Result<(), Error> {
        let is_identified = !self.job.is_empty() || !self.instance.is_empty();
        let Some(newest_ms) = self
            .newest_ms
            .filter(|_| is_identified && !self.others.is_empty())
        else {
            return Ok(());
        };
        let own = self.labels().into_iter();
        let is_free = |(name, _): &(&str, &str)| !["job", "instance", METRIC_NAME].contains(name);
        let others = self.others.iter().map(|(name, value)| (&**name, &**value));
        let labels = own.chain(others.filter(is_free));
        match sink.begin(labels.chain([(METRIC_NAME, TARGET_INFO)]))? {
            Ok(()) => {
                sink.batch.float(newest_ms, 1.0);
                sink.counts.samples += 1;
                let help = "Target metadata";
                sink.batch
                    .metadata(TARGET_INFO, MetricKind::Gauge, help, "");
            }
            Err(bad) => sink.reject(bad, TARGET_INFO, 0),
        }
        Ok(())
    }
}
