//! `portique query`: a question to the telemetry, and its answer as a table or a picture.

mod plot;

use clap::Args;
use portique_clock::{Clock, Timestamp, WallClock};
use serde_json::Value;

use super::output::{Output, Table, say, write_result, write_text};
use super::printable::printable;
use super::span::span;
use super::visitor::{VisitArgs, Visitor};
use crate::error::Error;
use plot::Plot;

/// Points of a range when nobody says how many: two for each column of a plot's dots.
const POINTS_DEFAULT: i64 = 200;
/// A picture of more series is none.
const PLOTS_MAX: usize = 12;

/// Ask the telemetry in PromQL.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  portique query 'portique_telemetry_series'
  portique query 'sum by (route) (rate(portique_http_requests_total[1m]))' --start 15m
  portique query 'count({__name__!=\"\"}) by (__name__)' --time 5m --output json")]
pub(super) struct Query {
    #[command(flatten)]
    visit: VisitArgs,
    /// What is asked.
    expr: String,
    /// At this time [default: now]: RFC 3339, Unix seconds, or how long ago, such as 5m.
    #[arg(long, value_name = "TIME", value_parser = time, conflicts_with = "start")]
    time: Option<Time>,
    /// From this time on, and show a plot.
    #[arg(long, value_name = "TIME", value_parser = time)]
    start: Option<Time>,
    /// Until this time [default: now].
    #[arg(long, value_name = "TIME", value_parser = time, requires = "start")]
    end: Option<Time>,
    /// One point for each of these [default: 200 points].
    #[arg(long, value_name = "SPAN", value_parser = span, requires = "start")]
    step: Option<std::time::Duration>,
}

/// A time as it was written.
#[derive(Debug, Clone, Copy)]
pub(super) enum Time {
    At(Timestamp),
    Ago(std::time::Duration),
}

impl Time {
    /// Unix milliseconds, seen from now.
    pub(super) fn millis(self, now: Timestamp) -> i64 {
        match self {
            Self::At(time) => time.as_millis(),
            Self::Ago(ago) => now.minus(ago).as_millis(),
        }
    }
}

/// A time such as `2026-11-21T09:58:03Z`, `1795255083.5`, `5m`.
pub(super) fn time(text: &str) -> Result<Time, String> {
    if let Ok(seconds) = text.parse::<f64>()
        && seconds.is_finite()
    {
        return Ok(Time::At(Timestamp::from_millis(
            (seconds * 1000.0).round() as i64
        )));
    }
    if let Ok(ago) = span(text) {
        return Ok(Time::Ago(ago));
    }
    let parsed = text.parse().map(Time::At);
    parsed.map_err(|_| {
        "write a time such as 2026-11-21T09:58:03Z, Unix seconds, or how long ago, such as 5m"
            .into()
    })
}

/// Unix milliseconds as the query interface takes them.
pub(super) fn seconds(ms: i64) -> String {
    format!("{:.3}", ms as f64 / 1000.0)
}

impl Query {
    pub(super) fn run(self, output: Output) -> Result<(), Error> {
        let visitor = self.visit.visitor()?;
        super::runtime::for_a_visit()?.block_on(self.ask(&visitor, output))
    }

    async fn ask(self, visitor: &Visitor, output: Output) -> Result<(), Error> {
        let now = WallClock::new().now();
        let mut parameters = vec![("query", self.expr.clone())];
        let Some(start) = self.start else {
            if let Some(time) = self.time {
                parameters.push(("time", seconds(time.millis(now))));
            }
            let answer = visitor.telemetry(&["query"], &parameters).await?;
            say_notes(&answer);
            return write_result(output, &answer["data"], |data| vec![table(data)]);
        };
        let range = Range {
            from_ms: start.millis(now),
            to_ms: self.end.map_or(now.as_millis(), |end| end.millis(now)),
            step: self.step,
        };
        let data = range.ask(&self.expr, visitor).await?;
        match output {
            Output::Json => write_result(output, &data, |_| Vec::new()),
            Output::Table => write_text(&range.plots(&data)),
        }
    }
}

/// A question over a range of time.
pub(super) struct Range {
    pub(super) from_ms: i64,
    pub(super) to_ms: i64,
    pub(super) step: Option<std::time::Duration>,
}

impl Range {
    /// The answer's data.
    pub(super) async fn ask(&self, expr: &str, visitor: &Visitor) -> Result<Value, Error> {
        let step_ms = match self.step {
            Some(step) => i64::try_from(step.as_millis()).unwrap_or(i64::MAX),
            None => self.to_ms.saturating_sub(self.from_ms) / POINTS_DEFAULT,
        };
        let parameters = [
            ("query", expr.to_owned()),
            ("start", seconds(self.from_ms)),
            ("end", seconds(self.to_ms)),
            ("step", seconds(step_ms.max(1))),
        ];
        let mut answer = visitor.telemetry(&["query_range"], &parameters).await?;
        say_notes(&answer);
        Ok(answer["data"].take())
    }

    /// A picture of each series of an answer.
    pub(super) fn plots(&self, data: &Value) -> String {
        plots(data, self.from_ms, self.to_ms)
    }
}

/// Warnings and infos are for whoever asked, not part of the result.
fn say_notes(answer: &Value) {
    for notes in ["warnings", "infos"] {
        for note in answer[notes].as_array().into_iter().flatten() {
            say(note.as_str().unwrap_or_default());
        }
    }
}

pub(super) fn table(data: &Value) -> Table {
    let result = &data["result"];
    match data["resultType"].as_str() {
        Some("vector" | "matrix") => {
            let mut table = Table::new(&["series", "value"]);
            for series in result.as_array().into_iter().flatten() {
                for value in values(series) {
                    table.row([name(&series["metric"]), value]);
                }
            }
            table
        }
        _ => {
            let mut table = Table::new(&["value"]);
            table.row([shown(&result[1])]);
            table
        }
    }
}

/// One sample, or each of several with its time.
fn values(series: &Value) -> Vec<String> {
    if let Some(sample) = series.get("value").or_else(|| series.get("histogram")) {
        return vec![shown(&sample[1])];
    }
    let samples = ["values", "histograms"].map(|key| series[key].as_array());
    let samples = samples.into_iter().flatten().flatten();
    samples
        .map(|sample| format!("{} @ {}", shown(&sample[1]), sample[0]))
        .collect()
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(histogram) => {
            let part = |key: &str| histogram.get(key).and_then(Value::as_str).unwrap_or("-");
            format!("count {} sum {}", part("count"), part("sum"))
        }
        other => other.to_string(),
    }
}

/// A series as PromQL writes it.
pub(super) fn name(metric: &Value) -> String {
    let labels = metric.as_object().into_iter().flatten();
    let labels = labels.map(|(name, value)| (name.as_str(), value.as_str().unwrap_or_default()));
    portique_series::Labels::from_pairs(labels).to_string()
}

fn plots(data: &Value, from_ms: i64, to_ms: i64) -> String {
    let series = data["result"].as_array().map_or(&[][..], Vec::as_slice);
    if series.is_empty() {
        return "no series\n".to_owned();
    }
    let mut text = String::new();
    for series in &series[..series.len().min(PLOTS_MAX)] {
        text.push_str(&printable(&name(&series["metric"])));
        text.push('\n');
        let plot = Plot {
            points: points(series),
            from_ms,
            to_ms,
        };
        text.push_str(&plot.render());
        text.push('\n');
    }
    if let Some(more @ 1..) = series.len().checked_sub(PLOTS_MAX) {
        text.push_str(&format!(
            "and {more} more series: narrow the query, or take --output json\n"
        ));
    }
    text
}

/// Times and values; of a histogram, its count.
fn points(series: &Value) -> Vec<(i64, f64)> {
    let samples = ["values", "histograms"].map(|key| series[key].as_array());
    let samples = samples.into_iter().flatten().flatten();
    let point = |sample: &Value| {
        let ms = (sample[0].as_f64()? * 1000.0).round() as i64;
        let value = sample[1].as_str().or_else(|| sample[1]["count"].as_str())?;
        Some((ms, value.parse().ok()?))
    };
    samples.filter_map(point).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn times_are_dates_seconds_or_how_long_ago() {
        let now = Timestamp::from_millis(1_000_000);
        let millis = |text| time(text).unwrap().millis(now);
        assert_eq!(millis("1970-01-01T00:00:01Z"), 1000);
        assert_eq!(millis("12.5"), 12_500);
        assert_eq!(millis("1m"), 940_000);
        assert!(time("yesterday").is_err());
    }

    #[test]
    fn vectors_and_scalars_are_tables() {
        let data = json!({ "resultType": "vector", "result": [
            { "metric": { "__name__": "up", "job": "a" }, "value": [0, "1"] },
            { "metric": {}, "histogram": [0, { "count": "2", "sum": "3" }] },
        ] });
        let expected = "SERIES       VALUE\nup{job=\"a\"}  1\n{}           count 2 sum 3\n";
        assert_eq!(super::super::output::render(&[table(&data)]), expected);
        let data = json!({ "resultType": "scalar", "result": [0, "1.5"] });
        assert_eq!(
            super::super::output::render(&[table(&data)]),
            "VALUE\n1.5\n"
        );
    }

    #[test]
    fn ranges_are_plots_below_their_series() {
        let series =
            |job: &str| json!({ "metric": { "job": job }, "values": [[0, "1"], [10, "2"]] });
        let all: Vec<_> = (0..PLOTS_MAX + 2).map(|i| series(&i.to_string())).collect();
        let data = json!({ "resultType": "matrix", "result": all });
        let text = plots(&data, 0, 10_000);
        assert!(text.starts_with("{job=\"0\"}\n"), "{text}");
        assert!(text.ends_with("and 2 more series: narrow the query, or take --output json\n"));
        assert_eq!(plots(&json!({ "result": [] }), 0, 1), "no series\n");
    }
}
