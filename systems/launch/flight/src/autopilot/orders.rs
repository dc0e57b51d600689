//! Which order is allowed in which phase.

use super::demolition::Demolition;
use super::{Memory, Phase};
use crate::{Body, Engines, Order, Refusal, Sensors, Vehicle};

/// Felt acceleration over which something still burns.
const PUSHED_M_S2: f64 = 1.0;

pub(super) fn take(
    memory: &mut Memory,
    vehicle: &Vehicle,
    order: &Order,
    sensors: &Sensors,
) -> Result<(), Refusal> {
    if !sensors.alive || matches!(memory.phase, Phase::Destroyed | Phase::Lost) {
        return Err(refused(memory, order, "on a module that still exists"));
    }
    if memory.demolition.is_some() {
        return Err(refused(
            memory,
            order,
            "before the module's destruction was ordered",
        ));
    }
    match order {
        Order::InternalPower => prepare(memory, order, Phase::Safe, Phase::InternalPower),
        Order::Startup => prepare(memory, order, Phase::InternalPower, Phase::Startup),
        Order::StartEngines if memory.body != Body::Booster => {
            Err(refused(memory, order, "on the booster"))
        }
        Order::StartEngines => prepare(memory, order, Phase::Startup, Phase::Ignition),
        Order::Safe => safe(memory, order, sensors),
        Order::Throttle(fraction) => throttle(memory, vehicle, order, *fraction),
        Order::Stage => stage(memory, order, sensors),
        Order::DeployPayload => deploy(memory, order, sensors),
        Order::Destroy => {
            memory.demolition = Some(Demolition::begin(
                sensors.attached_above,
                sensors.attached_below,
            ));
            Ok(())
        }
    }
}

fn prepare(memory: &mut Memory, order: &Order, from: Phase, to: Phase) -> Result<(), Refusal> {
    if memory.phase != from {
        return Err(refused(memory, order, &format!("in phase {from}")));
    }
    memory.requested = Some(to);
    Ok(())
}

fn safe(memory: &mut Memory, order: &Order, sensors: &Sensors) -> Result<(), Refusal> {
    if !(memory.phase.is_on_pad() && sensors.on_pad) {
        return Err(refused(memory, order, "on the pad, before lift-off"));
    }
    memory.requested = Some(Phase::Safe);
    Ok(())
}

fn throttle(
    memory: &mut Memory,
    vehicle: &Vehicle,
    order: &Order,
    fraction: Option<f64>,
) -> Result<(), Refusal> {
    let engines: &Engines = match (memory.body, memory.phase) {
        (Body::Booster, Phase::Ascent) => &vehicle.booster.engines,
        (Body::Stage2, Phase::SecondStageBurn) => &vehicle.stage2.engines,
        (Body::Payload, _) => return Err(refused(memory, order, "on a module with engines")),
        (Body::Booster, _) => return Err(refused(memory, order, "in phase ascent")),
        (Body::Stage2, _) => return Err(refused(memory, order, "in phase second_stage_burn")),
    };
    if let Some(asked) = fraction.filter(|f| !(engines.throttle_min..=1.0).contains(f)) {
        let reason = format!(
            "a throttle of {asked} is not possible on {}; its engines run from {} to 1",
            memory.body, engines.throttle_min
        );
        return Err(Refusal { reason });
    }
    memory.manual_throttle = fraction;
    Ok(())
}

fn stage(memory: &mut Memory, order: &Order, sensors: &Sensors) -> Result<(), Refusal> {
    let attached = match (memory.body, memory.phase) {
        (Body::Booster, Phase::Ascent | Phase::Coast) => sensors.attached_above,
        (Body::Stage2, Phase::Attached) => sensors.attached_below,
        _ => false,
    };
    if !attached || sensors.on_pad {
        return Err(refused(
            memory,
            order,
            "after lift-off while the stages are attached",
        ));
    }
    memory.stage_ordered = true;
    Ok(())
}

fn deploy(memory: &mut Memory, order: &Order, sensors: &Sensors) -> Result<(), Refusal> {
    let attached = match memory.body {
        Body::Booster => return Err(refused(memory, order, "on stage2 or payload")),
        Body::Stage2 => sensors.attached_above,
        Body::Payload => sensors.attached_below,
    };
    let quiet = sensors.felt_accel_m_s2.abs() < PUSHED_M_S2;
    if memory.phase != Phase::Orbit || !attached || !quiet {
        return Err(refused(
            memory,
            order,
            "in phase orbit, engines off, payload attached",
        ));
    }
    memory.deploy_ordered = true;
    Ok(())
}

fn refused(memory: &Memory, order: &Order, allowed: &str) -> Refusal {
    Refusal {
        reason: format!(
            "{} is not possible on {} in phase {}; it is allowed {allowed}",
            order.name(),
            memory.body,
            memory.phase
        ),
    }
}
