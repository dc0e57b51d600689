//! Histories as a test writes them: honest ones, and one for each rule that breaks it and no other.

mod deliveries;
mod jobs;

use bytes::Bytes;
use portique_bus::{ConsumerName, ConsumerOptions};
use portique_clock::Timestamp;
use portique_event::{Event, Filter, Subject};
use portique_journal::{Entry, Sequence};
use prost::Message;

use super::job_facts::{Claimed, Defined, Failed, Ids, Leases, Limits, Lost, Record, Rewritten};
use super::{Acknowledged, Audit, audit};
use crate::fact::{self, Fact, Published};

/// Tokens of the first start.
const EPOCH: u64 = 1 << 40;

/// A journal as a test writes it: one queue, number 1, and one start.
struct History {
    first: u64,
    entries: Vec<Entry>,
}

impl History {
    fn new() -> Self {
        Self::with(Limits::default())
    }

    fn with(options: Limits) -> Self {
        let mut history = Self {
            first: 1,
            entries: Vec::new(),
        };
        history.fact(Fact::Opened(fact::Opened { epoch: 1 }));
        let name = "work".to_owned();
        history.say(
            32,
            &Defined {
                queue: 1,
                name,
                options,
            },
        );
        history
    }

    fn record(&mut self, kind: u8, body: Bytes) -> u64 {
        let sequence = self.first + self.entries.len() as u64;
        self.entries.push(Entry {
            sequence: Sequence(sequence),
            time: Timestamp::EPOCH,
            kind,
            body,
        });
        sequence
    }

    fn say(&mut self, kind: u8, fact: &impl Message) -> u64 {
        self.record(kind, fact.encode_to_vec().into())
    }

    fn fact(&mut self, fact: Fact) -> u64 {
        let (kind, body) = fact.encode();
        self.record(kind, body)
    }

    fn enqueue(&mut self, record: Record) -> u64 {
        self.say(37, &Record { queue: 1, ..record })
    }

    fn job(&mut self) -> u64 {
        self.enqueue(Record::default())
    }

    fn keyed(&mut self) -> u64 {
        self.enqueue(Record {
            key: Some("k".into()),
            ..Record::default()
        })
    }

    fn claim(&mut self, ids: &[u64], token: u64) {
        self.claim_for("w", ids, token);
    }

    fn claim_for(&mut self, worker: &str, ids: &[u64], token: u64) {
        let claimed = Claimed {
            queue: 1,
            ids: ids.to_vec(),
            token: EPOCH + token,
            worker: worker.into(),
        };
        self.say(38, &claimed);
    }

    fn complete(&mut self, id: u64, token: u64) {
        self.say(39, &lease(id, token));
    }

    fn fail(&mut self, id: u64, token: u64, due: Option<i64>) {
        let token = EPOCH + token;
        self.say(40, &Failed { id, token, due });
    }

    fn lose(&mut self, id: u64, token: u64) {
        let lost = Lost {
            ids: vec![id],
            tokens: vec![EPOCH + token],
            dead: vec![false],
        };
        self.say(42, &lost);
    }

    fn event(&mut self, subject: &str) -> u64 {
        let subject = Subject::new(subject).unwrap();
        let event = Event::builder("1", "/s", "t", subject).build().unwrap();
        let body = Published::encode(Timestamp::EPOCH, &event);
        self.fact(Fact::Published(body))
    }

    fn consumer(&mut self) {
        let options = ConsumerOptions::new(Filter::new(">").unwrap());
        let name = ConsumerName::new("c").unwrap();
        self.fact(Fact::Created(fact::Created::new(1, &name, &options, 1)));
    }

    fn deliver(&mut self, sequence: u64, attempt: u32, token: u64) {
        let delivered = fact::Delivered {
            consumer: 1,
            cursor: sequence + 1,
            sequences: vec![sequence],
            attempts: vec![attempt],
            token: EPOCH + token,
            ..fact::Delivered::default()
        };
        self.fact(Fact::Delivered(delivered));
    }

    fn acknowledge(&mut self, sequence: u64) {
        self.fact(Fact::Acknowledged(fact::Acknowledged {
            consumer: 1,
            sequences: vec![sequence],
        }));
    }

    fn audit(&self) -> Audit {
        self.audit_told(&Acknowledged::default())
    }

    fn audit_told(&self, told: &Acknowledged) -> Audit {
        audit(self.entries.iter().cloned().map(Ok), Some(told)).unwrap()
    }
}

fn lease(id: u64, token: u64) -> Leases {
    Leases {
        ids: vec![id],
        tokens: vec![EPOCH + token],
    }
}

fn ids(id: u64) -> Ids {
    Ids { ids: vec![id] }
}

/// The history breaks this rule, and no other.
#[track_caller]
fn check(rule: &str, write: impl FnOnce(&mut History)) {
    check_with(Limits::default(), rule, write);
}

#[track_caller]
fn check_with(limits: Limits, rule: &str, write: impl FnOnce(&mut History)) {
    let mut history = History::with(limits);
    write(&mut history);
    let found = history.audit().violations;
    let mut rules: Vec<_> = found.iter().map(|violation| violation.rule).collect();
    rules.dedup();
    assert_eq!(rules, [rule], "{found:?}");
}

/// A history with every kind of ending, and nothing wrong.
fn whole() -> History {
    let mut history = History::new();
    let jobs: Vec<u64> = (0..7).map(|_| history.job()).collect();
    history.claim_for("a", &jobs[..2], 1);
    history.complete(jobs[0], 1);
    history.lose(jobs[1], 2);
    history.claim_for("b", &[jobs[1]], 3);
    history.fail(jobs[1], 3, Some(5));
    history.claim_for("b", &[jobs[1]], 4);
    history.fail(jobs[1], 4, None);
    history.say(44, &ids(jobs[1]));
    history.claim_for("b", &[jobs[1], jobs[2]], 5);
    history.say(41, &lease(jobs[1], 5));
    history.complete(jobs[2], 6);
    history.say(43, &ids(jobs[3]));
    history.claim(&[jobs[4]], 7);
    history.fail(jobs[4], 7, None);
    history.say(47, &ids(jobs[4]));
    history.say(48, &ids(jobs[5]));
    let (event, other) = (history.event("a"), history.event("b"));
    history.consumer();
    history.deliver(event, 1, 1);
    history.deliver(event, 2, 2);
    history.acknowledge(event);
    history.deliver(other, 1, 3);
    history
}

#[test]
fn an_honest_history_is_clean_and_counted() {
    let audit = whole().audit();
    assert!(audit.is_clean(), "{:?}", audit.violations);
    let totals = audit.totals;
    assert_eq!(
        (totals.enqueued, totals.completed, totals.cancelled),
        (7, 2, 1)
    );
    assert_eq!((totals.failures, totals.losses, totals.dropped), (3, 1, 1));
    assert_eq!((totals.waiting, totals.active, totals.dead), (2, 0, 1));
    assert_eq!((totals.published, totals.acknowledged), (2, 1));
}

#[test]
fn what_clients_were_told_is_missed() {
    let history = whole();
    let job = 3;
    let told = Acknowledged {
        enqueued: vec![job, 999],
        completed: vec![(job, EPOCH + 1), (job, EPOCH + 9)],
        published: vec![1_000],
    };
    let found = history.audit_told(&told);
    let rules: Vec<_> = found.violations.iter().map(|found| found.rule).collect();
    assert_eq!(
        rules,
        [
            "acknowledged_job_missing",
            "acknowledged_event_missing",
            "acknowledged_completion_missing"
        ]
    );
    assert_eq!(
        found.violations[0].to_string(),
        "at the end: acknowledged_job_missing: job 999 was acknowledged and is not there"
    );
}

#[test]
fn a_history_without_its_beginning_is_believed() {
    let mut history = History {
        first: 1_000,
        entries: Vec::new(),
    };
    let before = 10;
    history.claim(&[before], 5);
    history.complete(before, 5);
    history.complete(before + 1, 2);
    history.say(47, &ids(before + 2));
    history.deliver(before + 3, 4, 9);
    history.acknowledge(before + 3);
    history.acknowledge(before + 4);
    let audit = history.audit();
    assert!(audit.is_clean(), "{:?}", audit.violations);
    assert_eq!((audit.first, audit.totals.completed), (Sequence(1_000), 2));

    history.complete(before, 5);
    let found = history.audit().violations;
    assert_eq!(
        found[0].rule, "completed_not_held",
        "what is seen is known: {found:?}"
    );
}

#[test]
fn what_dies_with_a_job_from_before_the_beginning_may_be_dead() {
    let mut history = History {
        first: 1_000,
        entries: Vec::new(),
    };
    let (edited, untold) = (10, 11);
    history.say(
        45,
        &Rewritten {
            id: edited,
            job: Record::default(),
        },
    );
    for child in [edited, untold] {
        // Open, and by its own number.
        let dying = history.enqueue(Record {
            after: vec![(child << 2) | 2],
            on_dead_child: 2,
            ..Record::default()
        });
        history.say(47, &ids(dying));
    }
    let audit = history.audit();
    assert!(audit.is_clean(), "{:?}", audit.violations);
    assert_eq!(audit.totals.dropped, 2);
}

#[test]
fn what_ignores_dead_children_may_be_claimed_once_one_may_be_dead() {
    let mut history = History {
        first: 1_000,
        entries: Vec::new(),
    };
    let before = 10;
    let child = history.enqueue(Record {
        // Open, and by its own number.
        after: vec![(before << 2) | 2],
        on_dead_child: 2,
        ..Record::default()
    });
    let parent = history.enqueue(Record {
        // Open, and so far back.
        after: vec![(1 << 2) | 3],
        on_dead_child: 1,
        ..Record::default()
    });
    history.claim(&[parent], 1);
    let audit = history.audit();
    assert!(audit.is_clean(), "{:?}", audit.violations);

    history.claim(&[child], 2);
    let waiting = history.enqueue(Record {
        after: vec![(2 << 2) | 3],
        on_dead_child: 1,
        ..Record::default()
    });
    history.claim(&[waiting], 3);
    let found = history.audit().violations;
    assert_eq!(
        found[0].rule, "claimed_before_its_children",
        "who was claimed is alive: {found:?}"
    );
}

#[test]
fn a_stranger_s_record_is_refused() {
    let mut history = History::new();
    history.record(200, Bytes::new());
    let refused = audit(history.entries.into_iter().map(Ok), None);
    assert!(
        matches!(&refused, Err(crate::Error::Record { sequence, .. }) if sequence.0 == 3),
        "{refused:?}"
    );
}
