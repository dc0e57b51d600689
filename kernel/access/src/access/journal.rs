use portique_clock::Timestamp;

use super::Access;
use crate::audit::{Entry, Outcome, Record, Verdict, Verifier};
use crate::store::Selection;
use crate::worker::Input;
use crate::{Caller, Error, Visit};

/// Records that are walked at a time.
const PAGE: usize = 1_000;

/// Which audit records are asked for.
#[derive(Debug, Clone, Default)]
pub struct AuditQuery {
    /// Of whom, such as `user:alice`.
    pub who: Option<String>,
    /// Of which action, such as `user.create`.
    pub action: Option<String>,
    /// With which outcome.
    pub outcome: Option<Outcome>,
    /// Not before this time.
    pub from: Option<Timestamp>,
    /// Before this time.
    pub to: Option<Timestamp>,
    /// Before this sequence; from the newest when absent.
    pub before: Option<u64>,
    /// At most so many, 1 to 1,000.
    pub limit: usize,
}

impl Access {
    /// Has a refusal written down, as long as there is room for it: of many within a minute only their number is.
    pub fn refused(&self, caller: &Caller, from: &str, action: &str, reason: &str) {
        self.write_refusal(Entry {
            who: caller.who.to_string(),
            from: from.to_owned(),
            action: action.to_owned(),
            target: String::new(),
            outcome: Outcome::Refused,
            reason: reason.to_owned(),
        });
    }

    /// Has something that was done, or could not be, written down afterwards: whoever does it waits for no disk. What
    /// there is no room for is [counted](Access::audit_lost), and the journal says how many they were.
    pub fn told(&self, visit: &Visit, action: &str, target: &str, outcome: Result<(), &str>) {
        let entry = Entry {
            who: visit.caller.who.to_string(),
            from: visit.from.clone(),
            action: action.to_owned(),
            target: target.to_owned(),
            outcome: match outcome {
                Ok(()) => Outcome::Done,
                Err(_) => Outcome::Refused,
            },
            reason: outcome.err().unwrap_or_default().to_owned(),
        };
        if self.deeds.try_send(entry).is_err() {
            let lost = self.shared.lose(1);
            tracing::warn!(
                action,
                lost,
                "what was done is not in the audit journal: too much comes at once"
            );
        }
    }

    /// How much that was done is not in the audit journal, since the start.
    pub fn audit_lost(&self) -> u64 {
        self.shared.lost()
    }

    pub(super) fn write_refusal(&self, entry: Entry) {
        for entry in self.shared.refusal(entry) {
            self.tell(entry);
        }
    }

    fn tell(&self, entry: Entry) {
        let action = entry.action.clone();
        if self.send(Input::Tell { entry, reply: None }).is_err() {
            tracing::warn!(
                action,
                "a refusal is not in the audit journal: too much comes at once"
            );
        }
    }

    /// Records of the audit journal, newest first.
    ///
    /// # Errors
    /// [`Error::Records`], [`Error::Damaged`].
    pub async fn audit(&self, query: AuditQuery) -> Result<Vec<Record>, Error> {
        let from = match query.from {
            Some(from) => self.first_at(from).await?,
            None => 0,
        };
        let mut before = query.before;
        if let Some(to) = query.to {
            let end = self.first_at(to).await?;
            before = Some(before.map_or(end, |before| before.min(end)));
        }
        let outcome = query.outcome.map(|outcome| outcome.as_str().to_owned());
        let equal = [
            ("who", query.who),
            ("action", query.action),
            ("outcome", outcome),
        ];
        let equal = equal.into_iter();
        let selection = Selection {
            equal: equal
                .filter_map(|(field, value)| Some((field, value?)))
                .collect(),
            from,
            to: before.map(|before| before.saturating_sub(1)),
            newest_first: true,
            limit: query.limit,
        };
        self.store.audit(&selection).await
    }

    /// The first record that is not before a time, or the one after the last. Where the clock was set back, times do
    /// not grow with the sequence, and what is found is one of the places where they pass it.
    async fn first_at(&self, time: Timestamp) -> Result<u64, Error> {
        let (anchor, head) = self.shared.ends();
        let (mut low, mut high) = (anchor.sequence + 1, head.sequence + 1);
        while low < high {
            let middle = low + (high - low) / 2;
            let selection = Selection {
                from: middle,
                limit: 1,
                ..Selection::default()
            };
            let found = self.store.audit(&selection).await?;
            match found.first() {
                Some(record) if record.at < time => low = record.sequence + 1,
                _ => high = middle,
            }
        }
        Ok(low)
    }

    /// Walks the whole chain, up to what is written now.
    ///
    /// # Errors
    /// [`Error::Records`]; a chain that does not hold is no error but the verdict.
    pub async fn verify(&self) -> Result<Verdict, Error> {
        let (anchor, head) = self.shared.ends();
        let mut verifier = Verifier::new(anchor);
        let broken = loop {
            let from = verifier.reached().sequence + 1;
            if from > head.sequence {
                break verifier.finish(head).err();
            }
            let selection = Selection {
                from,
                to: Some(head.sequence),
                limit: PAGE,
                ..Selection::default()
            };
            let records = match self.store.audit(&selection).await {
                Ok(records) => records,
                Err(Error::Damaged { .. }) => {
                    let reason = "it cannot be read";
                    break Some(crate::audit::Broken {
                        sequence: from,
                        reason,
                    });
                }
                Err(error) => return Err(error),
            };
            if records.is_empty() {
                break verifier.finish(head).err();
            }
            if let Some(broken) = records
                .iter()
                .find_map(|record| verifier.take(record).err())
            {
                break Some(broken);
            }
        };
        let broken = match broken {
            // Whoever changed the end changed the note of it too, or forgot it.
            None if self.store.head().await?.sequence < head.sequence => {
                Some(crate::audit::Broken {
                    sequence: head.sequence,
                    reason: "the note of the chain's end was set back",
                })
            }
            other => other,
        };
        Ok(Verdict {
            records: verifier.reached().sequence - anchor.sequence,
            first: anchor.sequence + 1,
            head,
            broken,
        })
    }
}
