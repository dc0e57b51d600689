use bytes::Bytes;
use portique_bus::{ConsumerName, ConsumerOptions};
use portique_clock::Timestamp;
use portique_event::{Event, Filter, Subject};
use portique_journal::{Entry, Sequence};
use prost::Message;

use super::job_facts::{
    Claimed, Defined, Failed, Ids, Leases, Limits, Lost, OfQueue, Record, Rewritten, Ticked,
};
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
fn attempts_are_fenced() {
    check("completed_not_held", |history| {
        let job = history.job();
        history.claim(&[job], 1);
        history.lose(job, 1);
        history.claim_for("v", &[job], 2);
        history.complete(job, 1);
    });
    check("completed_not_held", |history| {
        let job = history.job();
        history.complete(job, 1);
    });
    check("failed_not_held", |history| {
        let job = history.job();
        history.claim(&[job], 1);
        history.complete(job, 1);
        history.fail(job, 1, Some(1));
    });
    check("claimed_not_waiting", |history| {
        let job = history.job();
        history.claim(&[job], 1);
        history.claim(&[job], 2);
    });
    check("claimed_not_waiting", |history| {
        let job = history.job();
        history.claim(&[job + 1], 1);
    });
    check("claim_token_of_another_start", |history| {
        let job = history.job();
        history.fact(Fact::Opened(fact::Opened { epoch: 2 }));
        history.claim(&[job], 1);
    });
    check("epoch_does_not_rise", |history| {
        history.fact(Fact::Opened(fact::Opened { epoch: 1 }));
    });
}

#[test]
fn a_job_is_completed_once() {
    let mut history = History::new();
    let job = history.job();
    history.claim(&[job], 1);
    history.complete(job, 1);
    history.complete(job, 1);
    let found = history.audit().violations;
    let rules: Vec<_> = found.iter().map(|violation| violation.rule).collect();
    assert_eq!(
        rules,
        [
            "completed_not_held",
            "completed_twice",
            "jobs_do_not_add_up"
        ]
    );
    assert_eq!(found[1].sequence, Some(Sequence(6)));
}

#[test]
fn tokens_rise() {
    let mut history = History::new();
    let job = history.job();
    history.claim(&[job], 2);
    history.lose(job, 2);
    history.claim_for("v", &[job], 1);
    let found = history.audit().violations;
    let rules: Vec<_> = found.iter().map(|violation| violation.rule).collect();
    assert_eq!(rules, ["claim_token_does_not_rise", "token_does_not_rise"]);
}

#[test]
fn limits_are_kept() {
    let one = Some(1);
    let limits = Limits {
        concurrency: one,
        ..Limits::default()
    };
    check_with(limits, "queue_over_concurrency", |history| {
        let jobs = [history.job(), history.job()];
        history.claim(&jobs, 1);
    });
    let limits = Limits {
        key_concurrency: one,
        ..Limits::default()
    };
    check_with(limits, "key_over_concurrency", |history| {
        let jobs = [history.keyed(), history.keyed()];
        history.claim(&jobs, 1);
    });
    check_with(limits, "key_out_of_order", |history| {
        let jobs = [history.keyed(), history.keyed()];
        history.claim(&jobs[1..], 1);
    });
    let limits = Limits {
        group_concurrency: one,
        ..Limits::default()
    };
    check_with(limits, "group_over_concurrency", |history| {
        let of_group = Record {
            group: Some("g".into()),
            ..Record::default()
        };
        let jobs = [history.enqueue(of_group.clone()), history.enqueue(of_group)];
        history.claim(&jobs, 1);
    });
    check("claimed_while_paused", |history| {
        let job = history.job();
        history.say(
            34,
            &OfQueue {
                queue: 1,
                group: None,
            },
        );
        history.claim(&[job], 1);
    });
    check("suspect_not_alone", |history| {
        let jobs = [history.job(), history.job()];
        history.claim(&jobs[..1], 1);
        history.lose(jobs[0], 1);
        history.claim(&jobs, 2);
    });
}

#[test]
fn jobs_wait_for_their_children() {
    // Open, and so far back.
    let after = |distance: u64| Record {
        after: vec![(distance << 2) | 3],
        ..Record::default()
    };
    check("claimed_before_its_children", |history| {
        history.job();
        let parent = history.enqueue(after(1));
        history.claim(&[parent], 1);
    });
    let mut history = History::new();
    let child = history.job();
    let parent = history.enqueue(after(1));
    history.claim(&[child], 1);
    history.complete(child, 1);
    history.claim(&[parent], 2);
    assert!(history.audit().is_clean());
}

#[test]
fn what_dies_with_its_child_is_dead() {
    let after = |on_dead_child| Record {
        after: vec![(1 << 2) | 3],
        on_dead_child,
        ..Record::default()
    };
    let mut history = History::new();
    let child = history.job();
    let parent = history.enqueue(after(2));
    let grandparent = history.enqueue(after(2));
    history.say(43, &ids(child));
    history.say(44, &ids(parent));
    history.claim(&[parent], 1);
    history.complete(parent, 1);
    history.say(47, &ids(grandparent));
    let audit = history.audit();
    assert!(audit.is_clean(), "{:?}", audit.violations);
    assert_eq!((audit.totals.dropped, audit.totals.completed), (1, 1));

    check("claimed_not_waiting", |history| {
        let child = history.job();
        let parent = history.enqueue(after(2));
        history.say(43, &ids(child));
        history.claim(&[parent], 1);
    });
}

#[test]
fn an_end_is_an_end() {
    check("dropped_not_dead", |history| {
        let job = history.job();
        history.say(47, &ids(job));
    });
    check("retried_not_waiting", |history| {
        let job = history.job();
        history.claim(&[job], 1);
        history.say(44, &ids(job));
    });
    check("carried_after_its_end", |history| {
        let job = history.job();
        history.say(43, &ids(job));
        let carried = Rewritten {
            id: job,
            job: Record::default(),
        };
        history.say(46, &carried);
    });
    check("queue_removed_with_jobs", |history| {
        history.job();
        history.say(
            33,
            &OfQueue {
                queue: 1,
                group: None,
            },
        );
    });
    check("tick_without_job", |history| {
        let ticked = Ticked {
            schedule: "nightly".into(),
            has_job: true,
        };
        history.say(51, &ticked);
        history.event("a");
    });
}

#[test]
fn keys_name_one_job() {
    check("idempotency_key_used_twice", |history| {
        for _ in 0..2 {
            history.enqueue(Record {
                idempotency_key: Some("i".into()),
                ..Record::default()
            });
        }
    });
    check("unique_key_used_twice", |history| {
        for _ in 0..2 {
            history.enqueue(Record {
                unique_key: Some("u".into()),
                ..Record::default()
            });
        }
    });
}

#[test]
fn deliveries_are_settled_once() {
    check("acknowledged_not_held", |history| {
        let event = history.event("a");
        history.consumer();
        history.deliver(event, 1, 1);
        history.acknowledge(event);
        history.acknowledge(event);
    });
    check("delivered_after_its_end", |history| {
        let event = history.event("a");
        history.consumer();
        history.deliver(event, 1, 1);
        history.acknowledge(event);
        history.deliver(event, 1, 2);
    });
    check("attempt_does_not_follow", |history| {
        let event = history.event("a");
        history.consumer();
        history.deliver(event, 1, 1);
        history.deliver(event, 1, 2);
    });
    check("delivered_nothing", |history| {
        history.consumer();
        history.deliver(2, 1, 1);
    });
    check("delivery_token_does_not_rise", |history| {
        let event = history.event("a");
        history.consumer();
        history.deliver(event, 1, 2);
        history.deliver(event, 2, 1);
    });
    check("buried_without_letter", |history| {
        let event = history.event("a");
        history.consumer();
        history.deliver(event, 1, 1);
        history.fact(Fact::Buried(fact::Buried {
            consumer: 1,
            sequence: event,
        }));
    });
    check("cursor_goes_back", |history| {
        let events = [history.event("a"), history.event("b")];
        history.consumer();
        history.deliver(events[1], 1, 1);
        history.deliver(events[1], 2, 2);
        let back = fact::Delivered {
            consumer: 1,
            cursor: events[0],
            sequences: vec![events[1]],
            attempts: vec![3],
            token: EPOCH + 3,
            ..fact::Delivered::default()
        };
        history.fact(Fact::Delivered(back));
    });
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
