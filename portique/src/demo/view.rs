use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// What a screen needs of a mission's state, out of what the API says.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct View {
    pub(super) rocket: String,
    pub(super) pad: String,
    pub(super) rehearsal: bool,
    pub(super) time_factor: f64,
    pub(super) stage: String,
    pub(super) t_s: Option<f64>,
    pub(super) poll: Option<PollView>,
    pub(super) count: Option<CountView>,
    pub(super) modules: Vec<ModuleView>,
    pub(super) outcome: Option<String>,
    pub(super) outcome_reason: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct PollView {
    pub(super) roster: BTreeMap<String, Value>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct CountView {
    pub(super) hold: Option<String>,
    pub(super) propellant: f64,
    pub(super) steps: Vec<StepView>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct StepView {
    pub(super) t_s: f64,
    pub(super) name: String,
    pub(super) done: bool,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct ModuleView {
    pub(super) module: String,
    pub(super) up: bool,
    pub(super) sample: Option<SampleView>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct SampleView {
    pub(super) speed_m_s: f64,
    pub(super) altitude_m: f64,
    pub(super) dynamic_pressure_pa: f64,
    pub(super) throttle: f64,
    pub(super) propellant_kg: f64,
    pub(super) phase: String,
}

/// A line of the mission log.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct LogLine {
    pub(super) sequence: u64,
    /// When, on the wall (RFC 3339).
    pub(super) at: String,
    pub(super) t_s: Option<f64>,
    pub(super) actor: String,
    pub(super) kind: String,
    pub(super) text: String,
}

/// How much is left in each module, as a share of the most that was seen in it.
#[derive(Debug, Default)]
pub(super) struct Tanks(BTreeMap<String, f64>);

impl Tanks {
    /// The share left, 0 to 1; `None` for a module that never had any.
    pub(super) fn share(&mut self, module: &str, propellant_kg: f64) -> Option<f64> {
        let full = self.0.entry(module.to_owned()).or_insert(0.0);
        *full = full.max(propellant_kg);
        if *full > 0.0 {
            Some(propellant_kg / *full)
        } else {
            None
        }
    }
}

impl View {
    /// Whether nothing more will happen without somebody's doing.
    pub(super) fn is_over(&self) -> bool {
        matches!(self.stage.as_str(), "ended" | "scrubbed")
    }

    /// What stands under the modules: why the clock stands, or what comes next.
    pub(super) fn next(&self) -> String {
        let Some(count) = &self.count else {
            return String::new();
        };
        if let Some(reason) = &count.hold {
            return format!("HELD: {reason}");
        }
        match count.steps.iter().find(|step| !step.done) {
            Some(step) => format!(
                "next: {} at {}, propellant loaded {:.0} %",
                step.name,
                crate::cli::words::t_clock(Some(step.t_s)),
                count.propellant * 100.0
            ),
            None => String::new(),
        }
    }
}
