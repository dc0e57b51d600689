//! What came in by each way, for the metrics page.

use portique_exposition::Reason;
use portique_series::RefusalKind;

use super::Intake;
use super::ledger::{Account, TOO_LARGE, UNAVAILABLE, UNREADABLE, Way};
use crate::http::{LabelledFigure, Labels, Samples};

impl Intake {
    /// The accounts of all ways. Every reason is there from the start, or the first refusal would be no
    /// increase of anything.
    pub(crate) fn figures(&self) -> Vec<LabelledFigure> {
        let accounts = Way::ALL.map(|way| (way, self.shared.ledger.account(way)));
        let counter = |name, help, value: fn(&Account) -> u64| {
            let samples = accounts
                .iter()
                .map(|(way, account)| (of(*way), value(account)));
            LabelledFigure {
                name,
                help,
                samples: Samples::Counters(samples.collect()),
            }
        };
        let refused = accounts.iter().flat_map(|(way, account)| {
            reasons().map(move |reason| {
                let mut labels = of(*way);
                labels.push(("reason", reason.to_owned()));
                (labels, account.refused.get(reason).copied().unwrap_or(0))
            })
        });
        vec![
            counter(
                "intake_bodies",
                "Bodies of telemetry that came in; of Graphite, pieces of connections",
                |account| account.bodies,
            ),
            counter("intake_samples", "Samples that were taken", |account| {
                account.accepted
            }),
            LabelledFigure {
                name: "intake_refused",
                help: "Bodies, lines, series and samples that were not taken; /api/v1/telemetry/intake shows the last",
                samples: Samples::Counters(refused.collect()),
            },
        ]
    }
}

fn of(way: Way) -> Labels {
    vec![("way", way.as_str().to_owned())]
}

/// Each word once: readers and the store share some.
fn reasons() -> impl Iterator<Item = &'static str> {
    let of_readers = Reason::ALL.into_iter().map(Reason::as_str);
    let of_store = RefusalKind::ALL
        .into_iter()
        .map(RefusalKind::as_str)
        .filter(|word| {
            !Reason::ALL
                .into_iter()
                .any(|reason| reason.as_str() == *word)
        });
    of_readers
        .chain(of_store)
        .chain([UNAVAILABLE, TOO_LARGE, UNREADABLE])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_reason_is_there_twice() {
        let all: Vec<_> = reasons().collect();
        let different: BTreeSet<_> = all.iter().collect();
        assert_eq!(different.len(), all.len(), "{all:?}");
    }
}
