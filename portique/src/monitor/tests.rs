//! Rules and alerts on a real store and a real bus, with a system that acts.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use portique_clock::Seeded;
use portique_monitor::{Action, ActionError, ActionRequest, AlertState};
use portique_series::{METRIC_NAME, Source as _};
use tokio::sync::mpsc;

use super::ground::Ground;
use super::*;
use crate::config::TelemetryConfig;

/// What takes a moment takes longer on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A few of what a rule rests between two looks.
const MOMENT: Duration = Duration::from_millis(50);

/// A pump that says no the first few times.
struct Stop {
    busy: AtomicU32,
    calls: mpsc::Sender<ActionRequest>,
}

#[async_trait]
impl Action for Stop {
    fn name(&self) -> &str {
        "pump.stop"
    }

    fn check(&self, _: &BTreeMap<String, String>) -> Result<(), String> {
        Ok(())
    }

    async fn call(&self, request: ActionRequest) -> Result<String, ActionError> {
        self.calls.send(request).await.unwrap();
        let busy = self.busy.load(Ordering::SeqCst);
        if busy > 0 {
            self.busy.store(busy - 1, Ordering::SeqCst);
            let reason = "the pump is away".to_owned();
            return Err(ActionError::Unavailable { reason });
        }
        Ok("stopped".to_owned())
    }
}

const RULES: &str = "groups:
- name: tanks
  interval: 1h
  trigger: ingest
  rules:
  - alert: Hot
    expr: temp > 90
    action: pump.stop
    params: {pump: '{{ $labels.tank }}'}
  - {record: 'temp:max', expr: max(temp)}
";

/// A running monitor.
struct Rig {
    ground: Ground,
    monitor: Monitor,
    telemetry: Telemetry,
    control: TaskGroup,
    calls: mpsc::Receiver<ActionRequest>,
    told: mpsc::Receiver<Vec<Alert>>,
    _folder: tempfile::TempDir,
}

impl Rig {
    async fn open(busy: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ground = Ground::open().await;
        let config = TelemetryConfig::default();
        let clock = ground.clock.clone();
        let telemetry = Telemetry::open(folder.path(), &config, clock, &mut Seeded::new(3));
        let mut telemetry = telemetry.unwrap();
        let arrivals = Arc::new(Arrivals::default());
        telemetry.pass(|store| Arc::new(WatchingSink::new(store, arrivals.clone())));
        let (calling, calls) = mpsc::channel(100);
        let (telling, told) = mpsc::channel(100);
        let stop: Arc<dyn Action> = Arc::new(Stop {
            busy: AtomicU32::new(busy),
            calls: calling,
        });
        let parts = Parts {
            keeper: ground.ports.clone(),
            telemetry: telemetry.clone(),
            arrivals,
            actions: Actions::new([stop]),
            lists: Box::new(|| Ok(Vec::new())),
            shipped: vec![ShippedRules {
                name: "shipped/tanks.yml",
                text: RULES,
            }],
            reserved: &[],
            url: String::new(),
            tell: Box::new(move |alerts| telling.try_send(alerts).unwrap()),
        };
        let (monitor, worker) = Monitor::open(parts).await.unwrap();
        let (fallen, _) = mpsc::channel(1);
        let control = TaskGroup::new(fallen);
        worker.spawn(&control);
        Self {
            ground,
            monitor,
            telemetry,
            control,
            calls,
            told,
            _folder: folder,
        }
    }

    fn append(&self, tank: &str, value: f64) {
        let mut batch = Batch::new();
        let labels = Labels::from_pairs([(METRIC_NAME, "temp"), ("tank", tank)]);
        batch.series(&labels).unwrap();
        batch.float(self.telemetry.clock.now().as_millis(), value);
        let taken = self.telemetry.sink.submit(&batch).unwrap().wait();
        assert_eq!(taken.unwrap().samples, 1);
    }

    /// What systems were asked next.
    ///
    /// Time goes on meanwhile: a rule that was evaluated rests for a moment before it looks again.
    async fn call(&mut self) -> ActionRequest {
        let mut moments = tokio::time::interval(MOMENT);
        let end = std::time::Instant::now() + PATIENCE;
        loop {
            tokio::select! {
                biased;
                call = self.calls.recv() => return call.unwrap(),
                _ = moments.tick() => self.ground.clock.advance(MOMENT),
            }
            assert!(std::time::Instant::now() < end, "nobody was asked");
        }
    }

    /// What people are told next; nothing is no telling.
    async fn telling(&mut self) -> Vec<Alert> {
        loop {
            let told = tokio::time::timeout(PATIENCE, self.told.recv()).await;
            let told = told.unwrap().unwrap();
            if !told.is_empty() {
                return told;
            }
        }
    }

    async fn close(self) {
        self.control.stop(PATIENCE).await.unwrap();
        self.ground.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sample_has_a_system_act_and_people_are_told_of_what_is_kept() {
    let mut rig = Rig::open(0).await;
    rig.append("lox", 95.0);
    let call = rig.call().await;
    assert_eq!(call.params, BTreeMap::from([("pump".into(), "lox".into())]));
    assert_eq!(call.alerts[0].state, AlertState::Firing);
    let told = rig.telling().await;
    assert_eq!(told, call.alerts);
    let all = portique_event::Filter::new("monitor.alerts.changed").unwrap();
    let kept = rig
        .ground
        .ports
        .bus
        .read(&all, portique_bus::Start::First, 10);
    assert_eq!(kept.await.unwrap().events.len(), 1);

    // Another tank is another alert; the first one is not called for again.
    rig.ground.clock.advance(Duration::from_secs(1));
    rig.append("lox", 96.0);
    rig.append("fuel", 97.0);
    let call = rig.call().await;
    assert_eq!(call.params["pump"], "fuel");
    rig.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_system_that_is_away_is_asked_again_under_the_same_name() {
    let mut rig = Rig::open(1).await;
    rig.append("lox", 95.0);
    let first = rig.call().await;
    assert_eq!(rig.call().await.id, first.id);
    rig.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_rules_record_is_in_the_store() {
    let mut rig = Rig::open(0).await;
    rig.append("lox", 95.0);
    rig.telling().await;
    let selection = portique_series::Selection {
        matchers: vec![portique_series::Matcher::equal(METRIC_NAME, "temp:max")],
        from_ms: i64::MIN,
        to_ms: i64::MAX,
    };
    let begin = std::time::Instant::now();
    while rig.telemetry.store.select(&selection).unwrap().is_empty() {
        assert!(begin.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(rig.monitor.groups(true, |_, _| true)[0].rules.len(), 2);
    rig.close().await;
}
