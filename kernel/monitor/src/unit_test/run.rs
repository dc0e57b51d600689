use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use portique_clock::Timestamp;
use portique_series::{Labels, Value};

use super::compare::{difference, same_sample, write_alert, write_sample};
use super::memory::Memory;
use super::{AlertCase, ExpressionCase, Test, UnitTestFailure, UnitTests};
use crate::{
    ALERT_NAME, AlertState, Engine, EngineOptions, Health, Language, RuleGroup, Surroundings,
    format_duration,
};

/// A test evaluates its rules at most so often: two months of seconds.
const EVALUATIONS_MAX: u128 = 5_000_000;

impl UnitTests {
    /// Runs every test on these rules; what is not as expected, in the order of the file.
    pub fn run(&self, groups: &[RuleGroup], language: &dyn Language) -> Vec<UnitTestFailure> {
        let mut failures = Vec::new();
        let order = match self.evaluation_order(groups) {
            Ok(order) => order,
            Err(message) => {
                failures.push(self.failure(1, "", message));
                return failures;
            }
        };
        for test in &self.tests {
            let mut runner = Runner {
                tests: self,
                test,
                language,
                order: &order,
                engine: Engine::new(EngineOptions {
                    external_url: test.external_url.clone(),
                    ..EngineOptions::default()
                }),
                memory: Memory::default(),
                failures: Vec::new(),
            };
            runner.run(groups);
            failures.append(&mut runner.failures);
        }
        failures
    }

    /// The groups, by index: those that are named first.
    fn evaluation_order(&self, groups: &[RuleGroup]) -> Result<Vec<usize>, String> {
        let mut order = Vec::new();
        for name in &self.order {
            let mut named = (0..groups.len()).filter(|index| *groups[*index].name == **name);
            match named.next() {
                Some(index) => order.push(index),
                None => {
                    return Err(format!(
                        "group_eval_order names {name:?}, which no file has"
                    ));
                }
            }
            order.extend(named);
        }
        let rest = (0..groups.len()).filter(|index| !order.contains(index));
        order.extend(rest.collect::<Vec<_>>());
        Ok(order)
    }

    fn failure(&self, line: u32, test: &str, message: String) -> UnitTestFailure {
        UnitTestFailure {
            file: Arc::clone(&self.file),
            line,
            test: test.to_owned(),
            message,
        }
    }
}

struct Runner<'a> {
    tests: &'a UnitTests,
    test: &'a Test,
    language: &'a dyn Language,
    order: &'a [usize],
    engine: Engine,
    memory: Memory,
    failures: Vec<UnitTestFailure>,
}

impl Runner<'_> {
    fn run(&mut self, groups: &[RuleGroup]) {
        let test = self.test;
        self.check_names(groups);
        for (labels, values) in &test.series {
            let mut at = test.start;
            for value in values {
                if let Some(value) = value {
                    let at_ms = at.as_millis();
                    self.memory.append(labels.clone(), at_ms, value.clone());
                }
                at = at.plus(test.interval);
            }
        }
        self.engine.load(groups.to_vec(), test.start);
        let cases = test.alerts.iter().map(|case| case.at);
        let last = cases
            .chain(test.expressions.iter().map(|case| case.at))
            .max();
        let last = last.unwrap_or_default();
        let interval = self.tests.interval;
        let evaluations = last.as_nanos() / interval.as_nanos();
        if evaluations > EVALUATIONS_MAX {
            let message =
                format!("more than {EVALUATIONS_MAX} evaluations: raise evaluation_interval");
            self.fail(test.line, message);
            return;
        }
        let mut elapsed = Duration::ZERO;
        while elapsed <= last {
            if !self.evaluate(elapsed) {
                return;
            }
            let next = elapsed + interval;
            for case in test
                .alerts
                .iter()
                .filter(|c| elapsed <= c.at && c.at < next)
            {
                self.check_alerts(case);
            }
            elapsed = next;
        }
        for case in &test.expressions {
            self.check_expression(case);
        }
    }

    /// A case whose name is wrong would always pass.
    fn check_names(&mut self, groups: &[RuleGroup]) {
        let rules = groups.iter().flat_map(|group| &group.rules);
        let alerting = rules.filter(|rule| rule.alerting().is_some());
        let names: BTreeSet<&str> = alerting.map(|rule| rule.name()).collect();
        for case in &self.test.alerts {
            if !names.contains(&*case.name) {
                let name = &case.name;
                self.fail(
                    case.line,
                    format!("no rule raises {name:?}: is the name right?"),
                );
            }
        }
    }

    /// Evaluates all rules once; false when one of them failed.
    fn evaluate(&mut self, elapsed: Duration) -> bool {
        let at = self.test.start.plus(elapsed);
        for due in self.engine.all_due(at, self.order) {
            let surroundings = Surroundings {
                language: self.language,
                external_labels: &self.test.external_labels,
                external_url: &self.test.external_url,
            };
            let evaluated = due.evaluate(&self.memory, &surroundings);
            let outcome = self.engine.conclude(evaluated, Duration::ZERO, at);
            for sample in outcome.samples {
                self.memory
                    .append(sample.labels, sample.at_ms, sample.value);
            }
        }
        let mut failed = Vec::new();
        for rule in self.engine.groups().flat_map(|group| group.rules) {
            if let Health::Bad(error) = rule.health {
                failed.push(format!(
                    "{} at {}: {error}",
                    rule.rule.name(),
                    format_duration(elapsed)
                ));
            }
        }
        let is_good = failed.is_empty();
        for message in failed {
            self.fail(self.test.line, message);
        }
        is_good
    }

    fn check_alerts(&mut self, case: &AlertCase) {
        let expected: Vec<(Labels, Labels)> = case
            .expected
            .iter()
            .map(|(labels, annotations)| {
                let mut labels = labels.to_builder();
                labels.set(ALERT_NAME, &case.name);
                (labels.build(), annotations.clone())
            })
            .collect();
        let firing = self.engine.book().all().filter(|e| {
            e.state == AlertState::Firing && e.labels.get(ALERT_NAME) == Some(&*case.name)
        });
        let found: Vec<_> = firing
            .map(|e| (e.labels.clone(), e.annotations.clone()))
            .collect();
        let lines = difference(&expected, &found, |a, b| a == b, write_alert);
        let what = format!("alert {} at {}", case.name, format_duration(case.at));
        self.report(case.line, &what, &lines);
    }

    fn check_expression(&mut self, case: &ExpressionCase) {
        let at: Timestamp = self.test.start.plus(case.at);
        let query = self.language.compile(&case.expression);
        let what = format!("{} at {}", case.expression, format_duration(case.at));
        let points = query.and_then(|query| query.instant(&self.memory, at.as_millis()));
        match points {
            Err(error) => self.fail(case.line, format!("{what}: {error}")),
            Ok(points) => {
                let points = points.into_iter().map(|point| (point.labels, point.value));
                let found: Vec<(Labels, Value)> = points.collect();
                let is_fuzzy = self.tests.is_fuzzy;
                let equal = |a: &_, b: &_| same_sample(a, b, is_fuzzy);
                let lines = difference(&case.expected, &found, equal, write_sample);
                self.report(case.line, &what, &lines);
            }
        }
    }

    fn report(&mut self, line: u32, what: &str, lines: &[String]) {
        if !lines.is_empty() {
            self.fail(line, format!("{what}:\n  {}", lines.join("\n  ")));
        }
    }

    fn fail(&mut self, line: u32, message: String) {
        let failure = self.tests.failure(line, &self.test.name, message);
        self.failures.push(failure);
    }
}
