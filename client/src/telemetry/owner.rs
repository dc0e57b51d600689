//! The task that owns the stream.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use portique_fault::Code;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

use super::names::{Names, Told};
use super::{Exemplar, HistogramSample, Push, Pushed, Series};
use crate::Error;
use crate::backoff::Backoff;
use crate::call::{loss, reached, reason, say_waiting};
use crate::client::{Admitted, Line};
use crate::proto::telemetry::v1 as pb;
use crate::proto::telemetry::v1::telemetry_client::TelemetryClient;
use crate::status::code_of;

/// Batches without an answer: what a hub works on at once.
const UNANSWERED_MAX: usize = 16;
/// Messages that wait for the connection: one on its way and one behind it.
const MESSAGES_MAX: usize = 2;

/// A push, and where its answer goes.
#[derive(Debug)]
pub(super) struct Ask {
    /// By time.
    moments: Vec<(i64, Vec<(Series, f64)>)>,
    histograms: Vec<HistogramSample>,
    exemplars: Vec<Exemplar>,
    answer: oneshot::Sender<Result<Pushed, Error>>,
    /// Until when it is tried; none before it was first.
    deadline: Option<Instant>,
    number: u64,
}

impl Ask {
    pub(super) fn new(push: Push, answer: oneshot::Sender<Result<Pushed, Error>>) -> Self {
        let mut moments: Vec<(i64, Vec<(Series, f64)>)> = Vec::new();
        for sample in push.samples {
            let value = (sample.series, sample.value);
            match moments.last_mut() {
                Some((at_ms, values)) if *at_ms == sample.timestamp_ms => values.push(value),
                _ => moments.push((sample.timestamp_ms, vec![value])),
            }
        }
        Self {
            moments,
            histograms: push.histograms,
            exemplars: push.exemplars,
            answer,
            deadline: None,
            number: 0,
        }
    }

    fn is_late(&self, now: Instant) -> bool {
        self.deadline.is_some_and(|deadline| now >= deadline)
    }
}

/// The task's side.
pub(super) struct Owner {
    client: TelemetryClient<Admitted>,
    line: Line,
    asks: mpsc::Receiver<Ask>,
    names: Arc<Mutex<Names>>,
    /// Taken from the callers and not sent, or to be sent again.
    waiting: VecDeque<Ask>,
    unanswered: VecDeque<Ask>,
    next_batch: u64,
}

/// How a stream ended.
enum End {
    /// Nobody pushes any more.
    Over,
    /// It was told so much that another one is to be opened.
    Full,
    /// It broke.
    Broken(Status),
}

/// An open stream.
struct Open {
    messages: mpsc::Sender<pb::PushBatch>,
    answers: Streaming<pb::PushAnswers>,
    told: Told,
}

impl Owner {
    pub(super) fn new(
        client: TelemetryClient<Admitted>,
        line: Line,
        asks: mpsc::Receiver<Ask>,
        names: Arc<Mutex<Names>>,
    ) -> Self {
        Self {
            client,
            line,
            asks,
            names,
            waiting: VecDeque::new(),
            unanswered: VecDeque::new(),
            next_batch: 1,
        }
    }

    pub(super) async fn run(mut self) {
        let mut backoff = Backoff::new(self.line.seed);
        loop {
            if self.waiting.is_empty() {
                let Some(ask) = self.asks.recv().await else {
                    return;
                };
                self.wait_for(ask);
            }
            let status = match self.open().await {
                Ok(open) => match self.serve(open, &mut backoff).await {
                    End::Broken(status) => status,
                    End::Full => continue,
                    End::Over => return,
                },
                Err(status) => status,
            };
            // In their order, those that were sent first.
            while let Some(ask) = self.unanswered.pop_back() {
                self.waiting.push_front(ask);
            }
            if loss(&status).is_none() {
                self.refuse(&status);
                continue;
            }
            say_waiting(&self.line.connection, reason(&status));
            self.give_up(&reason(&status));
            tokio::time::sleep(backoff.next()).await;
        }
    }

    fn wait_for(&mut self, mut ask: Ask) {
        ask.deadline = Some(Instant::now() + self.line.patience);
        self.waiting.push_back(ask);
    }

    async fn open(&mut self) -> Result<Open, Status> {
        let (messages, receiver) = mpsc::channel(MESSAGES_MAX);
        let answers = self.client.push(ReceiverStream::new(receiver)).await?;
        reached(&self.line.connection);
        Ok(Open {
            messages,
            answers: answers.into_inner(),
            told: Told::default(),
        })
    }

    /// Sends and hears until the stream ends.
    async fn serve(&mut self, mut open: Open, backoff: &mut Backoff) -> End {
        let ended = || Status::unavailable("the hub ended the stream");
        let mut is_over = false;
        // After a refusal for now, nothing is sent until then.
        let mut not_before = Instant::now();
        loop {
            if is_over && self.waiting.is_empty() && self.unanswered.is_empty() {
                return End::Over;
            }
            if open.told.is_full() && self.unanswered.is_empty() {
                return End::Full;
            }
            let has_room = self.unanswered.len() < UNANSWERED_MAX && !open.told.is_full();
            let may_send = !self.waiting.is_empty() && has_room;
            tokio::select! {
                biased;
                answered = open.answers.message() => match answered {
                    Ok(Some(message)) => {
                        backoff.reset();
                        for answer in message.answers {
                            not_before = not_before.max(self.answered(answer));
                        }
                    }
                    Ok(None) => return End::Broken(ended()),
                    Err(status) => return End::Broken(status),
                },
                ask = self.asks.recv(), if self.waiting.is_empty() && has_room && !is_over => match ask {
                    Some(ask) => self.wait_for(ask),
                    None => is_over = true,
                },
                permit = permit(&open.messages, not_before), if may_send => match permit {
                    Ok(permit) => {
                        permit.send(self.next(&mut open.told));
                    }
                    Err(_) => {
                        let broken = open.answers.message().await.err();
                        return End::Broken(broken.unwrap_or_else(ended));
                    }
                },
            }
        }
    }

    /// The next batch; its samples count as sent.
    fn next(&mut self, told: &mut Told) -> pb::PushBatch {
        let mut batch = pb::PushBatch {
            batch: self.next_batch,
            ..pb::PushBatch::default()
        };
        self.next_batch += 1;
        let Some(mut ask) = self.waiting.pop_front() else {
            return batch;
        };
        let names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        for (time_unix_ms, values) in &ask.moments {
            let series = values.iter();
            let series = series.map(|(series, _)| told.series(&names, series.0, &mut batch));
            let samples = pb::Samples {
                time_unix_ms: *time_unix_ms,
                series: series.collect(),
                values: values.iter().map(|(_, value)| *value).collect(),
            };
            batch.samples.push(samples);
        }
        for sample in &ask.histograms {
            let series = told.series(&names, sample.series.0, &mut batch);
            batch.histograms.push(pb::HistogramSample {
                series,
                time_unix_ms: sample.timestamp_ms,
                histogram: Some(sample.histogram.clone()),
            });
        }
        for exemplar in &ask.exemplars {
            let series = told.series(&names, exemplar.series.0, &mut batch);
            let texts = exemplar.labels.iter();
            let texts = texts.flat_map(|(name, value)| [name, value]);
            let labels = texts.map(|text| told.text(text, &mut batch)).collect();
            batch.exemplars.push(pb::Exemplar {
                series,
                time_unix_ms: exemplar.timestamp_ms,
                value: exemplar.value,
                labels,
            });
        }
        drop(names);
        ask.number = batch.batch;
        self.unanswered.push_back(ask);
        batch
    }

    /// Passes an answer on, or sends the batch again; until when to send nothing.
    fn answered(&mut self, answer: pb::PushAnswer) -> Instant {
        let now = Instant::now();
        let found = self
            .unanswered
            .iter()
            .position(|ask| ask.number == answer.batch);
        let Some(ask) = found.and_then(|at| self.unanswered.remove(at)) else {
            return now;
        };
        let outcome = match answer.outcome {
            Some(pb::push_answer::Outcome::Taken(taken)) => Ok(Pushed {
                samples: taken.samples,
                refused: taken.refused.values().sum(),
                complaint: taken.complaint,
            }),
            Some(pb::push_answer::Outcome::Failed(failure)) => {
                if failure.retry_after_ms > 0 && !ask.is_late(now) {
                    self.waiting.push_front(ask);
                    return now + Duration::from_millis(failure.retry_after_ms);
                }
                Err(Error::SamplesRefused {
                    code: code_of(tonic::Code::from_i32(failure.code as i32)),
                    message: failure.message,
                })
            }
            None => Err(Error::SamplesRefused {
                code: Code::Internal,
                message: "the hub's answer says nothing".into(),
            }),
        };
        // A caller that went away does not want it.
        _ = ask.answer.send(outcome);
        now
    }

    /// The hub says no to all that was sent on this stream, and would again.
    fn refuse(&mut self, status: &Status) {
        for ask in self.waiting.drain(..) {
            _ = ask.answer.send(Err(Error::SamplesRefused {
                code: code_of(status.code()),
                message: status.message().into(),
            }));
        }
    }

    /// Tells those whose patience is over.
    fn give_up(&mut self, reason: &str) {
        let now = Instant::now();
        let (late, waiting) = self
            .waiting
            .drain(..)
            .partition(|ask: &Ask| ask.is_late(now));
        self.waiting = waiting;
        let late: VecDeque<Ask> = late;
        for ask in late {
            _ = ask.answer.send(Err(Error::NotReached {
                reason: reason.into(),
            }));
        }
    }
}

/// A place for a message, not before a time.
async fn permit(
    messages: &mpsc::Sender<pb::PushBatch>,
    not_before: Instant,
) -> Result<mpsc::OwnedPermit<pb::PushBatch>, mpsc::error::SendError<()>> {
    tokio::time::sleep_until(not_before).await;
    messages.clone().reserve_owned().await
}
