//! Pools of workers: what they do, and how many of each there are to be.
//!
//! They are written in the file only: a pool names a program to run, and nobody who reaches the API may do that.

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::time::Duration;

use portique_fleet::Policy;
use portique_jobs::QueueName;

use super::PaymentWorkers;
use super::key::{TableKey, TableKind};
use super::limit::Limit;
use super::problem::Problem;
use super::raw::RawTable;
use crate::worker::{BUILT_IN, built_in_words};

/// Each has a look at its queue ten times a second.
const POOLS_MAX: usize = 64;
/// Room for a number behind it in the names of workers.
const NAME_BYTES_MAX: usize = 40;
/// As many as a command line of people has.
const WORDS_MAX: usize = 256;
/// What a worker itself needs, to the memory of a large machine.
const MEMORY: Limit = Limit::of("pools.memory_bytes", "bytes", 67_108_864.0, 1e13);
/// A hundredth of a processor, to as many as a large machine has.
const CPUS: Limit = Limit::of("pools.cpus", "processors", 0.01, 1024.0);
const MIN: Limit = Limit::of("pools.min", "workers", 0.0, 10_000.0);
const MAX: Limit = Limit::of("pools.max", "workers", 1.0, 10_000.0);
const BLIND: Limit = Limit::of("pools.blind", "workers", 0.0, 10_000.0);
/// What one worker process takes.
const SLOTS: Limit = Limit::of("pools.slots", "jobs", 1.0, 1024.0);
const DAY_S: f64 = 86_400.0;
const CATCH_UP: Limit = Limit::of("pools.catch_up_s", "seconds", 0.1, DAY_S);
const WAIT: Limit = Limit::of("pools.wait_objective_s", "seconds", 0.001, DAY_S);
const UTILISATION: Limit = Limit::of("pools.utilisation", "a share", 0.1, 1.0);
const STABILISATION: Limit = Limit::of("pools.stabilisation_s", "seconds", 1.0, DAY_S);
const COOLDOWN: Limit = Limit::of("pools.cooldown_s", "seconds", 0.0, DAY_S);
const SERVICE: Limit = Limit::of("pools.service_prior_s", "seconds", 1e-6, DAY_S);
const START: Limit = Limit::of("pools.start_prior_s", "seconds", 0.0, DAY_S);
const DOWNSTREAM: Limit = Limit::of("pools.downstream_jobs_per_s", "jobs", 1e-6, 1e9);
const TIMEOUT: Limit = Limit::of("pools.timeout_s", "whole seconds", 1.0, DAY_S);
const DRAIN: Limit = Limit::of("pools.drain_s", "whole seconds", 0.0, DAY_S);
/// As `portique worker` has it.
const TIMEOUT_DEFAULT: Duration = Duration::from_mins(10);
/// Longer than most jobs, short enough that a change of a program is through the same day.
const DRAIN_DEFAULT: Duration = Duration::from_mins(5);

/// The keys of a pool.
pub(super) const POOL_KEYS: &[TableKey] = &[
    key("name", TableKind::Text),
    key("queue", TableKind::Text),
    key("program", TableKind::Texts),
    key("worker", TableKind::Text),
    key("min", TableKind::Number),
    key("max", TableKind::Number),
    key("slots", TableKind::Number),
    key("catch_up_s", TableKind::Number),
    key("wait_objective_s", TableKind::Number),
    key("utilisation", TableKind::Number),
    key("stabilisation_s", TableKind::Number),
    key("cooldown_s", TableKind::Number),
    key("service_prior_s", TableKind::Number),
    key("start_prior_s", TableKind::Number),
    key("blind", TableKind::Number),
    key("downstream_jobs_per_s", TableKind::Number),
    key("memory_bytes", TableKind::Number),
    key("cpus", TableKind::Number),
    key("timeout_s", TableKind::Number),
    key("drain_s", TableKind::Number),
];

const fn key(name: &'static str, kind: TableKind) -> TableKey {
    TableKey { name, kind }
}

/// What the workers of a pool do with a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PoolWork {
    /// Start this program with its arguments, as `portique worker` does.
    Program(Vec<String>),
    /// What this program has itself for the pool's queue.
    BuiltIn,
}

/// One pool: workers that are processes of this hub, as many as their queue needs.
#[derive(Debug, Clone, PartialEq)]
pub struct PoolConfig {
    /// What people call it: of `a-z`, `0-9` and `-`, at most 40.
    pub name: String,
    /// The queue whose jobs its workers do; no other pool has it.
    pub queue: QueueName,
    /// What they do.
    pub work: PoolWork,
    /// Where they run: the configuration's folder.
    pub folder: PathBuf,
    /// How many there are to be.
    pub policy: Policy,
    /// Data that one process of a worker may hold; none by default, range 64 MiB to 10 TB.
    pub memory_bytes: Option<u64>,
    /// Processors that a worker is reckoned with; none by default: then they do not limit the pool.
    pub cpus: Option<f64>,
    /// How long a program may take for a job; default 10 min, range 1 s to a day.
    pub timeout: Duration,
    /// How long a worker that is to go may take to end what it has in hand; default 5 min, at most a day.
    pub drain: Duration,
}

pub(super) fn resolve(
    tables: &[RawTable],
    payment_workers: PaymentWorkers,
    problems: &mut Vec<Problem>,
) -> Vec<PoolConfig> {
    let mut pools: Vec<PoolConfig> = Vec::new();
    for table in tables {
        let Some(pool) = pool(table, problems) else {
            continue;
        };
        if payment_workers == PaymentWorkers::Inside && pool.work == PoolWork::BuiltIn {
            let message = format!(
                "the pool {:?} works on {}, which the hub does itself",
                pool.name, pool.queue
            );
            let remedy = "write workers = \"pools\" into the table payments, or leave the pool out";
            problems.push(Problem::at(&table.place, message, remedy.into()));
        } else if pools.iter().any(|other| other.name == pool.name) {
            let message = format!("two pools are called {:?}", pool.name);
            problems.push(Problem::at(&table.place, message, "rename one".into()));
        } else if let Some(other) = pools.iter().find(|other| other.queue == pool.queue) {
            let message = format!(
                "the pools {:?} and {:?} both follow the queue {}",
                other.name, pool.name, pool.queue
            );
            let remedy = "write one pool with a higher max".into();
            problems.push(Problem::at(&table.place, message, remedy));
        } else {
            pools.push(pool);
        }
    }
    if let Some(table) = tables.get(POOLS_MAX) {
        let message = format!("{} pools", tables.len());
        let remedy = format!("write at most {POOLS_MAX}");
        problems.push(Problem::at(&table.place, message, remedy));
    }
    pools
}

fn pool(table: &RawTable, problems: &mut Vec<Problem>) -> Option<PoolConfig> {
    let name = name(table, problems);
    let worker = built_in(table, problems);
    let work = work(table, worker.as_ref(), problems);
    let queue = match worker {
        Some(queue) => Some(queue),
        // The name of a worker that there is not is what is wrong, whatever its queue.
        None if !table.texts("worker").is_empty() => None,
        None => queue(table, problems),
    };
    let policy = policy(table, problems);
    let mut number = |limit: &Limit, key| limit.resolve(table.number(key), problems);
    let seconds = Duration::from_secs_f64;
    let memory_bytes = number(&MEMORY, "memory_bytes").map(|bytes| bytes as u64);
    let cpus = number(&CPUS, "cpus");
    let timeout = number(&TIMEOUT, "timeout_s").map_or(TIMEOUT_DEFAULT, seconds);
    let drain = number(&DRAIN, "drain_s").map_or(DRAIN_DEFAULT, seconds);
    let folder = table.place.path.parent().unwrap_or(Path::new(""));
    Some(PoolConfig {
        name: name?,
        queue: queue?,
        work: work?,
        folder: folder.to_path_buf(),
        policy: policy?,
        memory_bytes,
        cpus,
        timeout,
        drain,
    })
}

fn name(table: &RawTable, problems: &mut Vec<Problem>) -> Option<String> {
    let Some(name) = table.texts("name").first() else {
        let remedy = "write name = \"...\" into its table".to_owned();
        problems.push(Problem::at(
            &table.place,
            "a pool has no name".into(),
            remedy,
        ));
        return None;
    };
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let text = &name.value;
    if (1..=NAME_BYTES_MAX).contains(&text.len()) && text.chars().all(is_plain) {
        return Some(text.clone());
    }
    problems.push(Problem::at(
        &name.place,
        format!("{text:?} is no name of a pool"),
        format!("write 1 to {NAME_BYTES_MAX} of a-z, 0-9 and -"),
    ));
    None
}

/// The queue of the built-in worker that a pool names.
fn built_in(table: &RawTable, problems: &mut Vec<Problem>) -> Option<QueueName> {
    let written = table.texts("worker").first()?;
    let name = &written.value;
    if !BUILT_IN.contains(&name.as_str()) {
        let message = format!("worker = {name:?} is no built-in worker");
        let remedy = format!("write one of {}", built_in_words());
        problems.push(Problem::at(&written.place, message, remedy));
        return None;
    }
    if let Some(queue) = table.texts("queue").first().filter(|q| q.value != *name) {
        let message = format!(
            "the worker {name} does not work on the queue {:?}",
            queue.value
        );
        let remedy = "leave the queue out: it is the worker's".into();
        problems.push(Problem::at(&queue.place, message, remedy));
        return None;
    }
    QueueName::new(name.as_str()).ok()
}

/// The one thing that a pool's workers do: a program, or what is built in.
fn work(
    table: &RawTable,
    worker: Option<&QueueName>,
    problems: &mut Vec<Problem>,
) -> Option<PoolWork> {
    let has_program = !table.texts("program").is_empty();
    if let Some(written) = table.texts("worker").first() {
        if has_program {
            let message = "a pool has both a program and a worker".into();
            let remedy = "keep the program of your own, or the worker that is built in".into();
            problems.push(Problem::at(&written.place, message, remedy));
            return None;
        }
        return worker.map(|_| PoolWork::BuiltIn);
    }
    let queue = table.texts("queue").first();
    if let Some(queue) = queue.filter(|queue| BUILT_IN.contains(&queue.value.as_str())) {
        let name = &queue.value;
        let message = format!("the jobs of {name} are done by its built-in worker only");
        let remedy = format!("write worker = \"{name}\" instead of a queue and a program");
        problems.push(Problem::at(&queue.place, message, remedy));
        return None;
    }
    program(table, problems).map(PoolWork::Program)
}

fn program(table: &RawTable, problems: &mut Vec<Problem>) -> Option<Vec<String>> {
    let words = table.texts("program").iter();
    let words: Vec<String> = words.map(|word| word.value.clone()).collect();
    let is_named = words.first().is_some_and(|name| !name.is_empty());
    let has_nul = words.iter().any(|word| word.contains('\0'));
    if is_named && !has_nul && words.len() <= WORDS_MAX {
        return Some(words);
    }
    problems.push(Problem::at(
        &table.place,
        "a pool has no program to run".into(),
        format!(
            "write program = [\"python3\", \"thumbnail.py\"], 1 to {WORDS_MAX} words, or worker = \"...\" for one that is built in"
        ),
    ));
    None
}

fn queue(table: &RawTable, problems: &mut Vec<Problem>) -> Option<QueueName> {
    let Some(written) = table.texts("queue").first() else {
        problems.push(Problem::at(
            &table.place,
            "a pool has no queue".into(),
            "write queue = \"...\", the queue whose jobs its workers do".into(),
        ));
        return None;
    };
    let text = &written.value;
    match QueueName::new(text.as_str()) {
        Ok(queue) => Some(queue),
        Err(error) => {
            let message = format!("queue = {text:?} is no queue");
            problems.push(Problem::at(&written.place, message, error.to_string()));
            None
        }
    }
}

fn policy(table: &RawTable, problems: &mut Vec<Problem>) -> Option<Policy> {
    let before = problems.len();
    let mut number = |limit: &Limit, key| limit.resolve(table.number(key), problems);
    let seconds = Duration::from_secs_f64;
    let whole = |number: f64| number as u32;
    let usual = Policy::default();
    let policy = Policy {
        min: number(&MIN, "min").map_or(usual.min, whole),
        max: number(&MAX, "max").map_or(usual.max, whole),
        slots: number(&SLOTS, "slots").map_or(usual.slots, whole),
        catch_up: number(&CATCH_UP, "catch_up_s").map_or(usual.catch_up, seconds),
        wait_objective: number(&WAIT, "wait_objective_s").map(seconds),
        utilisation: number(&UTILISATION, "utilisation").unwrap_or(usual.utilisation),
        stabilisation: number(&STABILISATION, "stabilisation_s").map(seconds),
        cooldown: number(&COOLDOWN, "cooldown_s").map_or(usual.cooldown, seconds),
        service_prior: number(&SERVICE, "service_prior_s").map_or(usual.service_prior, seconds),
        start_prior: number(&START, "start_prior_s").map_or(usual.start_prior, seconds),
        blind: number(&BLIND, "blind").map(whole),
        downstream_jobs_per_second: number(&DOWNSTREAM, "downstream_jobs_per_s"),
    };
    for name in ["min", "max", "slots", "blind", "timeout_s", "drain_s"] {
        if let Some(written) = table.number(name).filter(|w| w.value.fract() != 0.0) {
            problems.push(Problem::at(
                &written.place,
                format!("pools.{name} = {} is no whole number", written.value),
                "write one without a fraction".into(),
            ));
        }
    }
    if problems.len() > before {
        return None;
    }
    if let Err(portique_fleet::Error::Policy { name, given, rule }) = policy.check() {
        let place = table
            .number(name)
            .map_or(&table.place, |written| &written.place);
        let message = format!("pools.{name} = {given} cannot be followed");
        problems.push(Problem::at(place, message, rule.into()));
        return None;
    }
    Some(policy)
}
