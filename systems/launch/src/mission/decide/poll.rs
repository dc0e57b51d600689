use std::time::Duration;

use portique_clock::Timestamp;

use super::Now;
use crate::mission::{Fact, Mission, Stage};
use crate::poll::{Poll, Vote};
use crate::{Error, Station};

impl Mission {
    /// What the passing of time leads to: a poll whose deadline is over ends with no-go.
    pub fn decide_deadline(&self, now: Timestamp) -> Vec<Fact> {
        let is_polling = self.stage() == Stage::Polling;
        let late = self.poll().filter(|_| is_polling).and_then(|poll| {
            let missing = poll.missing();
            let reason = poll.check_deadline(now).err()?;
            Some(if missing.is_empty() {
                reason
            } else {
                format!("{reason}; missing: {missing}")
            })
        });
        let closed = late.map(|reason| Fact::PollClosed {
            decision: Vote::NoGo,
            reason: Some(reason),
        });
        closed.into_iter().collect()
    }

    pub(super) fn decide_open_poll(
        &self,
        deadline: Option<Duration>,
        now: Now,
    ) -> Result<Vec<Fact>, Error> {
        match self.stage() {
            Stage::Preparing | Stage::Scrubbed | Stage::Ready => Ok(vec![Fact::PollOpened {
                deadline: deadline.map(|d| now.wall.plus(d)),
            }]),
            Stage::Polling => Err(self.not_now("a poll is open: close it first")),
            stage => Err(self.not_now(format!("no poll while {}", stage.as_str()))),
        }
    }

    fn open_poll(&self) -> Result<&Poll, Error> {
        self.poll()
            .ok_or_else(|| self.not_now("no poll is open: open one first"))
    }

    pub(super) fn check_vote(&self, station: &Station, now: Now) -> Result<(), Error> {
        let poll = self.open_poll()?;
        poll.check_vote(station, now.wall)
            .map_err(|reason| self.not_now(reason))
    }

    pub(super) fn decide_close_poll(&self, decision: Vote, now: Now) -> Result<Vec<Fact>, Error> {
        let poll = self.open_poll()?;
        poll.check_close(decision, now.wall)
            .map_err(|reason| self.not_now(reason))?;
        Ok(vec![Fact::PollClosed {
            decision,
            reason: None,
        }])
    }
}
