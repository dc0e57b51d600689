use std::path::PathBuf;

use clap::Args;
use portique_launch::recording;
use serde_json::Value;

use super::super::output::{Output, Table, write_result};
use super::super::words::{number, t_clock, text};
use super::read_file;
use crate::error::Error;

/// `portique launch replay`.
#[derive(Debug, Args)]
pub(super) struct Replay {
    /// The recording: CSV with the header time_s,velocity_m_s,altitude_km.
    flight: PathBuf,
}

impl Replay {
    pub(super) fn run(self, output: Output) -> Result<(), Error> {
        let text = read_file(&self.flight, recording::RECORDING_BYTES_MAX)?;
        let detected = recording::replay(&text).map_err(|error| Error::Usage {
            message: format!(
                "{}: {}",
                self.flight.display(),
                portique_fault::chain(&error)
            ),
        })?;
        let detected = serde_json::to_value(detected).expect("detected events have text keys");
        write_result(output, &detected, |detected| vec![events(detected)])
    }
}

fn events(detected: &Value) -> Table {
    let mut table = Table::new(&[
        "t",
        "t s",
        "event",
        "altitude m",
        "speed m/s",
        "q Pa",
        "mach",
    ]);
    for event in detected.as_array().into_iter().flatten() {
        table.row([
            t_clock(event["t_s"].as_f64()),
            number(event, "t_s", 1),
            text(event, "event"),
            number(event, "altitude_m", 0),
            number(event, "speed_m_s", 0),
            number(event, "dynamic_pressure_pa", 0),
            number(event, "mach", 2),
        ]);
    }
    table
}
