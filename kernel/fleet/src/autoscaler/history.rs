//! What an autoscaler remembers of the last minutes.

use std::collections::VecDeque;
use std::time::Duration;

use portique_clock::Timestamp;

use crate::decision::Move;

/// Entries that a history keeps; looks closer together than this allows share one.
const ENTRIES_MAX: usize = 4_096;
/// Turns are counted over this time.
const TURNS_OVER: Duration = Duration::from_mins(10);
/// More turns than that are flapping.
const TURNS_MAX: usize = 4;
/// Deaths are weighed against what was finished over this time.
const DEATHS_OVER: Duration = Duration::from_mins(1);
/// Fewer deaths are an accident.
const DEATHS_MIN: u64 = 3;

/// What was wanted, with a falling maximum: an entry that a later one is not below is of no use.
#[derive(Debug, Clone, Default)]
pub(super) struct Wishes(VecDeque<(Timestamp, u32)>);

impl Wishes {
    pub(super) fn note(&mut self, at: Timestamp, wanted: u32) {
        // A clock that was set back makes what is later worthless.
        while self
            .0
            .back()
            .is_some_and(|(noted, least)| *least <= wanted || *noted > at)
        {
            self.0.pop_back();
        }
        if self.0.len() >= ENTRIES_MAX {
            self.0.pop_front();
        }
        self.0.push_back((at, wanted));
    }

    /// The most that was wanted within the window.
    pub(super) fn highest(&self, at: Timestamp, window: Duration) -> u32 {
        let from = at.minus(window);
        let within = self.0.iter().find(|(noted, _)| *noted >= from);
        within.map_or(0, |(_, wanted)| *wanted)
    }
}

/// When the pool went the other way.
#[derive(Debug, Clone, Default)]
pub(super) struct Turns {
    last: Option<Move>,
    at: VecDeque<Timestamp>,
}

impl Turns {
    pub(super) fn note(&mut self, at: Timestamp, moved: Move) {
        let from = at.minus(TURNS_OVER);
        self.at.retain(|turn| (from..=at).contains(turn));
        if moved == Move::Stay {
            return;
        }
        if self.last.is_some_and(|last| last != moved) && self.at.len() < ENTRIES_MAX {
            self.at.push_back(at);
        }
        self.last = Some(moved);
    }

    pub(super) fn is_flapping(&self) -> bool {
        self.at.len() > TURNS_MAX
    }
}

/// Counters of workers that died and jobs that were finished.
#[derive(Debug, Clone, Default)]
pub(super) struct Deaths(VecDeque<(Timestamp, u64, u64)>);

impl Deaths {
    pub(super) fn note(&mut self, at: Timestamp, crashed: u64, finished: Option<u64>) {
        let from = at.minus(DEATHS_OVER);
        let last = self.0.back().map_or(0, |(_, _, finished)| *finished);
        let finished = finished.unwrap_or(last);
        let is_anew = |&(noted, dead, done): &(Timestamp, u64, u64)| {
            noted > at || dead > crashed || done > finished
        };
        if self.0.back().is_some_and(is_anew) {
            self.0.clear();
        }
        while self.0.front().is_some_and(|(noted, ..)| *noted < from) || self.0.len() >= ENTRIES_MAX
        {
            self.0.pop_front();
        }
        self.0.push_back((at, crashed, finished));
    }

    /// Whether more workers died than jobs were finished.
    pub(super) fn outweigh(&self) -> bool {
        let (Some(first), Some(last)) = (self.0.front(), self.0.back()) else {
            return false;
        };
        let (dead, done) = (last.1 - first.1, last.2 - first.2);
        dead >= DEATHS_MIN && dead > done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1_000)
    }

    #[test]
    fn the_highest_wish_of_a_window_counts() {
        let mut wishes = Wishes::default();
        for (second, wanted) in [(0, 9), (1, 3), (2, 5), (3, 2)] {
            wishes.note(at(second), wanted);
        }
        let highest = |seconds| wishes.highest(at(3), Duration::from_secs(seconds));
        assert_eq!(
            (highest(3), highest(2), highest(1), highest(0)),
            (9, 5, 5, 2)
        );
    }

    #[test]
    fn wishes_of_a_clock_ahead_are_forgotten() {
        let mut wishes = Wishes::default();
        wishes.note(at(1_000), 50);
        wishes.note(at(10), 3);
        assert_eq!(wishes.highest(at(10), Duration::from_secs(60)), 3);
    }

    #[test]
    fn deaths_are_weighed_against_what_was_done() {
        let mut deaths = Deaths::default();
        deaths.note(at(0), 0, Some(0));
        deaths.note(at(1), 2, Some(0));
        assert!(!deaths.outweigh());
        deaths.note(at(2), 3, None);
        assert!(deaths.outweigh());
        deaths.note(at(3), 3, Some(10));
        assert!(!deaths.outweigh());
        deaths.note(at(100), 3, Some(10));
        assert!(!deaths.outweigh());
    }
}
