//! The air: US Standard Atmosphere 1976.

use serde::{Deserialize, Serialize};

/// The air at one height.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Air {
    /// Mass density.
    pub density_kg_m3: f64,
    /// Static pressure.
    pub pressure_pa: f64,
    /// Kinetic temperature.
    pub temperature_k: f64,
    /// Speed of sound.
    pub sound_speed_m_s: f64,
}

/// Universal gas constant of the 1976 standard, J/(kmol K).
const GAS_CONSTANT: f64 = 8314.32;
/// Molar mass of air below 86 km, kg/kmol.
const MOLAR_MASS: f64 = 28.9644;
/// Standard gravity, m/s².
const GRAVITY: f64 = 9.80665;
/// Ratio of specific heats.
const HEAT_RATIO: f64 = 1.4;
/// Radius that turns geometric into geopotential height, m.
const RADIUS_M: f64 = 6_356_766.0;
/// Geometric height where the layered model ends, m.
const TOP_M: f64 = 86_000.0;
/// Geometric height over which there is no air left that matters to a flight of minutes, m.
const VACUUM_M: f64 = 400_000.0;

/// Base geopotential height (m), base temperature (K), lapse rate (K/m), base pressure (Pa).
const LAYERS: [[f64; 4]; 7] = [
    [0.0, 288.15, -0.0065, 101_325.0],
    [11_000.0, 216.65, 0.0, 22_632.06],
    [20_000.0, 216.65, 0.001, 5_474.889],
    [32_000.0, 228.65, 0.0028, 868.0187],
    [47_000.0, 270.65, 0.0, 110.9063],
    [51_000.0, 270.65, -0.0028, 66.938_87],
    [71_000.0, 214.65, -0.002, 3.956_420],
];

/// Geometric height (m), density (kg/m³) of the 1976 standard above the layers.
const TAIL: [[f64; 2]; 8] = [
    [86_000.0, 6.957e-6],
    [100_000.0, 5.604e-7],
    [120_000.0, 2.222e-8],
    [150_000.0, 2.076e-9],
    [200_000.0, 2.541e-10],
    [250_000.0, 6.073e-11],
    [300_000.0, 1.916e-11],
    [400_000.0, 2.803e-12],
];

/// The standard air at a geometric height above sea level, in metres.
///
/// Below sea level the first layer is continued, down to -5 km. From 86 km the density follows the
/// standard's table (log-linear between its rows, temperature held), and is nothing above 400 km.
/// Source: U.S. Standard Atmosphere, 1976 (NOAA-S/T 76-1562), tables I and II.
pub fn air_at(altitude_m: f64) -> Air {
    if altitude_m <= TOP_M {
        layered(altitude_m.max(-5_000.0))
    } else {
        tail(altitude_m)
    }
}

fn layered(altitude_m: f64) -> Air {
    let height_m = RADIUS_M * altitude_m / (RADIUS_M + altitude_m);
    let layer = LAYERS
        .iter()
        .rposition(|layer| height_m >= layer[0])
        .unwrap_or(0);
    let [base_m, base_k, lapse, base_pa] = LAYERS[layer];
    let temperature_k = base_k + lapse * (height_m - base_m);
    let hydrostatic = GRAVITY * MOLAR_MASS / GAS_CONSTANT;
    let pressure_pa = if lapse == 0.0 {
        base_pa * (-hydrostatic * (height_m - base_m) / base_k).exp()
    } else {
        base_pa * (base_k / temperature_k).powf(hydrostatic / lapse)
    };
    air(
        pressure_pa * MOLAR_MASS / (GAS_CONSTANT * temperature_k),
        temperature_k,
    )
}

fn tail(altitude_m: f64) -> Air {
    let temperature_k = layered(TOP_M).temperature_k;
    if altitude_m >= VACUUM_M || altitude_m.is_nan() {
        return air(0.0, temperature_k);
    }
    let row = TAIL
        .iter()
        .rposition(|row| altitude_m >= row[0])
        .unwrap_or(0)
        .min(TAIL.len() - 2);
    let [low_m, low] = TAIL[row];
    let [high_m, high] = TAIL[row + 1];
    let part = (altitude_m - low_m) / (high_m - low_m);
    air(
        (low.ln() + part * (high.ln() - low.ln())).exp(),
        temperature_k,
    )
}

fn air(density_kg_m3: f64, temperature_k: f64) -> Air {
    let specific = GAS_CONSTANT / MOLAR_MASS;
    Air {
        density_kg_m3,
        pressure_pa: density_kg_m3 * specific * temperature_k,
        temperature_k,
        sound_speed_m_s: (HEAT_RATIO * specific * temperature_k).sqrt(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Geometric height, temperature, pressure, density, speed of sound as published.
    const PUBLISHED: [[f64; 5]; 9] = [
        [0.0, 288.15, 101_325.0, 1.2250, 340.29],
        [1_000.0, 281.651, 89_876.0, 1.1117, 336.43],
        [5_000.0, 255.676, 54_048.0, 0.73643, 320.55],
        [11_000.0, 216.774, 22_700.0, 0.36480, 295.15],
        [20_000.0, 216.650, 5_529.3, 0.088910, 295.07],
        [30_000.0, 226.509, 1_197.0, 0.018410, 301.71],
        [50_000.0, 270.650, 79.779, 0.001_026_9, 329.80],
        [70_000.0, 219.585, 5.2209, 8.2829e-5, 297.06],
        [86_000.0, 186.946, 0.373_38, 6.957_9e-6, 274.10],
    ];

    #[test]
    fn the_published_table_is_met_to_a_thousandth() {
        for [height_m, temperature_k, pressure_pa, density, sound] in PUBLISHED {
            let air = air_at(height_m);
            let close = |found: f64, wanted: f64| (found / wanted - 1.0).abs() < 1e-3;
            assert!(
                close(air.temperature_k, temperature_k),
                "{height_m} m: {air:?}"
            );
            assert!(close(air.pressure_pa, pressure_pa), "{height_m} m: {air:?}");
            assert!(close(air.density_kg_m3, density), "{height_m} m: {air:?}");
            assert!(close(air.sound_speed_m_s, sound), "{height_m} m: {air:?}");
        }
    }

    #[test]
    fn the_air_thins_without_a_step_up_to_nothing() {
        let mut below = air_at(-6_000.0).density_kg_m3;
        for step in -50..4_000 {
            let density = air_at(f64::from(step) * 100.0).density_kg_m3;
            assert!(density <= below, "denser at {step} hm");
            assert!(
                density > below * 0.97,
                "a step at {step} hm: {below} to {density}"
            );
            below = density;
        }
        assert_eq!(air_at(500_000.0).density_kg_m3, 0.0);
        assert_eq!(air_at(f64::INFINITY).density_kg_m3, 0.0);
    }
}
