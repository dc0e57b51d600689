//! Redis Streams over one multiplexed connection, pipelined by the client.

use std::time::Instant;

use anyhow::ensure;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::FuturesOrdered;
use hdrhistogram::Histogram;
use redis::AsyncCommands;
use redis::streams::{StreamReadOptions, StreamReadReply};

use crate::{Ended, record};

const STREAM: &str = "bench";
const GROUP: &str = "bench";

async fn connect(port: &str) -> anyhow::Result<redis::aio::MultiplexedConnection> {
    let client = redis::Client::open(format!("redis://127.0.0.1:{port}/"))?;
    Ok(client.get_multiplexed_async_connection().await?)
}

pub(crate) async fn publish(
    port: &str,
    events: usize,
    payload: Bytes,
    in_flight: usize,
) -> anyhow::Result<Ended> {
    let mut connection = connect(port).await?;
    let _: () = connection.del(STREAM).await?;
    let mut micros = Histogram::new(3)?;
    let mut open = FuturesOrdered::new();
    let begin = Instant::now();
    for _ in 0..events {
        if open.len() >= in_flight {
            record(&mut micros, open.next().await.expect("some are open")?);
        }
        let (mut connection, payload) = (connection.clone(), payload.clone());
        open.push_back(async move {
            let sent = Instant::now();
            let _: String = connection.xadd(STREAM, "*", &[("d", &payload[..])]).await?;
            anyhow::Ok(sent.elapsed())
        });
    }
    while let Some(took) = open.next().await {
        record(&mut micros, took?);
    }
    let seconds = begin.elapsed().as_secs_f64();
    let stored: usize = connection.xlen(STREAM).await?;
    ensure!(stored == events, "{stored} of {events} events are stored");
    Ok(Ended { seconds, events, micros: Some(micros) })
}

pub(crate) async fn consume(port: &str, events: usize, batch: usize) -> anyhow::Result<Ended> {
    let mut connection = connect(port).await?;
    let _: Result<(), _> = connection.xgroup_destroy(STREAM, GROUP).await;
    let _: () = connection.xgroup_create(STREAM, GROUP, "0").await?;
    let options = StreamReadOptions::default().group(GROUP, "bench").count(batch);
    let mut done = 0;
    let begin = Instant::now();
    while done < events {
        let reply: StreamReadReply = connection.xread_options(&[STREAM], &[">"], &options).await?;
        let ids: Vec<String> = reply.keys.into_iter().flat_map(|key| key.ids).map(|id| id.id).collect();
        ensure!(!ids.is_empty(), "the stream ended after {done} events");
        let acked: usize = connection.xack(STREAM, GROUP, &ids).await?;
        ensure!(acked == ids.len(), "{acked} of {} acknowledgements counted", ids.len());
        done += ids.len();
    }
    Ok(Ended { seconds: begin.elapsed().as_secs_f64(), events, micros: None })
}
