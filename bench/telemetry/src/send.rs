//! Sending bodies over several connections at once.

use std::sync::Arc;

use bench_harness::Connection;
use tokio::task::JoinSet;

use crate::side::Running;
use crate::wire::Body;

/// What a sender of the first version says.
const HEADERS: &str = "content-type: application/x-protobuf\r\ncontent-encoding: snappy\r\n\
                       x-prometheus-remote-write-version: 0.1.0\r\n";

/// Sends them all, each connection waiting for one answer before it sends the next; how many samples that were.
pub(crate) async fn send(
    to: &Running,
    bodies: &Arc<Vec<Body>>,
    connections: usize,
) -> anyhow::Result<usize> {
    let mut tasks = JoinSet::new();
    for number in 0..connections {
        let (bodies, path) = (bodies.clone(), to.write_path());
        let mut connection = to.connect().await?;
        tasks.spawn(async move {
            let mine = bodies
                .iter()
                .filter(|body| body.lane % connections == number);
            let mut samples = 0;
            for body in mine {
                post(&mut connection, path, &body.bytes).await?;
                samples += body.samples;
            }
            anyhow::Ok(samples)
        });
    }
    let mut samples = 0;
    while let Some(sent) = tasks.join_next().await {
        samples += sent??;
    }
    Ok(samples)
}

async fn post(connection: &mut Connection, path: &str, body: &[u8]) -> anyhow::Result<()> {
    connection.send(path, HEADERS, body).await?;
    Ok(())
}
