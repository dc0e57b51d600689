//! Which evaluations are on their way: a rule is evaluated once at a time, and a group too.

use std::sync::Arc;

use super::Engine;
use super::schedule::STEP;
use crate::{DueRule, Reason};

impl Engine {
    /// Says that the evaluation of a rule that [`tick`](Self::tick) handed out begins now, for whoever evaluates
    /// on several threads; none when it has nothing to do any more: the rule was loaded anew, or is just being
    /// evaluated because of a sample. What is begun has to be [concluded](Self::conclude), whatever comes of it.
    ///
    /// A rule of a group that waited for those before it may have been evaluated for a later time meanwhile.
    pub fn begin(&mut self, due: DueRule) -> Option<DueRule> {
        let ordinal = self.ordinal_of(&due)?;
        if due.reason != Reason::Tick {
            return Some(due);
        }
        let run = &mut self.rules[ordinal];
        if run.is_busy {
            // What that one does not look at is looked at right after it.
            run.touch_all(due.at);
            self.waiting.insert(ordinal);
            self.end_turn(&due, ordinal);
            return None;
        }
        run.is_busy = true;
        let mut due = due;
        due.expected = Arc::clone(&run.expected);
        if let Some(last) = run.last_at.filter(|last| *last > due.at) {
            let offset = due.at.since(due.query_at);
            due.at = last.plus(STEP);
            due.query_at = due.at.minus(offset);
            run.last_at = Some(due.at);
        }
        Some(due)
    }

    /// The rule that is to be evaluated; none when it was loaded anew since.
    pub(super) fn ordinal_of(&self, due: &DueRule) -> Option<usize> {
        let ordinal = *self.by_id.get(&due.rule.id)?;
        Arc::ptr_eq(&self.rules[ordinal].rule, &due.rule).then_some(ordinal)
    }

    /// Notes that an evaluation has ended.
    pub(super) fn end_flight(&mut self, due: &DueRule, ordinal: usize) {
        self.rules[ordinal].is_busy = false;
        self.end_turn(due, ordinal);
    }

    /// Notes that a rule has had its turn in its group.
    fn end_turn(&mut self, due: &DueRule, ordinal: usize) {
        if due.reason == Reason::Tick {
            let group = self.index_of(ordinal);
            let turns = &mut self.groups[group].turns_left;
            *turns = turns.saturating_sub(1);
        }
    }
}
