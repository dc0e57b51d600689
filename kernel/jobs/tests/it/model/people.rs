//! What people do to jobs.

use portique_jobs::{Error, Settled};
use proptest::sample::Index;

use super::Pair;
use super::draw::payload;
use crate::naive::State;

impl Pair {
    pub(super) fn cancel(&mut self, index: Index) {
        let Some(id) = self.seen(index).copied() else {
            return;
        };
        let now = self.shell.now;
        let settling = self.shell.machine.decide_cancel(&[id], now);
        self.shell.commit(&settling.facts);
        let word = self.naive.known(id, now.wall).map(|job| job.word(now.wall));
        let expected = match word {
            None => Settled::Unknown,
            Some(word @ ("dead" | "completed" | "cancelled")) => Settled::Refused(word),
            Some(_) => {
                self.naive.cancel(id, now.wall);
                Settled::Done
            }
        };
        assert_eq!(settling.settled, [expected]);
    }

    pub(super) fn retry(&mut self, index: Index) {
        let Some(id) = self.seen(index).copied() else {
            return;
        };
        let now = self.shell.now;
        let settling = self.shell.machine.decide_retry(&[id], now);
        self.shell.commit(&settling.facts);
        let word = self.naive.known(id, now.wall).map(|job| job.word(now.wall));
        let expected = match word {
            None => Settled::Unknown,
            Some("delayed" | "failed" | "dead") => {
                self.naive.retry(id, now.wall);
                Settled::Done
            }
            Some(word) => Settled::Refused(word),
        };
        assert_eq!(settling.settled, [expected]);
    }

    pub(super) fn edit(&mut self, index: Index) {
        let Some(id) = self.seen(index).copied() else {
            return;
        };
        let now = self.shell.now;
        let job = self.naive.jobs.get_mut(&id).unwrap();
        if job.is_finished() {
            return;
        }
        let record = self.shell.record(id);
        let edited = self.shell.machine.decide_edit_dead(record, payload(9), now);
        match (&job.state, edited) {
            (State::Dead, Ok(fact)) => {
                job.payload = payload(9);
                self.shell.commit(&[fact]);
            }
            (State::Dead, Err(error)) => panic!("{error}"),
            (_, answer) => assert!(matches!(answer, Err(Error::WrongState { .. }))),
        }
    }

    pub(super) fn drop_dead(&mut self, index: Index) {
        let Some(id) = self.seen(index).copied() else {
            return;
        };
        let now = self.shell.now;
        let settling = self.shell.machine.decide_drop_dead(&[id], now);
        self.shell.commit(&settling.facts);
        let word = self.naive.known(id, now.wall).map(|job| job.word(now.wall));
        let expected = match word {
            None => Settled::Unknown,
            Some("dead") => {
                self.naive.drop_dead(id, now.wall);
                Settled::Done
            }
            Some(word) => Settled::Refused(word),
        };
        assert_eq!(settling.settled, [expected]);
    }
}
