//! The ground's end against a module that says whatever a test tells it to.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Mutex;

use futures_util::Stream;
use portique_clock::{SimulatedClock, Timestamp};
use portique_flight::EventKind;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response};

use super::*;
use crate::link::outlet::Outlet;
use crate::rpc::downlink::Message;
use crate::rpc::module_server::{Module, ModuleServer};
use crate::{ModuleId, Received, RocketId};

type Said = Pin<Box<dyn Stream<Item = Result<rpc::Downlink, Status>> + Send>>;

/// Says one script for each subscription, then hangs up; the last stream stays open.
struct Scripted {
    scripts: Mutex<VecDeque<Vec<rpc::Downlink>>>,
}

#[tonic::async_trait]
impl Module for Scripted {
    type TelemetryStream = Said;

    async fn execute(&self, _: Request<rpc::Command>) -> Result<Response<rpc::Answer>, Status> {
        Err(Status::unimplemented("it only talks"))
    }

    async fn telemetry(&self, _: Request<rpc::TelemetryRequest>) -> Result<Response<Said>, Status> {
        use futures_util::StreamExt;
        let mut scripts = self.scripts.lock().unwrap();
        let script = scripts.pop_front().unwrap_or_default();
        let said = futures_util::stream::iter(script.into_iter().map(Ok));
        if scripts.is_empty() {
            return Ok(Response::new(Box::pin(
                said.chain(futures_util::stream::pending()),
            )));
        }
        Ok(Response::new(Box::pin(said)))
    }
}

/// Everything that launch control hears of `module` until it says that it ended.
async fn heard_of(module: &str, scripts: Vec<Vec<rpc::Downlink>>) -> Vec<Downlink> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let stop = CancellationToken::new();
    let service = Scripted {
        scripts: Mutex::new(scripts.into()),
    };
    let serve = Server::builder()
        .add_service(ModuleServer::new(service))
        .serve_with_incoming_shutdown(TcpIncoming::from(listener), stop.clone().cancelled_owned());
    tokio_util::task::TaskTracker::new().spawn(serve);

    let (downlink, mut heard) = mpsc::channel::<Received>(1_000);
    let clock = std::sync::Arc::new(SimulatedClock::new(Timestamp::EPOCH));
    let outlet = Outlet::new(RocketId::new("demo").unwrap(), clock, downlink);
    let module = ModuleId::new(module).unwrap();
    let presence = Presence::new(module, Arc::new(outlet), false);
    let address = Address::new(endpoint, "secret".into()).unwrap();
    let uplink = Uplink::new(Arc::new(presence), Arc::default(), 10.0, address);
    tokio::time::timeout(Duration::from_secs(30), uplink.listen())
        .await
        .expect("the module ends");
    stop.cancel();
    let mut messages = Vec::new();
    while let Ok(received) = heard.try_recv() {
        messages.push(received.message);
    }
    messages
}

fn message(sequence: u64, incarnation: u64, message: Message) -> rpc::Downlink {
    rpc::Downlink {
        sequence,
        incarnation,
        message: Some(message),
    }
}

fn event(kind: EventKind, about: &str) -> Message {
    Message::Event(rpc::Event {
        kind: kind.to_string(),
        module: about.into(),
        ..rpc::Event::default()
    })
}

fn sample(t_s: f64, altitude_m: f64) -> Message {
    Message::Sample(rpc::Sample {
        t_s,
        altitude_m,
        phase: "ascent".into(),
        ..rpc::Sample::default()
    })
}

fn ended(sequence: u64) -> rpc::Downlink {
    message(sequence, 9, Message::Ended("over".into()))
}

fn events(messages: &[Downlink]) -> Vec<(&str, EventKind)> {
    let mut told = Vec::new();
    for message in messages {
        if let Downlink::Event(module, event) = message {
            told.push((module.as_str(), event.kind));
        }
    }
    told
}

#[tokio::test]
async fn a_module_speaks_for_itself_only() {
    let script = |first: EventKind| {
        vec![
            message(1, 9, event(EventKind::Landed, "booster")),
            message(2, 9, event(EventKind::Detached, "invented")),
            message(3, 9, event(first, "")),
            message(4, 9, event(EventKind::Detached, "payload")),
            ended(5),
        ]
    };
    let camera = heard_of("camera", vec![script(EventKind::Startup)]).await;
    assert_eq!(events(&camera), [("camera", EventKind::Startup)]);
    let says_why = |message: &Downlink| matches!(message, Downlink::Log(from, line) if from.as_str() == "camera" && line.contains("booster"));
    assert!(camera.iter().any(says_why), "{camera:?}");

    let stage2 = heard_of("stage2", vec![script(EventKind::Startup)]).await;
    let expected = [
        ("stage2", EventKind::Startup),
        ("payload", EventKind::Detached),
    ];
    assert_eq!(
        events(&stage2),
        expected,
        "a stage lets go of its neighbour"
    );
}

#[tokio::test]
async fn bad_messages_are_dropped_and_counted_and_the_line_holds() {
    let mut script: Vec<_> = (0..100)
        .map(|_| message(0, 0, sample(f64::NAN, 1.0)))
        .collect();
    script.push(message(0, 0, sample(1.0, f64::INFINITY)));
    script.push(message(0, 0, sample(2.0, 1_234.0)));
    script.push(ended(1));
    let heard = heard_of("booster", vec![script]).await;
    let count = |what: fn(&Downlink) -> bool| heard.iter().filter(|m| what(m)).count();
    assert_eq!(count(|m| matches!(m, Downlink::Up(_))), 1);
    assert_eq!(count(|m| matches!(m, Downlink::Down(..))), 0);
    assert_eq!(count(|m| matches!(m, Downlink::Sample(..))), 1);
    assert_eq!(
        count(|m| matches!(m, Downlink::Log(..))),
        7,
        "1, 2, 4 to 64"
    );
}

#[tokio::test]
async fn texts_are_cut_and_events_with_odd_names_are_dropped() {
    let mut odd = rpc::Event {
        kind: EventKind::Landed.to_string(),
        ..rpc::Event::default()
    };
    odd.values.insert("x".repeat(65), 1.0);
    let script = vec![
        message(1, 9, Message::Event(odd)),
        message(
            0,
            0,
            Message::Log(format!("\u{1b}[2J{}", "é".repeat(100_000))),
        ),
        ended(2),
    ];
    let heard = heard_of("booster", vec![script]).await;
    assert_eq!(events(&heard), []);
    for message in &heard {
        if let Downlink::Log(_, line) = message {
            assert!(line.len() <= 2_048 && !line.contains('\u{1b}'));
        }
    }
}

#[tokio::test]
async fn each_event_is_told_once_also_by_a_module_that_counts_anew() {
    let before = vec![
        message(1, 7, event(EventKind::InternalPower, "")),
        message(2, 7, event(EventKind::Startup, "")),
    ];
    let again = vec![
        message(1, 7, event(EventKind::InternalPower, "")),
        message(2, 7, event(EventKind::Startup, "")),
    ];
    let anew = vec![message(1, 9, event(EventKind::Liftoff, "")), ended(2)];
    let heard = heard_of("booster", vec![before, again, anew]).await;
    let expected = [
        ("booster", EventKind::InternalPower),
        ("booster", EventKind::Startup),
        ("booster", EventKind::Liftoff),
    ];
    assert_eq!(events(&heard), expected);
}
