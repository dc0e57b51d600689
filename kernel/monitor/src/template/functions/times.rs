//! Functions on times and durations.

use jiff::tz::TimeZone;
use portique_clock::Timestamp;

use super::super::context::Context;
use super::super::layout::Time;
use super::super::number as written;
use super::super::value::Value;
use super::numbers::number;
use super::text;
use crate::parse_duration as parsed;

const NANOS: f64 = 1e9;

/// Nanoseconds of so many seconds, within what a time can be.
fn nanos(seconds: f64) -> Result<i64, String> {
    let nanos = seconds * NANOS;
    if !nanos.is_finite() || nanos.abs() >= i64::MAX as f64 {
        return Err(format!(
            "{} is out of the range of times",
            written::general(seconds, None)
        ));
    }
    Ok(nanos as i64)
}

fn time(value: &Value) -> Result<&Time, String> {
    match value {
        Value::Time(time) => Ok(time),
        other => Err(format!("takes a time, not a {}", other.kind())),
    }
}

pub(super) fn now(context: &Context<'_>, _: &[Value]) -> Result<Value, String> {
    Ok(Value::Float(context.now.as_nanos() as f64 / NANOS))
}

/// Seconds since 1970 to a time in UTC.
pub(super) fn to_time(_: &Context<'_>, arguments: &[Value]) -> Result<Value, String> {
    let at = Timestamp::from_nanos(nanos(number(&arguments[0])?)?);
    Ok(Value::Time(Time::utc(Some(at))))
}

pub(super) fn to_duration(_: &Context<'_>, arguments: &[Value]) -> Result<Value, String> {
    nanos(number(&arguments[0])?).map(Value::Duration)
}

pub(super) fn humanize_timestamp(_: &Context<'_>, arguments: &[Value]) -> Result<Value, String> {
    let seconds = number(&arguments[0])?;
    if !seconds.is_finite() {
        return Ok(Value::text(written::general(seconds, None)));
    }
    let at = Timestamp::from_nanos(nanos(seconds)?);
    Ok(Value::text(Time::utc(Some(at)).to_string()))
}

/// A duration as configuration writes it, in seconds.
pub(super) fn parse_duration(_: &Context<'_>, arguments: &[Value]) -> Result<Value, String> {
    let text = text(&arguments[0])?;
    let duration = parsed(text).ok_or_else(|| format!("{text:?} is no duration such as 1h30m"))?;
    Ok(Value::Float(duration.as_secs_f64()))
}

/// `date layout time`.
pub(super) fn date(_: &Context<'_>, arguments: &[Value]) -> Result<Value, String> {
    let layout = text(&arguments[0])?;
    Ok(Value::text(time(&arguments[1])?.format(layout)))
}

/// `tz zone time`.
pub(super) fn tz(_: &Context<'_>, arguments: &[Value]) -> Result<Value, String> {
    let name = text(&arguments[0])?;
    let zone = match name {
        "" | "UTC" => TimeZone::UTC,
        name => TimeZone::get(name).map_err(|_| {
            format!("there is no time zone {name:?}: write one such as \"Europe/Paris\"")
        })?,
    };
    Ok(Value::Time(time(&arguments[1])?.within(zone)))
}

/// How long ago a time was.
pub(super) fn since(context: &Context<'_>, arguments: &[Value]) -> Result<Value, String> {
    let at = time(&arguments[0])?
        .at
        .map_or(i64::MIN, Timestamp::as_nanos);
    Ok(Value::Duration(context.now.as_nanos().saturating_sub(at)))
}
