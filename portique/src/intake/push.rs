//! What programs push over gRPC: texts and series are told once on a stream, samples name them.

mod native;

use std::sync::{Arc, Mutex, PoisonError};

use portique_client::proto::telemetry::v1 as pb;
use portique_exposition::{Place, Reason, Rejections};
use portique_fault::{Code, Report, Retry};
use portique_series::{Batch, LABELS_MAX, Labels, METRIC_NAME, MetricKind, RefusalKind};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Intake;
use super::ledger::Way;
use super::take::{Refusal, Submission, Taken};

/// Texts of one stream, as the contract has it.
const TEXTS_MAX: usize = 1_000_000;
/// Series of one stream, as the contract has it.
const SERIES_MAX: usize = 200_000;
/// A label's name or value; the store takes less.
const LABEL_BYTES_MAX: usize = 64 << 10;
/// What a text and a series cost beside their bytes.
const ENTRY_BYTES: usize = 32;
/// Room comes free when a program ends its stream.
const RETRY_WHEN_FULL: std::time::Duration = std::time::Duration::from_secs(5);

/// What one stream was told, shared with the thread that reads its batches.
#[derive(Debug, Clone)]
pub(crate) struct Tables(Arc<Mutex<Told>>);

#[derive(Debug)]
struct Told {
    texts: Vec<Box<str>>,
    /// Or why there can be no such series.
    series: Vec<Result<Labels, (Reason, String)>>,
    bytes: usize,
    room: Arc<Semaphore>,
    /// Taken of the room, for as many KiB as there are bytes.
    held: Vec<OwnedSemaphorePermit>,
    held_kib: usize,
}

/// A batch that was given to the store.
pub(crate) struct Begun(Submission<()>);

impl Intake {
    /// For a new stream.
    pub(crate) fn tables(&self) -> Tables {
        Tables(Arc::new(Mutex::new(Told {
            texts: Vec::new(),
            series: Vec::new(),
            bytes: 0,
            room: Arc::clone(&self.shared.tables),
            held: Vec::new(),
            held_kib: 0,
        })))
    }

    /// Gives a batch to the store; those of a stream one after another.
    ///
    /// # Errors
    /// Invalid argument or resource exhausted when the batch breaks the contract: what was told is
    /// in doubt then, so the stream ends. Else why the store takes nothing now.
    pub(crate) async fn begin_push(
        &self,
        tables: &Tables,
        pushed: pb::PushBatch,
    ) -> Result<Begun, Report> {
        let tables = tables.clone();
        let submitted = self.submit(Way::Push, move |batch, rejections| {
            let mut told = tables.0.lock().unwrap_or_else(PoisonError::into_inner);
            told.read(pushed, batch, rejections)
        });
        let submitted = submitted.await.map_err(|refusal| refusal.report)?;
        Ok(Begun(submitted))
    }

    /// Waits until what was taken of a batch is durable.
    ///
    /// # Errors
    /// When the log stopped.
    pub(crate) async fn finish_push(&self, begun: Begun) -> Result<pb::Taken, Report> {
        let taken = self.finish(Way::Push, begun.0).await;
        taken.map(answer).map_err(|refusal| refusal.report)
    }
}

fn answer(taken: Taken<()>) -> pb::Taken {
    let mut refused = std::collections::BTreeMap::new();
    for kind in RefusalKind::ALL {
        let count = taken.appended.refused_for(kind) as u64;
        if count > 0 {
            refused.insert(kind.as_str().to_owned(), count);
        }
    }
    if taken.rejected > 0 {
        refused.insert(Reason::BadLabels.as_str().to_owned(), taken.rejected);
    }
    pb::Taken {
        samples: taken.appended.samples as u64,
        refused,
        complaint: taken.complaint,
    }
}

impl Told {
    fn read(
        &mut self,
        pushed: pb::PushBatch,
        batch: &mut Batch,
        rejections: &mut Rejections,
    ) -> Result<(), Refusal> {
        self.add_texts(pushed.texts)?;
        for series in pushed.series {
            self.add_series(&series)?;
        }
        for told in &pushed.metadata {
            let kind = MetricKind::from_name(&told.kind);
            let kind =
                kind.ok_or_else(|| invalid(format!("{:?} is no kind of metric", told.kind)))?;
            batch.metadata(&told.metric, kind, &told.help, &told.unit);
        }
        for samples in &pushed.samples {
            self.add_samples(samples, batch, rejections)?;
        }
        for sample in &pushed.histograms {
            let histogram = sample.histogram.as_ref();
            let histogram = histogram.ok_or_else(|| invalid("a histogram is missing".into()))?;
            let histogram = Arc::new(native::histogram(histogram).map_err(invalid)?);
            self.add(sample.series, batch, rejections, |batch| {
                batch.histogram(sample.time_unix_ms, histogram);
            })?;
        }
        for exemplar in &pushed.exemplars {
            let pairs = self.pairs(&exemplar.labels)?;
            match native::exemplar_labels(&pairs) {
                Ok(labels) => self.add(exemplar.series, batch, rejections, |batch| {
                    batch.exemplar(labels, exemplar.value, exemplar.time_unix_ms);
                })?,
                Err((reason, why)) => {
                    let place = Place::Series(u64::from(exemplar.series));
                    rejections.reject(place, reason, why);
                }
            }
        }
        Ok(())
    }

    fn add_texts(&mut self, texts: Vec<String>) -> Result<(), Refusal> {
        let count = self.texts.len() + texts.len();
        if count > TEXTS_MAX {
            return Err(exhausted(format!(
                "{count} texts on one stream, at most {TEXTS_MAX}"
            )));
        }
        for text in texts {
            if text.len() > LABEL_BYTES_MAX {
                let bytes = text.len();
                return Err(invalid(format!(
                    "a text has {bytes} bytes, at most {LABEL_BYTES_MAX}"
                )));
            }
            self.hold(text.len() + ENTRY_BYTES)?;
            self.texts.push(text.into());
        }
        Ok(())
    }

    fn add_series(&mut self, series: &pb::Series) -> Result<(), Refusal> {
        if self.series.len() >= SERIES_MAX {
            return Err(exhausted(format!("over {SERIES_MAX} series on one stream")));
        }
        let labels = self.labels(&series.labels)?;
        let bytes = labels.as_ref().map_or(0, Labels::packed_bytes);
        self.hold(bytes + ENTRY_BYTES)?;
        self.series.push(labels);
        Ok(())
    }

    /// The labels of these texts, or why there can be no such series.
    fn labels(&self, texts: &[u32]) -> Result<Result<Labels, (Reason, String)>, Refusal> {
        let bad = |detail: &str| Ok(Err((Reason::BadLabels, detail.to_owned())));
        if texts.len() / 2 > LABELS_MAX {
            return bad("the series has more than 256 labels");
        }
        let mut pairs = self.pairs(texts)?;
        pairs.sort_unstable();
        if pairs.iter().any(|(name, _)| name.is_empty()) {
            return bad("a label has no name");
        }
        if pairs.windows(2).any(|two| two[0].0 == two[1].0) {
            return bad("a label is there twice");
        }
        if !pairs
            .iter()
            .any(|(name, value)| *name == METRIC_NAME && !value.is_empty())
        {
            return Ok(Err((
                Reason::NoName,
                "the series has no label __name__".into(),
            )));
        }
        Ok(Ok(Labels::from_pairs(pairs)))
    }

    fn pairs(&self, texts: &[u32]) -> Result<Vec<(&str, &str)>, Refusal> {
        if !texts.len().is_multiple_of(2) {
            return Err(invalid("a label has a name without a value".into()));
        }
        let pairs = texts.chunks_exact(2);
        pairs
            .map(|pair| Ok((self.text(pair[0])?, self.text(pair[1])?)))
            .collect()
    }

    fn text(&self, index: u32) -> Result<&str, Refusal> {
        let Some(index) = (index as usize).checked_sub(1) else {
            return Ok("");
        };
        let text = self.texts.get(index).map(|text| &**text);
        text.ok_or_else(|| invalid(format!("text {} was not sent on this stream", index + 1)))
    }

    fn add_samples(
        &self,
        samples: &pb::Samples,
        batch: &mut Batch,
        rejections: &mut Rejections,
    ) -> Result<(), Refusal> {
        if samples.series.len() != samples.values.len() {
            let (series, values) = (samples.series.len(), samples.values.len());
            return Err(invalid(format!("{series} series for {values} values")));
        }
        for (index, value) in samples.series.iter().zip(&samples.values) {
            self.add(*index, batch, rejections, |batch| {
                batch.float(samples.time_unix_ms, *value);
            })?;
        }
        Ok(())
    }

    /// Begins a series in the batch and adds to it, or says why there can be none like it.
    fn add(
        &self,
        index: u32,
        batch: &mut Batch,
        rejections: &mut Rejections,
        add: impl FnOnce(&mut Batch),
    ) -> Result<(), Refusal> {
        let series = self.series.get(index as usize);
        let series =
            series.ok_or_else(|| invalid(format!("series {index} was not sent on this stream")))?;
        let fault = match series {
            Ok(labels) => match batch.series(labels) {
                Ok(()) => {
                    add(batch);
                    return Ok(());
                }
                Err(fault) => (Reason::BadLabels, fault.to_string()),
            },
            Err(fault) => fault.clone(),
        };
        rejections.reject(Place::Series(u64::from(index)), fault.0, fault.1);
        Ok(())
    }

    /// Counts bytes against the room for all streams.
    fn hold(&mut self, bytes: usize) -> Result<(), Refusal> {
        self.bytes += bytes;
        let kib = self.bytes.div_ceil(1024);
        if kib > self.held_kib {
            // A step of a mebibyte, so that there are few permits; small programs need one of a few
            // KiB.
            let wanted = (kib - self.held_kib).max((self.held_kib / 2).min(1024));
            let room = Arc::clone(&self.room);
            let permit = room.try_acquire_many_owned(u32::try_from(wanted).unwrap_or(u32::MAX));
            let permit = permit.map_err(|_| {
                exhausted("the series of all streams take as much as the hub has room for".into())
            })?;
            self.held.push(permit);
            self.held_kib += wanted;
        }
        Ok(())
    }
}

fn invalid(message: String) -> Refusal {
    Refusal::new(Code::InvalidArgument, message)
}

fn exhausted(message: String) -> Refusal {
    let mut refusal = Refusal::new(Code::ResourceExhausted, message);
    refusal.report.retry = Retry::After(RETRY_WHEN_FULL);
    refusal
}
