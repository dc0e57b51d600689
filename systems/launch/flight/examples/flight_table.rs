//! Prints one flight: `flight_table [NAME|FILE.toml] [DELAY_TICKS] [--rows]`.
//!
//! The figures that acceptance is about come first, then the events; `--rows` adds a row each ten
//! seconds per body. It is the tool to tune a vehicle's file with.

use std::error::Error;

use portique_flight::{Body, Flight, FlyOptions, Phase, Point, Vehicle, fly};

#[expect(
    clippy::print_stdout,
    reason = "a table for people is what this program is for"
)]
fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let rows = arguments.iter().any(|argument| argument == "--rows");
    arguments.retain(|argument| !argument.starts_with("--"));
    let name = arguments.first().map_or("reference", String::as_str);
    let vehicle = if name.ends_with(".toml") {
        Vehicle::parse(&std::fs::read_to_string(name)?)?
    } else {
        Vehicle::named(name)?
    };
    let delay_ticks = arguments.get(1).map_or(Ok(0), |text| text.parse())?;
    let flight = fly(
        &vehicle,
        &FlyOptions {
            delay_ticks,
            ..FlyOptions::default()
        },
    );
    print!("{}{}", peaks(&flight), events(&flight));
    if rows {
        print!("{}", table(&flight));
    }
    Ok(())
}

fn peaks(flight: &Flight) -> String {
    let booster = &flight.tracks[0].points;
    let up = |point: &&Point| point.phase == Phase::Ascent;
    let down = |point: &&Point| point.sensors.vertical_speed_m_s < 0.0 && !up(point);
    let pressure = |a: &&Point, b: &&Point| {
        a.sensors
            .dynamic_pressure_pa
            .total_cmp(&b.sensors.dynamic_pressure_pa)
    };
    let mach_1 = booster.iter().find(|point| point.sensors.mach >= 1.0);
    let max_q = booster.iter().filter(up).max_by(pressure);
    let return_q = booster.iter().filter(down).max_by(pressure);
    let felt = booster
        .iter()
        .filter(up)
        .map(|p| p.sensors.felt_accel_m_s2)
        .fold(0.0, f64::max);
    let mut text = format!("felt acceleration of the ascent at most {felt:.1} m/s2\n");
    for (name, point) in [
        ("mach 1", mach_1),
        ("max q", max_q),
        ("return max q", return_q),
    ] {
        text += &point.map_or_else(String::new, |p| format!("{name:14}{}", row(p)));
    }
    text
}

fn events(flight: &Flight) -> String {
    let mut text = String::new();
    for event in &flight.events {
        let values: Vec<_> = event
            .values
            .iter()
            .map(|(name, value)| format!("{name} {value:.1}"))
            .collect();
        let name = format!("{} {}", event.body, event.kind);
        text += &format!("{:8.2} {name:28} {}\n", event.t_s, values.join(" "));
    }
    text
}

fn table(flight: &Flight) -> String {
    let mut text = String::new();
    for track in &flight.tracks {
        text += &format!("{}\n", track.body);
        let alone = |p: &&Point| track.body == Body::Booster || p.phase != Phase::Attached;
        for point in track.points.iter().filter(alone).step_by(100) {
            text += &row(point);
        }
    }
    text
}

fn row(point: &Point) -> String {
    let s = &point.sensors;
    format!(
        "{:7.1} {:17} h {:7.0} v {:6.1} vz {:7.1} x {:8.0} path {:6.1} nose {:6.1} felt {:6.2} \
         q {:6.0} M {:5.2} throttle {:4.2} engines {} propellant {:7.0}\n",
        s.t_s,
        point.phase,
        s.altitude_m,
        s.speed_m_s,
        s.vertical_speed_m_s,
        s.downrange_m,
        s.flight_path_rad.to_degrees(),
        s.pitch_rad.to_degrees(),
        s.felt_accel_m_s2,
        s.dynamic_pressure_pa,
        s.mach,
        s.throttle,
        s.engines_running,
        s.propellant_kg,
    )
}
