//! Who finds targets: files that are watched, addresses that are asked again and again.

mod address;
mod files;

use std::sync::Arc;

use portique_monitor::scrape::{JobConfig, TargetGroup};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{Input, Shared};

/// What one source of a job knows now.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) pool: String,
    /// Tells sources of a job from those of the same job before it changed.
    pub(super) generation: u64,
    pub(super) source: usize,
    /// Nothing when it is as before.
    pub(super) groups: Option<Vec<TargetGroup>>,
    /// What is wrong; what was good last stays.
    pub(super) problem: Option<String>,
}

/// Where a source tells what it finds.
#[derive(Clone)]
pub(super) struct Outlet {
    pub(super) pool: String,
    pub(super) generation: u64,
    pub(super) source: usize,
    pub(super) inputs: mpsc::Sender<Input>,
}

impl Outlet {
    /// Waits until it is heard; whether anybody listens.
    async fn tell(&self, groups: Option<Vec<TargetGroup>>, problem: Option<String>) -> bool {
        let found = Found {
            pool: self.pool.clone(),
            generation: self.generation,
            source: self.source,
            groups,
            problem,
        };
        self.inputs.send(Input::Found(found)).await.is_ok()
    }
}

/// Starts a task for each source of a job but those that are written down, which are source 0.
pub(super) fn start(
    job: &Arc<JobConfig>,
    shared: &Arc<Shared>,
    outlet: &Outlet,
    stop: &CancellationToken,
    tasks: &mut JoinSet<()>,
) {
    let folder = shared.loaded().folder.clone();
    let mut source = 0;
    for files in job.files.clone() {
        source += 1;
        let outlet = Outlet {
            source,
            ..outlet.clone()
        };
        let (stop, folder) = (stop.clone(), folder.clone());
        tasks.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = files::watch(files, folder, outlet) => {}
            }
        });
    }
    for address in job.urls.clone() {
        source += 1;
        let outlet = Outlet {
            source,
            ..outlet.clone()
        };
        let (stop, folder) = (stop.clone(), folder.clone());
        let trust = shared.trust.clone();
        tasks.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = address::refresh(address, folder, trust, outlet) => {}
            }
        });
    }
}

/// How many sources a job has.
pub(super) fn sources(job: &JobConfig) -> usize {
    1 + job.files.len() + job.urls.len()
}
