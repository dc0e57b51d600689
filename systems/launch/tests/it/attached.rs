//! Modules that somebody attaches by hand.

use std::sync::Arc;
use std::time::Duration;

use portique_clock::{SimulatedClock, Timestamp, WallClock};
use portique_launch::link::Assignment;
use portique_launch::onboard::{self, ComputerOptions, Outcome};
use portique_launch::{Answer, Downlink, InjectedFault, LinkFault, LinkKind, ModuleId, Order};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::rig::{ATTACH_TOKEN, PATIENCE, Rig, computer, rocket};

fn camera(ground: &str, token: &str) -> ComputerOptions {
    let assignment = Assignment {
        rocket: rocket(),
        module: ModuleId::new("camera").unwrap(),
        token: token.into(),
    };
    ComputerOptions {
        lost_after: None,
        ..computer(&assignment, ground)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_camera_is_heard_and_refuses_what_it_cannot_do() {
    let mut rig = Rig::new(&LinkKind::Remote).await;
    let stop = CancellationToken::new();
    let tracker = TaskTracker::new();
    let options = camera(&rig.ground, ATTACH_TOKEN);
    let run = tracker.spawn(onboard::run(
        options,
        Arc::new(WallClock::new()),
        stop.clone(),
    ));

    rig.until("the camera is up", |message| {
        matches!(message, Downlink::Up(_))
    })
    .await;
    rig.until_sample("camera", "its heartbeat", |sample| sample.healthy)
        .await;
    for order in [
        Order::Stage,
        Order::Destroy,
        Order::Inject {
            fault: InjectedFault::DenseAir,
        },
        // Its link is a real one.
        Order::Inject {
            fault: InjectedFault::Link(LinkFault::default()),
        },
    ] {
        let answer = rig.order("camera", order).await.unwrap();
        assert!(matches!(answer, Answer::Refused { .. }), "{answer:?}");
    }
    stop.cancel();
    assert_eq!(run.await.unwrap().unwrap(), Outcome::Stopped);
    rig.until("the camera is missed", |message| {
        matches!(message, Downlink::Down(..))
    })
    .await;
    rig.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_token_is_refused_for_good() {
    let rig = Rig::new(&LinkKind::Remote).await;
    let options = camera(&rig.ground, "guessed");
    let run = onboard::run(
        options,
        Arc::new(WallClock::new()),
        CancellationToken::new(),
    );
    let outcome = tokio::time::timeout(PATIENCE, run).await.unwrap().unwrap();
    assert!(
        matches!(&outcome, Outcome::Refused(reason) if reason.contains("camera")),
        "{outcome:?}"
    );
    rig.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_takes_the_name_of_a_module_that_the_hub_runs() {
    let mut rig = Rig::simulated().await;
    let options = ComputerOptions {
        module: ModuleId::new("booster").unwrap(),
        ..camera(&rig.ground, ATTACH_TOKEN)
    };
    let run = onboard::run(
        options,
        Arc::new(WallClock::new()),
        CancellationToken::new(),
    );
    let outcome = tokio::time::timeout(PATIENCE, run).await.unwrap().unwrap();
    assert!(
        matches!(&outcome, Outcome::Refused(reason) if reason.contains("booster")),
        "{outcome:?}"
    );
    assert_eq!(
        rig.order("booster", Order::InternalPower).await.unwrap(),
        Answer::Accepted,
        "the hub's own computer holds its seat"
    );
    rig.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_module_whose_wall_clock_is_years_off_takes_orders() {
    let mut rig = Rig::new(&LinkKind::Remote).await;
    let stop = CancellationToken::new();
    let clock = Arc::new(SimulatedClock::new(Timestamp::EPOCH));
    let run = onboard::run(camera(&rig.ground, ATTACH_TOKEN), clock, stop.clone());
    let run = TaskTracker::new().spawn(run);
    rig.until("the camera is up", |message| {
        matches!(message, Downlink::Up(_))
    })
    .await;
    match rig.order("camera", Order::Stage).await.unwrap() {
        Answer::Refused { reason } => assert!(reason.contains("has no stage"), "{reason}"),
        Answer::Accepted => panic!("a camera has no stages"),
    }
    stop.cancel();
    run.await.unwrap().unwrap();
    rig.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_computer_without_a_ground_ends_when_told_how_long_to_wait() {
    let options = ComputerOptions {
        lost_after: Some(Duration::from_millis(100)),
        ..camera("http://127.0.0.1:9", ATTACH_TOKEN)
    };
    let run = onboard::run(
        options,
        Arc::new(WallClock::new()),
        CancellationToken::new(),
    );
    let outcome = tokio::time::timeout(PATIENCE, run).await.unwrap().unwrap();
    assert_eq!(outcome, Outcome::GroundLost);
}
