//! How scripts write series, values and durations.

use std::sync::Arc;

use portique_promql::syntax;
use portique_series::{CounterReset, Histogram, Labels, MatchOp, STALE, Span, Value};

pub(crate) type Parsed<T> = Result<T, String>;

/// `1h30m`, `-5m`, `300` (seconds), milliseconds.
pub(crate) fn duration_ms(text: &str) -> Parsed<i64> {
    let bad = || format!("not a duration: {text:?}");
    let (negative, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let sign = if negative { -1 } else { 1 };
    if let Ok(seconds) = rest.parse::<f64>() {
        return Ok(sign * (seconds * 1000.0).round() as i64);
    }
    let (mut total, mut rest) = (0, rest);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(bad)?;
        let (number, after) = rest.split_at(digits);
        let unit_end = after
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_end);
        let factor = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "w" => 604_800_000,
            "y" => 31_536_000_000,
            _ => return Err(bad()),
        };
        total += number.parse::<i64>().map_err(|_| bad())? * factor;
        rest = after;
    }
    Ok(sign * total)
}

/// A series' labels and what follows them.
pub(crate) fn labels(line: &str) -> Parsed<(Labels, &str)> {
    let end = labels_end(line)?;
    let (description, rest) = line.split_at(end);
    if description.trim() == "{}" {
        return Ok((Labels::empty(), rest));
    }
    let matchers = syntax::parse_selector(description).map_err(|error| error.to_string())?;
    let pairs = matchers.iter().map(|m| match m.op() {
        MatchOp::Equal => Ok((m.name().to_owned(), m.value().to_owned())),
        _ => Err(format!("not a series: {line:?}")),
    });
    Ok((Labels::from_pairs(pairs.collect::<Parsed<Vec<_>>>()?), rest))
}

fn labels_end(line: &str) -> Parsed<usize> {
    let name = line
        .find(|c: char| c.is_whitespace() || c == '{')
        .unwrap_or(line.len());
    let padding = line[name..].len() - line[name..].trim_start().len();
    let open = name + padding;
    if !line[open..].starts_with('{') || line[open..].starts_with("{{") {
        return Ok(name);
    }
    let mut quote = None;
    let mut escaped = false;
    for (index, c) in line[open..].char_indices() {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(q) if c == '\\' && q != '`' => escaped = true,
            Some(q) if c == q => quote = None,
            Some(_) => {}
            None if "\"'`".contains(c) => quote = Some(c),
            None if c == '}' => return Ok(open + index + 1),
            None => {}
        }
    }
    Err(format!("missing }} in {line:?}"))
}

/// The values after a series' labels; `None` where there is no sample.
pub(crate) fn values(text: &str) -> Parsed<Vec<Option<Value>>> {
    let mut values = Vec::new();
    for item in items(text) {
        expand(item, &mut values)?;
    }
    Ok(values)
}

/// Splits at white space outside of `{{ }}`.
fn items(text: &str) -> Vec<&str> {
    let mut items = Vec::new();
    let (mut start, mut depth) = (None, 0_usize);
    for (index, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if c.is_whitespace() && depth == 0 {
            items.extend(start.take().map(|start| &text[start..index]));
        } else if start.is_none() {
            start = Some(index);
        }
    }
    items.extend(start.map(|start| &text[start..]));
    items
}

fn expand(item: &str, into: &mut Vec<Option<Value>>) -> Parsed<()> {
    let (body, times) = repeated(item);
    if body == "_" {
        into.extend((0..times.unwrap_or(1)).map(|_| None));
        return Ok(());
    }
    let count = times.map_or(1, |times| times + 1);
    if body == "stale" {
        into.extend((0..count).map(|_| Some(Value::Float(STALE))));
    } else if body.starts_with("{{") {
        expand_histogram(body, count, into)?;
    } else {
        let (mut value, step) = progression(body)?;
        for _ in 0..count {
            into.push(Some(Value::Float(value)));
            value += step;
        }
    }
    Ok(())
}

/// `…x5`: what is before it, and how often it is repeated.
fn repeated(item: &str) -> (&str, Option<usize>) {
    match item.rsplit_once('x') {
        Some((body, times)) => match times.parse() {
            Ok(times) => (body, Some(times)),
            Err(_) => (item, None),
        },
        None => (item, None),
    }
}

/// `5`, `1+2`, `-1-0.5`: the first value and the step.
fn progression(body: &str) -> Parsed<(f64, f64)> {
    let bytes = body.as_bytes();
    let splits = (1..body.len()).rev();
    let operator = splits.into_iter().find(|index| {
        matches!(bytes[*index], b'+' | b'-') && !matches!(bytes[index - 1], b'e' | b'E')
    });
    match operator {
        Some(index) => Ok((number(&body[..index])?, number(&body[index..])?)),
        None => Ok((number(body)?, 0.0)),
    }
}

/// A number as the language writes it.
pub(crate) fn number(text: &str) -> Parsed<f64> {
    let plain = text.replace('_', "");
    let (sign, unsigned) = match plain.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, plain.strip_prefix('+').unwrap_or(&plain)),
    };
    let value = match unsigned.strip_prefix("0x") {
        Some(hex) => i64::from_str_radix(hex, 16).map(|value| value as f64).ok(),
        None => unsigned.parse::<f64>().ok(),
    };
    value
        .map(|value| sign * value)
        .ok_or_else(|| format!("not a number: {text:?}"))
}

/// `{{…}}`, or `{{…}}+{{…}}` counted up.
fn expand_histogram(body: &str, count: usize, into: &mut Vec<Option<Value>>) -> Parsed<()> {
    let end = body.find("}}").ok_or("unterminated histogram")? + 2;
    let (first, step) = body.split_at(end);
    let mut histogram = parse_histogram(first)?;
    let (adds, step) = match step.split_at_checked(1) {
        Some((sign, step)) => (sign == "+", Some(parse_histogram(step)?)),
        None => (true, None),
    };
    let hint = step.as_ref().map(|step| step.counter_reset);
    if let Some(hint) = hint.filter(|hint| *hint != CounterReset::Unknown) {
        histogram.counter_reset = hint;
    }
    let kept = histogram.counter_reset;
    for index in 0..count {
        if let (Some(step), true) = (&step, index > 0) {
            let mut step = step.clone();
            if histogram.uses_custom_bounds() && step.custom_bounds.is_empty() {
                step.schema = histogram.schema;
                step.custom_bounds = histogram.custom_bounds.clone();
            }
            let merged = if adds {
                histogram.add(&step)
            } else {
                histogram.subtract(&step)
            };
            merged.ok_or("histograms that do not go together")?;
            histogram.counter_reset = kept;
        }
        let mut sample = histogram.clone();
        sample.compact();
        into.push(Some(Value::Histogram(Arc::new(sample))));
    }
    Ok(())
}

fn parse_histogram(text: &str) -> Parsed<Histogram> {
    let body = text.trim_start_matches("{{").trim_end_matches("}}").trim();
    let mut histogram = Histogram::default();
    let (mut offset, mut negative_offset) = (0, 0);
    let mut rest = body;
    while !rest.is_empty() {
        let (key, after) = rest
            .split_once(':')
            .ok_or_else(|| format!("histogram {text:?}"))?;
        let after = after.trim_start();
        let end = match after.starts_with('[') {
            true => after.find(']').ok_or("missing ]")? + 1,
            false => after.find(char::is_whitespace).unwrap_or(after.len()),
        };
        let (value, after) = after.split_at(end);
        rest = after.trim_start();
        let list = || -> Parsed<Vec<f64>> {
            value
                .trim_matches(['[', ']'])
                .split_whitespace()
                .map(number)
                .collect()
        };
        let integer = || {
            value
                .parse::<i32>()
                .map_err(|_| format!("not a number: {value:?}"))
        };
        match key.trim() {
            "schema" => histogram.schema = integer()?,
            "sum" => histogram.sum = number(value)?,
            "count" => histogram.count = number(value)?,
            "z_bucket" => histogram.zero_count = number(value)?,
            "z_bucket_w" => histogram.zero_threshold = number(value)?,
            "buckets" => histogram.positive_buckets = list()?,
            "n_buckets" => histogram.negative_buckets = list()?,
            "offset" => offset = integer()?,
            "n_offset" => negative_offset = integer()?,
            "custom_values" => histogram.custom_bounds = list()?,
            "counter_reset_hint" => {
                histogram.counter_reset = match value {
                    "unknown" => CounterReset::Unknown,
                    "reset" => CounterReset::Reset,
                    "not_reset" => CounterReset::NotReset,
                    "gauge" => CounterReset::Gauge,
                    _ => return Err(format!("counter reset {value:?}")),
                };
            }
            key => return Err(format!("histogram key {key:?}")),
        }
    }
    histogram.positive_spans = spans(offset, histogram.positive_buckets.len());
    histogram.negative_spans = spans(negative_offset, histogram.negative_buckets.len());
    Ok(histogram)
}

fn spans(offset: i32, buckets: usize) -> Vec<Span> {
    match u32::try_from(buckets) {
        Ok(0) | Err(_) => Vec::new(),
        Ok(length) => vec![Span { offset, length }],
    }
}

/// Offsets of start timestamps from the samples' own, `None` where there is none.
pub(crate) fn offsets(text: &str) -> Parsed<Vec<Option<i64>>> {
    let mut offsets = Vec::new();
    for item in text.split_whitespace() {
        let (body, times) = repeated(item);
        if body == "_" {
            offsets.extend((0..times.unwrap_or(1)).map(|_| None));
            continue;
        }
        let operator = (1..body.len())
            .rev()
            .find(|i| matches!(body.as_bytes()[*i], b'+' | b'-'));
        let (first, step) = match operator {
            Some(index) => (duration_ms(&body[..index])?, duration_ms(&body[index..])?),
            None => (duration_ms(body)?, 0),
        };
        let count = times.map_or(1, |times| times + 1);
        offsets.extend((0..count).map(|index| Some(first + step * index as i64)));
    }
    Ok(offsets)
}
