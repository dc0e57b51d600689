//! What a module's computer must not forget over a restart: which commands it answered, and which
//! events it told.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::{Answer, FlightEvent, ModuleId};

/// Answers kept, oldest forgotten first: a sender repeats a command within seconds, and a flight has
/// some twenty.
const ANSWERS_MAX: usize = 128;

/// Events kept for a ground that was away, oldest forgotten first; a flight has some thirty.
const EVENTS_MAX: usize = 128;

/// Answers and events of one module.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Ledger {
    commands: VecDeque<(String, Progress)>,
    told: VecDeque<(u64, Told)>,
    last_sequence: u64,
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
    /// Notes that `id` is handed to the control task; gives its progress instead when it was before.
    pub(crate) fn begin(&mut self, id: &str) -> Option<Progress> {
        if let Some((_, progress)) = self.commands.iter().find(|(known, _)| known == id) {
            return Some(progress.clone());
        }
        if self.commands.len() == ANSWERS_MAX {
            self.commands.pop_front();
        }
        self.commands.push_back((id.to_owned(), Progress::Begun));
        None
    }

    /// Notes what became of a command.
    pub(crate) fn settle(&mut self, id: &str, outcome: Progress) {
        if let Some((_, progress)) = self.commands.iter_mut().find(|(known, _)| known == id) {
            *progress = outcome;
        }
    }

    /// Forgets a command that never reached the control task, so that it can be sent again.
    pub(crate) fn forget(&mut self, id: &str) {
        self.commands.retain(|(known, _)| known != id);
    }

    /// Notes a message for the ground.
    pub(crate) fn tell(&mut self, message: Told) {
        if self.told.len() == EVENTS_MAX {
            self.told.pop_front();
        }
        self.last_sequence += 1;
        self.told.push_back((self.last_sequence, message));
    }

    /// Whether nothing was ever noted.
    pub(crate) fn is_empty(&self) -> bool {
        self.commands.is_empty() && self.last_sequence == 0
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

    /// Takes up what an earlier run of this computer kept, before anything of this run.
    pub(crate) fn resume(&mut self, earlier: Self) {
        let since = std::mem::replace(self, earlier);
        for (_, progress) in &mut self.commands {
            if *progress == Progress::Begun {
                *progress = Progress::Unknown;
            }
        }
        self.commands.extend(since.commands);
        for (_, message) in since.told {
            self.tell(message);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_new_once() {
        let mut ledger = Ledger::default();
        assert_eq!(ledger.begin("a"), None);
        assert_eq!(ledger.begin("a"), Some(Progress::Begun));
        ledger.settle("a", Progress::Answered(Answer::Accepted));
        assert_eq!(
            ledger.begin("a"),
            Some(Progress::Answered(Answer::Accepted))
        );
        assert_eq!(ledger.begin("b"), None);
        ledger.forget("b");
        assert_eq!(ledger.begin("b"), None);
    }

    #[test]
    fn a_restart_keeps_answers_and_sequences_and_spends_what_was_begun() {
        let mut before = Ledger::default();
        before.begin("done");
        before.settle("done", Progress::Answered(Answer::Accepted));
        before.begin("begun");
        before.tell(Told::Ended("x".into()));

        let mut after = Ledger::default();
        after.tell(Told::Ended("y".into()));
        after.resume(before);
        assert_eq!(
            after.begin("done"),
            Some(Progress::Answered(Answer::Accepted))
        );
        assert_eq!(after.begin("begun"), Some(Progress::Unknown));
        assert_eq!(after.next_after(1), Some((2, Told::Ended("y".into()))));
        assert_eq!(after.next_after(2), None);
    }

    #[test]
    fn kept_answers_and_events_are_bounded() {
        let mut ledger = Ledger::default();
        for number in 0..1_000 {
            ledger.begin(&number.to_string());
            ledger.tell(Told::Ended(String::new()));
        }
        assert_eq!(ledger.commands.len(), ANSWERS_MAX);
        assert_eq!(ledger.told.len(), EVENTS_MAX);
        assert_eq!(
            ledger.next_after(0).map(|(number, _)| number),
            Some(1_000 - 127)
        );
    }
}
