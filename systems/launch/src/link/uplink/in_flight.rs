//! What a module has said and the ground has not heard yet.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;
use tonic::{Status, Streaming};

use crate::link::medium::{Lane, Medium};
use crate::rpc;

/// Messages on their way, of one module: four seconds at 100 samples a second, and twice that. Beyond
/// them the module is not read, and leaves samples out.
const MESSAGES_MAX: usize = 800;

/// What must arrive and did not is sent again after this long.
const SENT_AGAIN_AFTER: Duration = Duration::from_millis(200);

/// A telemetry stream behind a medium. Nothing overtakes what was said before.
pub(super) struct InFlight<'a> {
    medium: &'a Medium,
    stream: Streaming<rpc::Downlink>,
    on_their_way: VecDeque<Traveller>,
    /// How the stream ended, told when everything before has arrived.
    end: Option<Result<(), Status>>,
}

struct Traveller {
    /// When it arrives, or is sent again.
    due: Instant,
    is_lost: bool,
    message: rpc::Downlink,
}

impl<'a> InFlight<'a> {
    pub(super) fn new(medium: &'a Medium, stream: Streaming<rpc::Downlink>) -> Self {
        Self {
            medium,
            stream,
            on_their_way: VecDeque::new(),
            end: None,
        }
    }

    /// The next message that arrives; nothing after the last.
    ///
    /// # Errors
    /// How the stream broke.
    ///
    /// # Cancel safety
    /// Nothing is lost when it is dropped.
    pub(super) async fn next(&mut self) -> Result<Option<rpc::Downlink>, Status> {
        loop {
            if let (true, Some(end)) = (self.on_their_way.is_empty(), self.end.take()) {
                return end.map(|()| None);
            }
            let first = self.on_their_way.front().map(|first| first.due);
            let reads = self.end.is_none() && self.on_their_way.len() < MESSAGES_MAX;
            tokio::select! {
                biased;
                () = tokio::time::sleep_until(first.unwrap_or_else(Instant::now)), if first.is_some() => {
                    if let Some(message) = self.arrive() {
                        return Ok(Some(message));
                    }
                }
                said = self.stream.message(), if reads => match said {
                    Ok(Some(message)) => {
                        if let Some(message) = self.depart(message) {
                            return Ok(Some(message));
                        }
                    }
                    Ok(None) => self.end = Some(Ok(())),
                    Err(status) => self.end = Some(Err(status)),
                },
            }
        }
    }

    /// Sends a message on its way, or gives it back when it is there at once.
    fn depart(&mut self, message: rpc::Downlink) -> Option<rpc::Downlink> {
        let must_arrive = message.sequence != 0;
        let lane = if must_arrive {
            Lane::Events
        } else {
            Lane::Live
        };
        let fate = self.medium.fate(lane);
        if fate.is_none() && !must_arrive {
            return None;
        }
        if fate.is_some_and(|delay| delay.is_zero()) && self.on_their_way.is_empty() {
            return Some(message);
        }
        let due = Instant::now() + fate.unwrap_or(SENT_AGAIN_AFTER);
        let before = self.on_their_way.back().map_or(due, |last| last.due);
        self.on_their_way.push_back(Traveller {
            due: due.max(before),
            is_lost: fate.is_none(),
            message,
        });
        None
    }

    /// Takes the message that is due. One that was lost is sent again instead, by what the link is like now.
    fn arrive(&mut self) -> Option<rpc::Downlink> {
        let first = self.on_their_way.front_mut()?;
        if first.is_lost {
            let fate = self.medium.fate(Lane::Repeats);
            first.is_lost = fate.is_none();
            first.due = Instant::now() + fate.unwrap_or(SENT_AGAIN_AFTER);
            return None;
        }
        self.on_their_way.pop_front().map(|first| first.message)
    }
}
