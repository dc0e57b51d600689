//! Go's own functions on any value.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::context::Context;
use super::super::value::{self, Value};

/// `and` and `or` stop early: the evaluator runs them and asks only for the last argument here.
pub(super) fn last(_: &Context<'_>, arguments: &[Value]) -> Result<Value, String> {
    Ok(arguments.last().cloned().unwrap_or(Value::Nil))
}

pub(super) fn not(_: &Context<'_>, arguments: &[Value]) -> Result<Value, String> {
    Ok(Value::Bool(!arguments[0].is_true()))
}

pub(super) fn len(_: &Context<'_>, arguments: &[Value]) -> Result<Value, String> {
    let length = arguments[0].len();
    length
        .map(value::index)
        .ok_or_else(|| format!("a {} has no length", arguments[0].kind()))
}

/// Whether the first equals any of the others.
pub(super) fn eq(_: &Context<'_>, arguments: &[Value]) -> Result<Value, String> {
    let (first, others) = arguments.split_first().expect("two are required");
    for other in others {
        if equal(first, other)? {
            return Ok(Value::Bool(true));
        }
    }
    Ok(Value::Bool(false))
}

pub(super) fn ne(_: &Context<'_>, arguments: &[Value]) -> Result<Value, String> {
    Ok(Value::Bool(!equal(&arguments[0], &arguments[1])?))
}

pub(super) fn lt(_: &Context<'_>, arguments: &[Value]) -> Result<Value, String> {
    ordered(arguments, |order| order == Some(Ordering::Less))
}

pub(super) fn le(_: &Context<'_>, arguments: &[Value]) -> Result<Value, String> {
    ordered(arguments, |order| {
        matches!(order, Some(Ordering::Less | Ordering::Equal))
    })
}

pub(super) fn gt(_: &Context<'_>, arguments: &[Value]) -> Result<Value, String> {
    ordered(arguments, |order| order == Some(Ordering::Greater))
}

pub(super) fn ge(_: &Context<'_>, arguments: &[Value]) -> Result<Value, String> {
    ordered(arguments, |order| {
        matches!(order, Some(Ordering::Greater | Ordering::Equal))
    })
}

fn incomparable(left: &Value, right: &Value) -> String {
    format!(
        "a {} and a {} cannot be compared",
        left.kind(),
        right.kind()
    )
}

fn equal(left: &Value, right: &Value) -> Result<bool, String> {
    match (left, right) {
        (Value::Nil, other) | (other, Value::Nil) => Ok(matches!(other, Value::Nil)),
        (Value::Bool(a), Value::Bool(b)) => Ok(a == b),
        (Value::Time(a), Value::Time(b)) => Ok(a.at == b.at),
        _ => match compare(left, right) {
            Ok(order) => Ok(order == Some(Ordering::Equal)),
            Err(problem) => Err(problem),
        },
    }
}

fn compare(left: &Value, right: &Value) -> Result<Option<Ordering>, String> {
    match (left, right) {
        (Value::Int(a), Value::Int(b)) | (Value::Duration(a), Value::Duration(b)) => {
            Ok(Some(a.cmp(b)))
        }
        (Value::Float(a), Value::Float(b)) => Ok(a.partial_cmp(b)),
        // Go refuses these too, and a comparison that quietly never holds hides an alert's text.
        (Value::Int(_), Value::Float(_)) | (Value::Float(_), Value::Int(_)) => {
            Err("a whole number and a fraction cannot be compared: write 1.0 for 1".into())
        }
        _ => match (left.as_text(), right.as_text()) {
            (Some(a), Some(b)) => Ok(Some(a.cmp(b))),
            _ => Err(incomparable(left, right)),
        },
    }
}

fn ordered(arguments: &[Value], holds: fn(Option<Ordering>) -> bool) -> Result<Value, String> {
    compare(&arguments[0], &arguments[1]).map(|order| Value::Bool(holds(order)))
}

/// `index x 1 2` is `x[1][2]`.
pub(super) fn index(_: &Context<'_>, arguments: &[Value]) -> Result<Value, String> {
    let (first, keys) = arguments.split_first().expect("one is required");
    keys.iter()
        .try_fold(first.clone(), |value, key| element(&value, key))
}

fn element(value: &Value, key: &Value) -> Result<Value, String> {
    match (value, key) {
        (Value::Map(map), Value::Text(key)) => Ok(map.get(&**key).cloned().unwrap_or(Value::Nil)),
        (Value::Labels(map) | Value::Kv(map), Value::Text(key)) => {
            Ok(Value::text(map.get(&**key).map_or("", String::as_str)))
        }
        (Value::Text(text), Value::Int(place)) => {
            let byte = usize::try_from(*place)
                .ok()
                .and_then(|at| text.as_bytes().get(at));
            let byte = byte.map(|byte| Value::Int(i64::from(*byte)));
            byte.ok_or_else(|| format!("{place} is out of range: there are {} bytes", text.len()))
        }
        (_, Value::Int(place)) => {
            let found = usize::try_from(*place).ok().and_then(|at| value.at(at));
            found.ok_or_else(|| match value.len() {
                Some(len) => format!("{place} is out of range: there are {len}"),
                None => format!("a {} has no elements", value.kind()),
            })
        }
        _ => Err(format!(
            "a {} has no element named by a {}",
            value.kind(),
            key.kind()
        )),
    }
}

/// `slice x 1 2` is `x[1:2]`; of a text, bytes.
pub(super) fn slice(_: &Context<'_>, arguments: &[Value]) -> Result<Value, String> {
    let (value, bounds) = arguments.split_first().expect("one is required");
    let length = value
        .len()
        .ok_or_else(|| format!("a {} cannot be sliced", value.kind()))?;
    let bound = |place: usize, default: usize| match bounds.get(place) {
        None => Ok(default),
        Some(Value::Int(at)) => usize::try_from(*at).map_err(|_| format!("{at} is out of range")),
        Some(other) => Err(format!("a bound is a whole number, not a {}", other.kind())),
    };
    let (from, to) = (bound(0, 0)?, bound(1, length)?);
    if from > to || to > length {
        return Err(format!(
            "{from} to {to} is out of range: there are {length}"
        ));
    }
    match value {
        Value::Text(text) => match text.get(from..to) {
            Some(part) => Ok(Value::text(part)),
            None => Err(format!("{from} to {to} cuts through a character")),
        },
        Value::List(list) => Ok(Value::List(Arc::from(&list[from..to]))),
        Value::Alerts(list) => Ok(Value::Alerts(Arc::from(&list[from..to]))),
        Value::Pairs(list) => Ok(Value::Pairs(Arc::from(&list[from..to]))),
        other => Err(format!("a {} cannot be sliced", other.kind())),
    }
}

pub(super) fn list(_: &Context<'_>, arguments: &[Value]) -> Result<Value, String> {
    Ok(Value::List(Arc::from(arguments)))
}

/// A list with more elements.
pub(super) fn append(_: &Context<'_>, arguments: &[Value]) -> Result<Value, String> {
    let (first, more) = arguments.split_first().expect("one is required");
    let Value::List(list) = first else {
        return Err(format!("takes a list first, not a {}", first.kind()));
    };
    Ok(Value::list(list.iter().chain(more).cloned()))
}

/// A map from names and values in turn.
pub(super) fn dict(_: &Context<'_>, arguments: &[Value]) -> Result<Value, String> {
    if !arguments.len().is_multiple_of(2) {
        return Err("takes names and values in turn".into());
    }
    let mut map = BTreeMap::new();
    for pair in arguments.chunks_exact(2) {
        map.insert(super::text(&pair[0])?.to_owned(), pair[1].clone());
    }
    Ok(Value::Map(Arc::new(map)))
}
