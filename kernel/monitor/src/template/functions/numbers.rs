//! Numbers for people.

use super::super::context::Context;
use super::super::number;
use super::super::value::Value;

/// Digits that are shown of a number that people read.
const DIGITS: usize = 4;

const LARGE: [&str; 8] = ["k", "M", "G", "T", "P", "E", "Z", "Y"];
const LARGE_BINARY: [&str; 8] = ["ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"];
const SMALL: [&str; 8] = ["m", "u", "n", "p", "f", "a", "z", "y"];

/// A number, also when it is written as a text.
pub(super) fn number(value: &Value) -> Result<f64, String> {
    match value {
        Value::Float(value) => Ok(*value),
        Value::Int(value) => Ok(*value as f64),
        Value::Duration(nanos) => Ok(*nanos as f64 / 1e9),
        Value::Text(text) => {
            let number = text.parse().ok();
            number.ok_or_else(|| format!("{text:?} is not a number"))
        }
        other => Err(format!("takes a number, not a {}", other.kind())),
    }
}

fn short(value: f64) -> String {
    number::general(value, Some(DIGITS))
}

fn scaled(value: f64, prefixes: &[&'static str; 8], step: f64) -> (f64, &'static str) {
    let mut scaled = (value, "");
    for prefix in prefixes {
        let is_enough = match step < 1.0 {
            true => scaled.0.abs() >= 1.0,
            false => scaled.0.abs() < step,
        };
        if is_enough {
            break;
        }
        scaled = (scaled.0 / step, prefix);
    }
    scaled
}

/// One step to a smaller unit.
const THOUSANDTH: f64 = 1e-3;

pub(super) fn humanize(_: &Context<'_>, arguments: &[Value]) -> Result<Value, String> {
    let value = number(&arguments[0])?;
    if value == 0.0 || !value.is_finite() {
        return Ok(Value::text(short(value)));
    }
    let (value, prefix) = match value.abs() >= 1.0 {
        true => scaled(value, &LARGE, 1_000.0),
        false => scaled(value, &SMALL, THOUSANDTH),
    };
    Ok(Value::text(short(value) + prefix))
}

pub(super) fn humanize_1024(_: &Context<'_>, arguments: &[Value]) -> Result<Value, String> {
    let value = number(&arguments[0])?;
    if value.abs() <= 1.0 || !value.is_finite() {
        return Ok(Value::text(short(value)));
    }
    let (value, prefix) = scaled(value, &LARGE_BINARY, 1_024.0);
    Ok(Value::text(short(value) + prefix))
}

pub(super) fn humanize_percentage(_: &Context<'_>, arguments: &[Value]) -> Result<Value, String> {
    Ok(Value::text(short(number(&arguments[0])? * 100.0) + "%"))
}

/// Seconds as days, hours, minutes and seconds, or as a part of a second.
pub(super) fn humanize_duration(_: &Context<'_>, arguments: &[Value]) -> Result<Value, String> {
    let seconds = number(&arguments[0])?;
    if !seconds.is_finite() {
        return Ok(Value::text(short(seconds)));
    }
    if seconds == 0.0 {
        return Ok(Value::text("0s"));
    }
    if seconds.abs() < 1.0 {
        let (value, prefix) = scaled(seconds, &SMALL, THOUSANDTH);
        return Ok(Value::text(format!("{}{prefix}s", short(value))));
    }
    let sign = if seconds < 0.0 { "-" } else { "" };
    let text = long_duration(seconds.abs());
    Ok(Value::text(format!("{sign}{text}")))
}

fn long_duration(seconds: f64) -> String {
    let whole = seconds.trunc();
    let (days, hours) = ((whole / 86_400.0).trunc(), (whole / 3_600.0).trunc() % 24.0);
    let (minutes, rest) = ((whole / 60.0).trunc() % 60.0, whole % 60.0);
    match (days > 0.0, hours > 0.0, minutes > 0.0) {
        (true, _, _) => format!("{days}d {hours}h {minutes}m {rest}s"),
        (_, true, _) => format!("{hours}h {minutes}m {rest}s"),
        (_, _, true) => format!("{minutes}m {rest}s"),
        _ => short(seconds) + "s",
    }
}
