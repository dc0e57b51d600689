//! JetStream with file storage, as its client is meant to be used.

use std::future::IntoFuture;
use std::time::Instant;

use anyhow::ensure;
use async_nats::jetstream::consumer::pull;
use async_nats::jetstream::{self, stream};
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::FuturesOrdered;
use hdrhistogram::Histogram;

use crate::{Ended, record};

const STREAM: &str = "bench";
const SUBJECT: &str = "bench.event";

pub(crate) async fn publish(
    url: &str,
    events: usize,
    payload: Bytes,
    in_flight: usize,
) -> anyhow::Result<Ended> {
    let client = async_nats::connect(url).await?;
    let context = jetstream::ContextBuilder::new().max_ack_inflight(100_000).build(client);
    let _ = context.delete_stream(STREAM).await;
    let config = stream::Config {
        name: STREAM.into(),
        subjects: vec![format!("{STREAM}.>")],
        storage: stream::StorageType::File,
        ..Default::default()
    };
    let mut made = context.create_stream(config).await?;
    let mut micros = Histogram::new(3)?;
    let mut open = FuturesOrdered::new();
    let begin = Instant::now();
    for _ in 0..events {
        if open.len() >= in_flight {
            let (sent, answer): (Instant, Result<_, async_nats::jetstream::context::PublishError>) =
                open.next().await.expect("some are open");
            let _ack: async_nats::jetstream::publish::PublishAck = answer?;
            record(&mut micros, sent.elapsed());
        }
        let sent = Instant::now();
        let answer = context.publish(SUBJECT, payload.clone()).await?.into_future();
        open.push_back(async move { (sent, answer.await) });
    }
    while let Some((sent, answer)) = open.next().await {
        answer?;
        record(&mut micros, sent.elapsed());
    }
    let seconds = begin.elapsed().as_secs_f64();
    let stored = made.info().await?.state.messages;
    ensure!(stored == events as u64, "{stored} of {events} events are stored");
    Ok(Ended { seconds, events, micros: Some(micros) })
}

pub(crate) async fn consume(url: &str, events: usize, batch: usize) -> anyhow::Result<Ended> {
    let client = async_nats::connect(url).await?;
    let context = jetstream::new(client.clone());
    let stream = context.get_stream(STREAM).await?;
    let _ = stream.delete_consumer("bench").await;
    let config = pull::Config {
        durable_name: Some("bench".into()),
        max_ack_pending: 20_000,
        ..Default::default()
    };
    let consumer = stream.create_consumer(config).await?;
    let begin = Instant::now();
    let mut messages = consumer.stream().max_messages_per_batch(batch).messages().await?;
    for _ in 0..events {
        let message = messages.next().await.expect("the stream goes on")?;
        message.ack().await.map_err(anyhow::Error::from_boxed)?;
    }
    client.flush().await?;
    Ok(Ended { seconds: begin.elapsed().as_secs_f64(), events, micros: None })
}
