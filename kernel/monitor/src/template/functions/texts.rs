//! Functions on texts.

use std::net::IpAddr;

use regex_automata::meta::Regex;
use regex_automata::util::interpolate;
use serde_json::json;

use super::super::TEXT_BYTES_MAX;
use super::super::context::Context;
use super::super::value::Value;
use super::super::{print as written, printf as formatted};
use super::text;

/// A pattern's compiled form may take this much.
const PATTERN_BYTES_MAX: usize = 1 << 20;
/// Deepest nesting that `toJson` follows.
const JSON_DEPTH_MAX: usize = 16;

pub(super) fn print(_: &Context<'_>, arguments: &[Value]) -> Result<Value, String> {
    Ok(Value::text(written::all(arguments)))
}

pub(super) fn println(_: &Context<'_>, arguments: &[Value]) -> Result<Value, String> {
    Ok(Value::text(written::line(arguments) + "\n"))
}

pub(super) fn printf(_: &Context<'_>, arguments: &[Value]) -> Result<Value, String> {
    let (format, rest) = arguments.split_first().expect("one is required");
    formatted::format(text(format)?, rest).map(Value::text)
}

pub(super) fn html(_: &Context<'_>, arguments: &[Value]) -> Result<Value, String> {
    Ok(Value::Html(written::html(&written::all(arguments)).into()))
}

pub(super) fn safe_html(_: &Context<'_>, arguments: &[Value]) -> Result<Value, String> {
    Ok(Value::Html(text(&arguments[0])?.into()))
}

/// Escaped for a JavaScript string.
pub(super) fn js(_: &Context<'_>, arguments: &[Value]) -> Result<Value, String> {
    let mut out = String::new();
    for c in written::all(arguments).chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\'' => out.push_str("\\'"),
            '"' => out.push_str("\\\""),
            '<' | '>' | '&' | '=' => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            c if c.is_control() => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => out.push(c),
        }
    }
    Ok(Value::text(out))
}

pub(super) fn url_query(_: &Context<'_>, arguments: &[Value]) -> Result<Value, String> {
    Ok(Value::text(written::url_query(&written::all(arguments))))
}

pub(super) fn url_query_escape(_: &Context<'_>, arguments: &[Value]) -> Result<Value, String> {
    Ok(Value::text(written::url_query(text(&arguments[0])?)))
}

pub(super) fn url_unescape(_: &Context<'_>, arguments: &[Value]) -> Result<Value, String> {
    let mut out = Vec::new();
    let mut bytes = text(&arguments[0])?.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let mut digit = || bytes.next().and_then(|b| char::from(b).to_digit(16));
                let (Some(high), Some(low)) = (digit(), digit()) else {
                    return Err("two hexadecimal digits stand after %".into());
                };
                out.push(u8::try_from(high * 16 + low).expect("two hexadecimal digits"));
            }
            byte => out.push(byte),
        }
    }
    let out = String::from_utf8(out).map_err(|_| "the result is not UTF-8")?;
    Ok(Value::text(out))
}

/// The first letter of each word in upper case, the others as they are.
pub(super) fn title(_: &Context<'_>, arguments: &[Value]) -> Result<Value, String> {
    let mut out = String::new();
    let mut is_within = false;
    for c in text(&arguments[0])?.chars() {
        match is_within {
            true => out.push(c),
            false => out.extend(c.to_uppercase()),
        }
        is_within = c.is_alphanumeric() || matches!(c, '_' | '\'');
    }
    Ok(Value::text(out))
}

pub(super) fn to_upper(_: &Context<'_>, arguments: &[Value]) -> Result<Value, String> {
    Ok(Value::text(text(&arguments[0])?.to_uppercase()))
}

pub(super) fn to_lower(_: &Context<'_>, arguments: &[Value]) -> Result<Value, String> {
    Ok(Value::text(text(&arguments[0])?.to_lowercase()))
}

pub(super) fn trim_space(_: &Context<'_>, arguments: &[Value]) -> Result<Value, String> {
    Ok(Value::text(text(&arguments[0])?.trim()))
}

/// `join separator texts`.
pub(super) fn join(_: &Context<'_>, arguments: &[Value]) -> Result<Value, String> {
    let Value::List(list) = &arguments[1] else {
        return Err(format!("takes a list, not a {}", arguments[1].kind()));
    };
    let parts: Vec<&str> = list.iter().map(text).collect::<Result<_, _>>()?;
    if parts.iter().map(|part| part.len()).sum::<usize>() > TEXT_BYTES_MAX {
        return Err(too_long());
    }
    Ok(Value::text(parts.join(text(&arguments[0])?)))
}

pub(super) fn string_slice(_: &Context<'_>, arguments: &[Value]) -> Result<Value, String> {
    for argument in arguments {
        text(argument)?;
    }
    Ok(Value::list(arguments.iter().cloned()))
}

fn pattern(text: &str) -> Result<Regex, String> {
    Regex::builder()
        .configure(Regex::config().nfa_size_limit(Some(PATTERN_BYTES_MAX)))
        .build(text)
        .map_err(|error| format!("{text:?} is no usable regular expression: {error}"))
}

fn too_long() -> String {
    format!("the result has more than {TEXT_BYTES_MAX} bytes")
}

/// `match pattern text`: anywhere in the text.
pub(super) fn matches(_: &Context<'_>, arguments: &[Value]) -> Result<Value, String> {
    let pattern = pattern(text(&arguments[0])?)?;
    Ok(Value::Bool(pattern.is_match(text(&arguments[1])?)))
}

/// `reReplaceAll pattern replacement text`.
pub(super) fn replace_all(_: &Context<'_>, arguments: &[Value]) -> Result<Value, String> {
    let pattern = pattern(text(&arguments[0])?)?;
    let (replacement, haystack) = (text(&arguments[1])?, text(&arguments[2])?);
    // One reference may insert all of the text.
    if replacement
        .matches('$')
        .count()
        .saturating_mul(haystack.len())
        > TEXT_BYTES_MAX
    {
        return Err(too_long());
    }
    let mut out = String::new();
    let mut end = 0;
    for captures in pattern.captures_iter(haystack) {
        let found = captures.get_match().expect("what was found matched");
        out.push_str(&haystack[end..found.start()]);
        interpolate::string(
            replacement,
            |group, out| {
                let span = captures.get_group(group);
                out.push_str(span.map_or("", |span| &haystack[span.range()]));
            },
            |name| pattern.group_info().to_index(captures.pattern()?, name),
            &mut out,
        );
        end = found.end();
        if out.len() > TEXT_BYTES_MAX {
            return Err(too_long());
        }
    }
    out.push_str(&haystack[end..]);
    Ok(Value::text(out))
}

/// Host and port of `host:port` or `[host]:port`.
fn host_and_port(text: &str) -> Option<(&str, &str)> {
    let (host, port) = text.rsplit_once(':')?;
    match host.strip_prefix('[') {
        Some(inner) => Some((inner.strip_suffix(']')?, port)),
        None => (!host.contains([':', '[', ']'])).then_some((host, port)),
    }
}

pub(super) fn strip_port(_: &Context<'_>, arguments: &[Value]) -> Result<Value, String> {
    let given = text(&arguments[0])?;
    Ok(Value::text(
        host_and_port(given).map_or(given, |(host, _)| host),
    ))
}

/// The host without its domain; an address of digits stays.
pub(super) fn strip_domain(_: &Context<'_>, arguments: &[Value]) -> Result<Value, String> {
    let given = text(&arguments[0])?;
    let (host, port) = host_and_port(given).unwrap_or((given, ""));
    if host.parse::<IpAddr>().is_ok() {
        return Ok(Value::text(given));
    }
    let host = host.split('.').next().unwrap_or(host);
    let stripped = match port {
        "" => host.to_owned(),
        port => format!("{host}:{port}"),
    };
    Ok(Value::text(stripped))
}

pub(super) fn to_json(_: &Context<'_>, arguments: &[Value]) -> Result<Value, String> {
    if print_is_too_long(&arguments[0]) {
        return Err(too_long());
    }
    json(&arguments[0], 0).map(|json| Value::text(json.to_string()))
}

/// JSON is no shorter than what is printed.
fn print_is_too_long(value: &Value) -> bool {
    written::text(value).len() > TEXT_BYTES_MAX
}

fn json(value: &Value, depth: usize) -> Result<serde_json::Value, String> {
    if depth > JSON_DEPTH_MAX {
        return Err(format!("the value is nested deeper than {JSON_DEPTH_MAX}"));
    }
    Ok(match value {
        Value::Nil => serde_json::Value::Null,
        Value::Bool(value) => json!(value),
        Value::Int(value) | Value::Duration(value) => json!(value),
        Value::Float(value) if value.is_finite() => json!(value),
        Value::Float(value) => return Err(format!("JSON has no number {value}")),
        Value::Text(text) | Value::Html(text) => json!(&**text),
        Value::Time(time) => json!(time.format("2006-01-02T15:04:05.999999999Z07:00")),
        Value::List(list) | Value::Alerts(list) => {
            let parts: Result<Vec<_>, _> = list.iter().map(|v| json(v, depth + 1)).collect();
            json!(parts?)
        }
        Value::Labels(map) | Value::Kv(map) => json!(**map),
        Value::Pairs(pairs) => {
            let parts = pairs.iter().map(|(n, v)| json!({ "Name": n, "Value": v }));
            json!(parts.collect::<Vec<_>>())
        }
        Value::Map(map) => object(map.iter().map(|(k, v)| (k.as_str(), v)), depth)?,
        Value::Record(record) => {
            object(record.fields.iter().map(|(k, v)| (json_name(k), v)), depth)?
        }
    })
}

/// The names that the JSON of a notification has for the fields of templates.
fn json_name(field: &'static str) -> &'static str {
    match field {
        "Receiver" => "receiver",
        "Status" => "status",
        "Alerts" => "alerts",
        "GroupLabels" => "groupLabels",
        "CommonLabels" => "commonLabels",
        "CommonAnnotations" => "commonAnnotations",
        "ExternalURL" => "externalURL",
        "Labels" => "labels",
        "Annotations" => "annotations",
        "StartsAt" => "startsAt",
        "EndsAt" => "endsAt",
        "GeneratorURL" => "generatorURL",
        "Fingerprint" => "fingerprint",
        other => other,
    }
}

fn object<'a>(
    fields: impl Iterator<Item = (&'a str, &'a Value)>,
    depth: usize,
) -> Result<serde_json::Value, String> {
    let mut object = serde_json::Map::new();
    for (name, value) in fields {
        object.insert(name.to_owned(), json(value, depth + 1)?);
    }
    Ok(serde_json::Value::Object(object))
}
