//! On-board computers as processes of their own.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use portique::Processes;
use portique_clock::WallClock;
use portique_flight::{Phase, Vehicle};
use portique_launch::link::{DOWNLINK_MESSAGES_MAX, SimulationOptions, Vehicles, VehiclesOptions};
use portique_launch::{
    Answer, Command, Connector, Downlink, InjectedFault, Link, LinkKind, ModuleId, Order, Received,
    RocketId,
};
use rustix::process::{Pid, Signal, kill_process};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;

use crate::hub_process::{complaint, portique};

/// Processes start in tens of milliseconds; a loaded machine gets this long.
const PATIENCE: Duration = Duration::from_secs(60);

/// The vehicle link's half of a hub, with real processes behind it.
struct Pad {
    link: Arc<dyn Link>,
    downlink: mpsc::Receiver<Received>,
    url: String,
    stop: CancellationToken,
}

impl Pad {
    async fn new() -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let listener = TcpListener::bind(address).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let executable = env!("CARGO_BIN_EXE_portique");
        let vehicles = Vehicles::new(VehiclesOptions {
            clock: Arc::new(WallClock::new()),
            attach_token: String::new(),
            host: Arc::new(Processes::new(executable, url.clone())),
            simulation: SimulationOptions::default(),
        });
        let stop = CancellationToken::new();
        let serve = Server::builder()
            .add_routes(vehicles.grpc_routes())
            .serve_with_incoming_shutdown(
                TcpIncoming::from(listener).with_nodelay(Some(true)),
                stop.clone().cancelled_owned(),
            );
        tokio_util::task::TaskTracker::new().spawn(serve);
        let (sender, downlink) = mpsc::channel(DOWNLINK_MESSAGES_MAX);
        let vehicle = Vehicle::named("reference").unwrap();
        let rocket = RocketId::new("real").unwrap();
        let link = vehicles
            .connect(&rocket, &vehicle, &LinkKind::Simulated, sender)
            .await
            .unwrap();
        let mut pad = Self {
            link,
            downlink,
            url,
            stop,
        };
        let mut up = 0;
        pad.until("three processes are up", |message| {
            up += u32::from(matches!(message, Downlink::Up(_)));
            up == 3
        })
        .await;
        pad
    }

    async fn until(&mut self, what: &str, mut done: impl FnMut(&Downlink) -> bool) {
        let work = async {
            while let Some(received) = self.downlink.recv().await {
                if done(&received.message) {
                    return;
                }
            }
            panic!("the link was closed before: {what}");
        };
        if tokio::time::timeout(PATIENCE, work).await.is_err() {
            panic!("waited in vain: {what}");
        }
    }

    async fn order(&self, id: &str, order: Order) -> Answer {
        let valid_for = Duration::from_secs(10);
        let command = Command {
            id: id.into(),
            order,
            valid_for,
        };
        self.link.command(&booster(), command).await.unwrap()
    }

    /// The processes that serve this hub, by their module.
    fn processes(&self) -> BTreeMap<String, i32> {
        let mut found = BTreeMap::new();
        for entry in fs::read_dir("/proc").unwrap().flatten() {
            let Ok(pid) = entry.file_name().to_string_lossy().parse() else {
                continue;
            };
            // A process may end between the listing and the reading.
            let line = fs::read_to_string(entry.path().join("cmdline")).unwrap_or_default();
            let words: Vec<&str> = line.split('\0').collect();
            if words.contains(&self.url.as_str())
                && let Some(at) = words.iter().position(|word| *word == "--module")
            {
                found.insert(words[at + 1].to_owned(), pid);
            }
        }
        found
    }
}

fn booster() -> ModuleId {
    ModuleId::new("booster").unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_computer_is_started_again_and_goes_on_where_it_was() {
    let mut pad = Pad::new().await;
    assert_eq!(
        pad.order("power", Order::InternalPower).await,
        Answer::Accepted
    );
    pad.until("the phase is heard", |message| {
        matches!(message, Downlink::Sample(from, s)
            if *from == booster() && s.phase == Phase::InternalPower)
    })
    .await;
    let before = pad.processes();
    assert_eq!(before.len(), 3, "{before:?}");
    kill_process(Pid::from_raw(before["booster"]).unwrap(), Signal::KILL).unwrap();

    let (mut told, mut up) = (false, false);
    pad.until("the end is told and the computer is back", |message| {
        told |= matches!(message, Downlink::Down(from, why)
            if *from == booster() && why.contains("signal"));
        up |= told && matches!(message, Downlink::Up(from) if *from == booster());
        told && up
    })
    .await;
    pad.until("it is in its phase", |message| {
        matches!(message, Downlink::Sample(from, s)
            if *from == booster() && s.healthy && s.phase == Phase::InternalPower)
    })
    .await;
    let after = pad.processes();
    assert_ne!(before["booster"], after["booster"]);
    assert_eq!(
        (before["stage2"], before["payload"]),
        (after["stage2"], after["payload"])
    );
    pad.link.close().await;
    assert!(pad.processes().is_empty(), "nothing is left behind");
    pad.stop.cancel();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_destroyed_computer_ends_and_stays_away_and_its_log_was_collected() {
    let mut pad = Pad::new().await;
    let crash = Order::Inject {
        fault: InjectedFault::TelemetryCrash,
    };
    assert_eq!(pad.order("crash", crash).await, Answer::Accepted);
    pad.until("the process's own words are in the log", |message| {
        matches!(message, Downlink::Log(from, line)
            if *from == booster() && line.contains("crash ordered"))
    })
    .await;
    assert_eq!(pad.order("destroy", Order::Destroy).await, Answer::Accepted);
    pad.until(
        "the telemetry ends",
        |message| matches!(message, Downlink::Ended(from, _) if *from == booster()),
    )
    .await;
    // Its process follows; two more restarts' worth of samples show that none is started again.
    let mut others = 0;
    pad.until("the others go on", |message| {
        if let Downlink::Up(from) = message {
            panic!("{from} came back");
        }
        others += u32::from(matches!(message, Downlink::Sample(..)));
        others == 20
    })
    .await;
    assert!(!pad.processes().contains_key("booster"));
    pad.link.close().await;
    pad.stop.cancel();
}

#[test]
fn a_module_without_a_hub_says_so_with_its_status() {
    let module = ["module", "--rocket", "real", "--module", "booster", "--hub"];
    let run = |more: &[&str], token: &str| {
        portique(&[&module[..], more].concat())
            .env("PORTIQUE_MODULE_TOKEN", token)
            .output()
            .unwrap()
    };
    // Port 9 is the discard service, which nobody runs on loopback.
    let lost = run(&["http://127.0.0.1:9", "--exit-when-lost", "1"], "secret");
    assert_eq!(lost.status.code(), Some(4), "{}", complaint(&lost));
    let tokenless = run(&["http://127.0.0.1:9"], "");
    assert_eq!(tokenless.status.code(), Some(2));
    assert!(
        complaint(&tokenless).contains("PORTIQUE_MODULE_TOKEN"),
        "{}",
        complaint(&tokenless)
    );
    let nowhere = run(&["not an address"], "secret");
    assert_eq!(nowhere.status.code(), Some(2), "{}", complaint(&nowhere));
}
