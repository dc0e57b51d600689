//! A dispatcher, a sender and receivers on a simulated clock.

use std::collections::BTreeMap;
use std::sync::Arc;

use portique_clock::{Seeded, Timestamp};
use portique_series::Labels;

use super::hooks::{Attempt, Hook};
use super::script::{Action, Alert, Script, moment};
use crate::notify::alert::{Posted, WithoutEnd};
use crate::notify::config::Config;
use crate::notify::dispatcher::{Dispatcher, Options, Output};
use crate::notify::fact::{Fact, Outcome};
use crate::notify::job::NotificationJob;
use crate::notify::silence::SilenceRequest;

/// At which step the dispatcher is lost and made again.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Restarts {
    None,
    /// From all its facts.
    Replayed(usize),
    /// From the facts of a checkpoint.
    Checkpointed(usize),
    /// From its facts, where those that were decided last had not been kept.
    Torn(usize),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Arrival {
    pub(super) at: f64,
    pub(super) hook: String,
    pub(super) alerts: Vec<Alert>,
}

pub(super) struct Simulation<'a> {
    script: &'a Script,
    restarts: Restarts,
    dispatcher: Dispatcher,
    kept: Vec<Vec<u8>>,
    next_action: usize,
    silences: BTreeMap<String, String>,
    /// Jobs with the second of their next attempt and its number; keyed by their idempotency keys.
    jobs: BTreeMap<String, (f64, i32, NotificationJob)>,
    steps: usize,
    pub(super) arrivals: Vec<Arrival>,
}

fn config(script: &Script) -> Arc<Config> {
    Arc::clone(script.config.as_ref().unwrap())
}

fn seconds(at: Timestamp) -> f64 {
    (at.as_millis() - moment(0.0).as_millis()) as f64 / 1_000.0
}

impl<'a> Simulation<'a> {
    pub(super) fn new(script: &'a Script, restarts: Restarts) -> Self {
        let options = Options {
            external_url: "http://hub".into(),
            start_delay: script.start_delay,
        };
        let mut simulation = Self {
            script,
            restarts,
            dispatcher: Dispatcher::new(config(script), options),
            kept: Vec::new(),
            next_action: 0,
            silences: BTreeMap::new(),
            jobs: BTreeMap::new(),
            steps: 0,
            arrivals: Vec::new(),
        };
        let begun = simulation.dispatcher.resume(moment(0.0));
        simulation.keep(begun.into_iter().collect());
        simulation
    }

    fn keep(&mut self, facts: Vec<Fact>) {
        for fact in facts {
            self.kept.push(fact.encode());
            self.dispatcher.apply(&fact);
        }
    }

    /// Runs to the end; returns how many steps there were.
    pub(super) fn run(&mut self) -> usize {
        while let Some(now) = self.next_moment().filter(|now| *now <= self.script.end) {
            assert!(self.steps < 10_000, "it does not come to rest at {now}");
            self.restart_if_asked();
            self.step(now);
            self.steps += 1;
        }
        self.steps
    }

    fn next_moment(&self) -> Option<f64> {
        let action = self.script.actions.get(self.next_action).map(|(at, _)| *at);
        let job = self.jobs.values().map(|(at, ..)| *at);
        let due = self.dispatcher.next_due().map(seconds);
        action
            .into_iter()
            .chain(job)
            .chain(due)
            .min_by(f64::total_cmp)
    }

    fn step(&mut self, now: f64) {
        let action = self.script.actions.get(self.next_action);
        if let Some((at, action)) = action.filter(|(at, _)| *at <= now) {
            self.next_action += 1;
            self.act(*at, action);
            return;
        }
        let ready = self.jobs.iter().find(|(_, (at, ..))| *at <= now);
        if let Some(key) = ready.map(|(key, _)| key.clone()) {
            self.attempt(&key);
            return;
        }
        let due = self.dispatcher.due(moment(now));
        if self.restarts == Restarts::Torn(self.steps) {
            // Neither facts nor jobs were kept: they are decided again.
            self.replay();
        } else {
            self.keep(due.facts);
            self.hand_on(due.outputs, now);
        }
    }

    fn hand_on(&mut self, outputs: Vec<Output>, now: f64) {
        for output in outputs {
            if let Output::Notify(job) = output {
                let job = NotificationJob::decode(&job.encode()).unwrap();
                self.jobs.insert(job.idempotency_key(), (now, 0, job));
            }
        }
    }

    fn act(&mut self, at: f64, action: &Action) {
        let now = moment(at);
        match action {
            Action::Post(alert) => {
                let receipt = self.dispatcher.post(&[posted(alert)], now);
                assert_eq!(receipt.refused, []);
                self.keep(receipt.facts);
            }
            Action::Silence {
                name,
                matchers,
                from,
                to,
            } => {
                let request = SilenceRequest {
                    id: self.silences.get(name).cloned(),
                    matchers: matchers.clone(),
                    starts_at: moment(*from),
                    ends_at: moment(*to),
                    created_by: "test".into(),
                    comment: name.clone(),
                    annotations: BTreeMap::new(),
                    schedule: Vec::new(),
                    notice: None,
                };
                let mut random = Seeded::new(self.next_action as u64);
                let (id, facts) = self
                    .dispatcher
                    .set_silence(request, now, &mut random)
                    .unwrap();
                self.silences.insert(name.clone(), id);
                self.keep(facts);
            }
            Action::Expire(name) => {
                let fact = self
                    .dispatcher
                    .expire_silence(&self.silences[name], now)
                    .unwrap();
                self.keep(vec![fact]);
            }
            Action::Reload => {
                let fact = self.dispatcher.configure(config(self.script), now);
                self.keep(vec![fact]);
            }
        }
    }

    fn attempt(&mut self, key: &str) {
        let (at, number, job) = self.jobs.remove(key).unwrap();
        let plain = Hook::default();
        let hook = self.script.hooks.get(&*job.integration).unwrap_or(&plain);
        let (settled_at, outcome) = match hook.attempt(at, number) {
            Attempt::Again(later) => {
                self.jobs.insert(key.to_owned(), (later, number + 1, job));
                return;
            }
            Attempt::Arrives(arrived) => {
                self.arrive(&job, arrived);
                (arrived, Outcome::Delivered)
            }
            Attempt::GivenUp(at) => {
                let reason = Arc::from("refused");
                (at, Outcome::Failed { reason })
            }
        };
        let settled = self.dispatcher.settle(job.id, outcome, moment(settled_at));
        self.keep(settled.into_iter().collect());
    }

    fn arrive(&mut self, job: &NotificationJob, at: f64) {
        let alerts = job.message.alerts.iter().map(|alert| Alert {
            labels: alert.labels.clone(),
            start: Some(seconds(alert.starts_at)),
            end: alert.ends_at.map(seconds),
            note: alert.annotations.get("note").unwrap_or("").to_owned(),
        });
        self.arrivals.push(Arrival {
            at,
            hook: job.integration.to_string(),
            alerts: alerts.collect(),
        });
    }

    fn restart_if_asked(&mut self) {
        match self.restarts {
            Restarts::Replayed(step) if step == self.steps => self.replay(),
            Restarts::Checkpointed(step) if step == self.steps => {
                let facts = self.dispatcher.checkpoint();
                self.kept = facts.iter().map(Fact::encode).collect();
                self.replay();
            }
            _ => {}
        }
    }

    /// A new dispatcher from what was kept; it must be the same as the lost one.
    fn replay(&mut self) {
        let options = self.dispatcher.options.clone();
        let mut again = Dispatcher::new(config(self.script), options);
        for bytes in &self.kept {
            again.apply(&Fact::decode(bytes).unwrap());
        }
        assert_eq!(
            again.state, self.dispatcher.state,
            "{:?} is another one",
            self.restarts
        );
        self.dispatcher = again;
    }
}

fn posted(alert: &Alert) -> Posted {
    let note = alert.note.as_str();
    Posted {
        labels: alert.labels.clone(),
        annotations: Labels::from_pairs([("note", note)]),
        starts_at: alert.start.map(moment),
        ends_at: alert.end.map(moment),
        generator: Arc::from(""),
        without_end: WithoutEnd::TimesOut,
        shelved_until: None,
    }
}
