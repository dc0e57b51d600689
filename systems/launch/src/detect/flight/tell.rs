//! An event as it is told.

use portique_flight::EventKind;

use crate::detect::Detected;
use crate::detect::track::Motion;

/// Tells an event with the values of its moment.
pub(super) fn tell(event: EventKind, at: Motion, out: &mut Vec<Detected>) {
    let values = [
        ("speed_m_s", at.speed_m_s),
        ("altitude_m", at.altitude_m),
        ("vertical_speed_m_s", at.vertical_speed_m_s),
        ("felt_accel_m_s2", at.felt_m_s2),
        ("dynamic_pressure_pa", at.pressure_pa),
        ("mach", at.mach),
    ];
    out.push(Detected {
        event,
        t_s: rounded(at.t_s),
        values: values
            .map(|(name, value)| (name.to_owned(), rounded(value)))
            .into(),
    });
}

/// The moment between two at which a quantity passes a level.
pub(super) fn between(a: Motion, b: Motion, of: fn(&Motion) -> f64, level: f64) -> Motion {
    let (from, to) = (of(&a), of(&b));
    let part = if from == to {
        0.0
    } else {
        ((level - from) / (to - from)).clamp(0.0, 1.0)
    };
    let mix = |from: f64, to: f64| from + part * (to - from);
    Motion {
        t_s: mix(a.t_s, b.t_s),
        speed_m_s: mix(a.speed_m_s, b.speed_m_s),
        altitude_m: mix(a.altitude_m, b.altitude_m),
        vertical_speed_m_s: mix(a.vertical_speed_m_s, b.vertical_speed_m_s),
        speed_rate_m_s2: mix(a.speed_rate_m_s2, b.speed_rate_m_s2),
        felt_m_s2: mix(a.felt_m_s2, b.felt_m_s2),
        pressure_pa: mix(a.pressure_pa, b.pressure_pa),
        mach: mix(a.mach, b.mach),
    }
}

/// To hundredths: finer digits would be noise.
fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
