//! How tests write series and their values.

use std::sync::Arc;

use portique_promql::syntax::parse_selector;
use portique_series::{Labels, MatchOp, STALE, Value};

use super::histogram::{parse_histogram, plus_times};

/// A series has at most this many values: two years of minutes.
const VALUES_MAX: usize = 1 << 20;

/// A series such as `up{job="a"}`; `{}` is one without labels.
pub(super) fn parse_series(text: &str) -> Result<Labels, String> {
    if text.trim() == "{}" {
        return Ok(Labels::empty());
    }
    let matchers = parse_selector(text).map_err(|error| error.to_string())?;
    if matchers.iter().any(|m| m.op() != MatchOp::Equal) {
        return Err(format!("{text} selects series: write one, with = only"));
    }
    let pairs = matchers.iter().map(|m| (m.name(), m.value()));
    Ok(Labels::from_pairs(pairs))
}

/// Values such as `1 2+3x4 _x2 stale {{sum:1}}`; none where there is no sample.
pub(super) fn parse_values(text: &str) -> Result<Vec<Option<Value>>, String> {
    let mut values = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        rest = parse_item(rest, &mut values)?.trim_start();
    }
    Ok(values)
}

/// Reads one item and returns what follows it.
fn parse_item<'t>(rest: &'t str, values: &mut Vec<Option<Value>>) -> Result<&'t str, String> {
    if rest.starts_with("{{") {
        return parse_histograms(rest, values);
    }
    let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
    let (item, rest) = rest.split_at(end);
    let bad =
        || format!("{item:?} is no value: write 1, 1x5, 1+2x5, _, _x5, stale or {{{{sum:1}}}}");
    if let Some(times) = item.strip_prefix('_') {
        let times = if times.is_empty() {
            1
        } else {
            parse_times(times.strip_prefix('x').ok_or_else(bad)?).ok_or_else(bad)?
        };
        extend(values, (0..times).map(|_| None))?;
    } else if item == "stale" {
        extend(values, [Some(Value::Float(STALE))])?;
    } else {
        let (first, step, times) = parse_floats(item).ok_or_else(bad)?;
        // Each is the sum of the one before and the step, as rounding shows.
        let mut value = first;
        let mut samples = vec![Some(Value::Float(value))];
        for _ in 0..times {
            value += step;
            samples.push(Some(Value::Float(value)));
        }
        extend(values, samples)?;
    }
    Ok(rest)
}

/// `1`, `1x4`, `1+2x4`, `1-2x4`: the first value, the step, and how many follow.
fn parse_floats(item: &str) -> Option<(f64, f64, usize)> {
    let Some((numbers, times)) = item.rsplit_once('x') else {
        return Some((parse_float(item)?, 0.0, 0));
    };
    let times = parse_times(times)?;
    // A sign that is neither the first nor that of an exponent stands before the step.
    let sign = numbers.char_indices().skip(1).find(|(at, c)| {
        let before = numbers[..*at].chars().next_back();
        matches!(c, '+' | '-') && !matches!(before, Some('e' | 'E'))
    });
    match sign {
        None => Some((parse_float(numbers)?, 0.0, times)),
        Some((at, _)) => {
            let step = numbers[at..].strip_prefix('+').unwrap_or(&numbers[at..]);
            Some((parse_float(&numbers[..at])?, parse_float(step)?, times))
        }
    }
}

/// A number as expressions and YAML write it.
pub(super) fn parse_float(text: &str) -> Option<f64> {
    match text.to_ascii_lowercase().as_str() {
        "nan" | ".nan" => Some(f64::NAN),
        "inf" | "+inf" | ".inf" | "+.inf" => Some(f64::INFINITY),
        "-inf" | "-.inf" => Some(f64::NEG_INFINITY),
        other if other.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)) => {
            other.parse().ok()
        }
        _ => None,
    }
}

fn parse_times(text: &str) -> Option<usize> {
    text.parse().ok().filter(|times| *times <= VALUES_MAX)
}

/// `{{…}}`, `{{…}}x4`, `{{…}}+{{…}}x4`, `{{…}}-{{…}}x4`.
fn parse_histograms<'t>(rest: &'t str, values: &mut Vec<Option<Value>>) -> Result<&'t str, String> {
    let (first, mut rest) = parse_histogram(rest)?;
    let mut step = None;
    for (sign, factor) in [('+', 1.0), ('-', -1.0)] {
        if let Some(after) = rest.strip_prefix(sign) {
            let (mut histogram, after) = parse_histogram(after)?;
            histogram.scale(factor);
            step = Some(histogram);
            rest = after;
        }
    }
    let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
    let (times, rest) = rest.split_at(end);
    let times = match times.strip_prefix('x').map(parse_times) {
        None if times.is_empty() && step.is_none() => 0,
        Some(Some(times)) => times,
        _ => return Err(format!("{times:?} after a histogram: write x and a number")),
    };
    let samples = plus_times(first, step.as_ref(), times)?;
    let samples = samples
        .into_iter()
        .map(|h| Some(Value::Histogram(Arc::new(h))));
    extend(values, samples)?;
    Ok(rest)
}

fn extend(
    values: &mut Vec<Option<Value>>,
    more: impl IntoIterator<Item = Option<Value>>,
) -> Result<(), String> {
    values.extend(more.into_iter().take(VALUES_MAX + 1));
    if values.len() > VALUES_MAX {
        return Err(format!("a series has more than {VALUES_MAX} values"));
    }
    Ok(())
}
