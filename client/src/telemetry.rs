//! A program's own samples, pushed over one stream.
//!
//! A task owns the stream. Series are named once on it; when it breaks, the next one is told again
//! of those that are used, and what was not answered is sent once more: a hub takes equal samples
//! once.

mod names;
mod owner;
mod push;

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{mpsc, oneshot};
use tokio_util::task::TaskTracker;

use crate::Error;
use crate::client::{Admitted, Client, Line};
use crate::proto::telemetry::v1::telemetry_client::TelemetryClient;
use names::Names;
use owner::{Ask, Owner};

pub use push::{Exemplar, HistogramSample, Push};

/// Pushes that wait for the stream.
const WAITING_MAX: usize = 256;

/// A hub's telemetry; clones share its stream.
#[derive(Clone)]
pub struct Telemetry {
    pushing: Pushing,
    /// The stream ends with the last of them.
    _client: Client,
}

/// The callers' end of the stream.
#[derive(Debug, Clone)]
pub(crate) struct Pushing {
    names: Arc<Mutex<Names>>,
    asks: mpsc::Sender<Ask>,
}

/// A series of one client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Series(u32);

/// A value of a series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// Whose.
    pub series: Series,
    /// When, Unix milliseconds.
    pub timestamp_ms: i64,
    /// What.
    pub value: f64,
}

/// What a hub took of a push; it is durable.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pushed {
    /// Samples that were taken.
    pub samples: u64,
    /// Samples that were refused and are not to be sent again.
    pub refused: u64,
    /// The first few of them in words, with what would be right.
    pub complaint: String,
}

impl Pushing {
    pub(crate) fn start(
        client: TelemetryClient<Admitted>,
        line: Line,
        tasks: &TaskTracker,
    ) -> Self {
        let names = Arc::new(Mutex::new(Names::default()));
        let (sender, asks) = mpsc::channel(WAITING_MAX);
        let stop = line.stop.clone();
        let owner = Owner::new(client, line, asks, names.clone());
        tasks.spawn(async move {
            _ = stop.run_until_cancelled(owner.run()).await;
        });
        Self {
            names,
            asks: sender,
        }
    }
}

impl Telemetry {
    pub(crate) fn new(client: Client, pushing: Pushing) -> Self {
        Self {
            pushing,
            _client: client,
        }
    }

    /// The series with these labels, `__name__` among them, in any order; the same one when it is
    /// asked for again. It costs memory for as long as the client lives.
    ///
    /// # Errors
    /// [`Error::TooMuch`] beyond 200,000 series. Labels that no series can have are refused with
    /// its samples.
    pub fn series(&self, labels: &[(&str, &str)]) -> Result<Series, Error> {
        let mut names = self
            .pushing
            .names
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        names.series(labels).map(Series)
    }

    /// Has samples taken, and returns when they are durable. Samples that are refused keep no
    /// others out.
    ///
    /// # Errors
    /// [`Error::NotReached`] when the patience is over, [`Error::SamplesRefused`],
    /// [`Error::TooMuch`] for over 20,000 samples: nothing is known to be taken then, and the same
    /// samples can be pushed again.
    ///
    /// # Cancel safety
    /// Dropped, the samples may or may not be taken.
    pub async fn push(&self, samples: &[Sample]) -> Result<Pushed, Error> {
        let samples = samples.to_vec();
        self.push_all(Push {
            samples,
            ..Push::default()
        })
        .await
    }

    /// Like [`push`](Self::push), for native histograms and exemplars too: what is good of them is taken, what
    /// is not is refused alone. An exemplar belongs behind a sample of its series that is there or comes with
    /// it.
    ///
    /// # Errors
    /// As of [`push`](Self::push). To the 20,000 samples, each bucket of a histogram and each exemplar counts as one.
    ///
    /// # Cancel safety
    /// Dropped, the samples may or may not be taken.
    pub async fn push_all(&self, push: Push) -> Result<Pushed, Error> {
        push.check()?;
        let (answer, answered) = oneshot::channel();
        let ask = Ask::new(push, answer);
        let closed = || Error::NotReached {
            reason: "the client is closed".into(),
        };
        self.pushing.asks.send(ask).await.map_err(|_| closed())?;
        answered.await.unwrap_or_else(|_| Err(closed()))
    }
}
