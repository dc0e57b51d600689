//! Facts and jobs in parts that are kept wholly or not at all.

use std::collections::BTreeMap;

use portique_jobs::NewJob;
use portique_monitor::notify::{Fact, NotificationJob};

use crate::notify::queue;

/// Facts of one frame: the keeper takes 500.
const FACTS_MAX: usize = 400;
/// Bytes of one frame, facts and jobs together: the keeper takes 1 MiB of facts, the bus 3 MiB of all. One fact
/// with its job may have more.
const BYTES_MAX: usize = 768 * 1024;

/// What is kept together.
#[derive(Default)]
pub(super) struct Frame {
    pub(super) facts: Vec<Fact>,
    pub(super) jobs: Vec<NewJob>,
    bytes: usize,
}

/// Facts in their order, each with the job that it decided.
pub(super) fn frames(facts: Vec<Fact>, jobs: Vec<NotificationJob>) -> Vec<Frame> {
    let mut jobs: BTreeMap<u64, NewJob> = jobs
        .iter()
        .map(|notification| (notification.id, queue::job(notification)))
        .collect();
    let mut frames: Vec<Frame> = Vec::new();
    for fact in facts {
        let job = match &fact {
            Fact::Notified(notified) => jobs.remove(&notified.id),
            _ => None,
        };
        let bytes = fact.encode().len() + job.as_ref().map_or(0, |job| job.payload.body.len());
        let has_room = frames
            .last()
            .is_some_and(|frame| frame.facts.len() < FACTS_MAX && frame.bytes + bytes <= BYTES_MAX);
        if !has_room {
            frames.push(Frame::default());
        }
        if let Some(frame) = frames.last_mut() {
            frame.facts.push(fact);
            frame.jobs.extend(job);
            frame.bytes += bytes;
        }
    }
    frames
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use portique_clock::Timestamp;
    use portique_monitor::notify::AlertStatus;
    use portique_monitor::notify::{GroupId, LogKey, Message, MessageAlert, Notified, Reason};
    use portique_series::Labels;

    use super::*;

    fn key() -> LogKey {
        LogKey {
            group: GroupId {
                route: Arc::from("{}"),
                labels: Labels::empty(),
            },
            receiver: Arc::from("r"),
            integration: Arc::from("webhook[0]"),
        }
    }

    fn notified(id: u64) -> Fact {
        Fact::Notified(Box::new(Notified {
            id,
            at: Timestamp::EPOCH,
            key: key(),
            reason: Reason::First,
            firing: BTreeSet::new(),
            resolved: BTreeSet::new(),
            owed: BTreeSet::new(),
            expires_at: Timestamp::EPOCH,
            is_sent: true,
        }))
    }

    /// A notification with about 10 kB of text.
    fn job(id: u64) -> NotificationJob {
        let LogKey {
            group,
            receiver,
            integration,
        } = key();
        let alert = MessageAlert {
            status: AlertStatus::Firing,
            labels: Labels::from_pairs([("alertname", "Hot")]),
            annotations: Labels::from_pairs([("summary", "x".repeat(10_000))]),
            starts_at: Timestamp::EPOCH,
            ends_at: None,
            generator_url: Arc::from(""),
            fingerprint: String::new(),
        };
        NotificationJob {
            id,
            at: Timestamp::EPOCH,
            message: Message::new(&receiver, &group, vec![alert], ""),
            receiver,
            integration,
            reason: Reason::First,
        }
    }

    #[test]
    fn a_decision_and_its_job_are_kept_together_in_order() {
        let facts: Vec<Fact> = (0..1_000).map(notified).collect();
        let frames = frames(facts.clone(), (0..1_000).map(job).collect());
        assert!(frames.len() > 10, "{}", frames.len());
        for frame in &frames {
            assert_eq!(frame.facts.len(), frame.jobs.len());
            assert!(frame.bytes <= BYTES_MAX && frame.facts.len() <= FACTS_MAX);
            for (fact, job) in frame.facts.iter().zip(&frame.jobs) {
                let Fact::Notified(notified) = fact else {
                    panic!("{fact:?}");
                };
                let decoded = NotificationJob::decode(&job.payload.body).unwrap();
                assert_eq!(decoded.id, notified.id);
            }
        }
        let kept: Vec<Fact> = frames.into_iter().flat_map(|frame| frame.facts).collect();
        assert_eq!(kept, facts);
        assert!(super::frames(Vec::new(), Vec::new()).is_empty());
    }
}
