//! Events published and consumed, beside NATS JetStream and Redis Streams.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use futures_util::StreamExt;
use futures_util::stream::FuturesOrdered;
use hdrhistogram::Histogram;
use portique_bus::{Bus, ConsumerName, ConsumerOptions, DeliveryToken};
use portique_event::{Data, Event, Filter, Subject};
use serde::Deserialize;
use tokio::process::Command;
use tokio::task::JoinSet;

use crate::Options;
use crate::alone;
use crate::hub::Hub;
use crate::limit;
use crate::load::Ended;
use crate::report::{Figure, Peer, Report};
use crate::server::Server;

/// The events' sizes, in bytes of data.
const SIZES: [usize; 2] = [200, 1024];
/// Events not answered yet.
const WINDOWS: [usize; 2] = [1, 256];
/// Events of a run with one in flight: each waits for the disk.
const LONELY_EVENTS: usize = 3_000;
/// Events of a run on a peer that syncs each: it would take minutes otherwise.
const SYNCED_EVENTS: usize = 10_000;
/// Whose consuming is compared: syncing makes no difference to it that would be asked for.
const CONSUMED: [Peer; 2] = [Peer::NATS, Peer::STREAMS_EVERYSEC];
/// Deliveries of one fetch, on both sides.
const BATCH: usize = 256;
/// Fetches that are open at a time.
const FETCHERS: usize = 4;
const FETCH_WAIT: Duration = Duration::from_secs(5);

/// Publishing with one and with 256 events in flight.
pub(crate) async fn publish(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    for bytes in SIZES {
        publish_alone(options, bytes, report).await?;
        for window in WINDOWS {
            let name = format!("publish {bytes} B, {window} in flight");
            let key = key("publish", bytes, &format!("_{window}_in_flight"));
            let mut figure = Figure::rate(key, name, "events/s").note("p99 ms");
            for _ in 0..options.runs {
                publish_once(options, bytes, window, &mut figure).await?;
            }
            figure = match window {
                1 => figure,
                _ => figure
                    .target(Peer::NATS, 1.0)
                    .target(Peer::STREAMS_EVERYSEC, 1.0)
                    .target(Peer::NATS_ALWAYS, 5.0),
            };
            report.add(figure)?;
        }
    }
    Ok(())
}

/// A figure's name in the JSON: the smaller events' is the plain one.
fn key(what: &str, bytes: usize, how: &str) -> String {
    match bytes {
        200 => format!("{what}{how}"),
        _ => format!("{what}_{bytes}_bytes{how}"),
    }
}

async fn publish_once(
    options: &Options,
    bytes: usize,
    window: usize,
    figure: &mut Figure,
) -> anyhow::Result<()> {
    let events = if window == 1 {
        LONELY_EVENTS
    } else {
        options.events
    };
    if window == 1 {
        figure.peer(Peer::DISK, limit::synced_writes()?, 0.0);
    }
    let hub = Hub::start(&options.portique).await?;
    let ended = publish_ours(hub.client().await?.bus(), events, bytes, window).await?;
    figure.ours(ended.rate, ended.p99_ms);
    hub.stop().await?;
    for peer in peers(options) {
        let events = if peer.sync == "always" {
            events.min(SYNCED_EVENTS)
        } else {
            events
        };
        let server = start(options, peer).await?;
        let place = place(peer, &server);
        let words = [events.to_string(), bytes.to_string(), window.to_string()];
        let ended = role(&options.load, peer, "publish", &place, &words).await?;
        figure.peer(peer, ended.rate, ended.p99_ms);
        server.stop().await?;
    }
    Ok(())
}

/// Publishing with one in flight in this process: the engine against the disk, without a network between.
async fn publish_alone(options: &Options, bytes: usize, report: &mut Report) -> anyhow::Result<()> {
    let name = format!("publish {bytes} B in process, 1 in flight");
    let key = key("publish", bytes, "_in_process");
    let mut figure = Figure::rate(key, name, "events/s").note("p99 ms");
    for _ in 0..options.runs {
        figure.peer(Peer::DISK, limit::synced_writes()?, 0.0);
        let ended = alone::publish(bytes).await?;
        figure.ours(ended.rate, ended.p99_ms);
    }
    report.add(figure.target(Peer::DISK, 1.0 / 1.3))
}

/// Consuming what was published, each event acknowledged.
pub(crate) async fn consume(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    for bytes in SIZES {
        let name = format!("consume {bytes} B, acknowledged one by one in batches of {BATCH}");
        let mut figure = Figure::rate(key("consume", bytes, ""), name, "events/s").note("");
        for _ in 0..options.runs {
            let hub = Hub::start(&options.portique).await?;
            let bus = hub.client().await?.bus();
            publish_ours(bus.clone(), options.events, bytes, 256).await?;
            figure.ours(consume_ours(bus, options.events).await?, 0.0);
            hub.stop().await?;
            for peer in peers(options) {
                if !CONSUMED.contains(&peer) {
                    continue;
                }
                let server = start(options, peer).await?;
                let place = place(peer, &server);
                let events = options.events.to_string();
                let published = [events.clone(), bytes.to_string(), "256".into()];
                role(&options.load, peer, "publish", &place, &published).await?;
                let words = [events, BATCH.to_string()];
                let ended = role(&options.load, peer, "consume", &place, &words).await?;
                figure.peer(peer, ended.rate, 0.0);
                server.stop().await?;
            }
        }
        report.add(
            figure
                .target(Peer::NATS, 1.0)
                .target(Peer::STREAMS_EVERYSEC, 1.0),
        )?;
    }
    Ok(())
}

fn peers(options: &Options) -> Vec<Peer> {
    if options.alone {
        return Vec::new();
    }
    let mut peers = vec![Peer::NATS, Peer::STREAMS_EVERYSEC, Peer::STREAMS_ALWAYS];
    if options.newer_nats.is_some() {
        peers.push(Peer::NATS_ALWAYS);
    }
    peers
}

async fn start(options: &Options, peer: Peer) -> anyhow::Result<Server> {
    let shipped = PathBuf::from("nats-server");
    let newer = options.newer_nats.as_ref().unwrap_or(&shipped);
    match peer {
        Peer::NATS => Server::nats(newer, None).await,
        Peer::NATS_ALWAYS => Server::nats(newer, Some("always")).await,
        _ => Server::redis(peer.sync).await,
    }
}

fn place(peer: Peer, server: &Server) -> String {
    match peer {
        Peer::NATS | Peer::NATS_ALWAYS => format!("nats://127.0.0.1:{}", server.port),
        _ => server.port.to_string(),
    }
}

/// What the driver of the peers says last.
#[derive(Debug, Deserialize)]
struct Line {
    rate: f64,
    p99_ms: Option<f64>,
}

async fn role(
    load: &Path,
    peer: Peer,
    role: &str,
    place: &str,
    words: &[String],
) -> anyhow::Result<Ended> {
    let driver = if place.starts_with("nats") {
        "nats"
    } else {
        "redis"
    };
    let output = Command::new(load)
        .args([driver, role, place])
        .args(words)
        .kill_on_drop(true)
        .output()
        .await?;
    let name = peer.name;
    let complaint = String::from_utf8_lossy(&output.stderr);
    let text = String::from_utf8(output.stdout)?;
    let line = text
        .lines()
        .last()
        .with_context(|| format!("{name}: {complaint}"))?;
    let line: Line = serde_json::from_str(line).with_context(|| format!("{name} said {line:?}"))?;
    Ok(Ended {
        rate: line.rate,
        p50_ms: 0.0,
        p99_ms: line.p99_ms.unwrap_or_default(),
    })
}

pub(crate) async fn publish_ours(
    bus: Arc<dyn Bus>,
    events: usize,
    bytes: usize,
    window: usize,
) -> anyhow::Result<Ended> {
    let data: Vec<u8> = (0..bytes).map(|i| b'a' + (i % 26) as u8).collect();
    let mut micros = Histogram::<u64>::new(3)?;
    let mut open = FuturesOrdered::new();
    let begin = Instant::now();
    for number in 0..events {
        if open.len() >= window {
            let took: anyhow::Result<Duration> = open.next().await.context("none is open")?;
            micros.saturating_record(took?.as_micros() as u64);
        }
        let event = event(number, data.clone())?;
        open.push_back(async {
            let sent = Instant::now();
            bus.publish(vec![event]).await?;
            Ok(sent.elapsed())
        });
    }
    while let Some(took) = open.next().await {
        micros.saturating_record(took?.as_micros() as u64);
    }
    Ok(Ended {
        rate: events as f64 / begin.elapsed().as_secs_f64(),
        p50_ms: micros.value_at_quantile(0.5) as f64 / 1000.0,
        p99_ms: micros.value_at_quantile(0.99) as f64 / 1000.0,
    })
}

fn event(number: usize, data: Vec<u8>) -> anyhow::Result<Event> {
    let subject = Subject::new("bench.event")?;
    Ok(
        Event::builder(number.to_string(), "/bench", "bench.event", subject)
            .data(Data::Binary(data))
            .build()?,
    )
}

/// Events a second, from the first fetch to the last acknowledgement.
async fn consume_ours(bus: Arc<dyn Bus>, events: usize) -> anyhow::Result<f64> {
    let consumer = ConsumerName::new("bench")?;
    let mut options = ConsumerOptions::new(Filter::new("bench.>")?);
    options.max_in_flight = 20_000;
    bus.consumer(&consumer, options).await?;
    let done = Arc::new(AtomicUsize::new(0));
    let begin = Instant::now();
    let mut lanes = JoinSet::new();
    for _ in 0..FETCHERS {
        let (bus, done, consumer) = (bus.clone(), done.clone(), consumer.clone());
        lanes.spawn(async move {
            while done.load(Ordering::SeqCst) < events {
                let deliveries = bus.fetch(&consumer, BATCH, FETCH_WAIT).await?;
                let tokens: Vec<DeliveryToken> = deliveries.iter().map(|d| d.token).collect();
                bus.ack(&consumer, &tokens).await?;
                done.fetch_add(tokens.len(), Ordering::SeqCst);
            }
            anyhow::Ok(begin.elapsed())
        });
    }
    // The last to acknowledge counts; the others may still wait for events that do not come.
    let first = lanes.join_next().await.context("no fetcher")???;
    lanes.abort_all();
    Ok(events as f64 / first.as_secs_f64())
}
