use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::{Appended, Batch, Error, Refusal, RefusalKind, RefusalReason, Sink, Submitted};

/// A sink that takes no metric whose name somebody keeps to themselves: what decides by a metric must know who wrote it.
///
/// Whoever owns a name writes to the sink behind this one.
pub struct ReservedSink {
    behind: Arc<dyn Sink>,
    prefixes: Vec<&'static str>,
    refused: AtomicU64,
}

impl ReservedSink {
    /// Stands before a sink; metrics whose names begin with one of the prefixes do not reach it.
    pub fn new(behind: Arc<dyn Sink>, prefixes: &[&'static str]) -> Self {
        Self {
            behind,
            prefixes: prefixes.to_vec(),
            refused: AtomicU64::new(0),
        }
    }

    /// Samples that were kept out since the start.
    pub fn refused_total(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    fn owner(&self, metric: &str) -> Option<&'static str> {
        let mut all = self.prefixes.iter().copied();
        all.find(|prefix| metric.starts_with(prefix))
    }

    /// The series that are kept out, by index, each with the prefix that keeps it out.
    fn kept_out(&self, batch: &Batch) -> Vec<(usize, &'static str)> {
        let all = batch.iter().enumerate();
        let owned = all.filter_map(|(index, series)| Some((index, self.owner(series.metric())?)));
        owned.collect()
    }
}

impl Sink for ReservedSink {
    fn submit(&self, batch: &Batch) -> Result<Submitted, Error> {
        let kept_out = self.kept_out(batch);
        let is_described = |(metric, _): (&str, _)| self.owner(metric).is_some();
        if kept_out.is_empty() && !batch.all_metadata().any(is_described) {
            return self.behind.submit(batch);
        }
        let (rest, places) = without(batch, &kept_out, |metric| self.owner(metric).is_some());
        let mut submitted = self.behind.submit(&rest)?;
        let appended = submitted.appended_mut();
        for refusal in &mut appended.refused {
            refusal.series = places[refusal.series];
        }
        for (series, prefix) in kept_out {
            refuse(appended, batch, series, prefix);
        }
        let refused = appended.refused_for(RefusalKind::Reserved) as u64;
        self.refused.fetch_add(refused, Ordering::Relaxed);
        Ok(submitted)
    }
}

fn refuse(appended: &mut Appended, batch: &Batch, series: usize, prefix: &'static str) {
    let timestamps = batch.at(series).timestamps();
    if let Some(first) = timestamps.first() {
        let refusal = Refusal {
            series,
            timestamp_ms: *first,
            reason: RefusalReason::Reserved { prefix },
        };
        appended.refuse(refusal, timestamps.len());
    }
}

/// A copy without some series and what is said of their metrics, and where its series were before.
fn without(
    batch: &Batch,
    kept_out: &[(usize, &'static str)],
    is_owned: impl Fn(&str) -> bool,
) -> (Batch, Vec<usize>) {
    let (mut rest, mut places) = (Batch::new(), Vec::new());
    let mut exemplars = batch.exemplars().peekable();
    for (index, series) in batch.iter().enumerate() {
        let is_kept = kept_out
            .binary_search_by_key(&index, |(out, _)| *out)
            .is_err();
        if is_kept {
            rest.copy(&series);
            places.push(index);
        }
        while let Some((_, one)) = exemplars.next_if(|(owner, _)| *owner == index) {
            if is_kept {
                rest.exemplar(one.labels.clone(), one.value, one.timestamp_ms);
            }
        }
    }
    for (metric, said) in batch.all_metadata().filter(|(metric, _)| !is_owned(metric)) {
        rest.metadata(metric, said.kind, &said.help, &said.unit);
    }
    (rest, places)
}
