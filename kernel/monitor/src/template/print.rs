//! Values as text.

use super::value::Value;
use super::{TEXT_BYTES_MAX, method, number};

/// As `{{ . }}` and `%v` write it; what is far too long is cut, and refused by whoever takes it.
pub(super) fn text(value: &Value) -> String {
    let mut out = String::new();
    write(&mut out, value);
    out
}

/// A list may hold the same long text a thousand times, so it is given up once it is too long to be used.
fn write(out: &mut String, value: &Value) {
    if is_full(out) {
        return;
    }
    match value {
        Value::Nil => out.push_str("<no value>"),
        Value::Bool(value) => out.push_str(&value.to_string()),
        Value::Int(value) => out.push_str(&value.to_string()),
        Value::Float(value) => out.push_str(&number::general(*value, None)),
        Value::Text(text) | Value::Html(text) => out.push_str(text),
        Value::Time(time) => out.push_str(&time.to_string()),
        Value::Duration(nanos) => out.push_str(&duration(*nanos)),
        Value::List(values) | Value::Alerts(values) => {
            enclosed(out, "[", "]", values.iter(), write);
        }
        Value::Map(map) => enclosed(out, "map[", "]", map.iter(), |out, (name, value)| {
            out.push_str(name);
            out.push(':');
            write(out, value);
        }),
        Value::Labels(map) => enclosed(out, "map[", "]", map.iter(), |out, (name, value)| {
            out.push_str(&format!("{name}:{value}"));
        }),
        Value::Kv(map) => pairs(out, &method::sorted(map)),
        Value::Pairs(list) => pairs(out, list),
        Value::Record(record) => enclosed(out, "{", "}", record.fields.values(), write),
    }
}

fn is_full(out: &str) -> bool {
    out.len() > TEXT_BYTES_MAX
}

fn enclosed<T>(
    out: &mut String,
    open: &str,
    close: &str,
    items: impl Iterator<Item = T>,
    write: impl Fn(&mut String, T),
) {
    out.push_str(open);
    for (place, item) in items.enumerate() {
        if place > 0 {
            out.push(' ');
        }
        write(out, item);
        if is_full(out) {
            return;
        }
    }
    out.push_str(close);
}

fn pairs(out: &mut String, pairs: &[(String, String)]) {
    let parts = pairs.iter().map(|(name, value)| format!("{name}={value}"));
    out.push_str(&parts.collect::<Vec<_>>().join(", "));
}

/// Values one after another; with a blank between two that are both no text, as Go's `Sprint`.
pub(super) fn all(values: &[Value]) -> String {
    let mut out = String::new();
    for (place, value) in values.iter().enumerate() {
        let is_text = |value: &Value| value.as_text().is_some();
        if place > 0 && !is_text(value) && !is_text(&values[place - 1]) {
            out.push(' ');
        }
        write(&mut out, value);
    }
    out
}

/// Values with blanks between them.
pub(super) fn line(values: &[Value]) -> String {
    let mut out = String::new();
    enclosed(&mut out, "", "", values.iter(), write);
    out
}

/// A duration as Go writes it: `1h2m3.5s`, `150ms`, `0s`.
pub(super) fn duration(nanos: i64) -> String {
    let sign = if nanos < 0 { "-" } else { "" };
    let nanos = nanos.unsigned_abs();
    let fraction = |unit: u64| {
        let rest = format!("{:0width$}", nanos % unit, width = unit.ilog10() as usize);
        let rest = rest.trim_end_matches('0').to_owned();
        match rest.as_str() {
            "" => (nanos / unit).to_string(),
            rest => format!("{}.{rest}", nanos / unit),
        }
    };
    match nanos {
        0 => "0s".to_owned(),
        1..1_000 => format!("{sign}{nanos}ns"),
        1_000..1_000_000 => format!("{sign}{}µs", fraction(1_000)),
        1_000_000..1_000_000_000 => format!("{sign}{}ms", fraction(1_000_000)),
        _ => {
            let seconds = nanos / 1_000_000_000;
            let (hours, minutes) = (seconds / 3_600, seconds / 60 % 60);
            let within = fraction(1_000_000_000);
            let point = within.find('.').map_or("", |at| &within[at..]);
            let rest = format!("{}{point}s", seconds % 60);
            match (hours, minutes) {
                (0, 0) => format!("{sign}{rest}"),
                (0, m) => format!("{sign}{m}m{rest}"),
                (h, m) => format!("{sign}{h}h{m}m{rest}"),
            }
        }
    }
}

/// Escaped for the text of an HTML element or for a quoted attribute.
pub(super) fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&#34;"),
            '\'' => out.push_str("&#39;"),
            '\0' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// Escaped for the query of an address; a blank becomes `+`.
pub(super) fn url_query(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(char::from(byte));
            }
            b' ' => out.push('+'),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// A text in quotes, as Go's `%q`.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            '\x07' => out.push_str("\\a"),
            '\x08' => out.push_str("\\b"),
            '\x0c' => out.push_str("\\f"),
            '\x0b' => out.push_str("\\v"),
            c if c.is_control() && u32::from(c) < 0x80 => {
                out.push_str(&format!("\\x{:02x}", u32::from(c)));
            }
            c if c.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
