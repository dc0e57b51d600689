//! Taking events in: a batch is some records of one frame, and batches that come together share it.

use std::slice;

use bytes::BytesMut;
use portique_bus::{Error, Sequence};
use portique_clock::Timestamp;
use portique_event::Event;
use portique_fault::chain;
use portique_journal::{Lane, Pending};

use super::commit::{Draft, Publication, in_doubt};
use super::jobs::Missed;
use super::{Core, Shared};

/// Most events of one batch: beyond this a batch only delays its neighbours in the frame.
const BATCH_EVENTS_MAX: usize = 1_000;
/// Most bytes of one batch: half a frame, so that a batch and its neighbours share one.
const BATCH_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Bodies of records are written into buffers of this size together: an allocation for each costs more than
/// writing it.
const BUFFER_BYTES: usize = 64 * 1024;

/// A batch that is worth submitting.
struct Ready {
    publications: Vec<Publication>,
    bytes: usize,
    /// Whether its events are published also when jobs they are bound to are refused.
    goes_first: bool,
}

/// What became of a batch until now.
enum Turn {
    Refused(Error),
    /// The number of its frame in [`Line::frames`], and how many events of that are the batch's.
    Sent {
        frame: usize,
        events: usize,
    },
    Empty,
}

pub(super) async fn publish(
    shared: &Shared,
    events: Vec<Event>,
    lane: Lane,
) -> Result<Vec<Sequence>, Error> {
    let mut buffer = BytesMut::new();
    let ready = prepare(shared, &mut buffer, events, lane, shared.clock.now())?;
    match submit(shared, &ready, lane).await? {
        None => Ok(Vec::new()),
        Some(pending) => {
            let sequences = pending.await.map_err(in_doubt)?;
            // The jobs they are bound to stand behind them.
            let events = (sequences.start().0..).take(ready.publications.len());
            Ok(events.map(Sequence).collect())
        }
    }
}

/// Publishes batches in their order, as many in one frame as fit.
pub(super) async fn publish_each(
    shared: &Shared,
    batches: Vec<Vec<Event>>,
) -> Vec<Result<Vec<Sequence>, Error>> {
    let accepted = shared.clock.now();
    let mut buffer = BytesMut::with_capacity(BUFFER_BYTES);
    let mut line = Line::new(shared);
    for events in batches {
        match prepare(shared, &mut buffer, events, Lane::Work, accepted) {
            Ok(ready) => line.add(ready).await,
            Err(error) => {
                line.flush().await;
                line.turns.push(Turn::Refused(error));
            }
        }
    }
    line.flush().await;
    line.finish().await
}

/// Batches on their way.
struct Line<'a> {
    shared: &'a Shared,
    /// Waiting to be submitted together.
    group: Vec<Ready>,
    group_bytes: usize,
    group_events: usize,
    /// On their way, in order.
    frames: Vec<Pending>,
    turns: Vec<Turn>,
}

impl<'a> Line<'a> {
    fn new(shared: &'a Shared) -> Self {
        Self {
            shared,
            group: Vec::new(),
            group_bytes: 0,
            group_events: 0,
            frames: Vec::new(),
            turns: Vec::new(),
        }
    }

    async fn add(&mut self, ready: Ready) {
        let bytes = self.group_bytes + ready.bytes;
        let events = self.group_events + ready.publications.len();
        if bytes > BATCH_BYTES_MAX || events > BATCH_EVENTS_MAX {
            self.flush().await;
        }
        self.group_bytes += ready.bytes;
        self.group_events += ready.publications.len();
        self.group.push(ready);
    }

    /// Submits what waits: together, or one by one when that is refused or jobs come with them.
    async fn flush(&mut self) {
        let group = std::mem::take(&mut self.group);
        (self.group_bytes, self.group_events) = (0, 0);
        let together = group.iter().flat_map(|ready| &ready.publications);
        if let Ok(Some(pending)) = self.shared.publish_unbound(together).await {
            self.sent(pending, &group);
            return;
        }
        for ready in &group {
            match submit(self.shared, ready, Lane::Work).await {
                Ok(None) => self.turns.push(Turn::Empty),
                Err(error) => self.turns.push(Turn::Refused(error)),
                Ok(Some(pending)) => self.sent(pending, slice::from_ref(ready)),
            }
        }
    }

    /// Notes a frame on its way, and the batches in it.
    fn sent(&mut self, pending: Pending, batches: &[Ready]) {
        let frame = self.frames.len();
        self.frames.push(pending);
        let sent = batches.iter().map(|ready| Turn::Sent {
            frame,
            events: ready.publications.len(),
        });
        self.turns.extend(sent);
    }

    /// Waits until all is durable.
    async fn finish(self) -> Vec<Result<Vec<Sequence>, Error>> {
        let mut frames = Vec::with_capacity(self.frames.len());
        for pending in self.frames {
            // Each batch takes its events from the front of its frame.
            frames.push(pending.await.map(|sequences| sequences.start().0));
        }
        let turns = self.turns.into_iter();
        let answers = turns.map(|turn| match turn {
            Turn::Empty => Ok(Vec::new()),
            Turn::Refused(error) => Err(error),
            Turn::Sent { frame, events } => match &mut frames[frame] {
                Ok(next) => {
                    let first = *next;
                    *next += events as u64;
                    Ok((first..*next).map(Sequence).collect())
                }
                Err(error) => Err(Error::InDoubt {
                    reason: chain(error),
                }),
            },
        });
        answers.collect()
    }
}

fn prepare(
    shared: &Shared,
    buffer: &mut BytesMut,
    events: Vec<Event>,
    lane: Lane,
    accepted: Timestamp,
) -> Result<Ready, Error> {
    check_size(events.len(), BATCH_EVENTS_MAX, "events")?;
    let goes_first = lane == Lane::Drain || shared.any_goes_first(events.iter());
    let events = events.into_iter();
    let publications = events.map(|event| Publication::new(buffer, accepted, event));
    let publications: Vec<Publication> = publications.collect();
    let bytes = publications.iter().map(Publication::bytes).sum();
    check_size(bytes, BATCH_BYTES_MAX, "bytes")?;
    Ok(Ready {
        publications,
        bytes,
        goes_first,
    })
}

/// Submits one batch with the jobs it is bound to; none when it is empty.
async fn submit(shared: &Shared, ready: &Ready, lane: Lane) -> Result<Option<Pending>, Error> {
    let mut missed = Missed::default();
    let publish = |core: &Core, _| {
        let drafts = ready.publications.iter().map(Draft::publication).collect();
        shared.with_bound_jobs(core, drafts, ready.goes_first, &mut missed)
    };
    let pending = shared.commit(lane, publish).await?;
    shared.tell_missed(&missed);
    Ok(pending)
}

pub(super) fn check_size(given: usize, max: usize, unit: &'static str) -> Result<(), Error> {
    if given > max {
        Err(Error::BatchTooLarge { given, max, unit })
    } else {
        Ok(())
    }
}
