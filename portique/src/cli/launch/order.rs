use clap::Args;
use serde_json::{Value, json};

use super::super::finite::finite;
use super::super::output::{Output, Table, write_done, write_result};
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
    /// deploy_payload, destroy, inject. To destroy takes a second person where two users may: `portique
    /// approvals` shows what waits.
    order: String,
    /// With throttle: the fraction of full thrust to hold; left out, the computer has it back.
    #[arg(long, value_parser = finite)]
    fraction: Option<f64>,
    /// With inject: engine_out, dense_air, frozen_sensors, biased_sensors, tank_pressure_drop,
    /// propellant_leak, attitude_drift, stuck_separation, leg_failure, telemetry_silence,
    /// control_crash, telemetry_crash, computer_crash, link.
    #[arg(long)]
    fault: Option<String>,
    /// With the fault link: milliseconds that everything takes one way, at most 2000. A link without any of
    /// the four is sound again.
    #[arg(long, value_name = "MS")]
    latency_ms: Option<u32>,
    /// With the fault link: at most so many milliseconds more, drawn for each message.
    #[arg(long, value_name = "MS")]
    jitter_ms: Option<u32>,
    /// With the fault link: the share of messages that never arrive, 0 to 1.
    #[arg(long, value_name = "SHARE", value_parser = finite)]
    loss: Option<f64>,
    /// With the fault link: what is drawn from; the same seed loses the same messages.
    #[arg(long)]
    seed: Option<u64>,
    /// With destroy: why, for the second person.
    #[arg(long)]
    reason: Option<String>,
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
        if record.get("approval").is_some() {
            return waiting(&record, output);
        }
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
                body["fault"] = self.fault();
            }
            _ => {}
        }
        if let Some(reason) = &self.reason {
            body["reason"] = json!(reason);
        }
        if let Some(id) = &self.id {
            body["id"] = json!(id);
        }
        body
    }
}

impl OrderArgs {
    /// The fault as the API takes it; what does not belong to it is left for the hub to refuse.
    fn fault(&self) -> Value {
        let name = self.fault.as_ref().map(|fault| fault.replace('-', "_"));
        let mut link = serde_json::Map::new();
        let given = [
            ("latency_ms", self.latency_ms.map(Value::from)),
            ("jitter_ms", self.jitter_ms.map(Value::from)),
            ("loss", self.loss.map(Value::from)),
            ("seed", self.seed.map(Value::from)),
        ];
        link.extend(
            given
                .into_iter()
                .filter_map(|(key, value)| Some((key.to_owned(), value?))),
        );
        match name {
            Some(name) if name == "link" || !link.is_empty() => json!({ name: link }),
            name => json!(name),
        }
    }
}

/// An order that somebody else has to approve: nothing is done yet.
fn waiting(answer: &Value, output: Output) -> Result<(), Error> {
    let cell = |key| text(answer, key);
    let sentence = format!(
        "{}: waits for a second person until {}: {}",
        cell("approval"),
        wall(answer, "expires_at"),
        cell("detail")
    );
    write_done(output, answer, &sentence)
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
