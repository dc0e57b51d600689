//! The range of every figure of a vehicle.

use super::{Aerodynamics, BoosterReturn, Engines, Error, Landing, Vehicle};

/// Longest name, in bytes: it becomes part of other names.
const NAME_BYTES_MAX: usize = 32;
/// Longest description, in bytes: one line of a screen.
const DESCRIPTION_BYTES_MAX: usize = 200;
/// Rows of a drag table: more is a mistake, and each look-up walks them.
const DRAG_ROWS_MAX: usize = 64;
/// Engines of a stage: their health is a word of bits.
const ENGINES_MAX: f64 = 32.0;
/// Lightest and heaviest part, from a small satellite's mass to the largest rocket's propellant.
const MASS_KG: [f64; 2] = [1.0, 10_000_000.0];
/// A throttle: under a tenth no engine burns.
const THROTTLE: [f64; 2] = [0.1, 1.0];
/// Dynamic pressure that a structure may bear.
const PRESSURE_PA: [f64; 2] = [1_000.0, 1_000_000.0];

pub(super) fn vehicle(vehicle: &Vehicle) -> Result<(), Error> {
    texts(vehicle)?;
    booster(vehicle)?;
    upper(vehicle)?;
    ascent(vehicle)?;
    target(vehicle)?;
    match &vehicle.plan.booster_return {
        BoosterReturn::ReturnToPad(plan) | BoosterReturn::Downrange(plan) => {
            landing(plan, &vehicle.booster.engines)
        }
        BoosterReturn::Expendable => Ok(()),
    }?;
    for (field, value) in [
        ("limits.ascent_pa", vehicle.limits.ascent_pa),
        ("limits.return_pa", vehicle.limits.return_pa),
        ("limits.exposed_pa", vehicle.limits.exposed_pa),
    ] {
        within(field, value, PRESSURE_PA)?;
    }
    Ok(())
}

fn texts(vehicle: &Vehicle) -> Result<(), Error> {
    let name = &vehicle.name;
    let spelled = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !spelled || name.len() > NAME_BYTES_MAX {
        let reason =
            format!("{name:?} must be 1 to {NAME_BYTES_MAX} of a-z 0-9 - starting with a letter");
        return Err(Error::Invalid {
            field: "name".to_owned(),
            reason,
        });
    }
    let bytes = vehicle.description.len();
    if bytes > DESCRIPTION_BYTES_MAX || vehicle.description.contains(char::is_control) {
        let reason = format!("it must be one line of at most {DESCRIPTION_BYTES_MAX} bytes");
        return Err(Error::Invalid {
            field: "description".to_owned(),
            reason,
        });
    }
    Ok(())
}

fn booster(vehicle: &Vehicle) -> Result<(), Error> {
    let booster = &vehicle.booster;
    within("booster.empty_kg", booster.empty_kg, MASS_KG)?;
    within("booster.propellant_kg", booster.propellant_kg, MASS_KG)?;
    within(
        "booster.descent_lift_slope",
        booster.descent_lift_slope,
        [0.0, 10.0],
    )?;
    within(
        "booster.turn_rate_rad_s",
        booster.turn_rate_rad_s,
        [0.01, 3.0],
    )?;
    within(
        "booster.legs_speed_max_m_s",
        booster.legs_speed_max_m_s,
        [0.5, 20.0],
    )?;
    engines("booster.engines", &booster.engines)?;
    air("booster.ascent_air", &booster.ascent_air)?;
    air("booster.descent_air", &booster.descent_air)
}

fn upper(vehicle: &Vehicle) -> Result<(), Error> {
    let stage2 = &vehicle.stage2;
    within("stage2.empty_kg", stage2.empty_kg, MASS_KG)?;
    within("stage2.propellant_kg", stage2.propellant_kg, MASS_KG)?;
    within("stage2.fairing_kg", stage2.fairing_kg, [0.0, 100_000.0])?;
    within(
        "stage2.turn_rate_rad_s",
        stage2.turn_rate_rad_s,
        [0.01, 3.0],
    )?;
    engines("stage2.engines", &stage2.engines)?;
    air("stage2.air", &stage2.air)?;
    within("payload.mass_kg", vehicle.payload.mass_kg, MASS_KG)?;
    within(
        "payload.release_speed_m_s",
        vehicle.payload.release_speed_m_s,
        [0.1, 5.0],
    )?;
    air("payload.air", &vehicle.payload.air)
}

fn engines(field: &str, engines: &Engines) -> Result<(), Error> {
    within(
        &format!("{field}.count"),
        f64::from(engines.count),
        [1.0, ENGINES_MAX],
    )?;
    within(
        &format!("{field}.thrust_vacuum_n"),
        engines.thrust_vacuum_n,
        [100.0, 50_000_000.0],
    )?;
    within(
        &format!("{field}.isp_vacuum_s"),
        engines.isp_vacuum_s,
        [50.0, 1_000.0],
    )?;
    let most = engines.isp_vacuum_s;
    within(
        &format!("{field}.isp_sea_level_s"),
        engines.isp_sea_level_s,
        [0.0, most],
    )?;
    within(
        &format!("{field}.throttle_min"),
        engines.throttle_min,
        THROTTLE,
    )?;
    within(&format!("{field}.start_s"), engines.start_s, [0.02, 10.0])?;
    within(&format!("{field}.stop_s"), engines.stop_s, [0.02, 10.0])
}

fn air(field: &str, air: &Aerodynamics) -> Result<(), Error> {
    within(&format!("{field}.area_m2"), air.area_m2, [0.001, 10_000.0])?;
    let name = format!("{field}.drag");
    if air.drag.is_empty() || air.drag.len() > DRAG_ROWS_MAX {
        let reason = format!(
            "it has {} rows; 1 to {DRAG_ROWS_MAX} are needed",
            air.drag.len()
        );
        return Err(Error::Invalid {
            field: name,
            reason,
        });
    }
    for [mach, coefficient] in &air.drag {
        within(&name, *mach, [0.0, 100.0])?;
        within(&name, *coefficient, [0.0, 10.0])?;
    }
    if air.drag.windows(2).any(|pair| pair[1][0] <= pair[0][0]) {
        let reason = "its Mach numbers must rise from row to row".to_owned();
        return Err(Error::Invalid {
            field: name,
            reason,
        });
    }
    Ok(())
}

fn ascent(vehicle: &Vehicle) -> Result<(), Error> {
    let plan = &vehicle.plan.ascent;
    let throttle = [vehicle.booster.engines.throttle_min, 1.0];
    within("plan.eastward", vehicle.plan.eastward, [-1.0, 1.0])?;
    within("plan.ascent.throttle", plan.throttle, throttle)?;
    within(
        "plan.ascent.bucket_throttle",
        plan.bucket_throttle,
        throttle,
    )?;
    within("plan.ascent.bucket_lead_s", plan.bucket_lead_s, [0.0, 60.0])?;
    within(
        "plan.ascent.kick_speed_m_s",
        plan.kick_speed_m_s,
        [5.0, 500.0],
    )?;
    within("plan.ascent.kick_rad", plan.kick_rad, [0.0, 0.5])?;
    within(
        "plan.ascent.accel_max_m_s2",
        plan.accel_max_m_s2,
        [12.0, 100.0],
    )?;
    within(
        "plan.ascent.landing_reserve",
        plan.landing_reserve,
        [0.0, 0.5],
    )?;
    within(
        "plan.ascent.separation_delay_s",
        plan.separation_delay_s,
        [0.5, 60.0],
    )?;
    within(
        "plan.ascent.second_stage_delay_s",
        plan.second_stage_delay_s,
        [1.0, 120.0],
    )
}

fn target(vehicle: &Vehicle) -> Result<(), Error> {
    let target = &vehicle.plan.target;
    within(
        "plan.target.altitude_m",
        target.altitude_m,
        [150_000.0, 2_000_000.0],
    )?;
    within(
        "plan.target.accel_max_m_s2",
        target.accel_max_m_s2,
        [5.0, 100.0],
    )?;
    within(
        "plan.target.fairing_altitude_m",
        target.fairing_altitude_m,
        [80_000.0, 150_000.0],
    )?;
    within(
        "plan.target.payload_delay_s",
        target.payload_delay_s,
        [1.0, 3_600.0],
    )
}

fn landing(landing: &Landing, engines: &Engines) -> Result<(), Error> {
    let count = [1.0, f64::from(engines.count)];
    let throttle = [engines.throttle_min, 1.0];
    let field = |name: &str| format!("plan.booster_return.{name}");
    within(
        &field("boostback_engines"),
        f64::from(landing.boostback_engines),
        count,
    )?;
    within(
        &field("boostback_throttle"),
        landing.boostback_throttle,
        throttle,
    )?;
    within(
        &field("entry_altitude_m"),
        landing.entry_altitude_m,
        [20_000.0, 100_000.0],
    )?;
    within(
        &field("entry_end_speed_m_s"),
        landing.entry_end_speed_m_s,
        [200.0, 3_000.0],
    )?;
    within(
        &field("entry_engines"),
        f64::from(landing.entry_engines),
        count,
    )?;
    within(&field("entry_throttle"), landing.entry_throttle, throttle)?;
    within(
        &field("landing_engines"),
        f64::from(landing.landing_engines),
        count,
    )?;
    within(
        &field("landing_throttle"),
        landing.landing_throttle,
        throttle,
    )?;
    within(
        &field("legs_altitude_m"),
        landing.legs_altitude_m,
        [20.0, 2_000.0],
    )
}

fn within(field: &str, value: f64, [min, max]: [f64; 2]) -> Result<(), Error> {
    if (min..=max).contains(&value) {
        Ok(())
    } else {
        Err(Error::OutOfRange {
            field: field.to_owned(),
            value,
            min,
            max,
        })
    }
}
