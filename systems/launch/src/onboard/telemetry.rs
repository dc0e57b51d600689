//! The telemetry task: reads the sensors by itself and tells the ground, whatever control does.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use portique_flight::Sensors;
use tokio::sync::broadcast;
use tonic::Streaming;
use tonic::transport::Channel;

use crate::backoff::Backoff;
use crate::onboard::Identity;
use crate::onboard::cell::{Cell, Live, State};
use crate::onboard::parameters::parameters;
use crate::rpc::world_client::WorldClient;
use crate::rpc::{self, SensorFrame};
use crate::{ModuleId, Parameters, Quality, Sample};

/// Samples per second of flight when the ground does not say.
const SAMPLE_RATE_HZ: f64 = 10.0;

/// A sample goes down at least this often, so that silence on the link means a dead link.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// How long the task says nothing when it is ordered to fall silent.
const SILENCE: Duration = Duration::from_secs(10);

/// Waits between attempts to find the sensors.
const RETRY: Backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(2));

/// Sends samples until it is dropped.
///
/// # Panics
/// When the computer is ordered to let its telemetry crash.
pub(crate) async fn tell(cell: Arc<Cell>, identity: Arc<Identity>, world: Option<Channel>) {
    let (_door, live) = cell.open_telemetry();
    let mut reporter = Reporter {
        cell: &cell,
        module: &identity.module,
        live,
        sensors: None,
    };
    let mut retry = RETRY;
    loop {
        let sensors = match &world {
            Some(channel) => observe(&cell, &identity, channel.clone()).await.ok(),
            None => None,
        };
        let wait = match sensors {
            Some(sensors) => {
                retry.succeeded();
                reporter.report(sensors).await;
                Duration::ZERO
            }
            None if world.is_some() => retry.failed(),
            None => HEARTBEAT,
        };
        reporter.report_blind(wait).await;
    }
}

struct Reporter<'a> {
    cell: &'a Cell,
    module: &'a ModuleId,
    live: broadcast::Sender<Live>,
    /// What they said last, once they have said something.
    sensors: Option<Sensors>,
}

impl Reporter<'_> {
    /// Sends a sample for each frame of the sensors, until they end.
    async fn report(&mut self, mut sensors: Streaming<SensorFrame>) {
        let mut states = self.cell.watch_state();
        let mut rate = self.cell.sample_rate_hz.subscribe();
        rate.mark_unchanged();
        loop {
            tokio::select! {
                () = self.cell.telemetry_crash.notified() => crash(),
                () = self.cell.telemetry_silence.notified() => {
                    tokio::time::sleep(SILENCE).await;
                    continue;
                }
                _ = rate.changed() => return,
                _ = states.changed() => {}
                frame = sensors.message() => match frame {
                    Ok(Some(frame)) => self.sensors = Some(Sensors::from(&frame)),
                    Ok(None) | Err(_) => return,
                },
                () = tokio::time::sleep(HEARTBEAT) => {}
            }
            self.send();
        }
    }

    /// Says that the module is there while it has no sensors, for this long.
    async fn report_blind(&mut self, wait: Duration) {
        self.send();
        tokio::select! {
            () = self.cell.telemetry_crash.notified() => crash(),
            () = tokio::time::sleep(wait) => {}
        }
    }

    fn send(&mut self) {
        let sensors = self.sensors.unwrap_or_default();
        let working = sensors.chamber_pressure_ok.count_ones();
        let engines = self
            .cell
            .engines_seen
            .fetch_max(working, Ordering::Relaxed)
            .max(working);
        let mut sample = sample(&sensors, self.cell.state(), working < engines);
        if let (Some(sensors), Ok(body)) = (&self.sensors, self.module.as_str().parse()) {
            let round_trip = self.cell.ground_time(|time| time.round_trip());
            sample.parameters = parameters(body, sensors, engines, round_trip);
        }
        // Without a subscriber the sample is of no use to anybody.
        _ = self.live.send(Live::Sample(sample));
    }
}

async fn observe(
    cell: &Cell,
    identity: &Identity,
    channel: Channel,
) -> Result<Streaming<SensorFrame>, tonic::Status> {
    let asked = *cell.sample_rate_hz.borrow();
    let request = rpc::ObserveRequest {
        rocket: identity.rocket.to_string(),
        module: identity.module.to_string(),
        rate_hz: if asked > 0.0 { asked } else { SAMPLE_RATE_HZ },
    };
    let request = rpc::with_bearer(request, &identity.token)?;
    Ok(WorldClient::new(channel)
        .max_decoding_message_size(rpc::MESSAGE_BYTES_MAX)
        .observe(request)
        .await?
        .into_inner())
}

fn sample(sensors: &Sensors, state: State, engine_lost: bool) -> Sample {
    Sample {
        t_s: sensors.t_s,
        speed_m_s: sensors.speed_m_s,
        altitude_m: sensors.altitude_m,
        vertical_speed_m_s: sensors.vertical_speed_m_s,
        downrange_m: sensors.downrange_m,
        felt_accel_m_s2: sensors.felt_accel_m_s2,
        dynamic_pressure_pa: sensors.dynamic_pressure_pa,
        mach: sensors.mach,
        throttle: sensors.throttle,
        engines_running: sensors.engines_running,
        propellant_kg: sensors.propellant_kg,
        phase: state.phase,
        healthy: state.controlled && !engine_lost,
        quality: Quality::Good,
        parameters: Parameters::default(),
    }
}

fn crash() -> ! {
    panic!("telemetry task: crash ordered")
}

/// What the computer of a body in this phase would tell of these sensors.
#[cfg(test)]
pub(crate) fn simulated_sample(
    body: portique_flight::Body,
    sensors: &Sensors,
    phase: portique_flight::Phase,
    engines: u32,
) -> Sample {
    let state = State {
        phase,
        controlled: true,
        simulated: true,
    };
    let engine_lost = sensors.chamber_pressure_ok.count_ones() < engines;
    Sample {
        parameters: parameters(body, sensors, engines, None),
        quality: Quality::Good,
        ..sample(sensors, state, engine_lost)
    }
}
