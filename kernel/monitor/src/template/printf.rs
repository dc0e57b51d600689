//! `printf`, for the verbs that messages use.

use super::value::Value;
use super::{TEXT_BYTES_MAX, number, print};

/// Widest field and longest precision: a message has no wider column.
const WIDTH_MAX: usize = 1_000;

#[derive(Default)]
struct Spec {
    minus: bool,
    plus: bool,
    zero: bool,
    space: bool,
    sharp: bool,
    width: Option<usize>,
    precision: Option<usize>,
}

/// Formats as Go does, mistakes included: a verb that does not fit its value is shown, not refused.
pub(super) fn format(format: &str, arguments: &[Value]) -> Result<String, String> {
    let mut out = String::new();
    let mut chars = format.chars().peekable();
    let mut arguments = arguments.iter();
    while let Some(c) = chars.next() {
        if out.len() > TEXT_BYTES_MAX {
            return Ok(out);
        }
        if c != '%' {
            out.push(c);
            continue;
        }
        let spec = spec(&mut chars)?;
        match chars.next() {
            None => out.push_str("%!(NOVERB)"),
            Some('%') => out.push('%'),
            Some(verb) => match arguments.next() {
                None => out.push_str(&format!("%!{verb}(MISSING)")),
                Some(value) => out.push_str(&pad(&one(verb, &spec, value)?, &spec, value)),
            },
        }
    }
    let extra: Vec<_> = arguments.map(described).collect();
    if !extra.is_empty() {
        out.push_str(&format!("%!(EXTRA {})", extra.join(", ")));
    }
    Ok(out)
}

fn spec(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<Spec, String> {
    let mut spec = Spec::default();
    while let Some(c) = chars.peek() {
        match c {
            '-' => spec.minus = true,
            '+' => spec.plus = true,
            '0' => spec.zero = true,
            ' ' => spec.space = true,
            '#' => spec.sharp = true,
            '*' | '[' => {
                return Err("printf takes its widths as digits: * and [ are not supported".into());
            }
            _ => break,
        }
        chars.next();
    }
    spec.width = digits(chars)?;
    if chars.peek() == Some(&'.') {
        chars.next();
        spec.precision = Some(digits(chars)?.unwrap_or(0));
    }
    Ok(spec)
}

fn digits(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<Option<usize>, String> {
    let mut value = None;
    while let Some(digit) = chars.peek().and_then(|c| c.to_digit(10)) {
        chars.next();
        let digit = usize::try_from(digit).expect("a digit is small");
        let next = value.unwrap_or(0) * 10 + digit;
        if next > WIDTH_MAX {
            return Err(format!("printf takes widths up to {WIDTH_MAX}"));
        }
        value = Some(next);
    }
    Ok(value)
}

fn described(value: &Value) -> String {
    format!("{}={}", value.kind(), print::text(value))
}

fn one(verb: char, spec: &Spec, value: &Value) -> Result<String, String> {
    let text = match (verb, value) {
        ('v', Value::Float(v)) => signed(number::general(*v, spec.precision), spec),
        ('v' | 'd', Value::Int(v)) => signed(v.to_string(), spec),
        ('d', Value::Duration(v)) => signed(v.to_string(), spec),
        ('v', _) => print::text(value),
        ('s', Value::Int(_) | Value::Float(_) | Value::Bool(_)) => mismatch(verb, value),
        ('s', _) => cut(&print::text(value), spec),
        ('q', Value::Text(text) | Value::Html(text)) => print::quoted(&cut(text, spec)),
        ('t', Value::Bool(v)) => v.to_string(),
        ('f' | 'F', Value::Float(v)) => signed(number::fixed(*v, spec.precision), spec),
        ('e', Value::Float(v)) => signed(number::scientific(*v, spec.precision), spec),
        ('E', Value::Float(v)) => {
            signed(number::scientific(*v, spec.precision), spec).to_uppercase()
        }
        ('g', Value::Float(v)) => signed(number::general(*v, spec.precision), spec),
        ('G', Value::Float(v)) => signed(number::general(*v, spec.precision), spec).to_uppercase(),
        ('x', Value::Int(v)) => radix(*v, spec, "0x", |n| format!("{n:x}")),
        ('X', Value::Int(v)) => radix(*v, spec, "0X", |n| format!("{n:X}")),
        ('o', Value::Int(v)) => radix(*v, spec, "0", |n| format!("{n:o}")),
        ('b', Value::Int(v)) => radix(*v, spec, "0b", |n| format!("{n:b}")),
        ('x', Value::Text(text)) => text.bytes().map(|b| format!("{b:02x}")).collect(),
        ('X', Value::Text(text)) => text.bytes().map(|b| format!("{b:02X}")).collect(),
        ('c', Value::Int(v)) => u32::try_from(*v)
            .ok()
            .and_then(char::from_u32)
            .unwrap_or(char::REPLACEMENT_CHARACTER)
            .to_string(),
        ('q' | 't' | 'f' | 'F' | 'e' | 'E' | 'g' | 'G' | 'x' | 'X' | 'o' | 'b' | 'c' | 'd', _) => {
            mismatch(verb, value)
        }
        _ => {
            return Err(format!(
                "printf has no verb %{verb} here: %v writes any value"
            ));
        }
    };
    Ok(text)
}

fn mismatch(verb: char, value: &Value) -> String {
    format!("%!{verb}({})", described(value))
}

fn radix(value: i64, spec: &Spec, prefix: &str, digits: impl Fn(u64) -> String) -> String {
    let sign = if value < 0 { "-" } else { "" };
    let prefix = if spec.sharp { prefix } else { "" };
    signed(
        format!("{sign}{prefix}{}", digits(value.unsigned_abs())),
        spec,
    )
}

fn cut(text: &str, spec: &Spec) -> String {
    match spec.precision {
        Some(most) => text.chars().take(most).collect(),
        None => text.to_owned(),
    }
}

fn signed(text: String, spec: &Spec) -> String {
    let has_sign = text.starts_with(['+', '-']);
    match (spec.plus, spec.space) {
        (true, _) if !has_sign => format!("+{text}"),
        (false, true) if !has_sign => format!(" {text}"),
        (false, _) if text == "+Inf" => text,
        _ => text,
    }
}

fn pad(text: &str, spec: &Spec, value: &Value) -> String {
    let width = spec.width.unwrap_or(0);
    let missing = width.saturating_sub(text.chars().count());
    let is_number = matches!(value, Value::Int(_) | Value::Float(_) | Value::Duration(_));
    let is_finite = text.ends_with(|c: char| c.is_ascii_hexdigit());
    if spec.minus {
        return format!("{text}{}", " ".repeat(missing));
    }
    if spec.zero && is_number && is_finite {
        let (sign, digits) = text.split_at(usize::from(text.starts_with(['+', '-', ' '])));
        return format!("{sign}{}{digits}", "0".repeat(missing));
    }
    format!("{}{text}", " ".repeat(missing))
}
