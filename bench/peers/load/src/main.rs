//! One role of a bus benchmark, against NATS JetStream or Redis Streams.
//!
//!     peer-load nats  publish URL  EVENTS BYTES IN_FLIGHT
//!     peer-load nats  consume URL  EVENTS BATCH
//!     peer-load redis publish PORT EVENTS BYTES IN_FLIGHT
//!     peer-load redis consume PORT EVENTS BATCH
//!
//! Publishing makes the stream anew; consuming reads what was published and acknowledges each event. The
//! last line is JSON: events per second, and for publishing the time to the acknowledgement.

mod nats;
mod streams;

use std::time::Duration;

use anyhow::{Context, bail};
use bytes::Bytes;
use hdrhistogram::Histogram;

/// What was measured.
struct Ended {
    seconds: f64,
    events: usize,
    micros: Option<Histogram<u64>>,
}

impl Ended {
    fn line(&self) -> serde_json::Value {
        let at = |quantile| {
            let micros = self.micros.as_ref()?;
            Some(micros.value_at_quantile(quantile) as f64 / 1000.0)
        };
        serde_json::json!({
            "rate": self.events as f64 / self.seconds,
            "p50_ms": at(0.5),
            "p99_ms": at(0.99),
        })
    }
}

/// Bytes that do not compress to nothing.
fn payload(bytes: usize) -> Bytes {
    (0..bytes).map(|i| b'a' + (i % 26) as u8).collect::<Vec<u8>>().into()
}

fn record(histogram: &mut Histogram<u64>, took: Duration) {
    histogram.saturating_record(took.as_micros() as u64);
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize| -> anyhow::Result<usize> {
        words.get(at).context("a number is missing")?.parse().context("not a number")
    };
    let place = words.get(2).context("usage: peer-load nats|redis publish|consume PLACE ...")?;
    let ended = match (words[0].as_str(), words[1].as_str()) {
        ("nats", "publish") => nats::publish(place, number(3)?, payload(number(4)?), number(5)?).await?,
        ("nats", "consume") => nats::consume(place, number(3)?, number(4)?).await?,
        ("redis", "publish") => streams::publish(place, number(3)?, payload(number(4)?), number(5)?).await?,
        ("redis", "consume") => streams::consume(place, number(3)?, number(4)?).await?,
        (peer, role) => bail!("there is no {role} for {peer}"),
    };
    println!("{}", ended.line());
    Ok(())
}
