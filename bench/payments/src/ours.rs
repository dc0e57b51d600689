//! Ours: one hub, its workers inside.

use bench_harness::Hub;

use crate::Options;
use crate::place::{Place, Side};
use crate::trial::{self, Took};

pub(crate) fn place(hub: &Hub) -> Place {
    Place {
        side: Side::Ours,
        host: hub.http.clone(),
        token: Some(hub.token.clone()),
        pids: vec![hub.pid()],
    }
}

pub(crate) async fn run(options: &Options) -> anyhow::Result<Took> {
    let hub = Hub::start(&options.portique).await?;
    let generator = trial::generator(options.accounts)?;
    let (batches, connections) = (options.batches, options.connections);
    let took = trial::measure(&place(&hub), &generator, batches, connections).await?;
    hub.stop().await?;
    Ok(took)
}
