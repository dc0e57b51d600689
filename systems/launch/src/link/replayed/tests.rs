use std::fmt::Write as _;

use portique_clock::{SimulatedClock, Timestamp};
use tokio::sync::mpsc;

use super::*;
use crate::{Order, Quality, Received, RocketId};

/// Ten samples a second for `seconds`, with a gap of a second after two.
fn recording(seconds: u32) -> String {
    let mut csv = "time_s,velocity_m_s,altitude_km\n".to_owned();
    for tenth in (0..=seconds * 10).filter(|tenth| !(21..30).contains(tenth)) {
        let t_s = f64::from(tenth) / 10.0;
        writeln!(csv, "{t_s},{},{}", t_s * 9.0, t_s * t_s * 4.5e-3).unwrap();
    }
    csv
}

fn open(csv: &str, queue: usize) -> (ReplayedLink, mpsc::Receiver<Received>) {
    let (downlink, heard) = mpsc::channel(queue);
    let clock = Arc::new(SimulatedClock::new(Timestamp::EPOCH));
    let rocket = RocketId::new("demo").unwrap();
    let outlet = Arc::new(Outlet::new(rocket, clock, downlink));
    (ReplayedLink::open(outlet, csv).unwrap(), heard)
}

async fn release(link: &ReplayedLink, rate: f64) {
    link.pad(Pad::Clock { t_s: 0.0, rate }).await.unwrap();
    link.pad(Pad::Release).await.unwrap();
}

async fn all(heard: &mut mpsc::Receiver<Received>) -> Vec<Downlink> {
    let mut messages = Vec::new();
    while let Some(received) = heard.recv().await {
        let is_end = matches!(received.message, Downlink::Ended(..));
        messages.push(received.message);
        if is_end {
            break;
        }
    }
    messages
}

fn samples(messages: &[Downlink]) -> Vec<&Sample> {
    let mut samples = Vec::new();
    for message in messages {
        if let Downlink::Sample(_, sample) = message {
            samples.push(sample);
        }
    }
    samples
}

#[tokio::test(start_paused = true)]
async fn nothing_flies_before_the_release() {
    let (link, mut heard) = open(&recording(5), 1_000);
    assert!(
        matches!(heard.recv().await.unwrap().message, Downlink::Up(module) if module.as_str() == "vehicle")
    );
    let silence = tokio::time::timeout(Duration::from_secs(3_600), heard.recv()).await;
    assert!(silence.is_err(), "{silence:?}");
    link.close().await;
}

#[tokio::test(start_paused = true)]
async fn every_rate_plays_every_sample_in_its_time() {
    let wanted = 101 - 9;
    for rate in [1.0, 10.0, 60.0, 1_000.0, f64::INFINITY] {
        let (link, mut heard) = open(&recording(10), 1_000);
        let started = Instant::now();
        release(&link, rate).await;
        let messages = all(&mut heard).await;
        let took_s = started.elapsed().as_secs_f64();
        assert_eq!(samples(&messages).len(), wanted, "at x{rate}");
        // The timer of the runtime counts milliseconds.
        assert!(
            (took_s - 10.0 / rate).abs() < 0.01,
            "x{rate} took {took_s} s"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_listener_loses_nothing() {
    let (link, mut heard) = open(&recording(10), 1);
    release(&link, f64::INFINITY).await;
    tokio::time::advance(Duration::from_secs(60)).await;
    let messages = all(&mut heard).await;
    assert_eq!(samples(&messages).len(), 92);
    assert!(samples(&messages).windows(2).all(|w| w[0].t_s < w[1].t_s));
}

#[tokio::test(start_paused = true)]
async fn a_gap_is_marked_and_not_filled() {
    let (link, mut heard) = open(&recording(4), 1_000);
    release(&link, 100.0).await;
    let messages = all(&mut heard).await;
    let marked: Vec<f64> = samples(&messages)
        .iter()
        .filter(|sample| sample.quality == Quality::AfterGap)
        .map(|sample| sample.t_s)
        .collect();
    assert_eq!(marked, [3.0]);
}

#[tokio::test(start_paused = true)]
async fn a_held_clock_holds_the_flight() {
    let (link, mut heard) = open(&recording(10), 1_000);
    release(&link, 1.0).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    link.pad(Pad::Clock {
        t_s: 5.0,
        rate: 0.0,
    })
    .await
    .unwrap();
    tokio::time::sleep(Duration::from_secs(1_000)).await;
    let started = Instant::now();
    link.pad(Pad::Clock {
        t_s: 5.0,
        rate: 1.0,
    })
    .await
    .unwrap();
    let messages = all(&mut heard).await;
    let took_s = started.elapsed().as_secs_f64();
    assert_eq!(samples(&messages).len(), 92);
    assert!((took_s - 5.0).abs() < 0.1, "the rest took {took_s} s");
}

#[tokio::test(start_paused = true)]
async fn a_recording_takes_no_orders() {
    let (link, _heard) = open(&recording(5), 1_000);
    let command = Command {
        id: "1".into(),
        order: Order::Destroy,
        valid_for: Duration::from_secs(1),
    };
    let error = link
        .command(&ModuleId::new("vehicle").unwrap(), command)
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "a replayed vehicle takes no orders");
    assert!(!link.reports_events());
}
