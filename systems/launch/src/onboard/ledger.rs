//! What a module's computer must not forget over a restart: which commands it answered, and which
//! events it told.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::{Answer, Command, FlightEvent, ModuleId, Order};

/// Answers kept, oldest forgotten first: a sender repeats a command within seconds, and a flight has
/// some twenty.
const ANSWERS_MAX: usize = 128;

/// Events kept for a ground that was away, oldest forgotten first; a flight has some thirty.
const EVENTS_MAX: usize = 128;

/// Answers and events of one module.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Ledger {
    /// Which count the sequences belong to.
    incarnation: u64,
    commands: VecDeque<Entry>,
    told: VecDeque<(u64, Told)>,
    last_sequence: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Entry {
    id: String,
    order: Order,
    progress: Progress,
}

/// What the ledger says to a command that arrives.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Receipt {
    /// Not seen before; it is noted as begun.
    New,
    /// The same command again.
    Known(Progress),
    /// The id was used for another order.
    Taken(Order),
}

/// How far a command came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Progress {
    /// Handed to the control task.
    Begun,
    /// Answered.
    Answered(Answer),
    /// The control task ended before it answered.
    Unknown,
}

/// A message that the ground must get.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Told {
    /// Something happened, to this module or to the one named.
    Event {
        event: FlightEvent,
        happened_to: Option<ModuleId>,
    },
    /// Nothing follows.
    Ended(String),
}

impl Ledger {
    /// A ledger without entries, which counts from 1.
    pub(crate) fn new(incarnation: u64) -> Self {
        Self {
            incarnation,
            commands: VecDeque::new(),
            told: VecDeque::new(),
            last_sequence: 0,
        }
    }

    /// Which count the sequences belong to.
    pub(crate) fn incarnation(&self) -> u64 {
        self.incarnation
    }

    /// Notes that a command is handed to the control task, unless its id was seen before.
    pub(crate) fn begin(&mut self, command: &Command) -> Receipt {
        match self.commands.iter().find(|entry| entry.id == command.id) {
            Some(entry) if entry.order == command.order => Receipt::Known(entry.progress.clone()),
            Some(entry) => Receipt::Taken(entry.order.clone()),
            None => {
                self.note(Entry {
                    id: command.id.clone(),
                    order: command.order.clone(),
                    progress: Progress::Begun,
                });
                Receipt::New
            }
        }
    }

    /// Notes what became of a command.
    pub(crate) fn settle(&mut self, id: &str, outcome: Progress) {
        if let Some(entry) = self.commands.iter_mut().find(|entry| entry.id == id) {
            entry.progress = outcome;
        }
    }

    /// Forgets a command that never reached the control task, so that it can be sent again.
    pub(crate) fn forget(&mut self, id: &str) {
        self.commands.retain(|entry| entry.id != id);
    }

    /// Notes a message for the ground.
    pub(crate) fn tell(&mut self, message: Told) {
        while self.told.len() >= EVENTS_MAX {
            self.told.pop_front();
        }
        self.last_sequence += 1;
        self.told.push_back((self.last_sequence, message));
    }

    /// The oldest kept message after `sequence`.
    pub(crate) fn next_after(&self, sequence: u64) -> Option<(u64, Told)> {
        self.told
            .iter()
            .find(|(number, _)| *number > sequence)
            .cloned()
    }

    /// The sequence of the newest message; 0 when there is none.
    pub(crate) fn last_sequence(&self) -> u64 {
        self.last_sequence
    }

    /// Takes up what an earlier run of this computer kept, before anything of this run. What this
    /// run itself kept is no news.
    pub(crate) fn resume(&mut self, earlier: Self) {
        if earlier.incarnation == self.incarnation {
            return;
        }
        let since = std::mem::replace(self, Self::new(earlier.incarnation));
        self.last_sequence = earlier.last_sequence;
        self.told = earlier.told;
        for mut entry in earlier.commands {
            if entry.progress == Progress::Begun {
                entry.progress = Progress::Unknown;
            }
            self.note(entry);
        }
        for entry in since.commands {
            // An earlier answer to the same id is the one that the ground may have seen.
            if !self.commands.iter().any(|known| known.id == entry.id) {
                self.note(entry);
            }
        }
        for (_, message) in since.told {
            self.tell(message);
        }
    }

    /// The ledger as it is kept over a restart, in at most `bytes_max`: the oldest entries are left out
    /// when it is larger.
    pub(crate) fn encode(&self, bytes_max: usize) -> Vec<u8> {
        let mut kept = self.clone();
        loop {
            let bytes = serde_json::to_vec(&kept).expect("a ledger has string keys only");
            let entries = kept.commands.len() + kept.told.len();
            if bytes.len() <= bytes_max || entries == 0 {
                return bytes;
            }
            kept.commands.drain(..kept.commands.len().div_ceil(4));
            kept.told.drain(..kept.told.len().div_ceil(4));
        }
    }

    fn note(&mut self, entry: Entry) {
        while self.commands.len() >= ANSWERS_MAX {
            self.commands.pop_front();
        }
        self.commands.push_back(entry);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn stage(id: &str) -> Command {
        Command {
            id: id.into(),
            order: Order::Stage,
            valid_for: Duration::from_secs(1),
        }
    }

    fn accepted() -> Receipt {
        Receipt::Known(Progress::Answered(Answer::Accepted))
    }

    #[test]
    fn a_command_is_new_once() {
        let mut ledger = Ledger::new(1);
        assert_eq!(ledger.begin(&stage("a")), Receipt::New);
        assert_eq!(ledger.begin(&stage("a")), Receipt::Known(Progress::Begun));
        ledger.settle("a", Progress::Answered(Answer::Accepted));
        assert_eq!(ledger.begin(&stage("a")), accepted());
        assert_eq!(ledger.begin(&stage("b")), Receipt::New);
        ledger.forget("b");
        assert_eq!(ledger.begin(&stage("b")), Receipt::New);
    }

    #[test]
    fn an_id_that_was_used_for_another_order_is_taken() {
        let mut ledger = Ledger::new(1);
        ledger.begin(&stage("a"));
        ledger.settle("a", Progress::Answered(Answer::Accepted));
        let other = Command {
            order: Order::Destroy,
            ..stage("a")
        };
        assert_eq!(ledger.begin(&other), Receipt::Taken(Order::Stage));
    }

    #[test]
    fn a_restart_keeps_answers_and_sequences_and_spends_what_was_begun() {
        let mut before = Ledger::new(1);
        before.begin(&stage("done"));
        before.settle("done", Progress::Answered(Answer::Accepted));
        before.begin(&stage("begun"));
        before.tell(Told::Ended("x".into()));

        let mut after = Ledger::new(2);
        after.begin(&stage("done"));
        after.tell(Told::Ended("y".into()));
        after.resume(before.clone());
        assert_eq!(after.begin(&stage("done")), accepted());
        assert_eq!(
            after.begin(&stage("begun")),
            Receipt::Known(Progress::Unknown)
        );
        assert_eq!(after.incarnation(), 1, "it counts on");
        assert_eq!(after.next_after(1), Some((2, Told::Ended("y".into()))));
        assert_eq!(after.next_after(2), None);

        after.resume(before);
        assert_eq!(after.last_sequence(), 2, "its own memory is no news");
    }

    #[test]
    fn kept_answers_and_events_are_bounded_over_restarts() {
        let mut ledger = Ledger::new(0);
        for restart in 1..5_u64 {
            for number in 0..1_000 {
                ledger.begin(&stage(&format!("{restart}-{number}")));
                ledger.tell(Told::Ended(String::new()));
            }
            let mut next = Ledger::new(restart);
            next.begin(&stage(&restart.to_string()));
            next.resume(ledger);
            ledger = next;
            assert_eq!(ledger.commands.len(), ANSWERS_MAX);
            assert_eq!(ledger.told.len(), EVENTS_MAX);
        }
    }

    #[test]
    fn what_is_kept_has_a_limit_and_the_newest_is_in_it() {
        let mut ledger = Ledger::new(1);
        for number in 0..100 {
            ledger.begin(&stage(&number.to_string()));
            ledger.tell(Told::Ended("x".repeat(2_000)));
        }
        let bytes = ledger.encode(64 * 1024);
        assert!(bytes.len() <= 64 * 1024);
        let mut kept: Ledger = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(kept.begin(&stage("99")), Receipt::Known(Progress::Begun));
        assert_eq!(kept.last_sequence(), 100);
    }
}
