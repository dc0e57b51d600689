//! What the computer of a stage or payload measures besides what every module does.

use std::time::Duration;

use portique_flight::{Body, Sensors};

use crate::{Parameter, Parameters};

/// Pressure in a combustion chamber at full thrust.
const CHAMBER_PRESSURE_PA: f64 = 9_700_000.0;

/// How long an answer of the ground takes, seconds.
pub(crate) const ROUND_TRIP: &str = "link_round_trip_seconds";

/// The parameters of a body with this many engines, whose link takes so long if that is known.
pub(crate) fn parameters(
    body: Body,
    sensors: &Sensors,
    engines: u32,
    round_trip: Option<Duration>,
) -> Parameters {
    let mut all = Vec::new();
    let mut add = |name: &str, part: Option<String>, value: f64| {
        all.push(Parameter {
            name: name.to_owned(),
            part,
            value,
        });
    };
    let flag = |is_so: bool| f64::from(u8::from(is_so));
    if let Some(round_trip) = round_trip {
        add(ROUND_TRIP, None, round_trip.as_secs_f64());
    }
    add("pitch_radians", None, sensors.pitch_rad);
    add("flight_path_radians", None, sensors.flight_path_rad);
    add(
        "attitude_error_radians",
        None,
        sensors.attitude_error_rad.abs(),
    );
    add(
        "horizontal_speed_metres_per_second",
        None,
        sensors.horizontal_speed_m_s,
    );
    let joints = [
        (body.below(), sensors.attached_below, sensors.gap_below_m),
        (body.above(), sensors.attached_above, sensors.gap_above_m),
    ];
    for (neighbour, attached, gap_m) in joints {
        let Some(neighbour) = neighbour else { continue };
        add("attached", Some(neighbour.to_string()), flag(attached));
        add("gap_metres", Some(neighbour.to_string()), gap_m);
    }
    match body {
        Body::Booster => {
            add("legs_deployed", None, flag(sensors.legs_deployed));
            add("to_landing_site_metres", None, sensors.to_landing_site_m);
        }
        Body::Stage2 => add("fairing_attached", None, flag(sensors.fairing_on)),
        Body::Payload => return all.into(),
    }
    let failed = engines - sensors.chamber_pressure_ok.count_ones().min(engines);
    add(
        "engines_commanded",
        None,
        f64::from(sensors.engines_commanded),
    );
    add("engines_failed", None, f64::from(failed));
    add("tank_pressure_pascals", None, sensors.tank_pressure_pa);
    for (engine, pressure_pa) in (1..).zip(chambers(sensors, engines)) {
        let part = Some(format!("engine-{engine}"));
        add("chamber_pressure_pascals", part, pressure_pa);
    }
    all.into()
}

/// The pressure in each chamber: the engines that run are the first sound ones.
fn chambers(sensors: &Sensors, engines: u32) -> impl Iterator<Item = f64> {
    let (sound, mut running) = (sensors.chamber_pressure_ok, sensors.engines_running);
    let pressure_pa = sensors.throttle * CHAMBER_PRESSURE_PA;
    (0..engines.min(u32::BITS)).map(move |engine| {
        let burns = sound & (1 << engine) != 0 && running > 0;
        running -= u32::from(burns);
        if burns { pressure_pa } else { 0.0 }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_engine_has_no_pressure_and_the_others_have() {
        let sensors = Sensors {
            chamber_pressure_ok: 0b1_1111_0111,
            engines_commanded: 9,
            engines_running: 8,
            throttle: 1.0,
            ..Sensors::default()
        };
        let all = parameters(Body::Booster, &sensors, 9, None);
        let of = |engine| all.value("chamber_pressure_pascals", Some(engine));
        assert_eq!(of("engine-3"), Some(CHAMBER_PRESSURE_PA));
        assert_eq!(of("engine-4"), Some(0.0));
        assert_eq!(of("engine-9"), Some(CHAMBER_PRESSURE_PA));
        assert_eq!(of("engine-10"), None);
        assert_eq!(all.value("engines_failed", None), Some(1.0));
        let payload = parameters(Body::Payload, &sensors, 0, Some(Duration::from_millis(80)));
        assert_eq!(payload.value(ROUND_TRIP, None), Some(0.08));
        assert_eq!(payload.value("engines_failed", None), None);
        assert_eq!(payload.value("attached", Some("stage2")), Some(0.0));
    }
}
