//! The loop that knows which targets there are.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::discovery::Outlet;
use super::load::Loaded;
use super::pool::Pool;
use super::{Input, Shared};

/// Most targets of a hub: each is a task, and what it knows of its series.
const TARGETS_MAX: usize = 20_000;

/// Owns the jobs, and starts and ends what asks their targets.
pub(crate) struct Worker {
    shared: Arc<Shared>,
    received: mpsc::Receiver<Input>,
    inputs: mpsc::Sender<Input>,
    pools: BTreeMap<String, Pool>,
    /// What asks targets, and what finds them.
    tasks: JoinSet<()>,
    /// How often a job began or changed.
    generation: u64,
}

impl Worker {
    pub(super) fn new(
        shared: Arc<Shared>,
        received: mpsc::Receiver<Input>,
        inputs: mpsc::Sender<Input>,
    ) -> Self {
        Self {
            shared,
            received,
            inputs,
            pools: BTreeMap::new(),
            tasks: JoinSet::new(),
            generation: 0,
        }
    }

    /// Has targets asked until the hub stops; what was asked then is given up.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        let loaded = self.shared.loaded();
        self.apply(&loaded, &stop);
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                Some(ended) = self.tasks.join_next(), if !self.tasks.is_empty() => {
                    if let Err(error) = ended && error.is_panic() {
                        tracing::error!(%error, "a task of scraping fell: its target is asked again after a reload");
                    }
                }
                input = self.received.recv() => match input {
                    Some(Input::Apply(loaded, done)) => {
                        self.apply(&loaded, &stop);
                        // Who asked may have gone.
                        let _ = done.send(());
                    }
                    Some(Input::Found(found)) => {
                        let name = found.pool.clone();
                        let pool = self.pools.get_mut(&name);
                        if pool.is_some_and(|pool| pool.found(found)) {
                            self.settle(&name, &stop);
                        }
                    }
                    None => break,
                },
            }
        }
        self.tasks.shutdown().await;
    }

    /// Does what the file says: jobs that are the same go on undisturbed.
    fn apply(&mut self, loaded: &Loaded, stop: &CancellationToken) {
        let wanted: Vec<&str> = loaded.file.jobs.iter().map(|job| &*job.name).collect();
        let gone: Vec<String> = self
            .pools
            .keys()
            .filter(|name| !wanted.contains(&name.as_str()))
            .cloned()
            .collect();
        for name in gone {
            if let Some(pool) = self.pools.remove(&name) {
                pool.end();
            }
        }
        for job in &loaded.file.jobs {
            if self
                .pools
                .get(&job.name)
                .is_some_and(|pool| pool.job() == job)
            {
                continue;
            }
            self.generation += 1;
            let outlet = Outlet {
                pool: job.name.clone(),
                generation: self.generation,
                source: 0,
                inputs: self.inputs.clone(),
            };
            let pool = self
                .pools
                .entry(job.name.clone())
                .or_insert_with(|| Pool::new(job.clone(), self.shared.clone()));
            pool.begin(job.clone(), outlet, &mut self.tasks);
            self.settle(&job.name, stop);
        }
    }

    fn settle(&mut self, name: &str, stop: &CancellationToken) {
        let others = self.pools.iter().filter(|(other, _)| *other != name);
        let taken: usize = others.map(|(_, pool)| pool.len()).sum();
        if let Some(pool) = self.pools.get_mut(name) {
            pool.settle(TARGETS_MAX.saturating_sub(taken), stop, &mut self.tasks);
        }
    }
}
