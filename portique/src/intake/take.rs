//! From a body to what is durable: the same way for every format.

use std::sync::PoisonError;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use portique_exposition::Rejections;
use portique_fault::{Code, Report, Retry};
use portique_series::{Appended, Batch, RefusalKind, Sink, Submitted};

use super::ledger::{Bad, TOO_LARGE, UNAVAILABLE, UNREADABLE, Way, bad_lines};
use super::{DECODES_MAX, Intake};

/// Samples that a batch may have had for its room to be kept: a body of the usual size.
const KEPT_SAMPLES_MAX: usize = 100_000;
/// Refused samples of a body that are written down in full.
const LISTED_MAX: usize = 5;

/// Why nothing of a body was taken, or not all of it was tried.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) report: Report,
    /// Instead of the status that the code stands for.
    pub(super) status: Option<StatusCode>,
}

impl Refusal {
    pub(super) fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            report: Report {
                code,
                message: message.into(),
                retry: Retry::No,
            },
            status: None,
        }
    }

    pub(super) fn with_status(mut self, status: StatusCode) -> Self {
        self.status = Some(status);
        self
    }
}

impl From<portique_exposition::Error> for Refusal {
    fn from(error: portique_exposition::Error) -> Self {
        let is_too_large = matches!(error, portique_exposition::Error::TooLarge { .. });
        Self {
            report: Report::from(&error),
            status: is_too_large.then_some(StatusCode::PAYLOAD_TOO_LARGE),
        }
    }
}

impl From<portique_series::Error> for Refusal {
    fn from(error: portique_series::Error) -> Self {
        Self {
            report: Report::from(&error),
            status: None,
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = self.status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = status.into_response();
        response.extensions_mut().insert(self.report);
        response
    }
}

/// What became of a body that could be read.
pub(super) struct Taken<T> {
    /// What its reader counted.
    pub(super) counts: T,
    pub(super) appended: Appended,
    /// Refused samples that were histograms, as far as they are listed.
    pub(super) refused_histograms: usize,
    pub(super) rejected: u64,
    /// What was wrong, the first few; empty when nothing was.
    pub(super) complaint: String,
}

impl<T> Taken<T> {
    /// Lines, series and samples that were not taken.
    pub(super) fn refused(&self) -> u64 {
        self.rejected + self.appended.refused_samples() as u64
    }
}

/// What is known before what was taken is durable.
pub(super) struct Submission<T> {
    counts: T,
    rejections: Rejections,
    submitted: Submitted,
    batch: Batch,
}

impl Intake {
    /// Has a body read into a batch, and the batch taken.
    ///
    /// # Errors
    /// When the body cannot be read at all, or the store takes nothing now.
    ///
    /// # Cancel safety
    /// Dropped, what was begun is done, and not written down.
    pub(super) async fn take<T: Send + 'static>(
        &self,
        way: Way,
        read: impl FnOnce(&mut Batch, &mut Rejections) -> Result<T, portique_exposition::Error>
        + Send
        + 'static,
    ) -> Result<Taken<T>, Refusal> {
        let submitted = self.submit(way, read).await?;
        self.finish(way, submitted).await
    }

    /// Has a body read into a batch and the batch given to the store, in its turn;
    /// [`finish`](Self::finish) follows.
    ///
    /// # Errors
    /// As [`take`](Self::take).
    pub(super) async fn submit<T: Send + 'static, E: Into<Refusal>>(
        &self,
        way: Way,
        read: impl FnOnce(&mut Batch, &mut Rejections) -> Result<T, E> + Send + 'static,
    ) -> Result<Submission<T>, Refusal> {
        let submitted = self.try_submit(read).await;
        self.note_refusal(way, submitted)
    }

    /// Waits until what was submitted is durable, and writes down what became of it.
    ///
    /// # Errors
    /// When the log stopped: what was submitted may or may not be there.
    pub(super) async fn finish<T>(
        &self,
        way: Way,
        submission: Submission<T>,
    ) -> Result<Taken<T>, Refusal> {
        let durable = submission.submitted.durable().await.map_err(Refusal::from);
        let appended = self.note_refusal(way, durable)?;
        let (counts, batch) = (submission.counts, submission.batch);
        let taken = self.enter(way, counts, &submission.rejections, appended, &batch);
        self.give_back(batch);
        Ok(taken)
    }

    fn note_refusal<T>(&self, way: Way, taken: Result<T, Refusal>) -> Result<T, Refusal> {
        if let Err(refusal) = &taken {
            let reason = match refusal.report.code {
                Code::Unavailable | Code::ResourceExhausted if refusal.status.is_none() => {
                    UNAVAILABLE
                }
                Code::ResourceExhausted => TOO_LARGE,
                _ => UNREADABLE,
            };
            let bad = Bad {
                at_ms: self.now_ms(),
                reason,
                text: refusal.report.message.clone(),
            };
            self.shared.ledger.enter(way, 0, &[(reason, 1)], vec![bad]);
        }
        taken
    }

    async fn try_submit<T: Send + 'static, E: Into<Refusal>>(
        &self,
        read: impl FnOnce(&mut Batch, &mut Rejections) -> Result<T, E> + Send + 'static,
    ) -> Result<Submission<T>, Refusal> {
        let place = self.shared.decodes.clone().acquire_owned().await;
        let place = place.map_err(|error| Refusal::new(Code::Internal, error.to_string()))?;
        let mut batch = self.lend();
        let sink = self.shared.telemetry.sink.clone();
        let begun = tokio::task::spawn_blocking(move || {
            let _place = place;
            begin(&*sink, &mut batch, read).map(|(counts, rejections, submitted)| Submission {
                counts,
                rejections,
                submitted,
                batch,
            })
        });
        let begun = begun.await;
        begun.map_err(|error| Refusal::new(Code::Internal, error.to_string()))?
    }

    /// Writes down what became of a body.
    fn enter<T>(
        &self,
        way: Way,
        counts: T,
        rejections: &Rejections,
        appended: Appended,
        batch: &Batch,
    ) -> Taken<T> {
        let at_ms = self.now_ms();
        let mut last = bad_lines(rejections, at_ms);
        last.extend(refused_samples(&appended, batch, at_ms));
        let by_reader = rejections.counts();
        let mut refused: Vec<_> = by_reader
            .map(|(reason, count)| (reason.as_str(), count))
            .collect();
        for kind in RefusalKind::ALL {
            let count = appended.refused_for(kind) as u64;
            if count > 0 {
                refused.push((kind.as_str(), count));
            }
        }
        let complaint: Vec<_> = last
            .iter()
            .take(LISTED_MAX)
            .map(|bad| bad.text.clone())
            .collect();
        let accepted = appended.samples as u64;
        self.shared.ledger.enter(way, accepted, &refused, last);
        let is_histogram = |refusal: &&portique_series::Refusal| {
            let value = batch.at(refusal.series);
            let index = value
                .timestamps()
                .iter()
                .position(|at| *at == refusal.timestamp_ms);
            index.is_some_and(|index| {
                matches!(value.value(index), portique_series::Value::Histogram(_))
            })
        };
        Taken {
            counts,
            refused_histograms: appended.refused.iter().filter(is_histogram).count(),
            appended,
            rejected: rejections.total(),
            complaint: complaint.join("; "),
        }
    }

    fn lend(&self) -> Batch {
        let mut batches = self
            .shared
            .batches
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        batches.pop().unwrap_or_default()
    }

    fn give_back(&self, mut batch: Batch) {
        if batch.samples() > KEPT_SAMPLES_MAX {
            return;
        }
        batch.clear();
        let mut batches = self
            .shared
            .batches
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if batches.len() < DECODES_MAX {
            batches.push(batch);
        }
    }
}

fn begin<T, E: Into<Refusal>>(
    sink: &dyn Sink,
    batch: &mut Batch,
    read: impl FnOnce(&mut Batch, &mut Rejections) -> Result<T, E>,
) -> Result<(T, Rejections, Submitted), Refusal> {
    let mut rejections = Rejections::new();
    let counts = read(batch, &mut rejections).map_err(Into::into)?;
    let submitted = sink.submit(batch)?;
    Ok((counts, rejections, submitted))
}

/// The first few samples that the store refused.
fn refused_samples(appended: &Appended, batch: &Batch, at_ms: i64) -> Vec<Bad> {
    let listed = appended.refused.iter().take(LISTED_MAX);
    listed
        .map(|refusal| {
            let labels = batch.at(refusal.series).to_labels();
            let (at, why) = (refusal.timestamp_ms, &refusal.reason);
            Bad {
                at_ms,
                reason: refusal.reason.kind().as_str(),
                text: format!("{labels} at {at} ms: {why}"),
            }
        })
        .collect()
}

impl<T> Taken<T> {
    /// A refusal of the rest, when a part was taken: it is not to be sent again.
    pub(super) fn partial(&self) -> Refusal {
        let (refused, taken) = (self.refused(), self.appended.samples);
        let message = format!(
            "{taken} samples were taken, {refused} were not: {}",
            self.complaint
        );
        Refusal::new(Code::InvalidArgument, message)
    }
}
