use portique_series::{CounterReset, Histogram, Span};

/// The schema of histograms with bounds of their own.
const SCHEMA_CUSTOM: i32 = portique_series::SCHEMA_CUSTOM;

/// A histogram such as `{{schema:1 sum:2 count:3 buckets:[1 2]}}`, and what follows it.
pub(super) fn parse_histogram(text: &str) -> Result<(Histogram, &str), String> {
    let inner = text
        .strip_prefix("{{")
        .and_then(|inner| inner.split_once("}}"));
    let Some((inner, rest)) = inner else {
        return Err(format!(
            "{text:?} is no histogram: write {{{{sum:1 count:2}}}}"
        ));
    };
    let mut histogram = Histogram::default();
    let (mut offset, mut negative_offset) = (0, 0);
    let mut fields = inner.trim_start();
    while !fields.is_empty() {
        let Some((key, after)) = fields.split_once(':') else {
            return Err(format!("{fields:?} in a histogram: write key:value"));
        };
        let end = match after.strip_prefix('[') {
            Some(_) => after.find(']').map(|end| end + 1),
            None => Some(after.find(char::is_whitespace).unwrap_or(after.len())),
        };
        let Some(end) = end else {
            return Err(format!("{key} in a histogram: the list is not closed"));
        };
        let (value, after) = after.split_at(end);
        let known = match key {
            "offset" => value.parse().map(|value| offset = value).is_ok(),
            "n_offset" => value.parse().map(|value| negative_offset = value).is_ok(),
            _ => set(&mut histogram, key, value)?,
        };
        if !known {
            return Err(format!("{value:?} is no value of {key} in a histogram"));
        }
        fields = after.trim_start();
    }
    histogram.positive_spans = span(offset, &histogram.positive_buckets);
    histogram.negative_spans = span(negative_offset, &histogram.negative_buckets);
    Ok((histogram, rest))
}

/// Sets a property; false when the value does not fit it.
fn set(histogram: &mut Histogram, key: &str, value: &str) -> Result<bool, String> {
    let float = || value.parse::<f64>().ok();
    let floats = || {
        let inner = value.strip_prefix('[')?.strip_suffix(']')?;
        let numbers = inner.split_whitespace().map(str::parse::<f64>);
        numbers.collect::<Result<Vec<_>, _>>().ok()
    };
    let set = match key {
        "schema" => value.parse().map(|schema| histogram.schema = schema).ok(),
        "sum" => float().map(|sum| histogram.sum = sum),
        "count" => float().map(|count| histogram.count = count),
        "z_bucket" => float().map(|count| histogram.zero_count = count),
        "z_bucket_w" => float().map(|width| histogram.zero_threshold = width),
        "buckets" => floats().map(|counts| histogram.positive_buckets = counts),
        "n_buckets" => floats().map(|counts| histogram.negative_buckets = counts),
        "custom_values" => floats().map(|bounds| {
            histogram.custom_bounds = bounds;
            histogram.schema = SCHEMA_CUSTOM;
        }),
        "counter_reset_hint" => hint(value).map(|hint| histogram.counter_reset = hint),
        _ => {
            return Err(format!(
                "{key:?} is no property of a histogram: it has schema, sum, count, z_bucket, z_bucket_w, buckets, \
                 offset, n_buckets, n_offset, custom_values, counter_reset_hint"
            ));
        }
    };
    Ok(set.is_some())
}

fn hint(value: &str) -> Option<CounterReset> {
    match value {
        "unknown" => Some(CounterReset::Unknown),
        "reset" => Some(CounterReset::Reset),
        "not_reset" => Some(CounterReset::NotReset),
        "gauge" => Some(CounterReset::Gauge),
        _ => None,
    }
}

fn span(offset: i32, buckets: &[f64]) -> Vec<Span> {
    match u32::try_from(buckets.len()) {
        Ok(length @ 1..) => vec![Span { offset, length }],
        _ => Vec::new(),
    }
}

/// The histogram, and `times` more, each the step more than the one before.
pub(super) fn plus_times(
    first: Histogram,
    step: Option<&Histogram>,
    times: usize,
) -> Result<Vec<Histogram>, String> {
    let mut all = vec![first];
    for _ in 0..times {
        let mut next = all[all.len() - 1].clone();
        if let Some(step) = step
            && next.add(step).is_none()
        {
            return Err("histograms with and without custom_values do not add up".to_owned());
        }
        all.push(next);
    }
    Ok(all)
}

/// As [`parse_histogram`] reads it, without empty properties.
pub(super) fn write_histogram(histogram: &Histogram) -> String {
    let mut compact = histogram.clone();
    compact.compact();
    let list = |numbers: &[f64]| {
        let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
        format!("[{}]", numbers.join(" "))
    };
    let first = |spans: &[Span]| spans.first().map_or(0, |span| span.offset);
    let mut parts = Vec::new();
    if compact.schema != 0 {
        parts.push(format!("schema:{}", compact.schema));
    }
    parts.push(format!("count:{} sum:{}", compact.count, compact.sum));
    if compact.zero_count != 0.0 {
        let (count, width) = (compact.zero_count, compact.zero_threshold);
        parts.push(format!("z_bucket:{count} z_bucket_w:{width}"));
    }
    for (name, spans, buckets) in [
        ("", &compact.positive_spans, &compact.positive_buckets),
        ("n_", &compact.negative_spans, &compact.negative_buckets),
    ] {
        if !buckets.is_empty() {
            let (offset, buckets) = (first(spans), dense(spans, buckets));
            parts.push(format!(
                "{name}offset:{offset} {name}buckets:{}",
                list(&buckets)
            ));
        }
    }
    if !compact.custom_bounds.is_empty() {
        parts.push(format!("custom_values:{}", list(&compact.custom_bounds)));
    }
    format!("{{{{{}}}}}", parts.join(" "))
}

/// The buckets with the empty ones between spans.
fn dense(spans: &[Span], buckets: &[f64]) -> Vec<f64> {
    let mut all = Vec::new();
    let mut buckets = buckets.iter();
    for (index, span) in spans.iter().enumerate() {
        let gap = if index == 0 {
            0
        } else {
            usize::try_from(span.offset).unwrap_or(0)
        };
        all.extend(std::iter::repeat_n(0.0, gap));
        let length = usize::try_from(span.length).unwrap_or(usize::MAX);
        all.extend(buckets.by_ref().take(length));
    }
    all
}
