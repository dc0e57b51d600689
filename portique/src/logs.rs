//! The last lines of the hub's processes: workers of pools, and computers of simulated modules.
//!
//! They are kept in memory, within limits for each process and for all of them, and are gone with the hub. Whoever
//! prints never waits for whoever reads: a reader comes back for what it has not seen, and what was let go meanwhile
//! is gone.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use portique_clock::{Clock, Timestamp};
use tokio::sync::watch;

/// Lines kept of one process: what somebody scrolls through.
const LINES_MAX: usize = 1_000;
/// Bytes kept of one process's lines.
const BYTES_MAX: usize = 128 * 1024;
/// Processes whose lines are kept; of more, the one goes that has printed nothing for the longest time.
const PROCESSES_MAX: usize = 128;

/// What a process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A worker of a pool.
    Worker,
    /// The computer of a simulated module.
    Module,
}

/// A line that a process printed.
#[derive(Debug)]
pub(crate) struct Line {
    /// From 1, over all processes.
    pub(crate) sequence: u64,
    /// When it came.
    pub(crate) at: Timestamp,
    /// Who printed it.
    pub(crate) process: Arc<str>,
    /// At most 2 KiB.
    pub(crate) text: String,
}

/// A process of which there are lines.
#[derive(Debug, Clone)]
pub(crate) struct Process {
    /// Its name: of a worker as in leases, of a module `ROCKET/MODULE`.
    pub(crate) name: Arc<str>,
    pub(crate) kind: Kind,
    /// The pool, or the rocket.
    pub(crate) of: String,
    /// Lines that are kept.
    pub(crate) lines: usize,
    /// Lines that were let go.
    pub(crate) let_go: u64,
    /// When it printed last.
    pub(crate) last_at: Timestamp,
}

/// Which lines are asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Selection {
    /// Of this process only.
    pub(crate) process: Option<String>,
    /// Of this pool or rocket only.
    pub(crate) of: Option<String>,
    /// With this text in them, in small or capital letters.
    pub(crate) text: Option<String>,
    /// The oldest after this sequence; the newest of all when absent.
    pub(crate) after: Option<u64>,
    /// At most so many.
    pub(crate) limit: usize,
}

/// Lines, the oldest first.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) lines: Vec<Arc<Line>>,
    /// What to ask after for those that come next.
    pub(crate) next: u64,
}

/// Where lines are kept. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Logs(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    clock: Arc<dyn Clock>,
    /// The last sequence, for those who wait for more.
    last: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    last: u64,
    processes: BTreeMap<Arc<str>, Kept>,
}

/// What is kept of one process.
struct Kept {
    kind: Kind,
    of: String,
    lines: VecDeque<Arc<Line>>,
    bytes: usize,
    let_go: u64,
}

impl std::fmt::Debug for Logs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Logs").finish_non_exhaustive()
    }
}

impl Logs {
    /// With nothing in it.
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Shared {
            state: Mutex::default(),
            clock,
            last: watch::Sender::new(0),
        }))
    }

    /// Keeps a line that a process printed.
    pub(crate) fn keep(&self, kind: Kind, of: &str, process: &str, text: &str) {
        let at = self.0.clock.now();
        let mut state = self.state();
        state.last += 1;
        let sequence = state.last;
        let name = state.admit(kind, of, process);
        let line = Arc::new(Line {
            sequence,
            at,
            process: name.clone(),
            text: text.to_owned(),
        });
        if let Some(kept) = state.processes.get_mut(&name) {
            kept.push(line);
        }
        drop(state);
        self.0.last.send_replace(sequence);
    }

    /// Every process of which there are lines, by name.
    pub(crate) fn processes(&self) -> Vec<Process> {
        let state = self.state();
        let process = |(name, kept): (&Arc<str>, &Kept)| Process {
            name: name.clone(),
            kind: kept.kind,
            of: kept.of.clone(),
            lines: kept.lines.len(),
            let_go: kept.let_go,
            last_at: kept.lines.back().map_or(Timestamp::EPOCH, |line| line.at),
        };
        state.processes.iter().map(process).collect()
    }

    /// The lines that are asked for.
    pub(crate) fn read(&self, selection: &Selection) -> Page {
        let after = selection.after.unwrap_or_default();
        let (mut lines, last) = {
            let state = self.state();
            // Only pointers are taken while whoever prints waits.
            let kept = state.selected(selection);
            let lines = kept.flat_map(|kept| kept.after(after).cloned());
            (lines.collect::<Vec<_>>(), state.last)
        };
        selection.keep_matches(&mut lines);
        lines.sort_unstable_by_key(|line| line.sequence);
        let surplus = lines.len().saturating_sub(selection.limit);
        let mut next = last;
        if selection.after.is_none() {
            lines.drain(..surplus);
        } else if surplus > 0 {
            lines.truncate(selection.limit);
            next = lines.last().map_or(last, |line| line.sequence);
        }
        Page { lines, next }
    }

    /// Of the next lines after the selection's sequence, as many as its limit, those with its text. Whoever follows from far
    /// behind comes back for more: one look costs the same wherever it begins.
    pub(crate) fn next(&self, selection: &Selection) -> Page {
        let after = selection.after.unwrap_or_default();
        let (mut lines, last) = {
            let state = self.state();
            let kept = state.selected(selection);
            let mut rests: Vec<_> = kept.map(|kept| kept.after(after).peekable()).collect();
            let heads = rests.iter_mut().enumerate();
            let mut heads: BinaryHeap<_> = heads
                .filter_map(|(index, rest)| Some(Reverse((rest.peek()?.sequence, index))))
                .collect();
            let mut lines = Vec::with_capacity(selection.limit);
            while lines.len() < selection.limit
                && let Some(Reverse((_, index))) = heads.pop()
            {
                let rest = &mut rests[index];
                lines.extend(rest.next().cloned());
                heads.extend(rest.peek().map(|line| Reverse((line.sequence, index))));
            }
            (lines, state.last)
        };
        let next = match lines.last() {
            Some(line) if lines.len() == selection.limit => line.sequence,
            _ => last,
        };
        selection.keep_matches(&mut lines);
        Page { lines, next }
    }

    /// Hears of every line from now on.
    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.0.last.subscribe()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Selection {
    /// Only lines with the text in them.
    fn keep_matches(&self, lines: &mut Vec<Arc<Line>>) {
        if let Some(text) = &self.text {
            let text = text.to_lowercase();
            lines.retain(|line| line.text.to_lowercase().contains(&text));
        }
    }
}

impl State {
    /// The processes that are asked for.
    fn selected(&self, selection: &Selection) -> impl Iterator<Item = &Kept> {
        let kept = self.processes.iter().filter(|(name, kept)| {
            let process = selection.process.as_deref();
            process.is_none_or(|process| process == &***name)
                && selection.of.as_ref().is_none_or(|of| *of == kept.of)
        });
        kept.map(|(_, kept)| kept)
    }

    /// The process of this name, for which room is made.
    fn admit(&mut self, kind: Kind, of: &str, process: &str) -> Arc<str> {
        if let Some((name, _)) = self.processes.get_key_value(process) {
            return name.clone();
        }
        if self.processes.len() >= PROCESSES_MAX {
            let newest = |kept: &Kept| kept.lines.back().map(|line| line.sequence);
            let quietest = self.processes.iter().min_by_key(|(_, kept)| newest(kept));
            let quietest = quietest.map(|(name, _)| name.clone());
            quietest.and_then(|name| self.processes.remove(&name));
        }
        let name: Arc<str> = process.into();
        let kept = Kept {
            kind,
            of: of.to_owned(),
            lines: VecDeque::new(),
            bytes: 0,
            let_go: 0,
        };
        self.processes.insert(name.clone(), kept);
        name
    }
}

impl Kept {
    /// The lines after this sequence.
    fn after(&self, sequence: u64) -> impl Iterator<Item = &Arc<Line>> {
        let start = (self.lines).partition_point(|line| line.sequence <= sequence);
        self.lines.range(start..)
    }

    fn push(&mut self, line: Arc<Line>) {
        self.bytes += line.text.len();
        self.lines.push_back(line);
        while self.lines.len() > LINES_MAX || (self.bytes > BYTES_MAX && self.lines.len() > 1) {
            let oldest = self.lines.pop_front();
            self.bytes -= oldest.map_or(0, |line| line.text.len());
            self.let_go += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use portique_clock::SimulatedClock;

    use super::*;

    fn logs() -> Logs {
        Logs::new(Arc::new(SimulatedClock::new(Timestamp::EPOCH)))
    }

    fn texts(logs: &Logs, selection: Selection) -> (Vec<String>, u64) {
        let page = logs.read(&selection);
        let texts = page.lines.iter().map(|line| line.text.clone());
        (texts.collect(), page.next)
    }

    #[test]
    fn lines_of_several_processes_come_in_their_order_and_go_on_after_the_last() {
        let logs = logs();
        for (process, text) in [
            ("p-1", "one"),
            ("p-2", "two"),
            ("p-1", "three"),
            ("p-2", "FOUR"),
        ] {
            logs.keep(Kind::Worker, "p", process, text);
        }
        let asked = |after, limit| Selection {
            after,
            limit,
            ..Selection::default()
        };
        let all = ["one", "two", "three", "FOUR"].map(str::to_owned);
        assert_eq!(texts(&logs, asked(None, 10)), (all.to_vec(), 4));
        assert_eq!(texts(&logs, asked(None, 1)), (all[3..].to_vec(), 4));
        assert_eq!(texts(&logs, asked(Some(0), 2)), (all[..2].to_vec(), 2));
        assert_eq!(texts(&logs, asked(Some(2), 2)), (all[2..].to_vec(), 4));
        assert_eq!(texts(&logs, asked(Some(4), 2)), (vec![], 4));
        let one = Selection {
            process: Some("p-2".into()),
            text: Some("fou".into()),
            limit: 10,
            ..Selection::default()
        };
        assert_eq!(texts(&logs, one), (all[3..].to_vec(), 4));
        let other = Selection {
            of: Some("q".into()),
            limit: 10,
            ..Selection::default()
        };
        assert_eq!(texts(&logs, other).0, [] as [String; 0]);
    }

    #[test]
    fn whoever_follows_is_given_every_line_once_in_order_a_few_at_a_time() {
        let logs = logs();
        for number in 0..1_000_u32 {
            let process = format!("p-{}", number.wrapping_mul(0x9E37_79B9) >> 28);
            logs.keep(Kind::Worker, "p", &process, &format!("line {number}"));
        }
        let follow = |text: Option<&str>| {
            let mut selection = Selection {
                text: text.map(str::to_owned),
                after: Some(0),
                limit: 64,
                ..Selection::default()
            };
            let (mut all, mut looks) = (Vec::new(), 0);
            while selection.after < Some(1_000) {
                let page = logs.next(&selection);
                assert!(Some(page.next) > selection.after && page.lines.len() <= 64);
                all.extend(page.lines.iter().map(|line| line.sequence));
                selection.after = Some(page.next);
                looks += 1;
            }
            (all, looks)
        };
        assert_eq!(follow(None), ((1..=1_000).collect(), 16));
        assert_eq!(follow(Some("LINE 999")), (vec![1_000], 16));
        assert_eq!(follow(Some("nowhere")), (vec![], 16));
    }

    #[test]
    fn who_prints_without_end_fills_no_memory_and_silences_nobody() {
        let logs = logs();
        logs.keep(Kind::Module, "alpha", "alpha/booster", "up");
        for number in 0..3 * LINES_MAX {
            logs.keep(Kind::Worker, "p", "p-1", &number.to_string());
        }
        let long = "x".repeat(2_048);
        for _ in 0..1_000 {
            logs.keep(Kind::Worker, "p", "p-2", &long);
        }
        let processes = logs.processes();
        let seen: Vec<_> = processes
            .iter()
            .map(|one| (&*one.name, one.lines, one.let_go))
            .collect();
        let kept = BYTES_MAX / long.len();
        let expected = [
            ("alpha/booster", 1, 0),
            ("p-1", LINES_MAX, 2 * LINES_MAX as u64),
            ("p-2", kept, 1_000 - kept as u64),
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn of_too_many_processes_the_quietest_goes() {
        let logs = logs();
        for number in 0..PROCESSES_MAX {
            logs.keep(Kind::Worker, "p", &format!("p-{number}"), "here");
        }
        logs.keep(Kind::Worker, "p", "p-0", "again");
        logs.keep(Kind::Worker, "p", "another", "here");
        let names: Vec<_> = logs.processes().into_iter().map(|one| one.name).collect();
        assert_eq!(names.len(), PROCESSES_MAX);
        assert!(names.contains(&"p-0".into()) && names.contains(&"another".into()));
        assert!(!names.contains(&"p-1".into()));
    }
}
