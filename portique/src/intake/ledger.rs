//! What came in by each way, what did not, and why.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use portique_exposition::Rejections;

/// So many bad lines of a way are kept: the last ones say what is wrong now.
const LAST_MAX: usize = 20;

/// Nothing is taken now.
pub(super) const UNAVAILABLE: &str = "unavailable";
/// A body is larger than is taken.
pub(super) const TOO_LARGE: &str = "too_large";
/// A body cannot be read at all.
pub(super) const UNREADABLE: &str = "unreadable";

/// How telemetry came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    RemoteWrite,
    Otlp,
    Influx,
    Graphite,
    Push,
}

impl Way {
    pub(super) const ALL: [Self; 5] = [
        Self::RemoteWrite,
        Self::Otlp,
        Self::Influx,
        Self::Graphite,
        Self::Push,
    ];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::RemoteWrite => "remote_write",
            Self::Otlp => "otlp",
            Self::Influx => "influx",
            Self::Graphite => "graphite",
            Self::Push => "push",
        }
    }
}

/// The account of one way since the hub started.
#[derive(Debug, Clone, Default)]
pub(super) struct Account {
    /// Bodies, or connections.
    pub(super) bodies: u64,
    /// Samples that were taken.
    pub(super) accepted: u64,
    /// Lines, series and samples that were not, by reason.
    pub(super) refused: BTreeMap<&'static str, u64>,
    /// The last of them, oldest first.
    pub(super) last: VecDeque<Bad>,
}

/// One thing that was refused.
#[derive(Debug, Clone)]
pub(super) struct Bad {
    pub(super) at_ms: i64,
    pub(super) reason: &'static str,
    pub(super) text: String,
}

/// The accounts of all ways.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    accounts: Mutex<[Account; Way::ALL.len()]>,
}

impl Ledger {
    pub(super) fn account(&self, way: Way) -> Account {
        self.lock()[way as usize].clone()
    }

    /// Writes down what became of a body.
    pub(super) fn enter(
        &self,
        way: Way,
        accepted: u64,
        refused: &[(&'static str, u64)],
        last: Vec<Bad>,
    ) {
        let account = &mut self.lock()[way as usize];
        account.bodies += 1;
        account.accepted += accepted;
        for (reason, count) in refused {
            *account.refused.entry(reason).or_default() += count;
        }
        account.last.extend(last);
        let surplus = account.last.len().saturating_sub(LAST_MAX);
        account.last.drain(..surplus);
    }

    fn lock(&self) -> MutexGuard<'_, [Account; Way::ALL.len()]> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a reader rejected, as the ledger keeps it.
pub(super) fn bad_lines(rejections: &Rejections, at_ms: i64) -> Vec<Bad> {
    let kept = rejections.kept().iter();
    kept.map(|rejection| Bad {
        at_ms,
        reason: rejection.reason.as_str(),
        text: rejection.to_string(),
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_is_counted_and_the_last_is_kept() {
        let ledger = Ledger::default();
        for at_ms in 0..25 {
            let bad = Bad {
                at_ms,
                reason: "syntax",
                text: String::new(),
            };
            ledger.enter(Way::Influx, 2, &[("syntax", 3)], vec![bad]);
        }
        let account = ledger.account(Way::Influx);
        assert_eq!(
            (account.bodies, account.accepted, account.refused["syntax"]),
            (25, 50, 75)
        );
        let times: Vec<_> = account.last.iter().map(|bad| bad.at_ms).collect();
        assert_eq!(times, (5..25).collect::<Vec<_>>());
        assert_eq!(ledger.account(Way::Graphite).bodies, 0);
    }
}
