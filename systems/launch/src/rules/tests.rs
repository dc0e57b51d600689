//! The rules over whole flights, nominal and with each fault, at one flight second per second.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use portique_clock::{Clock, Seeded, SimulatedClock, Timestamp};
use portique_flight::{Body, Fault, FlyOptions, Order, Phase, Vehicle, fly};
use portique_monitor::{
    Actions, Alert, AlertState, Engine, EngineOptions, PromQl, RuleDefaults, Surroundings,
    read_rule_file,
};
use portique_series::{Labels, Sink, Store};
use tempfile::TempDir;

use super::RULE_FILES;
use crate::link::{Freeze, Lane, Medium};
use crate::onboard::simulated_sample;
use crate::service::{Books, Reflexes};
use crate::{LinkFault, LinkKind, ModuleId, Parameter, Quality, RocketId, Sample};

/// Lift-off, on the wall.
const LIFTOFF: Timestamp = Timestamp::from_millis(1_767_225_600_000);

/// A store, the rules before it, and what they said.
struct Watched {
    clock: Arc<SimulatedClock>,
    store: Store,
    books: Books,
    engine: Engine,
    language: PromQl,
    said: Vec<(f64, Alert)>,
    calls: BTreeSet<String>,
    _folder: TempDir,
}

impl Watched {
    fn open(vehicle: &Vehicle) -> Self {
        let folder = TempDir::new().unwrap();
        let clock = Arc::new(SimulatedClock::new(LIFTOFF));
        let config = portique_series::Config::default();
        let store = Store::open(config, folder.path(), clock.clone(), &mut Seeded::new(1)).unwrap();
        let promql = portique_promql::Engine::new(portique_promql::Config::default());
        let language = PromQl::new(Arc::new(promql));
        let mut engine = Engine::new(EngineOptions::default());
        let actions = Reflexes::for_tests().actions();
        let defaults = RuleDefaults {
            actions: Some(Actions::new(actions)),
            ..RuleDefaults::default()
        };
        let files = RULE_FILES.iter();
        let groups = files.flat_map(|(name, text)| {
            read_rule_file(name, text, &language, &defaults).unwrap_or_else(|all| panic!("{all:?}"))
        });
        engine.load(groups.collect(), LIFTOFF);
        let rocket = RocketId::new("demo").unwrap();
        Self {
            clock,
            store,
            books: Books::new(&rocket, vehicle, &LinkKind::Simulated),
            engine,
            language,
            said: Vec::new(),
            calls: BTreeSet::new(),
            _folder: folder,
        }
    }

    fn hear(&mut self, module: &ModuleId, sample: &Sample) {
        let now = LIFTOFF.plus(Duration::from_secs_f64(sample.t_s.max(0.0)));
        self.clock.advance(now.since(self.clock.now()));
        let batch = self.books.sample(module, sample, now.as_millis());
        let submitted = Sink::submit(&self.store, batch).unwrap();
        drop(submitted);
        for series in batch.iter() {
            let at_ms = series.timestamps()[0];
            let labels = series.to_labels();
            self.engine.appended(&labels, at_ms, &series.value(0), now);
        }
        self.evaluate(sample.t_s, now);
    }

    fn end(&mut self, module: &ModuleId, t_s: f64) {
        let at_ms = LIFTOFF.as_millis() + (t_s * 1e3) as i64 + 1;
        let batch = self.books.end(module, at_ms);
        let _ = Sink::submit(&self.store, batch).unwrap();
    }

    fn evaluate(&mut self, t_s: f64, now: Timestamp) {
        let work = self.engine.tick(now);
        for due in work.due.into_iter().flatten() {
            let surroundings = Surroundings {
                language: &self.language,
                external_labels: &Labels::empty(),
                external_url: "",
            };
            let evaluated = due.evaluate(&self.store, &surroundings);
            let outcome = self.engine.conclude(evaluated, Duration::ZERO, now);
            let alerts = outcome.alerts.into_iter();
            self.said.extend(alerts.map(|alert| (t_s, alert)));
            let calls = outcome.calls.into_iter();
            self.calls.extend(calls.map(|call| call.action.to_string()));
        }
    }

    /// What began to fire: rule and module, and when first.
    fn fired(&self) -> BTreeMap<String, f64> {
        let mut fired = BTreeMap::new();
        for (t_s, alert) in &self.said {
            if alert.state == AlertState::Firing {
                let label = |name| alert.labels.get(name).unwrap_or_default();
                let name = format!("{} {}", label("alertname"), label("module"));
                fired.entry(name).or_insert(*t_s);
            }
        }
        fired
    }
}

/// Flies and listens as the ground would, twice a second from this time on.
fn fly_watched(vehicle: &Vehicle, options: &FlyOptions, from_s: f64) -> Watched {
    let flight = fly(vehicle, options);
    let mut watched = Watched::open(vehicle);
    let mut points: Vec<_> = flight
        .tracks
        .iter()
        .flat_map(|track| {
            track
                .points
                .iter()
                .step_by(5)
                .map(|point| (track.body, point))
        })
        .filter(|(_, point)| point.sensors.t_s >= from_s)
        .collect();
    // Each track is in the order of time, and the tracks are one behind the other.
    let ends_s: BTreeMap<Body, f64> = points
        .iter()
        .map(|(body, point)| (*body, point.sensors.t_s))
        .collect();
    points.sort_by(|a, b| a.1.sensors.t_s.total_cmp(&b.1.sensors.t_s));
    let mut freezes = BTreeMap::<Body, Freeze>::new();
    for (body, point) in points {
        let module = ModuleId::new(body.as_str()).unwrap();
        let engines = match body {
            Body::Booster => vehicle.booster.engines.count,
            Body::Stage2 => vehicle.stage2.engines.count,
            Body::Payload => 0,
        };
        let sample = simulated_sample(body, &point.sensors, point.phase, engines);
        let sample = freezes.entry(body).or_default().mark(sample);
        watched.hear(&module, &sample);
        if ends_s[&body] <= sample.t_s {
            watched.end(&module, sample.t_s);
        }
    }
    watched
}

fn reference() -> Vehicle {
    Vehicle::named("reference").unwrap()
}

fn with_fault(at_s: f64, body: Body, fault: Fault, end_s: f64) -> Watched {
    let options = FlyOptions {
        faults: vec![(at_s, body, fault)],
        end_s,
        ..FlyOptions::default()
    };
    fly_watched(&reference(), &options, at_s - 3.0)
}

#[test]
fn a_nominal_flight_raises_nothing() {
    for name in ["reference", "light"] {
        let vehicle = Vehicle::named(name).unwrap();
        let watched = fly_watched(&vehicle, &FlyOptions::default(), 0.0);
        assert!(watched.fired().is_empty(), "{name}: {:?}", watched.fired());
    }
}

/// When which fault begins on which body, until when it is flown, and the alarm that it raises.
const ALARMS: [(f64, Body, Fault, f64, &str); 10] = [
    (
        10.0,
        Body::Booster,
        Fault::DenseAir,
        80.0,
        "LaunchDynamicPressureOverLimit booster",
    ),
    (
        30.0,
        Body::Booster,
        Fault::EngineOut,
        32.0,
        "LaunchEngineOut booster",
    ),
    (
        100.0,
        Body::Booster,
        Fault::FrozenSensors,
        103.0,
        "LaunchSensorsFrozen booster",
    ),
    (
        30.0,
        Body::Booster,
        Fault::BiasedSensors,
        40.0,
        "LaunchSensorsDisagree booster",
    ),
    (
        30.0,
        Body::Stage2,
        Fault::TankPressureDrop,
        40.0,
        "LaunchTankPressureLow stage2",
    ),
    (
        30.0,
        Body::Booster,
        Fault::PropellantLeak,
        40.0,
        "LaunchPropellantLeak booster",
    ),
    (
        30.0,
        Body::Booster,
        Fault::AttitudeDrift,
        60.0,
        "LaunchAttitudeDeviation booster",
    ),
    (
        100.0,
        Body::Booster,
        Fault::StuckSeparation,
        200.0,
        "LaunchSeparationFailure booster",
    ),
    (
        100.0,
        Body::Stage2,
        Fault::EngineOut,
        200.0,
        "LaunchSecondEngineNotStarted stage2",
    ),
    (
        380.0,
        Body::Booster,
        Fault::LegFailure,
        900.0,
        "LaunchLegsNotDeployed booster",
    ),
];

#[test]
fn each_fault_of_the_library_raises_its_alarm() {
    for (at_s, body, fault, end_s, alarm) in ALARMS {
        let watched = with_fault(at_s, body, fault, end_s);
        let fired = watched.fired();
        let fired_at = fired.get(alarm);
        assert!(
            fired_at.is_some_and(|t_s| *t_s >= at_s),
            "{fault:?}: {fired:?}"
        );
        let critical = ["OverLimit", "Attitude", "Separation", "SecondEngine"];
        let aborts = critical.iter().any(|word| alarm.contains(word));
        assert_eq!(watched.calls.contains("launch.abort"), aborts, "{fault:?}");
    }
}

#[test]
fn two_engines_out_are_worse_than_one() {
    let options = FlyOptions {
        faults: vec![(30.0, Body::Booster, Fault::EngineOut); 2],
        end_s: 40.0,
        ..FlyOptions::default()
    };
    let fired = fly_watched(&reference(), &options, 28.0).fired();
    assert!(fired.contains_key("LaunchEnginesOut booster"), "{fired:?}");
}

#[test]
fn a_stage_that_is_let_go_too_early_is_too_slow() {
    let options = FlyOptions {
        orders: vec![(100.0, Body::Booster, Order::Stage)],
        end_s: 130.0,
        ..FlyOptions::default()
    };
    let fired = fly_watched(&reference(), &options, 95.0).fired();
    assert!(fired.contains_key("LaunchUnderSpeed booster"), "{fired:?}");
}

#[test]
fn an_alarm_clears_when_its_cause_is_well_away() {
    let mut watched = Watched::open(&reference());
    let booster = ModuleId::new("booster").unwrap();
    let shares = [0.8, 0.92, 0.88, 0.86, 0.84];
    for (second, share) in (1..).zip(shares) {
        let sample = Sample {
            t_s: f64::from(second),
            phase: Phase::Ascent,
            dynamic_pressure_pa: share * 36_000.0,
            healthy: true,
            quality: Quality::Good,
            ..Sample::default()
        };
        watched.hear(&booster, &sample);
    }
    let said: Vec<_> = watched
        .said
        .iter()
        .map(|(t_s, alert)| (*t_s, alert.state))
        .collect();
    assert_eq!(
        said,
        [(2.0, AlertState::Firing), (5.0, AlertState::Resolved)]
    );
}

#[test]
fn silence_is_noticed_and_an_end_is_not_silence() {
    let mut watched = Watched::open(&reference());
    let [booster, payload] = ["booster", "payload"].map(|name| ModuleId::new(name).unwrap());
    let sample = |t_s| Sample {
        t_s,
        phase: Phase::Ascent,
        healthy: true,
        ..Sample::default()
    };
    watched.hear(&booster, &sample(1.0));
    watched.hear(&payload, &sample(1.0));
    watched.end(&payload, 1.1);
    for second in 2..8 {
        let now = LIFTOFF.plus(Duration::from_secs(second));
        watched.clock.advance(now.since(watched.clock.now()));
        watched.evaluate(second as f64, now);
    }
    let fired: Vec<_> = watched.fired().into_keys().collect();
    assert_eq!(fired, ["LaunchTelemetrySilent booster"]);
}

/// A sample with the pressure in the tanks, or without it.
fn with_pressure(t_s: f64, phase: Phase, pressure_pa: Option<f64>) -> Sample {
    let pressure = pressure_pa.map(|value| Parameter {
        name: "tank_pressure_pascals".into(),
        part: None,
        value,
    });
    Sample {
        t_s,
        phase,
        healthy: true,
        parameters: pressure.into_iter().collect::<Vec<_>>().into(),
        ..Sample::default()
    }
}

/// When alarms begin and end over a link that is bad from 10 s to 25 s, drawn from this seed.
fn said_over_a_bad_link(seed: u64) -> Vec<(String, AlertState, f64)> {
    let mut watched = Watched::open(&reference());
    let booster = ModuleId::new("booster").unwrap();
    let medium = Medium::default();
    let mut round_trip_s = 0.0;
    for tenth in 0..400_u32 {
        match tenth {
            100 => medium.spoil(LinkFault {
                latency_ms: 550,
                jitter_ms: 100,
                loss: 0.4,
                seed,
            }),
            250 => medium.spoil(LinkFault::default()),
            _ => {}
        }
        if tenth % 20 == 0 {
            let way = || medium.fate(Lane::Announcements).unwrap_or_default();
            round_trip_s = (way() + way()).as_secs_f64();
        }
        if medium.fate(Lane::Live).is_some() {
            let mut sample = with_pressure(f64::from(tenth) / 10.0, Phase::Ascent, None);
            sample.parameters = vec![Parameter {
                name: "link_round_trip_seconds".into(),
                part: None,
                value: round_trip_s,
            }]
            .into();
            watched.hear(&booster, &sample);
        }
    }
    let said = watched.said.iter().map(|(t_s, alert)| {
        let name = alert.labels.get("alertname").unwrap().to_owned();
        (name, alert.state, *t_s)
    });
    said.collect()
}

#[test]
fn a_link_that_is_spoilt_raises_its_alarms_which_clear_when_it_is_sound() {
    let said = said_over_a_bad_link(7);
    for rule in ["LaunchTelemetryLoss", "LaunchLinkSlow"] {
        let mine: Vec<_> = said.iter().filter(|(name, ..)| name == rule).collect();
        let [(_, begin, began_s), .., (_, end, ended_s)] = mine[..] else {
            panic!("{said:?}");
        };
        assert_eq!((*begin, *end), (AlertState::Firing, AlertState::Resolved));
        assert!((10.0..20.0).contains(began_s), "{said:?}");
        assert!((25.0..35.0).contains(ended_s), "{said:?}");
    }
    assert_eq!(said, said_over_a_bad_link(7), "a seed says what happens");
    assert_ne!(said, said_over_a_bad_link(8));
}

#[test]
fn a_signal_that_a_module_stops_sending_is_an_alarm_until_it_is_back() {
    let mut watched = Watched::open(&reference());
    let [booster, stage2] = ["booster", "stage2"].map(|name| ModuleId::new(name).unwrap());
    for tenth in 0..200_u32 {
        let t_s = f64::from(tenth) / 10.0;
        let is_silent = (100..150).contains(&tenth);
        let pressure = (!is_silent).then_some(300_000.0);
        watched.hear(&booster, &with_pressure(t_s, Phase::Ascent, pressure));
        // A moment without its sensors is none.
        let pressure = (tenth % 50 != 0 || tenth == 0).then_some(300_000.0);
        watched.hear(&stage2, &with_pressure(t_s, Phase::Ascent, pressure));
    }
    let said: Vec<_> = watched
        .said
        .iter()
        .map(|(t_s, alert)| (*t_s, alert.labels.get("alertname").unwrap(), alert.state))
        .collect();
    let [
        (fired_s, name, AlertState::Firing),
        (over_s, _, AlertState::Resolved),
    ] = said[..]
    else {
        panic!("{said:?}");
    };
    assert_eq!(name, "LaunchTankPressureUnknown", "{said:?}");
    assert!((12.0..12.2).contains(&fired_s), "{said:?}");
    assert!((15.0..15.2).contains(&over_s), "{said:?}");
    assert!(watched.calls.is_empty(), "nothing is aborted for it");
}

#[test]
fn a_signal_that_is_missing_on_the_pad_holds_the_count() {
    let mut watched = Watched::open(&reference());
    let booster = ModuleId::new("booster").unwrap();
    for tenth in 0..100_u32 {
        let pressure = (tenth < 50).then_some(300_000.0);
        let t_s = f64::from(tenth) / 10.0;
        watched.hear(&booster, &with_pressure(t_s, Phase::Startup, pressure));
    }
    let fired = watched.fired();
    let fired_s = fired["LaunchTankPressureUnknownOnPad booster"];
    assert!((7.0..7.2).contains(&fired_s), "{fired:?}");
    assert!(watched.calls.contains("launch.hold"));
}

#[test]
fn a_module_that_ends_takes_its_signals_with_it() {
    let mut watched = Watched::open(&reference());
    let booster = ModuleId::new("booster").unwrap();
    let [loud, silent] = [Some(300_000.0), None];
    for (second, pressure) in (1..).zip([loud, loud, silent, silent, silent, silent]) {
        let sample = with_pressure(f64::from(second), Phase::Landed, pressure);
        watched.hear(&booster, &sample);
    }
    watched.end(&booster, 6.1);
    for second in 7..20 {
        let now = LIFTOFF.plus(Duration::from_secs(second));
        watched.clock.advance(now.since(watched.clock.now()));
        watched.evaluate(second as f64, now);
    }
    let states: Vec<_> = watched.said.iter().map(|(_, alert)| alert.state).collect();
    assert_eq!(
        states,
        [AlertState::Firing, AlertState::Resolved],
        "{:?}",
        watched.said
    );
    let (over_s, _) = watched.said[1];
    assert!(over_s < 9.0, "{over_s}");
}

#[test]
fn a_flight_that_leaves_its_corridor_is_off_range() {
    let mut watched = Watched::open(&reference());
    let booster = ModuleId::new("booster").unwrap();
    for tenth in 0..100_u32 {
        let t_s = f64::from(tenth) / 10.0;
        let sample = Sample {
            t_s,
            phase: Phase::Ascent,
            healthy: true,
            altitude_m: 10_000.0,
            // The corridor at this height is 35 km wide; it is left after 5 s.
            downrange_m: 30_000.0 + 1_000.0 * t_s,
            ..Sample::default()
        };
        watched.hear(&booster, &sample);
    }
    let fired = watched.fired();
    let left_s = fired["LaunchOffRange booster"];
    assert!((5.2..5.6).contains(&left_s), "{fired:?}");
    assert!(watched.calls.contains("launch.abort"));
}

#[test]
fn a_link_that_loses_samples_or_takes_its_time_is_noticed() {
    let mut watched = Watched::open(&reference());
    let [booster, stage2] = ["booster", "stage2"].map(|name| ModuleId::new(name).unwrap());
    let sample = |t_s: f64, round_trip_s: f64| Sample {
        t_s,
        healthy: true,
        parameters: vec![Parameter {
            name: "link_round_trip_seconds".into(),
            part: None,
            value: round_trip_s,
        }]
        .into(),
        ..Sample::default()
    };
    for tenth in 0..200_u32 {
        let t_s = f64::from(tenth) / 10.0;
        if tenth < 80 || tenth % 3 != 0 {
            watched.hear(&booster, &sample(t_s, 0.02));
        }
        watched.hear(&stage2, &sample(t_s, if tenth < 100 { 0.9 } else { 1.2 }));
    }
    let fired: Vec<_> = watched.fired().into_iter().collect();
    let [(slow, slow_s), (loss, loss_s)] = fired.as_slice() else {
        panic!("{fired:?}");
    };
    assert_eq!(slow, "LaunchLinkSlow stage2");
    assert!((10.0..10.5).contains(slow_s), "{slow_s}");
    assert_eq!(loss, "LaunchTelemetryLoss booster");
    assert!((10.0..16.0).contains(loss_s), "{loss_s}");
}

#[test]
fn recorded_flights_raise_nothing() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/launch");
    let Ok(missions) = std::fs::read_dir(folder) else {
        return;
    };
    for mission in missions.filter_map(|entry| std::fs::read_dir(entry.ok()?.path()).ok()) {
        for file in mission.filter_map(|file| Some(file.ok()?.path())) {
            let text = std::fs::read_to_string(&file).unwrap_or_default();
            let Ok(recording) = crate::recording::Recording::parse(&text) else {
                continue;
            };
            let mut watched = Watched::open(&reference());
            let vehicle = ModuleId::new("vehicle").unwrap();
            for sample in recording.samples() {
                watched.hear(&vehicle, sample);
            }
            let mut fired = watched.fired();
            // A recording that stands still says so: that is true, and no false alarm.
            let is_frozen = |sample: &Sample| sample.quality == Quality::Frozen;
            if recording.samples().iter().any(is_frozen) {
                fired.remove("LaunchSensorsFrozen vehicle");
            }
            assert!(fired.is_empty(), "{}: {fired:?}", file.display());
        }
    }
}
