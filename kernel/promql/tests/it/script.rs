//! Reads scripts: blocks of lines ended by an empty one; `#` begins a comment line.

use std::collections::BTreeMap;

use portique_series::{ClassicBucket, Histogram, Labels, METRIC_NAME, Value};

use crate::case::{Case, Command, Expected, ExpectedNote, LoadedSeries, Text, Times};
use crate::notation::{Parsed, duration_ms, labels, number, offsets, values};

/// The commands of a script.
pub(crate) fn parse(text: &str) -> Parsed<Vec<Command>> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let lines: Vec<&str> = lines
        .iter()
        .map(|line| if line.starts_with('#') { "" } else { line })
        .collect();
    let mut commands = Vec::new();
    let mut index = 0;
    while index < lines.len() {
        let head = lines[index];
        let first = index;
        index += 1;
        let command = head.split_whitespace().next().unwrap_or("");
        let located = |error: String| format!("line {}: {error}", first + 1);
        if command.is_empty() {
            continue;
        }
        if command == "clear" {
            commands.push(Command::Clear);
            continue;
        }
        let body_start = index;
        while index < lines.len() && !lines[index].is_empty() {
            index += 1;
        }
        let body = &lines[body_start..index];
        if command.starts_with("load") {
            commands.push(Command::Load(load(head, body).map_err(located)?));
        } else if command.starts_with("eval") {
            let case = eval(head, body, first + 1).map_err(located)?;
            commands.push(Command::Eval(Box::new(case)));
        } else {
            return Err(located(format!("command {head:?}")));
        }
    }
    Ok(commands)
}

fn load(head: &str, body: &[&str]) -> Parsed<Vec<LoadedSeries>> {
    let (command, step) = head
        .split_once(char::is_whitespace)
        .ok_or("load without a step")?;
    let step_ms = duration_ms(step.trim())?;
    let mut loaded: Vec<LoadedSeries> = Vec::new();
    let mut starts: Vec<Option<i64>> = Vec::new();
    for line in body {
        let first = line.split_whitespace().next().unwrap_or("");
        if first.ends_with("@st") {
            let (_, text) = line.split_once("@st").ok_or("@st")?;
            starts = offsets(text)?;
            continue;
        }
        let (labels, rest) = labels(line)?;
        let mut samples = Vec::new();
        for (index, value) in values(rest)?.into_iter().enumerate() {
            let time_ms = step_ms * index as i64;
            let offset = starts.get(index).copied().flatten();
            if let Some(value) = value {
                samples.push((time_ms, value, offset.map_or(0, |offset| time_ms + offset)));
            }
        }
        starts.clear();
        loaded.retain(|series| series.labels != labels);
        loaded.push(LoadedSeries { labels, samples });
    }
    if command == "load_with_nhcb" {
        let native = natives(&loaded);
        loaded.extend(native);
    }
    Ok(loaded)
}

/// The parts of a classic histogram at one time.
#[derive(Default)]
struct Classic {
    buckets: Vec<ClassicBucket>,
    sum: Option<f64>,
    count: Option<f64>,
}

/// Classic histograms as native ones with custom buckets.
fn natives(loaded: &[LoadedSeries]) -> Vec<LoadedSeries> {
    let mut found: BTreeMap<Labels, BTreeMap<i64, Classic>> = BTreeMap::new();
    for series in loaded {
        let name = series.labels.metric();
        let Some((base, part)) = name.rsplit_once('_') else {
            continue;
        };
        let upper = series.labels.get("le").and_then(|le| number(le).ok());
        if !matches!((part, upper), ("bucket", Some(_)) | ("sum" | "count", _)) {
            continue;
        }
        let mut builder = series.labels.to_builder();
        builder.remove("le").set(METRIC_NAME, base);
        let times = found.entry(builder.build()).or_default();
        for (time_ms, value, _) in &series.samples {
            let Value::Float(value) = value else { continue };
            let classic = times.entry(*time_ms).or_default();
            match (part, upper) {
                ("sum", _) => classic.sum = Some(*value),
                ("count", _) => classic.count = Some(*value),
                (_, Some(upper)) => {
                    classic.buckets.push(ClassicBucket {
                        upper,
                        cumulative: *value,
                    });
                }
                _ => {}
            }
        }
    }
    let native = |(labels, times): (Labels, BTreeMap<i64, Classic>)| {
        let samples = times.into_iter().filter_map(|(time_ms, classic)| {
            if classic.buckets.is_empty() {
                return None;
            }
            let native = Histogram::from_classic(&classic.buckets, classic.sum, classic.count)?;
            Some((time_ms, Value::Histogram(native.into()), 0))
        });
        LoadedSeries {
            labels,
            samples: samples.collect(),
        }
    };
    found
        .into_iter()
        .map(native)
        .filter(|series| !series.samples.is_empty())
        .collect()
}

fn eval(head: &str, body: &[&str], line: usize) -> Parsed<Case> {
    let (command, rest) = head
        .split_once(char::is_whitespace)
        .ok_or("eval of nothing")?;
    let (mut times, query) = times(rest.trim())?;
    let mut case = Body::default();
    match command {
        "eval_fail" => case.fail = Some(Text::Any),
        "eval_warn" => case.note(true, true, Text::Any),
        "eval_info" => case.note(false, true, Text::Any),
        "eval_ordered" => case.ordered = true,
        _ => {}
    }
    let mut series = Vec::new();
    for line in body {
        if let Some(text) = line.strip_prefix("expected_fail_message") {
            case.fail = Some(Text::Exact(text.trim().to_owned()));
        } else if let Some(text) = line.strip_prefix("expected_fail_regexp") {
            case.fail = Some(Text::Regex(text.trim().to_owned()));
        } else if let Some(text) = line.strip_prefix("expect ") {
            case.expect(text.trim())?;
        } else if let Ok(scalar) = number(line) {
            case.scalar = Some(scalar);
        } else {
            series.push(*line);
        }
    }
    if let (Some((_, to_ms, _)), Times::Instant(_)) = (case.range, times) {
        times = Times::Instant(to_ms);
    }
    let expected = case.expected(&series, times)?;
    Ok(Case {
        line,
        query: query.to_owned(),
        times,
        expected,
        ordered: case.ordered,
        notes: case.notes,
    })
}

/// `instant at T QUERY` or `range from A to B step S QUERY`.
fn times(text: &str) -> Parsed<(Times, &str)> {
    let word = |text: &str| -> Parsed<(String, usize)> {
        let trimmed = text.trim_start();
        let end = trimmed.find(char::is_whitespace).ok_or("too short")?;
        Ok((trimmed[..end].to_owned(), text.len() - trimmed.len() + end))
    };
    let mut rest = text;
    let mut next = |keyword: Option<&str>| -> Parsed<String> {
        let (found, end) = word(rest)?;
        rest = &rest[end..];
        match keyword.is_none_or(|keyword| keyword == found) {
            true => Ok(found),
            false => Err(format!("{found:?} instead of {keyword:?}")),
        }
    };
    let times = match next(None)?.as_str() {
        "instant" => {
            next(Some("at"))?;
            Times::Instant(duration_ms(&next(None)?)?)
        }
        "range" => {
            next(Some("from"))?;
            let from_ms = duration_ms(&next(None)?)?;
            next(Some("to"))?;
            let to_ms = duration_ms(&next(None)?)?;
            next(Some("step"))?;
            let step_ms = duration_ms(&next(None)?)?;
            Times::Range {
                from_ms,
                to_ms,
                step_ms,
            }
        }
        other => return Err(format!("eval {other:?}")),
    };
    Ok((times, rest.trim()))
}

/// What the lines after an `eval` say.
#[derive(Default)]
struct Body {
    fail: Option<Text>,
    scalar: Option<f64>,
    string: Option<String>,
    range: Option<(i64, i64, i64)>,
    ordered: bool,
    notes: Vec<ExpectedNote>,
}

impl Body {
    fn note(&mut self, warning: bool, present: bool, text: Text) {
        self.notes.push(ExpectedNote {
            warning,
            present,
            text,
        });
    }

    fn expect(&mut self, text: &str) -> Parsed<()> {
        let (kind, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let rest = rest.trim();
        let recognised = match rest.split_once(':') {
            Some(("msg", text)) => Text::Exact(text.trim().to_owned()),
            Some(("regex", text)) => Text::Regex(text.trim().to_owned()),
            _ => Text::Any,
        };
        match kind {
            "ordered" => self.ordered = true,
            "fail" => self.fail = Some(recognised),
            "warn" => self.note(true, true, recognised),
            "info" => self.note(false, true, recognised),
            "no_warn" => self.note(true, false, Text::Any),
            "no_info" => self.note(false, false, Text::Any),
            "string" => self.string = Some(unquoted(rest)?),
            "range" => {
                let words: Vec<&str> = rest.split_whitespace().collect();
                let ["vector", "from", from, "to", to, "step", step] = words[..] else {
                    return Err(format!("expect {text:?}"));
                };
                self.range = Some((duration_ms(from)?, duration_ms(to)?, duration_ms(step)?));
            }
            _ => return Err(format!("expect {text:?}")),
        }
        Ok(())
    }

    fn expected(&mut self, series: &[&str], times: Times) -> Parsed<Expected> {
        if let Some(text) = self.fail.take() {
            return Ok(Expected::Fail(text));
        }
        if let Some(scalar) = self.scalar {
            return Ok(Expected::Scalar(scalar));
        }
        if let Some(string) = self.string.take() {
            return Ok(Expected::String(string));
        }
        let range = match (times, self.range) {
            (
                Times::Range {
                    from_ms, step_ms, ..
                },
                _,
            ) => Some((from_ms, step_ms)),
            (_, range) => range.map(|(from_ms, _, step_ms)| (from_ms, step_ms)),
        };
        let parsed = series.iter().map(|line| {
            let (labels, rest) = labels(line)?;
            Ok((labels, values(rest)?))
        });
        let parsed = parsed.collect::<Parsed<Vec<_>>>()?;
        let Some((from_ms, step_ms)) = range else {
            let first = |(labels, values): (Labels, Vec<Option<Value>>)| {
                (labels, values.into_iter().next().flatten())
            };
            return Ok(Expected::Vector(parsed.into_iter().map(first).collect()));
        };
        let points = |(labels, values): (Labels, Vec<Option<Value>>)| {
            let at = |(index, value): (usize, Option<Value>)| {
                value.map(|value| (from_ms + step_ms * index as i64, value))
            };
            (
                labels,
                values.into_iter().enumerate().filter_map(at).collect(),
            )
        };
        Ok(Expected::Matrix(parsed.into_iter().map(points).collect()))
    }
}

fn unquoted(text: &str) -> Parsed<String> {
    let parsed = portique_promql::syntax::parse(text, &Default::default());
    match parsed.map_err(|error| error.to_string())? {
        portique_promql::syntax::Expr::String(literal) => {
            Ok(String::from_utf8_lossy(&literal.bytes).into_owned())
        }
        _ => Err(format!("not a string: {text}")),
    }
}
