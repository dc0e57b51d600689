use clap::Args;
use serde_json::{Value, json};

use super::super::finite::finite;
use super::super::output::{Output, Table, write_result};
use super::super::visitor::Visitor;
use super::super::words::{text, wall};
use crate::error::Error;

/// `portique launch order`.
#[derive(Debug, Args)]
pub(super) struct OrderArgs {
    /// The rocket's name.
    rocket: String,
    /// The module: booster, stage2, payload, or another of the rocket's.
    module: String,
    /// What it shall do: internal_power, startup, start_engines, safe, throttle, stage,
    /// deploy_payload, destroy, inject.
    order: String,
    /// With throttle: the fraction of full thrust to hold; left out, the computer has it back.
    #[arg(long, value_parser = finite)]
    fraction: Option<f64>,
    /// With inject: engine_out, dense_air, frozen_sensors, biased_sensors, tank_pressure_drop,
    /// propellant_leak, attitude_drift, stuck_separation, leg_failure, telemetry_silence,
    /// control_crash, telemetry_crash, computer_crash.
    #[arg(long)]
    fault: Option<String>,
    /// Executed at most once under this id [default: a new one].
    #[arg(long)]
    id: Option<String>,
}

impl OrderArgs {
    pub(super) async fn run(self, visitor: &Visitor, output: Output) -> Result<(), Error> {
        let path = [
            "launch",
            "rockets",
            &self.rocket,
            "modules",
            &self.module,
            "orders",
        ];
        let record = visitor.post(&path, &self.body()).await?;
        write_result(output, &record, |record| {
            vec![orders(std::slice::from_ref(record))]
        })?;
        let reason = text(&record, "reason");
        match record.get("stage").and_then(Value::as_str) {
            Some("refused" | "failed" | "expired") => Err(Error::Refused {
                status: 409,
                detail: format!("{} of {} did not do it: {reason}", self.module, self.rocket),
            }),
            _ => Ok(()),
        }
    }

    fn body(&self) -> Value {
        let name = self.order.replace('-', "_");
        let mut body = json!({ "order": name });
        match name.as_str() {
            "throttle" => body["fraction"] = json!(self.fraction),
            "inject" => {
                body["fault"] = json!(self.fault.as_ref().map(|fault| fault.replace('-', "_")));
            }
            _ => {}
        }
        if let Some(id) = &self.id {
            body["id"] = json!(id);
        }
        body
    }
}

/// Orders as rows, oldest first.
pub(super) fn orders(records: &[Value]) -> Table {
    let mut table = Table::new(&["at", "module", "order", "stage", "by", "reason"]);
    for record in records {
        let cell = |key| text(record, key);
        let [module, order, stage, actor, reason] =
            ["module", "order", "stage", "actor", "reason"].map(cell);
        table.row([wall(record, "at"), module, order, stage, actor, reason]);
    }
    table
}
