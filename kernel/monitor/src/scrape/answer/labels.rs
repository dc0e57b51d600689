use portique_series::{BatchSeries, Labels, LabelsBuilder, METRIC_NAME};

use crate::scrape::config::JobConfig;
use crate::scrape::relabel::relabel;

/// What a label is called that the target's own label of the same name displaces.
const EXPORTED: &str = "exported_";

/// The labels that a series is kept under; none when the rules drop it.
pub(super) fn rewritten(
    series: &BatchSeries<'_>,
    target: &Labels,
    job: &JobConfig,
) -> Option<Labels> {
    let mut labels = LabelsBuilder::default();
    for (name, value) in series.labels() {
        labels.set(name, value);
    }
    match job.honors_labels {
        true => {
            for (name, value) in target.iter() {
                if labels.value(name).is_none() {
                    labels.set(name, value);
                }
            }
        }
        false => displace(&mut labels, target),
    }
    if !relabel(&job.metric_relabel, &mut labels) {
        return None;
    }
    let labels = labels.build();
    (!labels.is_empty()).then_some(labels)
}

/// Sets the target's labels; those of the sample that are in the way get another name.
fn displace(labels: &mut LabelsBuilder, target: &Labels) {
    let mut displaced: Vec<(String, String)> = Vec::new();
    for (name, value) in target.iter() {
        if let Some(own) = labels.value(name) {
            displaced.push((name.to_owned(), own.to_owned()));
        }
        labels.set(name, value);
    }
    // The shortest first, as in Prometheus: who is in whose way depends on it.
    displaced.sort_by_key(|(name, _)| name.len());
    for (name, value) in displaced {
        let mut free = format!("{EXPORTED}{name}");
        while labels.value(&free).is_some() {
            free.insert_str(0, EXPORTED);
        }
        labels.set(free, value);
    }
}

/// The labels of a sample that a scrape says of itself.
pub(super) fn reported(metric: &str, target: &Labels) -> Labels {
    let mut labels = target.to_builder();
    labels.set(METRIC_NAME, metric);
    labels.build()
}
