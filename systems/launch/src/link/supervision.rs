//! Keeps the on-board computer of a simulated module running: start, restart with backoff, name a
//! crash loop, stop.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use portique_clock::Clock;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{ModuleId, RocketId};

/// Wait before the first restart. Short, because the vehicle flies on without its computer.
const RESTART_DELAY_MIN: Duration = Duration::from_millis(100);

/// Longest wait between restarts: a computer that never comes up costs little and is still tried.
const RESTART_DELAY_MAX: Duration = Duration::from_secs(10);

/// A computer that ran this long is well: its earlier failures are forgotten.
const WELL_AFTER: Duration = Duration::from_secs(30);

/// This many failures within [`CRASH_LOOP_WINDOW`] are named a crash loop.
const CRASH_LOOP_FAILURES: usize = 5;

/// See [`CRASH_LOOP_FAILURES`]; longer than the first five delays together.
const CRASH_LOOP_WINDOW: Duration = Duration::from_secs(60);

/// Lines of a computer's output that may wait for the ground; later ones are dropped.
const LINES_MAX: usize = 256;

/// Which computer a host shall run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The rocket.
    pub rocket: RocketId,
    /// The module of it.
    pub module: ModuleId,
    /// The secret that admits exactly this module; never put it on a command line.
    pub token: String,
}

/// How a computer's run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exit {
    /// It was told to stop.
    Stopped,
    /// Its module is no more: it must not be started again.
    Destroyed,
    /// Anything else; the text is for people, such as `exit status 70`.
    Failed(String),
}

/// Runs on-board computers; the front door runs each as a process.
#[async_trait]
pub trait ModuleHost: Send + Sync + 'static {
    /// Runs a computer once and returns when all of it is gone. Each line that it prints goes to
    /// `lines`; when that is full, lines are dropped. When `stop` is cancelled it ends the computer,
    /// by force if need be.
    ///
    /// # Cancel safety
    /// Dropping the future ends the computer by force.
    async fn run(
        &self,
        assignment: &Assignment,
        lines: mpsc::Sender<String>,
        stop: CancellationToken,
    ) -> Exit;
}

/// What a supervised computer lets the ground know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Report {
    /// A line that it printed.
    Line(String),
    /// It ended by itself and is started again.
    Failed(String),
}

/// Runs a computer until it is stopped or destroyed.
pub(crate) async fn supervise(
    host: Arc<dyn ModuleHost>,
    clock: Arc<dyn Clock>,
    assignment: Assignment,
    reports: mpsc::Sender<Report>,
    stop: CancellationToken,
) {
    let mut restarts = Restarts::default();
    loop {
        let started = clock.monotonic();
        let exit = run_once(host.as_ref(), &assignment, &reports, &stop).await;
        let Exit::Failed(how) = exit else { return };
        let ended = clock.monotonic();
        let next = restarts.failed(started, ended);
        let reason = next.reason(&how);
        tracing::warn!(rocket = %assignment.rocket, module = %assignment.module, reason, "on-board computer ended");
        _ = reports.send(Report::Failed(reason)).await;
        tokio::select! {
            () = tokio::time::sleep(next.delay) => {}
            () = stop.cancelled() => return,
        }
    }
}

async fn run_once(
    host: &dyn ModuleHost,
    assignment: &Assignment,
    reports: &mpsc::Sender<Report>,
    stop: &CancellationToken,
) -> Exit {
    let (lines, mut printed) = mpsc::channel(LINES_MAX);
    let mut run = host.run(assignment, lines, stop.clone());
    let exit = loop {
        tokio::select! {
            exit = &mut run => break exit,
            Some(line) = printed.recv() => { _ = reports.send(Report::Line(line)).await; }
        }
    };
    while let Ok(line) = printed.try_recv() {
        _ = reports.send(Report::Line(line)).await;
    }
    exit
}

/// The restart policy of one computer.
#[derive(Debug, Default)]
struct Restarts {
    failures: VecDeque<Duration>,
    in_a_row: u32,
}

/// What follows a failure.
#[derive(Debug, PartialEq, Eq)]
struct NextStart {
    delay: Duration,
    crash_loop: bool,
    in_a_row: u32,
}

impl Restarts {
    fn failed(&mut self, started: Duration, ended: Duration) -> NextStart {
        if ended.saturating_sub(started) >= WELL_AFTER {
            self.in_a_row = 0;
            self.failures.clear();
        }
        self.failures.push_back(ended);
        while self
            .failures
            .front()
            .is_some_and(|at| ended.saturating_sub(*at) > CRASH_LOOP_WINDOW)
        {
            self.failures.pop_front();
        }
        let doublings = self.in_a_row.min(16);
        self.in_a_row = self.in_a_row.saturating_add(1);
        NextStart {
            delay: RESTART_DELAY_MIN
                .saturating_mul(1 << doublings)
                .min(RESTART_DELAY_MAX),
            crash_loop: self.failures.len() >= CRASH_LOOP_FAILURES,
            in_a_row: self.in_a_row,
        }
    }
}

impl NextStart {
    fn reason(&self, how: &str) -> String {
        let seconds = self.delay.as_secs_f64();
        if self.crash_loop {
            format!(
                "crash loop: the computer ended {} times in a row, last with {how}; next start in {seconds} s",
                self.in_a_row
            )
        } else {
            format!("the computer ended with {how}; next start in {seconds} s")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_to_a_limit_and_the_fifth_failure_is_a_crash_loop() {
        let mut restarts = Restarts::default();
        let mut at = Duration::ZERO;
        let mut seen = Vec::new();
        for _ in 0..9 {
            let next = restarts.failed(at, at);
            at += next.delay;
            seen.push((next.delay.as_millis(), next.crash_loop));
        }
        let expected = [
            (100, false),
            (200, false),
            (400, false),
            (800, false),
            (1_600, true),
            (3_200, true),
            (6_400, true),
            (10_000, true),
            (10_000, true),
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn a_long_good_run_forgets_earlier_failures() {
        let mut restarts = Restarts::default();
        for second in 0..6 {
            restarts.failed(Duration::from_secs(second), Duration::from_secs(second));
        }
        let next = restarts.failed(Duration::from_secs(10), Duration::from_secs(40));
        assert_eq!(
            next,
            NextStart {
                delay: RESTART_DELAY_MIN,
                crash_loop: false,
                in_a_row: 1
            }
        );
        assert!(next.reason("exit status 70").contains("exit status 70"));
    }
}
