use super::view::{LogLine, Tanks, View};
use crate::cli::output::write_line;
use crate::cli::words::t_clock;
use crate::error::Error;

/// Seconds of flight between two state lines, where no terminal can be drawn on.
const STATE_LINE_EVERY_S: f64 = 10.0;

/// Plain lines: one for each event, and the state now and then.
#[derive(Debug, Default)]
pub(super) struct Lines {
    tanks: Tanks,
    last_t_s: Option<f64>,
}

impl Lines {
    pub(super) fn log(&self, line: &LogLine) -> Result<(), Error> {
        write_line(&log_line(line))
    }

    pub(super) fn state(&mut self, view: &View) -> Result<(), Error> {
        let due = match (view.t_s, self.last_t_s) {
            (Some(t_s), Some(last)) => (t_s - last).abs() >= STATE_LINE_EVERY_S,
            (now, last) => now.is_some() && last.is_none(),
        };
        for module in &view.modules {
            if let Some(sample) = &module.sample {
                self.tanks.share(&module.module, sample.propellant_kg);
            }
        }
        if !due {
            return Ok(());
        }
        self.last_t_s = view.t_s;
        let modules: Vec<String> = view
            .modules
            .iter()
            .filter_map(|module| {
                let sample = module.sample.as_ref()?;
                let tanks = match self.tanks.share(&module.module, sample.propellant_kg) {
                    Some(share) => format!(" {:.0} %", share * 100.0),
                    None => String::new(),
                };
                Some(format!(
                    "{} {} {:.1} km {:.0} m/s {:.1} kPa{tanks}",
                    module.module,
                    sample.phase,
                    sample.altitude_m / 1e3,
                    sample.speed_m_s,
                    sample.dynamic_pressure_pa / 1e3,
                ))
            })
            .collect();
        write_line(&format!(
            "{}  {:9} {}",
            t_clock(view.t_s),
            view.stage,
            modules.join(" | ")
        ))
    }
}

/// A line of the mission log, for people.
pub(super) fn log_line(line: &LogLine) -> String {
    format!("{}  {:9} {}", t_clock(line.t_s), line.actor, line.text)
}
