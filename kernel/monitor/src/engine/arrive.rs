//! Samples that arrive, and the rules that read them.

use portique_clock::Timestamp;
use portique_series::{Labels, Value};

use super::{Engine, schedule};
use crate::Interest;

impl Engine {
    /// Takes note of a sample that is in the store now: rules that read it and are triggered by it are due. Whether
    /// one is that was not before: then [`tick`](Self::tick), or wait until [`next_due`](Self::next_due).
    ///
    /// Samples older than the newest of their series concern nobody, nor do those from more than a second in
    /// the future: their time will come.
    pub fn appended(&mut self, labels: &Labels, at_ms: i64, value: &Value, now: Timestamp) -> bool {
        self.arrived(labels, at_ms, Some(value), now)
    }

    /// As [`appended`](Self::appended), of a sample that may be in the store or not: what is there has to be
    /// looked at.
    pub fn touched(&mut self, labels: &Labels, at_ms: i64, now: Timestamp) -> bool {
        self.arrived(labels, at_ms, None, now)
    }

    /// Takes note of samples that nobody can name: all rules that are triggered by samples are due.
    pub fn lost_track(&mut self, now: Timestamp) {
        for (ordinal, run) in self.rules.iter_mut().enumerate() {
            if run.is_on_ingest() {
                run.touch_all(now);
                self.waiting.insert(ordinal);
            }
        }
    }

    /// Which series concern rules that are triggered by samples; others need not be told of. It is another one
    /// after each [`load`](Self::load).
    pub fn interest(&self) -> Interest {
        self.index.interest()
    }

    /// Forgets what was found out about a series that is gone from the store.
    pub fn series_removed(&mut self, labels: &Labels) {
        self.index.remove(labels);
    }

    fn arrived(
        &mut self,
        labels: &Labels,
        at_ms: i64,
        value: Option<&Value>,
        now: Timestamp,
    ) -> bool {
        let until_ms = now.plus(schedule::AHEAD_MAX).as_millis();
        if at_ms > until_ms {
            return false;
        }
        let Some(readers) = self.index.readers(labels, at_ms, until_ms) else {
            return false;
        };
        let mut is_news = false;
        for ordinal in readers.iter() {
            let run = &mut self.rules[*ordinal];
            is_news |= run.dirty.is_none();
            run.touch(labels, at_ms, value, now);
            self.waiting.insert(*ordinal);
        }
        is_news
    }
}
