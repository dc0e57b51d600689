//! The machine, played by scripts: a line is a command and, after `=>`, what it comes to.
//!
//! ```text
//! queue mail concurrency=2          makes or changes a queue
//! add a mail priority=5 after=b     enqueues the job `a`; => nothing, `is b` or an error's first words
//! claim mail w1 3                   the worker w1 claims; => names of jobs in order
//! complete a / fail a / reject a / release a / extend a / cancel a / retry a / drop a
//! pass 10s                          time passes, and what is due is seen to
//! set_back 10s                      somebody sets the clock of the wall back
//! state a                           => the word of its state, and why it waits
//! why a                             => why its last attempt failed, or it died
//! count mail                        => counts that are not zero
//! restart                           from a checkpoint
//! ```
//!
//! After every script the machine is built anew from all facts, and from a checkpoint, and must say the same
//! of every job.

mod choice;
mod flows;
mod keys;
mod lives;
mod once;
mod records;
mod schedules;
mod speed;

use std::collections::BTreeMap;
use std::time::Duration;

use portique_clock::{Seeded, Timestamp};

use super::*;
use crate::{
    Claim, Completion, Dependency, Failing, Failure, JobKind, JobOptions, Label, Lease, NewJob,
    OnDeadChild, Payload, QueueOptions, Rate, Schedule, Settled, Unique, UniqueMode, WorkerName,
};

/// 2026-01-05 00:00:00 UTC, a Monday.
const START: Timestamp = Timestamp::from_millis(1_767_571_200_000);

struct Script {
    machine: Machine,
    facts: Vec<(u64, Fact)>,
    sequence: u64,
    now: Now,
    random: Seeded,
    names: BTreeMap<String, JobId>,
    leases: BTreeMap<JobId, Lease>,
}

/// Plays a script; every line with `=>` must come to what it says.
#[track_caller]
fn check(script: &str) {
    let mut played = Script::new();
    for line in script.lines().map(str::trim) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (command, expected) = line.split_once("=>").unwrap_or((line, ""));
        let outcome = played.play(command.trim());
        assert_eq!(outcome.trim(), expected.trim(), "in line {line:?}");
    }
    played.check_copies();
}

impl Script {
    fn new() -> Self {
        let mut machine = Machine::new();
        machine.open(1);
        Self {
            machine,
            facts: Vec::new(),
            sequence: 0,
            now: Now {
                wall: START,
                monotonic: Duration::ZERO,
            },
            random: Seeded::new(1),
            names: BTreeMap::new(),
            leases: BTreeMap::new(),
        }
    }

    fn play(&mut self, command: &str) -> String {
        let words: Vec<&str> = command.split_whitespace().collect();
        match words[0] {
            "queue" => self.define(words[1], &words[2..]),
            "add" => self.add(words[1], words[2], &words[3..]),
            "claim" => self.claim(&words[1..]),
            "pass" => self.pass(duration(words[1])),
            "set_back" => self.set_back(duration(words[1])),
            "state" => self.state(words[1]),
            "why" => self.why(words[1]),
            "count" => self.count(words[1]),
            "waits" => self.waits(words[1]),
            "schedule" => self.schedule(command),
            "last" => self.last(words[1]),
            "restart" => self.restart(),
            "pause" | "resume" | "drain" => self.stop(&words),
            verb => self.settle(verb, &words[1..]),
        }
    }

    fn write(&mut self, facts: Vec<Fact>) {
        for fact in facts {
            self.sequence += 1;
            let (kind, body) = fact.encode();
            assert_eq!(Fact::decode(kind, body).unwrap(), fact);
            self.machine.apply(self.sequence, &fact, self.now);
            self.facts.push((self.sequence, fact));
        }
    }

    fn define(&mut self, name: &str, options: &[&str]) -> String {
        let mut parsed = match self.machine.queue_state(&queue(name), self.now) {
            Ok(state) => state.options,
            Err(_) => QueueOptions::default(),
        };
        for option in options {
            let (key, value) = option.split_once('=').unwrap();
            match key {
                "concurrency" => parsed.concurrency = limit(value),
                "group_concurrency" => parsed.group_concurrency = limit(value),
                "key_concurrency" => parsed.key_concurrency = limit(value),
                "rate" => parsed.rate = Some(rate(value)),
                "group_rate" => parsed.group_rate = Some(rate(value)),
                "key_rate" => parsed.key_rate = Some(rate(value)),
                "losses_max" => parsed.losses_max = value.parse().unwrap(),
                "jobs_max" => parsed.jobs_max = value.parse().unwrap(),
                "finished_max" => parsed.finished_max = value.parse().unwrap(),
                "result_ttl" => parsed.result_ttl = duration(value),
                "lease" => parsed.lease = duration(value),
                "ageing" => parsed.ageing = (value != "none").then(|| duration(value)),
                "attempts" => parsed.retry.attempts = value.parse().unwrap(),
                "backoff" => {
                    parsed.retry.backoff.first = duration(value);
                    parsed.retry.backoff.jitter = 0.0;
                }
                weight => {
                    let group = Label::new(weight.trim_start_matches("weight:")).unwrap();
                    parsed.weights.insert(group, value.parse().unwrap());
                }
            }
        }
        match self.machine.decide_define_queue(&queue(name), &parsed) {
            Ok(fact) => {
                self.write(fact.into_iter().collect());
                String::new()
            }
            Err(error) => error.to_string(),
        }
    }

    /// `names` may be several, parted by commas: a batch.
    fn add(&mut self, names: &str, queue: &str, options: &[&str]) -> String {
        let names: Vec<&str> = names.split(',').collect();
        let jobs = names.iter().map(|name| self.new_job(name, queue, options));
        let jobs = jobs.collect();
        let plan = match self.machine.decide_enqueue(jobs, self.now) {
            Ok(plan) => plan,
            Err(error) => return first_words(&error.to_string()),
        };
        let answers = plan.enqueued(self.sequence + 1);
        self.write(plan.facts);
        let mut said = Vec::new();
        for (name, answer) in names.iter().zip(answers) {
            if !answer.is_new {
                said.push(format!("is {}", self.name(answer.id)));
            }
            self.names.entry((*name).to_owned()).or_insert(answer.id);
        }
        said.join(" ")
    }

    fn new_job(&self, name: &str, queue_name: &str, options: &[&str]) -> NewJob {
        let payload = Payload::json(format!("{name:?}"));
        let mut job = NewJob::new(queue(queue_name), JobKind::new("k").unwrap(), payload);
        for option in options {
            let (key, value) = option.split_once('=').unwrap_or((option, ""));
            self.set_option(&mut job, key, value);
        }
        job
    }

    fn set_option(&self, job: &mut NewJob, key: &str, value: &str) {
        let wall = self.now.wall;
        let options: &mut JobOptions = &mut job.options;
        match key {
            "priority" => options.priority = value.parse().unwrap(),
            "group" => options.group = Some(Label::new(value).unwrap()),
            "key" => options.key = Some(Label::new(value).unwrap()),
            "in" => options.run_at = Some(wall.plus(duration(value))),
            "deadline" => options.deadline = Some(wall.plus(duration(value))),
            "request" => options.idempotency_key = Some(value.into()),
            "work" => job.payload = Payload::json(value.to_owned()),
            "ttl" => options.result_ttl = Some(duration(value)),
            "ignore" => options.on_dead_child = OnDeadChild::Ignore,
            "die" => options.on_dead_child = OnDeadChild::Die,
            "after" => {
                let after = value.split(',').map(|child| match child.parse() {
                    Ok(index) => Dependency::InBatch(index),
                    Err(_) => Dependency::Job(self.names[child]),
                });
                options.after = after.collect();
            }
            mode => {
                let mode = match mode {
                    "unique" => UniqueMode::UntilFinished,
                    "unclaimed" => UniqueMode::UntilClaimed,
                    "replace" => UniqueMode::Replace,
                    "throttle" => UniqueMode::For(Duration::from_secs(60)),
                    other => panic!("no option {other}"),
                };
                let key = value.to_owned();
                options.unique = Some(Unique { key, mode });
            }
        }
    }

    fn claim(&mut self, words: &[&str]) -> String {
        let claim = Claim {
            queue: queue(words[0]),
            worker: WorkerName::new(words[1]).unwrap(),
            limit: words.get(2).map_or(1, |limit| limit.parse().unwrap()),
            wait: Duration::ZERO,
            lease: None,
        };
        let Some(picked) = self.machine.claim(&claim, self.now).unwrap() else {
            return String::new();
        };
        self.write(vec![picked.fact]);
        let mut names = Vec::new();
        for job in picked.jobs {
            names.push(self.name(job.lease.id));
            self.leases.insert(job.lease.id, job.lease);
        }
        names.join(" ")
    }

    fn pass(&mut self, time: Duration) -> String {
        self.now.wall = self.now.wall.plus(time);
        self.now.monotonic += time;
        for _ in 0..100 {
            let facts = self.machine.due(self.now);
            if facts.is_empty() {
                return String::new();
            }
            self.write(facts);
        }
        panic!("what is due never ends");
    }

    fn set_back(&mut self, time: Duration) -> String {
        self.now.wall = self.now.wall.minus(time);
        self.pass(Duration::ZERO)
    }

    fn settle(&mut self, verb: &str, names: &[&str]) -> String {
        let ids: Vec<JobId> = names.iter().map(|name| self.names[*name]).collect();
        let lease = |id: &JobId| {
            self.leases.get(id).copied().unwrap_or(Lease {
                id: *id,
                token: LeaseToken(0),
            })
        };
        let leases: Vec<Lease> = ids.iter().map(lease).collect();
        let now = self.now;
        let failings = |failure| {
            leases.iter().map(move |lease| Failing {
                lease: *lease,
                reason: "no".into(),
                failure,
            })
        };
        let machine = &mut self.machine;
        let settling = match verb {
            "complete" => {
                let completions = leases.iter().map(|lease| Completion {
                    lease: *lease,
                    result: Some(Payload::json("1")),
                });
                machine.decide_complete(completions.collect(), now).unwrap()
            }
            "fail" => {
                let failings = failings(Failure::Policy).collect();
                machine
                    .decide_fail(failings, &[], now, &mut self.random)
                    .unwrap()
            }
            "reject" => {
                let failings = failings(Failure::Reject).collect();
                machine
                    .decide_fail(failings, &[], now, &mut self.random)
                    .unwrap()
            }
            "release" => machine
                .decide_release(&leases, Duration::ZERO, now)
                .unwrap(),
            "postpone" => machine
                .decide_release(&leases, Duration::from_secs(60), now)
                .unwrap(),
            "cancel" => machine.decide_cancel(&ids, now),
            "retry" => machine.decide_retry(&ids, now),
            "drop" => machine.decide_drop_dead(&ids, now),
            "extend" => {
                let extended = machine.extend(&leases, now);
                return format!("{extended:?}").to_lowercase();
            }
            other => panic!("no command {other}"),
        };
        self.write(settling.facts);
        let words = settling.settled.iter().map(|settled| match settled {
            Settled::Done => "done".to_owned(),
            Settled::Retrying { at } => format!("in {:?}", at.since(now.wall)),
            Settled::Refused(word) => format!("refused: {word}"),
            other => format!("{other:?}").to_lowercase(),
        });
        words.collect::<Vec<_>>().join(" ")
    }

    fn stop(&mut self, words: &[&str]) -> String {
        let queue = queue(words[1]);
        let group = words.get(2).map(|group| Label::new(*group).unwrap());
        let fact = match words[0] {
            "pause" => self.machine.decide_pause(&queue, group.as_ref()),
            "resume" => self.machine.decide_resume(&queue, group.as_ref()),
            _ => self.machine.decide_drain(&queue),
        };
        self.write(vec![fact.unwrap()]);
        String::new()
    }

    fn state(&self, name: &str) -> String {
        let Some(found) = self.machine.job(self.names[name], self.now) else {
            return "unknown".into();
        };
        let waits = found.view.waits.map(|reason| format!(" {}", reason.word()));
        format!("{}{}", found.view.state.word(), waits.unwrap_or_default())
    }

    fn why(&self, name: &str) -> String {
        let found = self.machine.job(self.names[name], self.now).unwrap();
        found.view.last_error.unwrap_or_default()
    }

    fn count(&self, name: &str) -> String {
        let counts = self
            .machine
            .queue_state(&queue(name), self.now)
            .unwrap()
            .counts;
        let all = [
            ("waiting", counts.waiting),
            ("prioritized", counts.prioritized),
            ("delayed", counts.delayed),
            ("failed", counts.failed),
            ("blocked", counts.blocked),
            ("active", counts.active),
            ("dead", counts.dead),
            ("finished", counts.finished),
        ];
        let some = all.iter().filter(|(_, count)| *count > 0);
        let words: Vec<String> = some
            .map(|(word, count)| format!("{word}={count}"))
            .collect();
        words.join(" ")
    }

    fn waits(&self, name: &str) -> String {
        let state = self.machine.queue_state(&queue(name), self.now).unwrap();
        let waits = state
            .waits
            .iter()
            .map(|(word, count)| format!(" {word}={count}"));
        format!("ready={}{}", state.ready, waits.collect::<String>())
    }

    fn restart(&mut self) -> String {
        let parts = self.machine.checkpoint();
        self.machine = Machine::restore(&parts, self.now).unwrap();
        self.machine.open(self.machine.epoch + 1);
        String::new()
    }

    fn name(&self, id: JobId) -> String {
        let mut names = self.names.iter();
        let name = names.find(|(_, named)| **named == id);
        name.map_or_else(|| id.to_string(), |(name, _)| name.clone())
    }

    /// What is durable of every job and queue.
    fn summary(&self, machine: &Machine) -> Vec<String> {
        let mut lines = Vec::new();
        for id in 1..=self.sequence {
            let Some(found) = machine.job(JobId(id), self.now) else {
                continue;
            };
            let view = found.view;
            // Whether a job whose time has come was made due already is nobody's business.
            let state = match view.state {
                crate::JobState::Delayed { due } | crate::JobState::Failed { due }
                    if due <= self.now.wall =>
                {
                    "waiting"
                }
                ref state => state.word(),
            };
            lines.push(format!(
                "{id} {state} {} {} {} {:?} {:?} {:?} at {}",
                view.attempts,
                view.failures,
                view.losses,
                view.group,
                view.key,
                view.last_error,
                found.location
            ));
        }
        for state in machine.queue_states(self.now) {
            let totals = format!("{:?}", state.totals);
            lines.push(format!("{} {} {totals}", state.name, state.is_paused));
        }
        lines
    }

    #[track_caller]
    fn check_copies(&self) {
        let original = self.summary(&self.machine);
        let mut replayed = Machine::new();
        for (sequence, fact) in &self.facts {
            replayed.apply(*sequence, fact, self.now);
        }
        assert_eq!(self.summary(&replayed), original, "built from all facts");
        let parts = self.machine.checkpoint();
        assert!(parts.iter().all(|part| part.len() <= 256 * 1024));
        let restored = Machine::restore(&parts, self.now).unwrap();
        assert_eq!(self.summary(&restored), original, "built from a checkpoint");
        assert_eq!(restored.oldest_needed(), self.machine.oldest_needed());
        assert_eq!(restored.checkpoint(), parts, "a checkpoint of a checkpoint");
    }
}

fn queue(name: &str) -> QueueName {
    QueueName::new(name).unwrap()
}

fn limit(value: &str) -> Option<u32> {
    value.parse().ok()
}

/// Such as `2/1s`.
fn rate(value: &str) -> Rate {
    let (count, per) = value.split_once('/').unwrap();
    Rate {
        count: count.parse().unwrap(),
        per: duration(per),
    }
}

/// Such as `90s` or `100ms`.
fn duration(text: &str) -> Duration {
    match text.strip_suffix("ms") {
        Some(millis) => Duration::from_millis(millis.parse().unwrap()),
        None => Duration::from_secs(text.strip_suffix('s').unwrap().parse().unwrap()),
    }
}

fn first_words(text: &str) -> String {
    text.split_whitespace()
        .take(4)
        .collect::<Vec<_>>()
        .join(" ")
}
