use std::collections::{BTreeSet, HashMap, HashSet};

use super::super::findings::Findings;
use super::super::job_facts::{Limits, Record};

/// A queue: its limits, who is stopped, and how many jobs are active.
#[derive(Debug, Default)]
pub(super) struct Queue {
    name: String,
    limits: Limits,
    is_paused: bool,
    paused_groups: HashSet<String>,
    active: u32,
    active_groups: HashMap<Box<str>, u32>,
    active_keys: HashMap<Box<str>, u32>,
    /// Jobs that were never claimed, in the order in which they must be.
    lines: HashMap<Line, BTreeSet<u64>>,
}

/// A line of jobs of one key that are otherwise alike, so that the one that came first goes first,
/// whatever the clock of the wall said.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Line {
    key: Box<str>,
    group: Option<Box<str>>,
    priority: i32,
}

/// A job's turn: the line in which it stands by its id.
#[derive(Debug, Clone)]
pub(super) struct Turn {
    line: Line,
}

impl Queue {
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn define(&mut self, name: String, limits: Limits) {
        self.name = name;
        self.limits = limits;
        if !self.keeps_order() {
            self.lines.clear();
        }
    }

    fn keeps_order(&self) -> bool {
        self.limits.key_concurrency == Some(1)
    }

    pub(super) fn pause(&mut self, group: Option<String>) {
        match group {
            Some(group) => _ = self.paused_groups.insert(group),
            None => self.is_paused = true,
        }
    }

    pub(super) fn resume(&mut self, group: Option<&str>) {
        match group {
            Some(group) => _ = self.paused_groups.remove(group),
            None => self.is_paused = false,
        }
    }

    pub(super) fn check_pause(&self, id: u64, group: Option<&str>, findings: &mut Findings) {
        let is_stopped = group.is_some_and(|group| self.paused_groups.contains(group));
        if self.is_paused || is_stopped {
            findings.report("claimed_while_paused", format!("job {id} of {}", self.name));
        }
    }

    /// A job's turn, when the queue keeps the order of each key.
    pub(super) fn line_up(&mut self, id: u64, record: &Record) -> Option<Turn> {
        let key = record.key.as_deref().filter(|_| self.keeps_order())?;
        let line = Line {
            key: key.into(),
            group: record.group.as_deref().map(Into::into),
            priority: record.priority,
        };
        self.lines.entry(line.clone()).or_default().insert(id);
        Some(Turn { line })
    }

    /// The job is claimed for the first time: nobody may stand before it.
    pub(super) fn leave_line(&mut self, id: u64, turn: &Turn, findings: &mut Findings) {
        let before = self
            .lines
            .get(&turn.line)
            .and_then(|line| line.first().copied());
        if let Some(before) = before
            && before < id
            && self.keeps_order()
        {
            let what = format!("job {id} of key {:?} before {}", turn.line.key, before);
            findings.report("key_out_of_order", what);
        }
        self.forget(id, turn);
    }

    pub(super) fn forget(&mut self, id: u64, turn: &Turn) {
        if let Some(line) = self.lines.get_mut(&turn.line) {
            line.remove(&id);
            if line.is_empty() {
                self.lines.remove(&turn.line);
            }
        }
    }

    pub(super) fn start(&mut self, group: Option<&str>, key: Option<&str>) {
        self.active += 1;
        if let Some(group) = group {
            *self.active_groups.entry(group.into()).or_default() += 1;
        }
        if let Some(key) = key {
            *self.active_keys.entry(key.into()).or_default() += 1;
        }
    }

    pub(super) fn stop(&mut self, group: Option<&str>, key: Option<&str>) {
        self.active = self.active.saturating_sub(1);
        take_one(&mut self.active_groups, group);
        take_one(&mut self.active_keys, key);
    }

    pub(super) fn check_limits(
        &self,
        id: u64,
        group: Option<&str>,
        key: Option<&str>,
        findings: &mut Findings,
    ) {
        let of_group = group.and_then(|group| self.active_groups.get(group));
        let of_key = key.and_then(|key| self.active_keys.get(key));
        let counts = [
            (
                "queue_over_concurrency",
                Some(&self.active),
                self.limits.concurrency,
            ),
            (
                "group_over_concurrency",
                of_group,
                self.limits.group_concurrency,
            ),
            ("key_over_concurrency", of_key, self.limits.key_concurrency),
        ];
        for (rule, count, limit) in counts {
            if let (Some(count), Some(limit)) = (count, limit)
                && *count > limit
            {
                let what = format!("job {id} of {}: {count} active of {limit}", self.name);
                findings.report(rule, what);
            }
        }
    }
}

fn take_one(counts: &mut HashMap<Box<str>, u32>, label: Option<&str>) {
    let Some(label) = label else {
        return;
    };
    if let Some(count) = counts.get_mut(label) {
        *count -= 1;
        if *count == 0 {
            counts.remove(label);
        }
    }
}
