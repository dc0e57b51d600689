//! The abort matrix: phase and rule to a list of commands.
//!
//! A matrix is data (a TOML file). It is asked from any state of a mission: what it says depends on what the
//! module is doing, and never on what the count or the poll allow.

use portique_flight::Phase;
use serde::{Deserialize, Serialize};

use crate::{Error, ModuleId, Order};

/// Rows of one matrix: a few for each phase.
const ROWS_MAX: usize = 100;
/// Commands of one row: two for each part of a large vehicle.
const COMMANDS_MAX: usize = 16;
/// Longest name of a matrix or a rule, in bytes.
const NAME_BYTES_MAX: usize = 200;
/// Longest file: a hundred full rows stay below.
const FILE_BYTES_MAX: usize = 64 * 1024;
/// What is meant by the module that the alert is about, and by all that are there.
const AFFECTED: &str = "affected";
const EVERY: &str = "every";

/// What to do about critical anomalies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AbortMatrix {
    /// Its name.
    pub name: String,
    /// The first that fits is taken.
    #[serde(rename = "row")]
    pub rows: Vec<AbortRow>,
}

/// When to do what. An empty list of conditions fits everything.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AbortRow {
    /// Names of rules.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<String>,
    /// What the module is doing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>)]
    pub phases: Vec<Phase>,
    /// Which module the alert is about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modules: Vec<ModuleId>,
    /// In order; an empty list says that nothing is to be done.
    #[serde(rename = "do")]
    pub commands: Vec<AbortCommand>,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum AbortCommand {
    /// Stop the count; where engines run, shut them down and go back to the recycle point.
    Hold,
    /// Give the launch up for now.
    Scrub,
    /// Order a module.
    Order {
        /// `affected`, `every`, or a module's name.
        to: String,
        /// What.
        order: Order,
    },
}

impl AbortMatrix {
    /// The matrix that ships with the system.
    pub fn standard() -> Self {
        Self::parse(include_str!("../aborts/standard.toml")).expect("what ships was tested")
    }

    /// Reads a matrix.
    ///
    /// # Errors
    /// [`Error::Input`] with the place and what would be right.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > FILE_BYTES_MAX {
            let bytes = text.len();
            return Err(invalid(format!(
                "is {bytes} bytes long; it may have {FILE_BYTES_MAX}"
            )));
        }
        let matrix: Self =
            toml::from_str(text).map_err(|error| invalid(error.to_string().trim_end()))?;
        matrix.check()?;
        Ok(matrix)
    }

    /// The first row that fits.
    pub fn find(&self, rule: &str, phase: Option<Phase>, module: &ModuleId) -> Option<&AbortRow> {
        let fits = |row: &&AbortRow| {
            let is_rule = row.rules.is_empty() || row.rules.iter().any(|name| name == rule);
            let is_phase =
                row.phases.is_empty() || phase.is_some_and(|phase| row.phases.contains(&phase));
            let is_module = row.modules.is_empty() || row.modules.contains(module);
            is_rule && is_phase && is_module
        };
        self.rows.iter().find(fits)
    }

    fn check(&self) -> Result<(), Error> {
        check_name("the matrix", &self.name)?;
        if self.rows.is_empty() || self.rows.len() > ROWS_MAX {
            let rows = self.rows.len();
            return Err(invalid(format!("has {rows} rows; write 1 to {ROWS_MAX}")));
        }
        for (number, row) in (1..).zip(&self.rows) {
            for rule in &row.rules {
                check_name("a rule", rule)?;
            }
            if row.commands.len() > COMMANDS_MAX {
                return Err(invalid(format!(
                    "row {number}: at most {COMMANDS_MAX} commands"
                )));
            }
            for command in &row.commands {
                command
                    .check()
                    .map_err(|problem| invalid(format!("row {number}: {problem}")))?;
            }
        }
        Ok(())
    }
}

impl Default for AbortMatrix {
    fn default() -> Self {
        Self::standard()
    }
}

impl AbortCommand {
    /// The modules it is for, of those that are there; none for a command to the count.
    pub fn addressees(&self, affected: &ModuleId, all: &[ModuleId]) -> Vec<ModuleId> {
        match self {
            Self::Hold | Self::Scrub => Vec::new(),
            Self::Order { to, .. } if to == AFFECTED => vec![affected.clone()],
            Self::Order { to, .. } if to == EVERY => all.to_vec(),
            Self::Order { to, .. } => ModuleId::new(to.as_str()).into_iter().collect(),
        }
    }

    fn check(&self) -> Result<(), String> {
        let Self::Order { to, order } = self else {
            return Ok(());
        };
        if to != AFFECTED && to != EVERY {
            ModuleId::new(to.as_str()).map_err(|error| error.to_string())?;
        }
        match order {
            Order::Safe | Order::Throttle { .. } | Order::Stage => Ok(()),
            Order::DeployPayload | Order::Destroy => Ok(()),
            Order::InternalPower | Order::Startup | Order::StartEngines | Order::Inject { .. } => {
                Err(format!("{} makes nothing safe", order.name()))
            }
        }
    }
}

fn check_name(what: &str, name: &str) -> Result<(), Error> {
    let is_fine = !name.trim().is_empty() && name.len() <= NAME_BYTES_MAX;
    if is_fine && !name.contains(char::is_control) {
        return Ok(());
    }
    Err(invalid(format!(
        "names {what} in no line of 1 to {NAME_BYTES_MAX} bytes"
    )))
}

fn invalid(problem: impl Into<String>) -> Error {
    Error::Input {
        what: "abort matrix",
        problem: problem.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn module(name: &str) -> ModuleId {
        ModuleId::new(name).unwrap()
    }

    #[test]
    fn the_first_row_that_fits_is_taken() {
        let matrix = AbortMatrix::standard();
        let find = |rule: &str, phase| matrix.find(rule, Some(phase), &module("booster"));
        let said = |rule, phase| find(rule, phase).map(|row| row.commands.clone());
        let over = "LaunchDynamicPressureOverLimit";
        assert_eq!(said(over, Phase::Startup), Some(vec![AbortCommand::Hold]));
        let destroy = AbortCommand::Order {
            to: AFFECTED.into(),
            order: Order::Destroy,
        };
        assert_eq!(said(over, Phase::Ascent), Some(vec![destroy]));
        assert_eq!(said("LaunchEnginesOut", Phase::Ascent), Some(Vec::new()));
        assert_eq!(
            said("LaunchEnginesOut", Phase::Ignition),
            Some(vec![AbortCommand::Hold])
        );
        assert_eq!(said("MyRule", Phase::Ascent), None);
        assert_eq!(
            matrix.find(over, None, &module("camera")),
            None,
            "no phase is known"
        );
    }

    #[test]
    fn who_is_meant_is_clear() {
        let order = |to: &str| AbortCommand::Order {
            to: to.into(),
            order: Order::Destroy,
        };
        let all = ["booster", "stage2"].map(module);
        assert_eq!(
            order("affected").addressees(&all[1], &all),
            [module("stage2")]
        );
        assert_eq!(order("every").addressees(&all[1], &all), all);
        assert_eq!(
            order("payload").addressees(&all[1], &all),
            [module("payload")]
        );
        assert!(AbortCommand::Hold.addressees(&all[1], &all).is_empty());
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_its_place() {
        let refused = |text: &str| AbortMatrix::parse(text).unwrap_err().to_string();
        let row = |row: &str| format!("name = \"m\"\n[[row]]\n{row}");
        for (text, said) in [
            ("name = \"m\"".to_owned(), "row"),
            (
                row("do = []\nphase = [\"ascent\"]"),
                "unknown field `phase`",
            ),
            (row("do = []\nphases = [\"up\"]"), "up"),
            (row("do = [{ do = \"panic\" }]"), "panic"),
            (
                row("do = [{ do = \"order\", to = \"every\", order = { order = \"startup\" } }]"),
                "row 1: startup makes nothing safe",
            ),
            (
                row("do = [{ do = \"order\", to = \"A B\", order = { order = \"safe\" } }]"),
                "is not a module name",
            ),
        ] {
            assert!(refused(&text).contains(said), "{}", refused(&text));
        }
    }
}
