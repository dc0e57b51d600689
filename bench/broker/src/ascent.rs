//! What waiting jobs cost: memory, and the time of a restart after a crash.

use crate::Options;
use crate::hub::Hub;
use crate::load;
use crate::report::{Figure, Report};

/// Jobs at which the restart is promised to take under [`READY_MAX_S`].
const PROMISED_JOBS: u64 = 1_000_000;
const READY_MAX_S: f64 = 2.0;

/// Fills a queue, kills the hub, starts it again.
pub(crate) async fn measure(
    options: &Options,
    jobs: u64,
    report: &mut Report,
) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let hub = Hub::start_on(&options.portique, folder.path()).await?;
    load::fill(&hub, jobs).await?;
    let filled = hub.resident_mib()?;
    hub.kill().await?;

    let name = format!("ready after a crash with {jobs} waiting jobs");
    let mut ready = Figure::least(format!("restart_{jobs}_waiting"), name, "s");
    let name = format!("resident memory after that restart, {jobs} waiting");
    let beside = "MiB before the crash, when the queue had just been filled";
    let mut memory = Figure::least(format!("memory_{jobs}_waiting"), name, "MiB").note(beside);
    for _ in 0..options.runs {
        let hub = Hub::start_on(&options.portique, folder.path()).await?;
        ready.ours(hub.ready.as_secs_f64(), 0.0);
        memory.ours(hub.resident_mib()?, filled);
        hub.kill().await?;
    }
    if jobs == PROMISED_JOBS {
        ready = ready.at_most(READY_MAX_S);
    }
    report.add(ready)?;
    report.add(memory)
}
