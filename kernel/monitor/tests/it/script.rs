//! Scripts: rules, a timeline, and what comes of it.
//!
//! A script is a file of `rules` … `end` (a rule file), `show samples|evaluations`, and steps:
//! `TIME append SERIES VALUE…`, `TIME until` (lets time pass), `TIME back` (sets the clock), `TIME restart`,
//! `TIME act ALERT ACT…`.
//! Times are from the start; between steps all that is due is evaluated when it is due. What comes of a
//! step follows it in lines that begin with `>`: [`check`] writes them anew and compares; with
//! `UPDATE_EXPECT=1` it keeps them.

use std::fmt::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use portique_clock::Timestamp;
use portique_monitor::{
    Act, Book, Call, Changed, DueRule, Engine, EngineOptions, Fact, Fingerprint, Outcome,
    RuleDefaults, Surroundings, format_duration, parse_duration, read_rule_file,
};
use portique_series::{Labels, STALE, Value};

use crate::language::{labels, promql};
use crate::store::Store;

/// 2026-01-01T00:00:00Z, a whole number of hours.
const START: Timestamp = Timestamp::from_millis(1_767_225_600_000);

/// Everything a script runs on.
pub(crate) struct World {
    pub(crate) engine: Engine,
    pub(crate) store: Store,
    pub(crate) now: Timestamp,
    log: String,
    shows_samples: bool,
    shows_evaluations: bool,
    /// How long evaluations are said to take.
    pub(crate) took: Duration,
    is_clock_set: bool,
    rules: String,
    kept: Vec<Vec<u8>>,
}

pub(crate) fn check(name: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/it/scripts")
        .join(name);
    let written = std::fs::read_to_string(&path).unwrap();
    let became = run(&written);
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, &became).unwrap();
        return;
    }
    assert_eq!(
        written, became,
        "{name}: UPDATE_EXPECT=1 keeps what came of it"
    );
}

fn run(script: &str) -> String {
    let mut world = World::new();
    let mut text = String::new();
    let mut lines = script.lines();
    while let Some(line) = lines.next() {
        if line.starts_with('>') {
            continue;
        }
        text += line;
        text.push('\n');
        if line == "rules" {
            world.rules.clear();
            for line in lines.by_ref() {
                text += line;
                text.push('\n');
                if line == "end" {
                    break;
                }
                world.rules += line;
                world.rules.push('\n');
            }
            world.load();
        } else if !line.trim().is_empty() && !line.starts_with('#') {
            world.step(line);
        }
        text += &std::mem::take(&mut world.log);
    }
    text
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            engine: Engine::new(EngineOptions::default()),
            store: Store::default(),
            now: START,
            log: String::new(),
            shows_samples: false,
            shows_evaluations: false,
            took: Duration::ZERO,
            is_clock_set: false,
            rules: String::new(),
            kept: Vec::new(),
        }
    }

    pub(crate) fn with_rules(rules: &str) -> Self {
        let mut world = Self::new();
        world.rules = rules.to_owned();
        world.load();
        world
    }

    fn load(&mut self) {
        let defaults = RuleDefaults::default();
        let groups = read_rule_file("rules.yml", &self.rules, &promql(), &defaults);
        let groups = groups.unwrap_or_else(|problems| panic!("{problems:?}"));
        let outcome = self.engine.load(groups, self.now);
        self.take(outcome);
    }

    fn step(&mut self, line: &str) {
        let (first, rest) = line.split_once(' ').unwrap();
        if first == "show" {
            self.shows_samples |= rest == "samples";
            self.shows_evaluations |= rest == "evaluations";
            return;
        }
        let (verb, rest) = rest.split_once(' ').unwrap_or((rest, ""));
        let at = START.plus(parse_duration(first).unwrap());
        if verb == "back" {
            self.now = at;
            self.is_clock_set = true;
            return;
        }
        self.until(at);
        match verb {
            "append" => {
                let mut words = rest.split(' ');
                let labels = labels(words.next().unwrap());
                let value = match words.next().unwrap() {
                    "stale" => STALE,
                    number => number.parse().unwrap(),
                };
                self.append(&labels, value);
            }
            "until" => {}
            "restart" => self.restart(),
            "act" => self.act(rest),
            other => panic!("unknown step {other}"),
        }
        self.until(self.now);
    }

    /// Appends a sample of now; whether a rule is due because of it.
    pub(crate) fn append(&mut self, labels: &Labels, value: f64) -> bool {
        let at_ms = self.now.as_millis();
        let value = Value::Float(value);
        self.store.append(labels, at_ms, &value);
        self.engine.appended(labels, at_ms, &value, self.now)
    }

    /// Lets time pass; all that is due meanwhile is done when it is due.
    pub(crate) fn until(&mut self, until: Timestamp) {
        while let Some(due) = self.next_look(until) {
            self.now = self.now.max(due);
            let work = self.engine.tick(self.now);
            self.keep(&work.facts);
            for alert in &work.alerts {
                let at = self.since_start(self.now);
                writeln!(self.log, "> {at} off the shelf: {}", alert.labels).unwrap();
            }
            for due in work.due.into_iter().flatten() {
                let due = self.engine.begin(due).unwrap();
                if self.shows_evaluations {
                    let (at, name) = (self.since_start(due.at), due.rule.name());
                    writeln!(self.log, "> {at} evaluated {name}: {:?}", due.reason).unwrap();
                }
                self.conclude(due, self.now);
            }
        }
        self.now = self.now.max(until);
    }

    /// Evaluates a rule and does what comes of it.
    pub(crate) fn conclude(&mut self, due: DueRule, now: Timestamp) {
        let surroundings = Surroundings {
            language: &promql(),
            external_labels: &Labels::empty(),
            external_url: "http://hub",
        };
        let evaluated = due.evaluate(&self.store, &surroundings);
        let outcome = self.engine.conclude(evaluated, self.took, now);
        self.take(outcome);
    }

    /// When the shell looks again: when something is due, and once after the clock was set.
    fn next_look(&mut self, until: Timestamp) -> Option<Timestamp> {
        if std::mem::take(&mut self.is_clock_set) {
            return Some(self.now);
        }
        self.engine.next_due().filter(|due| *due <= until)
    }

    /// What the kept facts make of an empty book.
    pub(crate) fn replayed(&self) -> Book {
        let mut book = Book::default();
        for fact in &self.kept {
            book.apply(&Fact::decode(fact).unwrap());
        }
        book
    }

    /// As after a crash: what was kept is read again, into a new engine.
    fn restart(&mut self) {
        let mut engine = Engine::new(EngineOptions::default());
        for fact in &self.kept {
            engine.apply(&Fact::decode(fact).unwrap());
        }
        self.engine = engine;
        self.load();
    }

    fn act(&mut self, rest: &str) {
        let mut words = rest.splitn(3, ' ');
        let alert = Fingerprint::of(&labels(words.next().unwrap()));
        let verb = words.next().unwrap();
        let word = words.next().unwrap_or("");
        let comment = Arc::from(word);
        let act = match verb {
            "acknowledge" => Act::Acknowledge { comment },
            "comment" => Act::Comment { comment },
            "shelve" => Act::Shelve {
                until: self.now.plus(parse_duration(word).unwrap()),
                comment: Arc::from(""),
            },
            "unacknowledge" => Act::Unacknowledge,
            "unshelve" => Act::Unshelve,
            "assign" => Act::Assign { to: Some(comment) },
            other => panic!("unknown act {other}"),
        };
        match self.engine.book().decide(alert, "ada", act, self.now) {
            Ok(fact) => {
                self.engine.apply(&fact);
                self.keep(&[fact]);
            }
            Err(error) => writeln!(self.log, "> refused: {error}").unwrap(),
        }
    }

    fn take(&mut self, outcome: Outcome) {
        for Call { action, request } in &outcome.calls {
            let (at, params) = (self.since_start(request.at), &request.params);
            let alert = &request.alerts[0].labels;
            writeln!(self.log, "> {at} called {action} {params:?} for {alert}").unwrap();
        }
        self.keep(&outcome.facts);
        for sample in outcome.samples {
            if self.shows_samples {
                let at = self.since_start(Timestamp::from_millis(sample.at_ms));
                let value = match &sample.value {
                    value if value.is_stale() => "stale".to_owned(),
                    Value::Float(value) => value.to_string(),
                    Value::Histogram(_) => "a histogram".to_owned(),
                };
                writeln!(self.log, "> {at} sample {} {value}", sample.labels).unwrap();
            }
            self.store
                .append(&sample.labels, sample.at_ms, &sample.value);
            self.engine
                .appended(&sample.labels, sample.at_ms, &sample.value, self.now);
        }
    }

    fn keep(&mut self, facts: &[Fact]) {
        for fact in facts {
            let line = match fact {
                Fact::Changed(changed) => self.changed(changed),
                Fact::Acted(acted) => format!("{} acts: {:?}", acted.by, acted.act),
                _ => String::new(),
            };
            if !line.is_empty() {
                writeln!(self.log, "> {line}").unwrap();
            }
            self.kept.push(fact.encode());
        }
    }

    fn changed(&self, changed: &Changed) -> String {
        let mut line = format!(
            "{} {:?} {} value {}",
            self.since_start(changed.at),
            changed.to,
            changed.labels,
            changed.value
        );
        if changed.active_at != changed.at {
            write!(line, " since {}", self.since_start(changed.active_at)).unwrap();
        }
        for (name, text) in changed.annotations.iter() {
            write!(line, " {name}={text:?}").unwrap();
        }
        line
    }

    fn since_start(&self, at: Timestamp) -> String {
        if at < START {
            return format!("-{}", format_duration(START.since(at)));
        }
        format_duration(at.since(START))
    }
}
