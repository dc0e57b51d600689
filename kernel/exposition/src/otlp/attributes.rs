use std::fmt::Write;

use base64::prelude::{BASE64_STANDARD, Engine};

use crate::Error;
use crate::otlp::names::label_name;
use crate::wire::Message;

/// Deepest nesting of a value: it becomes text, and no one reads text nested deeper.
const DEPTH_MAX: u32 = 8;
const TOO_DEEP: &str = "the value of an attribute is nested deeper than eight levels";

/// Keys and values as they came; bytes that are not UTF-8 are replaced.
#[derive(Debug, Default)]
pub(super) struct Attributes {
    pub(super) pairs: Vec<(String, String)>,
}

impl Attributes {
    /// Takes a key and its value in.
    pub(super) fn take(&mut self, mut fields: Message<'_>) -> Result<(), Error> {
        let (mut key, mut value) = (String::new(), String::new());
        while let Some((number, field)) = fields.next()? {
            match number {
                1 => key = lossy(field.bytes()),
                2 => {
                    value.clear();
                    write_value(&mut value, fields.inner(field.bytes()), 0)?;
                }
                _ => {}
            }
        }
        self.pairs.push((key, value));
        Ok(())
    }

    pub(super) fn value(&self, key: &str) -> Option<&str> {
        let found = self.pairs.iter().find(|(found, _)| found == key);
        found.map(|(_, value)| value.as_str())
    }

    /// As labels sorted by name; values of keys that become one name are joined with `;`.
    pub(super) fn labels(&self) -> Vec<(String, String)> {
        let named = self.pairs.iter().filter(|(key, _)| !key.is_empty());
        let mut labels: Vec<_> = named
            .map(|(key, value)| (label_name(key), value.clone()))
            .collect();
        labels.sort_by(|a, b| a.0.cmp(&b.0));
        labels.dedup_by(|next, kept| {
            let is_same = next.0 == kept.0;
            if is_same {
                kept.1.extend([";", &next.1]);
            }
            is_same
        });
        labels
    }
}

/// The attributes of a `Resource` message.
pub(super) fn of_resource(mut fields: Message<'_>) -> Result<Attributes, Error> {
    let mut attributes = Attributes::default();
    while let Some((number, field)) = fields.next()? {
        if number == 1 {
            attributes.take(fields.inner(field.bytes()))?;
        }
    }
    Ok(attributes)
}

/// Writes an `AnyValue`: text as it is, arrays and maps as JSON.
fn write_value(out: &mut String, mut fields: Message<'_>, depth: u32) -> Result<(), Error> {
    if depth > DEPTH_MAX {
        return Err(fields.malformed(TOO_DEEP));
    }
    while let Some((number, field)) = fields.next()? {
        let bytes = field.bytes();
        match number {
            1 if depth == 0 => out.push_str(&String::from_utf8_lossy(bytes)),
            1 => write_quoted(out, &String::from_utf8_lossy(bytes)),
            2 => out.push_str(if field.uint() == 0 { "false" } else { "true" }),
            3 => write(out, field.int()),
            4 => write(out, field.double()),
            5 => write_array(out, fields.inner(bytes), depth)?,
            6 => write_map(out, fields.inner(bytes), depth)?,
            7 if depth == 0 => out.push_str(&BASE64_STANDARD.encode(bytes)),
            7 => write_quoted(out, &BASE64_STANDARD.encode(bytes)),
            _ => {}
        }
    }
    Ok(())
}

fn write_array(out: &mut String, mut fields: Message<'_>, depth: u32) -> Result<(), Error> {
    let mut separator = "[";
    while let Some((_, field)) = fields.next()? {
        out.push_str(separator);
        write_value(out, fields.inner(field.bytes()), depth + 1)?;
        separator = ",";
    }
    out.push_str(if separator == "[" { "[]" } else { "]" });
    Ok(())
}

fn write_map(out: &mut String, mut fields: Message<'_>, depth: u32) -> Result<(), Error> {
    let mut separator = "{";
    while let Some((_, field)) = fields.next()? {
        let mut pair = fields.inner(field.bytes());
        out.push_str(separator);
        separator = ",";
        while let Some((number, field)) = pair.next()? {
            match number {
                1 => {
                    write_quoted(out, &String::from_utf8_lossy(field.bytes()));
                    out.push(':');
                }
                2 => write_value(out, pair.inner(field.bytes()), depth + 1)?,
                _ => {}
            }
        }
    }
    out.push_str(if separator == "{" { "{}" } else { "}" });
    Ok(())
}

fn write_quoted(out: &mut String, text: &str) {
    out.push_str(&serde_json::Value::from(text).to_string());
}

fn write(out: &mut String, value: impl std::fmt::Display) {
    write!(out, "{value}").expect("a string takes everything");
}

/// Lower-case hexadecimal digits, two for each byte.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        write!(out, "{byte:02x}").expect("a string takes everything");
        out
    })
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
