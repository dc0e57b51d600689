//! The targets of one job.

use std::collections::HashMap;
use std::sync::Arc;

use portique_monitor::scrape::{Built, JobConfig, Target, TargetGroup};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::discovery::{self, Found, Outlet};
use super::registry::{PoolView, Watched};
use super::target::Visitor;
use crate::outbound::Endpoint;

/// Targets that the rules drop and that are kept for the API, of each job.
const DROPPED_KEPT_MAX: usize = 1_000;
/// Problems of a job that are listed.
const PROBLEMS_LISTED_MAX: usize = 20;

/// How the targets of a job are asked.
pub(super) struct Asked {
    pub(super) job: Arc<JobConfig>,
    pub(super) endpoint: Arc<Endpoint>,
    /// Why nobody is asked although there are targets.
    pub(super) refusal: Option<String>,
}

/// A job with its targets.
pub(super) struct Pool {
    job: Arc<JobConfig>,
    shared: Arc<Shared>,
    /// Those that are written down, then those of each source.
    groups: Vec<Vec<TargetGroup>>,
    problems: Vec<Option<String>>,
    generation: u64,
    discovery: CancellationToken,
    asked: watch::Sender<Arc<Asked>>,
    running: HashMap<u64, Running>,
}

struct Running {
    watched: Arc<Watched>,
    gone: CancellationToken,
}

/// What a job's sources come to.
#[derive(Default)]
struct Sorted {
    targets: HashMap<u64, Target>,
    /// In the order found.
    order: Vec<u64>,
    view: PoolView,
}

impl Pool {
    /// A job whose targets are not asked yet.
    pub(super) fn new(job: Arc<JobConfig>, shared: Arc<Shared>) -> Self {
        let (asked, _) = watch::channel(asked(&job, &shared, None));
        Self {
            groups: Vec::new(),
            problems: Vec::new(),
            generation: 0,
            discovery: CancellationToken::new(),
            asked,
            running: HashMap::new(),
            job,
            shared,
        }
    }

    pub(super) fn job(&self) -> &Arc<JobConfig> {
        &self.job
    }

    /// How many targets it asks.
    pub(super) fn len(&self) -> usize {
        self.running.len()
    }

    /// Begins, or begins anew with other rules: what sources found before counts until they find something.
    pub(super) fn begin(&mut self, job: Arc<JobConfig>, outlet: Outlet, tasks: &mut JoinSet<()>) {
        self.discovery.cancel();
        self.discovery = CancellationToken::new();
        self.generation = outlet.generation;
        let same = self.job.files == job.files && self.job.urls == job.urls;
        let sources = discovery::sources(&job);
        if !same {
            self.groups.clear();
        }
        self.groups.resize(sources, Vec::new());
        self.groups[0] = job.static_groups.clone();
        self.problems = vec![None; sources];
        self.job = job;
        self.asked
            .send_replace(asked(&self.job, &self.shared, None));
        discovery::start(&self.job, &self.shared, &outlet, &self.discovery, tasks);
    }

    /// Takes what a source found; `false` when it speaks of what is no more.
    pub(super) fn found(&mut self, found: Found) -> bool {
        if found.generation != self.generation || found.source >= self.groups.len() {
            return false;
        }
        if let Some(groups) = found.groups {
            self.groups[found.source] = groups;
        }
        self.problems[found.source] = found.problem;
        true
    }

    /// Starts and ends targets so that those are asked that there are now; at most `targets_max` of them.
    pub(super) fn settle(
        &mut self,
        targets_max: usize,
        stop: &CancellationToken,
        tasks: &mut JoinSet<()>,
    ) {
        let mut sorted = self.sort();
        if sorted.order.len() > targets_max {
            let left_out = sorted.order.split_off(targets_max);
            for key in &left_out {
                sorted.targets.remove(key);
            }
            let problem = format!(
                "{} targets are not asked: the hub asks as many as it can",
                left_out.len()
            );
            sorted.view.problems.insert(0, problem);
        }
        self.limit(sorted.order.len());
        self.running.retain(|key, running| {
            let is_there = sorted.targets.contains_key(key);
            if !is_there {
                running.gone.cancel();
            }
            is_there
        });
        for key in &sorted.order {
            if self.running.contains_key(key) {
                continue;
            }
            if let Some(target) = sorted.targets.remove(key) {
                let running = self.start(target, stop, tasks);
                self.running.insert(*key, running);
            }
        }
        let running = sorted.order.iter().filter_map(|key| self.running.get(key));
        sorted.view.active = running.map(|running| running.watched.clone()).collect();
        sorted.view.problems.truncate(PROBLEMS_LISTED_MAX);
        self.shared.registry.set(&self.job.name, sorted.view);
    }

    /// Ends all of it.
    pub(super) fn end(self) {
        self.discovery.cancel();
        for running in self.running.values() {
            running.gone.cancel();
        }
        self.shared.registry.remove(&self.job.name);
    }

    /// Says so to all targets when there are more than the job allows.
    fn limit(&self, targets: usize) {
        let targets_max = self.job.limits.targets;
        let refusal = (targets_max > 0 && targets > targets_max).then(|| {
            format!("target_limit exceeded (number of targets: {targets}, limit: {targets_max})")
        });
        if self.asked.borrow().refusal != refusal {
            self.asked
                .send_replace(asked(&self.job, &self.shared, refusal));
        }
    }

    fn start(&self, target: Target, stop: &CancellationToken, tasks: &mut JoinSet<()>) -> Running {
        let watched = Arc::new(Watched::new(target));
        let gone = CancellationToken::new();
        let visitor = Visitor::new(
            self.shared.clone(),
            watched.clone(),
            self.asked.subscribe(),
            gone.clone(),
            stop.clone(),
        );
        tasks.spawn(visitor.run());
        Running { watched, gone }
    }

    /// What the sources' groups make, each target once.
    fn sort(&self) -> Sorted {
        let mut sorted = Sorted::default();
        sorted.view.problems = self.problems.iter().flatten().cloned().collect();
        for group in self.groups.iter().flatten() {
            for address in &group.addresses {
                match Target::build(&self.job, group, address) {
                    Ok(Built::Active(target)) => {
                        let key = target.hash();
                        if sorted.targets.insert(key, *target).is_none() {
                            sorted.order.push(key);
                        }
                    }
                    Ok(Built::Dropped(labels)) => {
                        sorted.view.dropped_count += 1;
                        if sorted.view.dropped.len() < DROPPED_KEPT_MAX {
                            sorted.view.dropped.push(labels);
                        }
                    }
                    Err(fault) => sorted.view.problems.push(format!("{address}: {fault}")),
                }
            }
        }
        sorted
    }
}

fn asked(job: &Arc<JobConfig>, shared: &Shared, refusal: Option<String>) -> Arc<Asked> {
    let folder = &shared.loaded().folder;
    Arc::new(Asked {
        job: job.clone(),
        endpoint: Endpoint::new(job.endpoint.clone(), folder, shared.trust.clone()),
        refusal,
    })
}
