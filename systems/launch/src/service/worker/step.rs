//! The count at work: steps whose time has come, the release, and what stops it.

use std::time::Duration;

use portique_flight::Phase;

use super::Worker;
use super::act::first_stage;
use crate::link::Pad;
use crate::mission::{Actor, Fact, Mission, Stage};
use crate::service::LiveModule;
use crate::{LinkKind, ModuleId, RocketId};

/// How long lift-off may take after release before the engines are shut down, in wall time.
const LIFTOFF_PATIENCE: Duration = Duration::from_secs(10);
/// How old a sample may be that a release trusts.
const SAMPLE_AGE_MAX: Duration = Duration::from_secs(1);

impl Worker {
    /// Does what time asks for. A fact that cannot be recorded is tried again at the next tick.
    pub(super) async fn step(&mut self, rocket: &RocketId) {
        let wall = self.clock.now();
        let deadline = self
            .shared
            .mission(rocket, |mission| mission.decide_deadline(wall));
        let mut facts = deadline.unwrap_or_default();
        while self.record(rocket, Actor::count(), facts).await {
            let (now, shared) = (self.clock.monotonic(), self.shared.clone());
            let due = shared.mission(rocket, |mission| {
                mission.decide_step(now, || {
                    let modules = shared.modules(rocket);
                    ready_to_release(mission, now, |module| modules.get(module))
                })
            });
            match due {
                Ok(due) if !due.is_empty() => facts = due,
                _ => break,
            }
        }
        let is_counting = |mission: &Mission| mission.stage() == Stage::Counting;
        if self.shared.mission(rocket, is_counting).unwrap_or(false) {
            let now = self.clock.monotonic();
            self.tell_propellant(rocket, now).await;
            self.check_liftoff(rocket, now).await;
        }
    }

    async fn tell_propellant(&self, rocket: &RocketId, now: Duration) {
        let share = |mission: &Mission| mission.count().map(|count| count.propellant(now));
        if let Ok(Some(share)) = self.shared.mission(rocket, share) {
            self.tell_pad(rocket, Pad::Propellant(share)).await;
        }
    }

    async fn check_liftoff(&mut self, rocket: &RocketId, now: Duration) {
        let Some(released) = self.released.get(rocket) else {
            return;
        };
        if now.saturating_sub(*released) < LIFTOFF_PATIENCE {
            // The clamps stay closed while thrust is below weight.
            self.tell_pad(rocket, Pad::Release).await;
            return;
        }
        let reason = "released, but no lift-off was seen: engines shut down".to_owned();
        // The recycle takes the release back; if it cannot be recorded, the next tick tries again.
        self.record(rocket, Actor::count(), vec![Fact::CountRecycled { reason }])
            .await;
    }

    /// Holds the count by itself, from the recycle point if the engines may be running.
    pub(super) async fn stop_count(&mut self, rocket: &RocketId, reason: String) {
        let fact = self.shared.mission(rocket, |mission| {
            let count = mission
                .count()
                .filter(|_| mission.stage() == Stage::Counting)?;
            Some(if count.is_past_engine_start() {
                Fact::CountRecycled { reason }
            } else {
                Fact::CountHeld { reason }
            })
        });
        if let Ok(Some(fact)) = fact {
            self.record(rocket, Actor::count(), vec![fact]).await;
        }
    }
}

/// The health check before release: every module in reach and heard of lately, the first stage with
/// all its engines running.
fn ready_to_release<'a>(
    mission: &Mission,
    now: Duration,
    last: impl Fn(&ModuleId) -> Option<&'a LiveModule>,
) -> Result<(), String> {
    if matches!(mission.definition().link, LinkKind::Replayed { .. }) {
        return Ok(());
    }
    for (module, state) in mission
        .modules()
        .iter()
        .filter(|(m, _)| mission.requires(m))
    {
        let is_fresh =
            last(module).is_some_and(|live| now.saturating_sub(live.at) <= SAMPLE_AGE_MAX);
        if !state.is_up || !is_fresh {
            return Err(format!("no fresh telemetry from {module} at release"));
        }
    }
    let booster = first_stage();
    let Some(live) = last(&booster) else {
        return Err("no telemetry from the first stage at release".into());
    };
    let engines = mission
        .vehicle()
        .map_or(0, |vehicle| vehicle.booster.engines.count);
    let sample = &live.sample;
    let is_ready = sample.phase == Phase::Ignition && sample.healthy;
    if !is_ready || sample.engines_running < engines {
        return Err(format!(
            "the first stage is not ready at release: {}, {} of {engines} engines running",
            sample.phase, sample.engines_running
        ));
    }
    Ok(())
}
