use serde_json::{Value, json};

use super::super::output::{Output, Table, write_result};
use super::super::visitor::Visitor;
use super::super::words::{text, wall};
use super::{fingerprint, list};
use crate::error::Error;

/// Samples of a series that are shown; `-o json` has more.
const SAMPLES_SHOWN: usize = 5;

/// Shows an alert and what happened to it.
pub(super) async fn show(alert: &str, visitor: &Visitor, output: Output) -> Result<(), Error> {
    let alert = fingerprint(alert, visitor).await?;
    let found = visitor.get(&["alerts", &alert], &[]).await?;
    write_result(output, &found, |found| {
        let mut tables = vec![list::table(found)];
        for alert in found.as_array().into_iter().flatten() {
            tables.push(annotations(alert));
            tables.push(history(alert));
        }
        filled(tables)
    })
}

/// Says why there is an alert, and who is told of it.
pub(super) async fn explain(alert: &str, visitor: &Visitor, output: Output) -> Result<(), Error> {
    let alert = fingerprint(alert, visitor).await?;
    let alerts = visitor.get(&["alerts", &alert, "explanation"], &[]).await?;
    let told = visitor.get(&["notifications", "alerts", &alert], &[]).await;
    let told = match told {
        // Of a pending alert the notifier has not heard.
        Err(Error::Refused { status: 404, .. }) => Value::Null,
        told => told?,
    };
    let found = json!({ "alerts": alerts, "notifications": told });
    write_result(output, &found, |found| {
        let mut tables = Vec::new();
        for alert in found["alerts"].as_array().into_iter().flatten() {
            tables.push(list::table(&Value::Array(vec![alert.clone()])));
            tables.push(annotations(alert));
            tables.push(rule(alert));
            tables.push(samples(alert));
            tables.push(history(alert));
        }
        tables.push(ways(&found["notifications"]));
        tables.push(muting(&found["notifications"]));
        filled(tables)
    })
}

/// Who is told, in which ways, and what became of it.
fn ways(told: &Value) -> Table {
    let mut table = Table::new(&[
        "receiver", "way", "told", "last", "next", "verdict", "trouble",
    ]);
    for route in told["routes"].as_array().into_iter().flatten() {
        for way in route["ways"].as_array().into_iter().flatten() {
            let is_told = way["is_told"].as_bool().unwrap_or_default();
            let trouble = [
                &way["on_its_way"]["last_problem"],
                &way["given_up"]["reason"],
            ];
            let trouble = trouble.into_iter().find_map(Value::as_str);
            table.row([
                text(route, "receiver"),
                text(way, "integration"),
                (if is_told { "yes" } else { "no" }).to_owned(),
                wall(way, "last_told"),
                wall(route, "next"),
                text(way, "verdict"),
                trouble.unwrap_or("-").to_owned(),
            ]);
        }
    }
    table
}

/// What keeps people from being told.
fn muting(told: &Value) -> Table {
    let mut table = Table::new(&["muted by", "which"]);
    for silence in told["silenced_by"].as_array().into_iter().flatten() {
        let silence = silence.as_str().unwrap_or_default();
        table.row(["silence".to_owned(), silence.to_owned()]);
    }
    if let Some(alert) = told["inhibited_by"].as_str() {
        table.row(["alert".to_owned(), alert.to_owned()]);
    }
    table
}

fn filled(tables: Vec<Table>) -> Vec<Table> {
    let filled = tables.into_iter().filter(|table| !table.is_empty());
    filled.collect()
}

fn annotations(alert: &Value) -> Table {
    let mut table = Table::new(&["annotation", "text"]);
    for (name, value) in alert["annotations"].as_object().into_iter().flatten() {
        let value = value.as_str().unwrap_or_default();
        table.row([name.clone(), value.to_owned()]);
    }
    table
}

fn rule(alert: &Value) -> Table {
    let mut table = Table::new(&["rule", "place", "expression", "for", "health"]);
    let definition = &alert["definition"];
    if definition.is_object() {
        let for_s = definition["alerting"]["for_s"].as_f64();
        table.row([
            text(definition, "name"),
            text(alert, "place"),
            text(definition, "query"),
            format!("{}s", for_s.unwrap_or_default()),
            text(definition, "health"),
        ]);
    }
    table
}

fn samples(alert: &Value) -> Table {
    let mut table = Table::new(&["selector", "series", "newest samples"]);
    for input in alert["inputs"].as_array().into_iter().flatten() {
        for series in input["series"].as_array().into_iter().flatten() {
            let samples = series["samples"].as_array().cloned().unwrap_or_default();
            let newest = samples.iter().rev().take(SAMPLES_SHOWN);
            let newest: Vec<String> = newest.map(sample).collect();
            table.row([
                text(input, "selector"),
                series["labels"].to_string(),
                newest.join(", "),
            ]);
        }
        let left_out = input["left_out"].as_u64().unwrap_or_default();
        if left_out > 0 {
            let more = format!("{left_out} more series");
            table.row([text(input, "selector"), more, "-".to_owned()]);
        }
    }
    table
}

/// A value and its time to the millisecond.
fn sample(sample: &Value) -> String {
    let at_ms = sample[0].as_i64().unwrap_or_default();
    let at = portique_clock::Timestamp::from_millis(at_ms);
    format!("{} at {at}", sample[1].as_str().unwrap_or_default())
}

fn history(alert: &Value) -> Table {
    let mut table = Table::new(&["at", "what", "value", "by", "said"]);
    for entry in alert["history"].as_array().into_iter().flatten() {
        let said = match (entry.get("to"), entry.get("until")) {
            (Some(_), _) => text(entry, "to"),
            (_, Some(_)) => format!("until {} {}", wall(entry, "until"), text(entry, "comment")),
            _ => text(entry, "comment"),
        };
        table.row([
            text(entry, "at"),
            text(entry, "what"),
            text(entry, "value"),
            text(entry, "by"),
            said,
        ]);
    }
    table
}
