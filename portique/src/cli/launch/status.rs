use clap::Args;
use serde_json::Value;

use super::super::output::{Output, Table, write_result};
use super::super::visitor::Visitor;
use super::super::words::{number, t_clock, text, wall};
use super::order;
use crate::error::Error;

/// `portique launch status`.
#[derive(Debug, Args)]
pub(super) struct Status {
    /// The rocket; left out, one line for each.
    rocket: Option<String>,
}

impl Status {
    pub(super) async fn run(self, visitor: &Visitor, output: Output) -> Result<(), Error> {
        match self.rocket {
            None => {
                let rockets = visitor.get(&["launch", "rockets"], &[]).await?;
                write_result(output, &rockets, |rockets| vec![board(rockets)])
            }
            Some(rocket) => {
                let state = visitor.get(&["launch", "rockets", &rocket], &[]).await?;
                let orders = visitor
                    .get(&["launch", "rockets", &rocket, "orders"], &[])
                    .await?;
                let state = with_orders(state, orders);
                write_result(output, &state, everything)
            }
        }
    }
}

/// One answer to the one question, whatever the API makes of it.
fn with_orders(mut state: Value, orders: Value) -> Value {
    if let Some(fields) = state.as_object_mut() {
        fields.insert("orders".into(), orders);
    }
    state
}

/// One line per rocket.
fn board(rockets: &Value) -> Table {
    let mut table = Table::new(&["rocket", "stage", "t", "pad", "link", "outcome"]);
    let list = rockets.as_array().or_else(|| rockets["rockets"].as_array());
    for rocket in list.into_iter().flatten() {
        table.row(summary(rocket));
    }
    table
}

fn summary(rocket: &Value) -> [String; 6] {
    let t = t_clock(rocket.get("t_s").and_then(Value::as_f64));
    let cell = |key| text(rocket, key);
    [
        cell("rocket"),
        cell("stage"),
        t,
        cell("pad"),
        cell("link"),
        cell("outcome"),
    ]
}

fn everything(state: &Value) -> Vec<Table> {
    let mut head = Table::new(&["rocket", "stage", "t", "pad", "link", "outcome"]);
    head.row(summary(state));
    let tables = [
        Some(head),
        Some(modules(state)),
        Some(anomalies(state)),
        state.get("poll").map(poll),
        orders(state),
    ];
    tables
        .into_iter()
        .flatten()
        .filter(|table| !table.is_empty())
        .collect()
}

/// What is wrong now.
fn anomalies(state: &Value) -> Table {
    let mut table = Table::new(&["anomaly", "module", "severity", "value", "limit", "since"]);
    for anomaly in state["anomalies"].as_array().into_iter().flatten() {
        let cell = |key| text(anomaly, key);
        table.row([
            cell("rule"),
            cell("module"),
            cell("severity"),
            number(anomaly, "value", 2),
            number(anomaly, "limit", 2),
            t_clock(anomaly.get("t_s").and_then(Value::as_f64)),
        ]);
    }
    table
}

fn modules(state: &Value) -> Table {
    let mut table = Table::new(&[
        "module",
        "link",
        "phase",
        "t s",
        "altitude m",
        "speed m/s",
        "q Pa",
        "propellant kg",
        "age s",
    ]);
    for module in state["modules"].as_array().into_iter().flatten() {
        let sample = &module["sample"];
        let link = match module.get("up").and_then(Value::as_bool) {
            Some(true) => "up".to_owned(),
            _ => format!("down ({})", text(module, "reason")),
        };
        table.row([
            text(module, "module"),
            link,
            text(sample, "phase"),
            number(sample, "t_s", 1),
            number(sample, "altitude_m", 0),
            number(sample, "speed_m_s", 1),
            number(sample, "dynamic_pressure_pa", 0),
            number(sample, "propellant_kg", 0),
            number(module, "age_s", 1),
        ]);
    }
    table
}

fn poll(poll: &Value) -> Table {
    let mut table = Table::new(&["station", "vote", "at", "comment"]);
    for (station, ballot) in poll["roster"].as_object().into_iter().flatten() {
        let cell = |key| text(ballot, key);
        table.row([
            station.clone(),
            cell("vote"),
            wall(ballot, "at"),
            cell("comment"),
        ]);
    }
    table
}

fn orders(state: &Value) -> Option<Table> {
    state
        .get("orders")
        .and_then(Value::as_array)
        .map(|orders| order::orders(orders))
}

/// Each weather criterion against its limit.
pub(super) fn criteria(report: &Value) -> Table {
    let mut table = Table::new(&[
        "criterion",
        "state",
        "value",
        "limit",
        "margin",
        "unit",
        "age s",
        "reason",
    ]);
    for finding in report["evaluation"]["findings"]
        .as_array()
        .into_iter()
        .flatten()
    {
        let cell = |key| text(finding, key);
        let [criterion, state, unit, reason] = ["criterion", "state", "unit", "reason"].map(cell);
        let figure = |key| number(finding, key, 1);
        let [value, limit, margin] = ["value", "limit", "margin"].map(figure);
        let age = number(finding, "age_s", 0);
        table.row([criterion, state, value, limit, margin, unit, age, reason]);
    }
    table
}
