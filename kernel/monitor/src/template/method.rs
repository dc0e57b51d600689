//! Fields, and the few methods that values have.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::layout::Time;
use super::value::Value;

/// The field or method `name` of a value; a method may take arguments.
pub(super) fn field(value: &Value, name: &str, arguments: &[Value]) -> Result<Value, String> {
    if let Some(found) = method(value, name, arguments) {
        return found;
    }
    if !arguments.is_empty() {
        return Err(format!("{} has no method {name}", value.kind()));
    }
    match value {
        Value::Record(record) => {
            let known = || {
                record
                    .fields
                    .keys()
                    .copied()
                    .collect::<Vec<_>>()
                    .join(", .")
            };
            let found = record.fields.get(name).cloned();
            found.ok_or_else(|| {
                format!(
                    "there is no field .{name} in {}: there are .{}",
                    record.kind,
                    known()
                )
            })
        }
        Value::Map(map) => Ok(map.get(name).cloned().unwrap_or(Value::Nil)),
        Value::Labels(map) | Value::Kv(map) => {
            Ok(Value::text(map.get(name).map_or("", String::as_str)))
        }
        other => Err(format!("{} has no field .{name}", other.kind())),
    }
}

/// `None` when there is no such method.
fn method(value: &Value, name: &str, arguments: &[Value]) -> Option<Result<Value, String>> {
    match value {
        Value::Kv(map) => kv_method(map, name, arguments),
        Value::Pairs(pairs) => match name {
            "Names" => Some(Ok(texts(pairs.iter().map(|(n, _)| n)))),
            "Values" => Some(Ok(texts(pairs.iter().map(|(_, v)| v)))),
            _ => None,
        },
        Value::Alerts(alerts) => match name {
            "Firing" => Some(Ok(having_status(alerts, "firing"))),
            "Resolved" => Some(Ok(having_status(alerts, "resolved"))),
            _ => None,
        },
        Value::Time(time) => time_method(time, name, arguments),
        Value::Duration(nanos) => duration_method(*nanos, name),
        _ => None,
    }
}

fn kv_method(
    map: &BTreeMap<String, String>,
    name: &str,
    arguments: &[Value],
) -> Option<Result<Value, String>> {
    match name {
        "SortedPairs" => Some(Ok(sorted_pairs(map))),
        "Names" => Some(Ok(texts(sorted(map).iter().map(|(n, _)| n)))),
        "Values" => Some(Ok(texts(sorted(map).iter().map(|(_, v)| v)))),
        "Remove" => Some(remove(map, arguments)),
        _ => None,
    }
}

/// Sorted by name, but the alert's name comes first.
pub(super) fn sorted(map: &BTreeMap<String, String>) -> Vec<(String, String)> {
    let mut pairs: Vec<_> = map.iter().map(|(n, v)| (n.clone(), v.clone())).collect();
    pairs.sort_by_key(|(name, _)| name != crate::ALERT_NAME);
    pairs
}

fn sorted_pairs(map: &BTreeMap<String, String>) -> Value {
    Value::Pairs(Arc::from(sorted(map)))
}

fn remove(map: &BTreeMap<String, String>, arguments: &[Value]) -> Result<Value, String> {
    let [Value::List(names)] = arguments else {
        return Err("Remove takes a list of names: write .Remove (stringSlice \"a\" \"b\")".into());
    };
    let is_named = |name: &str| names.iter().any(|n| n.as_text() == Some(name));
    let kept = map.iter().filter(|(name, _)| !is_named(name));
    let kept = kept.map(|(n, v)| (n.clone(), v.clone())).collect();
    Ok(Value::Kv(Arc::new(kept)))
}

fn texts<'a>(texts: impl Iterator<Item = &'a String>) -> Value {
    Value::list(texts.map(Value::text))
}

fn having_status(alerts: &[Value], status: &str) -> Value {
    let has_status = |alert: &&Value| {
        let Value::Record(record) = alert else {
            return false;
        };
        let found = record.fields.get("Status").and_then(Value::as_text);
        found == Some(status)
    };
    Value::Alerts(alerts.iter().filter(has_status).cloned().collect())
}

fn time_method(time: &Time, name: &str, arguments: &[Value]) -> Option<Result<Value, String>> {
    let nanos = time.at.map(|at| at.as_nanos());
    let unix = |unit: i64| Ok(Value::Int(nanos.unwrap_or(i64::MIN).div_euclid(unit)));
    let found = match (name, arguments) {
        ("Format", [Value::Text(layout)]) => Ok(Value::text(time.format(layout))),
        ("Format", _) => Err("Format takes a layout such as \"15:04:05\"".into()),
        ("UTC", []) => Ok(Value::Time(Time::utc(time.at))),
        ("Local", []) => Ok(Value::Time(time.clone())),
        ("IsZero", []) => Ok(Value::Bool(time.at.is_none())),
        ("Unix", []) => unix(1_000_000_000),
        ("UnixMilli", []) => unix(1_000_000),
        ("UnixNano", []) => unix(1),
        ("String", []) => Ok(Value::text(time.to_string())),
        ("Add", [Value::Duration(by)]) => {
            let later = nanos.map(|n| portique_clock::Timestamp::from_nanos(n.saturating_add(*by)));
            Ok(Value::Time(Time {
                at: later,
                zone: time.zone.clone(),
            }))
        }
        ("Sub" | "Before" | "After" | "Equal", [Value::Time(other)]) => {
            let other = other.at.map(|at| at.as_nanos());
            Ok(match name {
                "Sub" => Value::Duration(
                    nanos
                        .unwrap_or(i64::MIN)
                        .saturating_sub(other.unwrap_or(i64::MIN)),
                ),
                "Before" => Value::Bool(nanos < other),
                "After" => Value::Bool(nanos > other),
                _ => Value::Bool(nanos == other),
            })
        }
        ("Year", []) => Ok(number(time, "2006")),
        ("Day", []) => Ok(number(time, "2")),
        ("Hour", []) => Ok(number(time, "15")),
        ("Minute", []) => Ok(number(time, "4")),
        ("Second", []) => Ok(number(time, "5")),
        ("Month", []) => Ok(Value::text(time.format("January"))),
        ("Weekday", []) => Ok(Value::text(time.format("Monday"))),
        _ => return None,
    };
    Some(found)
}

fn number(time: &Time, layout: &str) -> Value {
    Value::Int(time.format(layout).parse().unwrap_or(0))
}

fn duration_method(nanos: i64, name: &str) -> Option<Result<Value, String>> {
    let in_units = |unit: f64| Ok(Value::Float(nanos as f64 / unit));
    match name {
        "Seconds" => Some(in_units(1e9)),
        "Minutes" => Some(in_units(60e9)),
        "Hours" => Some(in_units(3_600e9)),
        "Milliseconds" => Some(Ok(Value::Int(nanos / 1_000_000))),
        "String" => Some(Ok(Value::text(super::print::duration(nanos)))),
        _ => None,
    }
}
