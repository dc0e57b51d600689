//! The vehicle link end to end: hub, world and modules over gRPC on loopback.

use std::time::{Duration, Instant};

use portique_flight::{EventKind, Phase};
use portique_launch::{
    Answer, Command, Downlink, InjectedFault, LinkError, LinkFault, LinkKind, ModuleId, Order, Pad,
    Quality, Sample,
};

use crate::rig::Rig;

/// As fast as the machine allows.
const FAST: f64 = 10_000.0;

fn inject(fault: InjectedFault) -> Order {
    Order::Inject { fault }
}

fn is_event(message: &Downlink, module: &str, kind: EventKind) -> bool {
    matches!(message, Downlink::Event(from, event) if from.as_str() == module && event.kind == kind)
}

fn reason(answer: Answer) -> String {
    match answer {
        Answer::Refused { reason } => reason,
        Answer::Accepted => panic!("accepted, but should have been refused"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn control_goes_on_when_telemetry_crashes() {
    let mut rig = Rig::simulated().await;
    assert_eq!(
        rig.order("booster", inject(InjectedFault::TelemetryCrash))
            .await
            .unwrap(),
        Answer::Accepted
    );
    // No wait: whether telemetry is down or back already, orders are answered.
    assert_eq!(
        rig.order("booster", Order::InternalPower).await.unwrap(),
        Answer::Accepted
    );
    let (mut said, mut told) = (false, 0);
    rig.until("telemetry is back, and control went on", |message| {
        told += u32::from(is_event(message, "booster", EventKind::InternalPower));
        match message {
            Downlink::Interrupted(from, _) => {
                said |= from.as_str() == "booster";
                false
            }
            Downlink::Sample(from, sample) => {
                from.as_str() == "booster" && said && sample.phase == Phase::InternalPower
            }
            _ => false,
        }
    })
    .await;
    assert_eq!(
        told, 1,
        "an event of the time without telemetry is told, and only once"
    );
    rig.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn telemetry_goes_on_when_control_crashes_and_control_comes_back_where_it_was() {
    let mut rig = Rig::simulated().await;
    assert_eq!(
        rig.order("stage2", Order::InternalPower).await.unwrap(),
        Answer::Accepted
    );
    assert_eq!(
        rig.order("stage2", inject(InjectedFault::ControlCrash))
            .await
            .unwrap(),
        Answer::Accepted
    );
    rig.until_sample("stage2", "telemetry says that control is down", |s| {
        !s.healthy
    })
    .await;
    rig.until_sample("stage2", "control is back", |sample| {
        sample.healthy && sample.phase == Phase::InternalPower
    })
    .await;
    assert_eq!(
        rig.order("stage2", Order::Startup).await.unwrap(),
        Answer::Accepted
    );
    assert!(
        rig.host.exits.lock().unwrap().is_empty(),
        "the computer itself never ended"
    );
    rig.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_is_executed_once_whatever_the_link_does() {
    let mut rig = Rig::simulated().await;
    let module = ModuleId::new("payload").unwrap();
    let command = |id: &str, order: Order| Command {
        id: id.into(),
        order,
        valid_for: Duration::from_secs(5),
    };
    let first = rig
        .link
        .command(&module, command("a", Order::InternalPower))
        .await
        .unwrap();
    let again = rig
        .link
        .command(&module, command("a", Order::InternalPower))
        .await
        .unwrap();
    let new = rig
        .link
        .command(&module, command("b", Order::InternalPower))
        .await
        .unwrap();
    assert_eq!((first, again), (Answer::Accepted, Answer::Accepted));
    assert!(
        reason(new).contains("internal_power"),
        "a new id is judged by the new phase"
    );

    // The computer restarts; the ids that it answered stay answered.
    let crash = command("c", inject(InjectedFault::ComputerCrash));
    assert_eq!(
        rig.link.command(&module, crash.clone()).await.unwrap(),
        Answer::Accepted
    );
    rig.until(
        "the computer is gone",
        |message| matches!(message, Downlink::Down(from, _) if *from == module),
    )
    .await;
    rig.until(
        "it is back",
        |message| matches!(message, Downlink::Up(from) if *from == module),
    )
    .await;
    assert_eq!(
        rig.link.command(&module, crash).await.unwrap(),
        Answer::Accepted
    );
    let again = rig
        .link
        .command(&module, command("a", Order::InternalPower))
        .await
        .unwrap();
    assert_eq!(again, Answer::Accepted);
    rig.until_sample("payload", "the phase survived", |s| {
        s.phase == Phase::InternalPower
    })
    .await;
    assert_eq!(
        rig.host.exits.lock().unwrap().len(),
        1,
        "it crashed once, not twice"
    );
    rig.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_done_is_refused_with_a_reason() {
    let mut rig = Rig::simulated().await;
    let late = Command {
        id: "late".into(),
        order: Order::InternalPower,
        valid_for: Duration::from_nanos(1),
    };
    match rig
        .link
        .command(&ModuleId::new("booster").unwrap(), late)
        .await
    {
        Ok(answer) => assert!(reason(answer).contains("too late")),
        Err(LinkError::TimedOut { .. }) => {}
        Err(other) => panic!("{other}"),
    }
    rig.until_sample("booster", "nothing changed", |s| s.phase == Phase::Safe)
        .await;

    let refused = rig.order("payload", Order::DeployPayload).await.unwrap();
    assert!(
        reason(refused).contains("safe"),
        "the reason names the phase"
    );
    let refused = rig.order("payload", Order::StartEngines).await.unwrap();
    assert!(reason(refused).contains("booster"));
    let error = rig.order("camera", Order::Safe).await.unwrap_err();
    assert!(error.to_string().contains("camera"), "{error}");
    let error = rig.link.pad(Pad::Release).await.unwrap_err();
    assert!(error.to_string().contains("clamps"), "{error}");
    rig.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_id_that_was_used_for_another_order_is_refused() {
    let rig = Rig::simulated().await;
    let payload = ModuleId::new("payload").unwrap();
    let command = |order: Order| Command {
        id: "one".into(),
        order,
        valid_for: Duration::from_secs(5),
    };
    let first = command(Order::InternalPower);
    assert_eq!(
        rig.link.command(&payload, first).await.unwrap(),
        Answer::Accepted
    );
    let second = command(Order::Destroy);
    let refused = reason(rig.link.command(&payload, second).await.unwrap());
    assert!(refused.contains("internal_power"), "{refused}");
    rig.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_spoilt_link_is_slow_and_lossy_both_ways_until_it_is_sound() {
    let mut rig = Rig::simulated().await;
    let spoil = |fault| inject(InjectedFault::Link(fault));
    let slow = LinkFault {
        latency_ms: 600,
        ..LinkFault::default()
    };
    let round_trip = |sample: &Sample| sample.parameters.value("link_round_trip_seconds", None);
    let sent = Instant::now();
    assert_eq!(
        rig.order("stage2", spoil(slow)).await.unwrap(),
        Answer::Accepted
    );
    assert!(
        sent.elapsed() < Duration::from_millis(600),
        "it is made on the ground"
    );
    let sent = Instant::now();
    let power = rig.order("stage2", Order::InternalPower).await.unwrap();
    assert_eq!(power, Answer::Accepted);
    assert!(
        sent.elapsed() >= Duration::from_millis(1_200),
        "there and back"
    );
    rig.until_sample("stage2", "the computer measures it", |sample| {
        round_trip(sample) >= Some(1.2)
    })
    .await;

    // Nothing comes through: neither orders nor events, which are there when the link is sound again.
    let lost = LinkFault {
        loss: 1.0,
        ..LinkFault::default()
    };
    rig.order("stage2", spoil(lost)).await.unwrap();
    let error = rig.order("stage2", Order::Startup).await.unwrap_err();
    assert!(matches!(error, LinkError::TimedOut { .. }), "{error}");
    rig.until(
        "the silence is noticed",
        |message| matches!(message, Downlink::Down(from, _) if from.as_str() == "stage2"),
    )
    .await;
    assert_eq!(
        rig.order("booster", Order::InternalPower).await.unwrap(),
        Answer::Accepted
    );
    let sound = LinkFault::default();
    rig.order("stage2", spoil(sound)).await.unwrap();
    assert_eq!(
        rig.order("stage2", Order::Startup).await.unwrap(),
        Answer::Accepted
    );
    rig.until("its events arrive", |message| {
        is_event(message, "stage2", EventKind::Startup)
    })
    .await;
    rig.until_sample("stage2", "the computer measures that too", |sample| {
        round_trip(sample) < Some(0.5)
    })
    .await;
    assert!(
        rig.host.exits.lock().unwrap().is_empty(),
        "no computer ended for it"
    );
    rig.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frozen_sensors_are_marked_as_frozen() {
    let mut rig = Rig::simulated().await;
    rig.lift_off(20.0).await;
    let flying = rig
        .until_sample("booster", "well on its way", |s| s.t_s > 20.0)
        .await;
    assert_eq!(flying.quality, Quality::Good);
    let freeze = inject(InjectedFault::FrozenSensors);
    assert_eq!(
        rig.order("booster", freeze).await.unwrap(),
        Answer::Accepted
    );
    let frozen = rig
        .until_sample("booster", "the freeze is seen", |s| {
            s.quality == Quality::Frozen
        })
        .await;
    assert!(frozen.t_s > flying.t_s + 0.5, "its clock goes on");
    rig.until_sample("stage2", "the neighbour still measures", |s| {
        s.t_s > frozen.t_s + 1.0 && s.quality == Quality::Good
    })
    .await;
    rig.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_out_and_dense_air_show_in_the_telemetry() {
    let mut rig = Rig::simulated().await;
    rig.lift_off(20.0).await;
    let flying = rig
        .until_sample("booster", "in the thick air", |s| s.t_s > 30.0)
        .await;
    assert!(flying.healthy);
    let out = inject(InjectedFault::EngineOut);
    assert_eq!(rig.order("booster", out).await.unwrap(), Answer::Accepted);
    rig.until_sample("booster", "one engine fewer, and not well", |s| {
        s.engines_running + 1 == flying.engines_running && !s.healthy
    })
    .await;
    let before = rig.until_sample("stage2", "a last reading", |_| true).await;
    let dense = inject(InjectedFault::DenseAir);
    assert_eq!(rig.order("stage2", dense).await.unwrap(), Answer::Accepted);
    rig.until_sample("stage2", "far more pressure at once", |s| {
        s.dynamic_pressure_pa > before.dynamic_pressure_pa * 1.3 && s.t_s < before.t_s + 20.0
    })
    .await;
    rig.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_whole_flight_lands_and_delivers() {
    let mut rig = Rig::simulated().await;
    rig.lift_off(FAST).await;
    fly_to_the_end(&mut rig).await;
    assert!(rig.host.exits.lock().unwrap().is_empty());
    rig.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn computers_that_crash_in_flight_fly_on_from_memory() {
    let mut rig = Rig::simulated().await;
    rig.lift_off(FAST).await;
    rig.until_sample("booster", "well on its way", |s| s.t_s > 30.0)
        .await;
    let crash = inject(InjectedFault::ComputerCrash);
    assert_eq!(rig.order("booster", crash).await.unwrap(), Answer::Accepted);
    rig.until("the others see the end of the ascent", |message| {
        is_event(message, "stage2", EventKind::Ses1)
    })
    .await;
    let crash = inject(InjectedFault::ControlCrash);
    assert_eq!(rig.order("stage2", crash).await.unwrap(), Answer::Accepted);
    fly_to_the_end(&mut rig).await;
    assert_eq!(rig.host.exits.lock().unwrap().len(), 1);
    rig.close().await;
}

/// Reads until the booster stands and the payload is free.
async fn fly_to_the_end(rig: &mut Rig) {
    let (mut landed, mut delivered) = (false, false);
    rig.until_in_flight("landed and delivered", |message| {
        if let Downlink::Ended(module, reason) = message {
            panic!("{module} ended: {reason}");
        }
        landed |= is_event(message, "booster", EventKind::Landed);
        delivered |= is_event(message, "payload", EventKind::PayloadSeparation);
        landed && delivered
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_module_without_its_computer_does_not_stop_the_others() {
    let mut rig = Rig::new(&LinkKind::Simulated).await;
    rig.until("all are up", {
        let mut up = 0;
        move |message| {
            up += u32::from(matches!(message, Downlink::Up(_)));
            up == 3
        }
    })
    .await;
    rig.lift_off(FAST).await;
    let before = rig
        .until_sample("stage2", "in flight", |s| s.t_s > 5.0)
        .await
        .t_s;
    rig.host.hold("booster");
    let crash = inject(InjectedFault::ComputerCrash);
    assert_eq!(rig.order("booster", crash).await.unwrap(), Answer::Accepted);
    rig.until(
        "the booster's computer is gone",
        |message| matches!(message, Downlink::Down(from, _) if from.as_str() == "booster"),
    )
    .await;
    rig.until_sample("stage2", "the flight goes on", |s| s.t_s > before + 10.0)
        .await;
    assert!(rig.order("booster", Order::Stage).await.is_err());
    rig.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn destruction_is_answered_first_detaches_the_healthy_and_ends_the_telemetry() {
    let mut rig = Rig::simulated().await;
    rig.lift_off(FAST).await;
    rig.until_sample("booster", "in flight", |s| s.t_s > 20.0)
        .await;
    assert_eq!(
        rig.order("booster", Order::Destroy).await.unwrap(),
        Answer::Accepted
    );

    let mut told = Vec::new();
    let end = rig
        .until_in_flight("the booster's end", |message| {
            match message {
                Downlink::Event(module, event) => told.push((module.to_string(), event.kind)),
                Downlink::Ended(module, _) => return module.as_str() == "booster",
                _ => {}
            }
            false
        })
        .await;
    assert!(matches!(end, Downlink::Ended(_, reason) if reason.contains("destroyed")));
    let place = |module: &str, kind| told.iter().position(|(m, k)| m == module && *k == kind);
    let detached = place("stage2", EventKind::Detached).expect("stage2 was detached");
    let destroyed = place("booster", EventKind::Destroyed).expect("the booster told its end");
    assert!(detached < destroyed, "{told:?}");

    let after = rig
        .until_sample("stage2", "stage2 is heard", |s| s.healthy)
        .await;
    rig.until_sample("stage2", "stage2 flies on", |s| s.t_s > after.t_s + 5.0)
        .await;
    let error = rig.order("booster", Order::Safe).await.unwrap_err();
    assert!(error.to_string().contains("ended"), "{error}");
    assert_eq!(
        rig.order("payload", Order::Destroy).await.unwrap(),
        Answer::Accepted
    );
    rig.close().await;
}
