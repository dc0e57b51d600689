//! What the journal is to keep, and what is read back from it.

use portique_event::{Event, Subject};

use super::*;
use crate::{
    Binding, DeadFilter, JobFilter, JobRecord, JobState, Progress, REASON_BYTES_MAX, RetryPolicy,
    ScheduleName,
};

impl Script {
    /// The record that the journal has at a place.
    fn record(&self, location: u64) -> (u8, bytes::Bytes) {
        let mut facts = self.facts.iter();
        let found = facts.find(|(sequence, _)| *sequence == location);
        found.unwrap().1.encode()
    }

    fn job_record(&self, name: &str) -> JobRecord {
        let location = self.machine.location(self.names[name]).unwrap();
        let (kind, body) = self.record(location);
        assert!(Fact::is_kind(kind) && Fact::is_job(kind));
        JobRecord::decode(location, kind, body).unwrap()
    }

    fn list(&self, state: Option<&str>, after: Option<JobId>, limit: usize) -> String {
        let filter = JobFilter {
            queue: queue("mail"),
            state: state.map(Into::into),
            after,
            limit,
        };
        let page = self.machine.list(&filter, self.now).unwrap();
        let jobs = page.jobs.iter().map(|job| self.name(job.view.id));
        let next = page.next.map(|id| format!(" next {}", self.name(id)));
        jobs.collect::<Vec<_>>().join(" ") + &next.unwrap_or_default()
    }
}

#[test]
fn a_record_holds_all_that_a_worker_is_given() {
    let mut script = Script::new();
    let mut job = script.new_job("a", "mail", &["group=g", "key=k", "deadline=9s"]);
    job.options
        .headers
        .insert("traceparent".into(), "00".into());
    job.options.retry = Some(RetryPolicy::default());
    let parent = {
        let mut parent = script.new_job("p", "mail", &[]);
        parent.options.after = vec![Dependency::InBatch(0)];
        parent
    };
    let plan = script
        .machine
        .decide_enqueue(vec![job.clone(), parent], script.now)
        .unwrap();
    let answers = plan.enqueued(1);
    script.write(plan.facts);
    script.names.insert("a".into(), answers[0].id);
    script.names.insert("p".into(), answers[1].id);
    let record = script.job_record("a");
    assert_eq!(record.id, answers[0].id);
    assert_eq!((&record.kind, record.payload()), (&job.kind, job.payload));
    assert_eq!(
        (record.group(), record.key()),
        (job.options.group, job.options.key)
    );
    assert_eq!(
        (record.deadline(), record.enqueued()),
        (job.options.deadline, START)
    );
    assert_eq!(
        (record.retry(), record.headers()),
        (job.options.retry, &job.options.headers)
    );
    assert_eq!(script.job_record("p").after(), [answers[0].id]);
}

#[test]
fn carried_jobs_let_old_records_go() {
    let mut script = Script::new();
    for line in [
        "add a,b mail",
        "add c mail in=60s",
        "add d mail",
        "claim mail w1",
    ] {
        script.play(line);
    }
    script.play("complete a");
    assert_eq!(script.machine.oldest_needed(), Some(script.names["b"].0));
    for round in 0..3 {
        let before = script.names["d"].0;
        let stale = script.machine.to_carry(before, 10);
        assert_eq!(stale.len(), if round == 0 { 2 } else { 0 });
        for (id, location) in stale {
            let (kind, body) = script.record(location);
            let record = JobRecord::decode(location, kind, body).unwrap();
            assert_eq!(record.id, id);
            assert_eq!(script.machine.decide_carry(record.clone(), 99), None);
            let fact = script.machine.decide_carry(record, location).unwrap();
            script.write(vec![fact]);
        }
    }
    assert_eq!(script.machine.oldest_needed(), Some(script.names["d"].0));
    assert_eq!(script.job_record("c").payload(), Payload::json("\"c\""));
    script.check_copies();
    assert_eq!(script.play("claim mail w1 9"), "b d");
    assert_eq!(script.job_record("b").payload(), Payload::json("\"b\""));
    script.check_copies();
}

#[test]
fn results_are_read_from_the_record_that_says_so() {
    let mut script = Script::new();
    for line in ["add a,b mail", "claim mail w1 9", "complete a b"] {
        script.play(line);
    }
    let id = script.names["b"];
    let found = script.machine.job(id, script.now).unwrap();
    let (kind, body) = script.record(found.result.unwrap());
    assert_eq!(
        Fact::result(kind, body.clone(), id).unwrap(),
        Some(Payload::json("1"))
    );
    assert_eq!(Fact::result(kind, body, JobId(99)).unwrap(), None);
}

#[test]
fn large_results_are_spread_over_records() {
    let mut script = Script::new();
    script.play("add a,b,c mail");
    script.play("claim mail w1 9");
    let large = Payload::json(vec![b' '; 800 * 1024]);
    let completions = script.leases.values().map(|lease| Completion {
        lease: *lease,
        result: Some(large.clone()),
    });
    let settling = script
        .machine
        .decide_complete(completions.collect(), script.now)
        .unwrap();
    assert_eq!(
        settling.settled,
        [Settled::Done, Settled::Done, Settled::Done]
    );
    let sizes = settling.facts.iter().map(|fact| fact.encode().1.len());
    assert!(sizes.max().unwrap() < 1024 * 1024);
    script.write(settling.facts);
    assert_eq!(script.play("count mail"), "finished=3");
}

#[test]
fn dead_letters_are_read_and_edited() {
    let mut script = Script::new();
    for line in [
        "add a,b mail",
        "add c other",
        "claim mail w1 9",
        "claim other w1 9",
    ] {
        script.play(line);
    }
    let failings = script.leases.values().map(|lease| Failing {
        lease: *lease,
        reason: "ä".repeat(REASON_BYTES_MAX),
        failure: Failure::Reject,
    });
    let failings = failings.collect();
    let settling = script
        .machine
        .decide_fail(failings, &[], script.now, &mut script.random);
    script.write(settling.unwrap().facts);
    let all = DeadFilter {
        queue: None,
        after: Some(script.names["a"]),
        limit: 10,
    };
    let dead = script.machine.dead(&all).unwrap();
    let ids: Vec<JobId> = dead.iter().map(|letter| letter.id).collect();
    assert_eq!(ids, [script.names["b"], script.names["c"]]);
    assert_eq!(
        (dead[0].reason.len(), dead[0].failures),
        (REASON_BYTES_MAX, 1)
    );
    let record = script.job_record("b");
    let fact = script
        .machine
        .decide_edit_dead(record, Payload::json("2"), script.now);
    script.write(vec![fact.unwrap()]);
    assert_eq!(script.job_record("b").payload(), Payload::json("2"));
    assert_eq!(script.play("retry b"), "done");
    let record = script.job_record("b");
    let refused = script
        .machine
        .decide_edit_dead(record, Payload::json("3"), script.now);
    assert!(matches!(
        refused,
        Err(Error::WrongState {
            state: "waiting",
            ..
        })
    ));
    script.check_copies();
}

#[test]
fn lists_come_in_pages() {
    let mut script = Script::new();
    for line in [
        "add a mail",
        "add b mail key=k",
        "add c,d mail",
        "add e mail in=9s",
        "claim mail w1",
        "complete a",
    ] {
        script.play(line);
    }
    assert_eq!(script.list(None, None, 2), "a b next b");
    assert_eq!(script.list(None, Some(script.names["b"]), 2), "c d next d");
    assert_eq!(script.list(None, Some(script.names["d"]), 2), "e");
    assert_eq!(script.list(Some("waiting"), None, 3), "b c d");
    assert_eq!(script.list(Some("delayed"), None, 3), "e");
    assert_eq!(script.list(Some("completed"), None, 3), "a");
}

#[test]
fn progress_is_shown_while_the_job_is_active() {
    let mut script = Script::new();
    script.play("add a mail");
    script.play("claim mail w1");
    let lease = script.leases[&script.names["a"]];
    let half = Progress {
        share: 0.5,
        note: "half".into(),
    };
    script.machine.progress(lease, half.clone()).unwrap();
    let shown = |script: &Script| script.machine.job(lease.id, script.now).unwrap().view;
    assert_eq!(shown(&script).progress, Some(half.clone()));
    assert!(matches!(shown(&script).state, JobState::Active { .. }));
    script.play("release a");
    assert_eq!(shown(&script).progress, None);
    let stale = script.machine.progress(lease, half);
    assert!(matches!(stale, Err(Error::StaleLease { .. })));
}

#[test]
fn events_become_jobs_of_their_bindings() {
    let mut script = Script::new();
    let mut binding = Binding {
        name: ScheduleName::new("b").unwrap(),
        filter: "plant.>".parse().unwrap(),
        queue: queue("mail"),
        kind: JobKind::new("notify").unwrap(),
        options: JobOptions {
            priority: 3,
            ..JobOptions::default()
        },
    };
    let fact = script.machine.decide_bind(&binding).unwrap();
    script.write(fact.into_iter().collect());
    script.restart();
    assert_eq!(script.machine.bindings().collect::<Vec<_>>(), [&binding]);
    assert_eq!(script.machine.decide_bind(&binding).unwrap(), None);
    let subject = Subject::new("plant.pump").unwrap();
    assert!(script.machine.is_bound(&subject));
    assert!(!script.machine.is_bound(&Subject::new("other").unwrap()));
    let event = Event::builder("1", "/s", "t", subject)
        .extension("partitionkey", "pump-1")
        .extension("traceparent", "00-1")
        .build()
        .unwrap();
    let jobs = script.machine.bound_jobs(&event, &"{}".into());
    assert_eq!(jobs.len(), 1);
    assert_eq!(jobs[0].payload.content_type, "application/cloudevents+json");
    assert_eq!(jobs[0].options.key, Label::new("pump-1").ok());
    assert_eq!(jobs[0].options.headers["traceparent"], "00-1");
    assert_eq!(jobs[0].options.priority, 3);
    let unbind = script.machine.decide_unbind(&binding.name).unwrap();
    script.write(vec![unbind]);
    assert!(script.machine.bound_jobs(&event, &"{}".into()).is_empty());
    binding.options.run_at = Some(START);
    assert!(script.machine.decide_bind(&binding).is_err());
}

#[test]
fn watched_jobs_tell_of_their_end_and_stirred_queues_of_work() {
    let mut script = Script::new();
    script.play("add a,b mail");
    assert_eq!(script.machine.take_stirred(), [queue("mail")]);
    script.machine.watch(script.names["a"]);
    script.play("claim mail w1 2");
    script.machine.take_stirred();
    assert_eq!(script.machine.take_stirred(), []);
    script.play("complete a b");
    assert_eq!(script.machine.take_ended(), [script.names["a"]]);
    script.machine.unwatch(script.names["a"]);
    script.play("add c mail in=60s");
    script.machine.take_stirred();
    let next = script.machine.next_ready(&queue("mail"), script.now);
    assert_eq!(next, Some(Duration::from_secs(60)));
    script.play("pass 60s");
    assert_eq!(script.machine.take_stirred(), [queue("mail")]);
}

#[test]
fn a_claim_that_is_taken_back_leaves_no_trace() {
    let mut script = Script::new();
    script.play("queue mail key_concurrency=1 rate=9/10s");
    script.play("add a,b mail key=k");
    script.play("add c mail");
    let claim = Claim {
        queue: queue("mail"),
        worker: WorkerName::new("w1").unwrap(),
        limit: 9,
        wait: Duration::ZERO,
        lease: None,
    };
    for _ in 0..9 {
        let picked = script.machine.claim(&claim, script.now).unwrap().unwrap();
        assert_eq!(picked.jobs.len(), 2);
        script.machine.unclaim(&picked.fact, script.now);
    }
    script.check_copies();
    assert_eq!(script.play("claim mail w1 9"), "a c");
}

#[test]
fn tokens_rise_over_restarts() {
    let mut script = Script::new();
    script.play("add a mail");
    let mut last = LeaseToken(0);
    for _ in 0..3 {
        script.play("claim mail w1");
        let token = script.leases[&script.names["a"]].token;
        assert!(token > last);
        last = token;
        script.play("release a");
        script.play("restart");
    }
}

#[test]
fn records_of_later_versions_and_damaged_ones_are_refused() {
    assert!(matches!(
        Fact::decode(63, bytes::Bytes::new()),
        Err(FactError::Kind { kind: 63 })
    ));
    assert!(matches!(
        Fact::decode(37, "x".into()),
        Err(FactError::Body { .. })
    ));
    assert!(matches!(
        Fact::decode(37, bytes::Bytes::new()),
        Err(FactError::Rule { .. })
    ));
    let script = Script::new();
    assert!(Machine::restore(&["\u{7}x".into()], script.now).is_err());
    assert!(Machine::restore(&["".into()], script.now).is_err());
}
