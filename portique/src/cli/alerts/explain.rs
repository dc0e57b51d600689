use serde_json::Value;

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

/// Says why there is an alert.
pub(super) async fn explain(alert: &str, visitor: &Visitor, output: Output) -> Result<(), Error> {
    let alert = fingerprint(alert, visitor).await?;
    let path = ["alerts", alert.as_str(), "explanation"];
    let mut found = visitor.get(&path, &[]).await?;
    let told = told(&alert, visitor).await?;
    for alert in found.as_array_mut().into_iter().flatten() {
        alert["notifications"] = told.clone();
    }
    write_result(output, &found, |found| {
        let mut tables = Vec::new();
        for alert in found.as_array().into_iter().flatten() {
            tables.push(list::table(&Value::Array(vec![alert.clone()])));
            tables.push(annotations(alert));
            tables.push(rule(alert));
            tables.push(samples(alert));
            tables.push(history(alert));
            tables.push(deliveries(alert));
        }
        filled(tables)
    })
}

/// The alert's way to people; nothing when the notifier does not hold it.
async fn told(alert: &str, visitor: &Visitor) -> Result<Value, Error> {
    let told = visitor.get(&["notifications", "alerts", alert], &[]).await;
    match told {
        Err(Error::Refused { status: 404, .. }) => Ok(Value::Null),
        told => told,
    }
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

/// Each way to each receiver, and what became of it.
fn deliveries(alert: &Value) -> Table {
    let mut table = Table::new(&["receiver", "way", "last told", "state", "looked at next"]);
    let told = &alert["notifications"];
    for route in told["routes"].as_array().into_iter().flatten() {
        for way in route["ways"].as_array().into_iter().flatten() {
            let (on_its_way, given_up) = (&way["on_its_way"], &way["given_up"]);
            let state = if on_its_way.is_object() {
                let problem = text(on_its_way, "last_problem");
                format!("on its way; failed so far: {problem}")
            } else if given_up.is_object() {
                let (at, reason) = (wall(given_up, "at"), text(given_up, "reason"));
                format!("given up {at}: {reason}")
            } else {
                text(way, "verdict")
            };
            table.row([
                text(route, "receiver"),
                text(way, "integration"),
                wall(way, "last_told"),
                state,
                wall(route, "next"),
            ]);
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::super::output::render;
    use super::*;

    #[test]
    fn each_way_says_what_became_of_it() {
        let way =
            |integration: &str| json!({ "integration": integration, "verdict": "not told now" });
        let mut lost = way("webhook[0]");
        lost["given_up"] = json!({ "at": "2026-01-01T00:00:00Z", "reason": "it said no" });
        let route = json!({ "receiver": "pad", "next": null, "ways": [lost, way("slack[0]")] });
        let alert = json!({ "notifications": { "routes": [route] } });
        let said = render(&[deliveries(&alert)]);
        assert!(
            said.contains("given up 2026-01-01T00:00:00Z: it said no"),
            "{said}"
        );
        assert!(
            said.contains("slack[0]") && said.contains("not told now"),
            "{said}"
        );
        assert!(deliveries(&json!({ "notifications": null })).is_empty());
    }
}
