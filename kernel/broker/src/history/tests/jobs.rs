use portique_journal::Sequence;

use super::super::job_facts::{Limits, OfQueue, Record, Rewritten, Ticked};
use super::{History, check, check_with, ids};
use crate::fact::{self, Fact};

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
