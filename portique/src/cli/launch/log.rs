use std::time::Duration;

use clap::Args;
use portique_clock::{Clock, WallClock};
use portique_series::Labels;
use serde_json::Value;

use super::super::finite::finite;
use super::super::output::{Output, Table, say, write_result, write_text};
use super::super::page::{given, hint_at_next};
use super::super::query::{Range, Time, table, time};
use super::super::visitor::Visitor;
use super::super::words::{number, t_clock, text, wall};
use crate::error::Error;

/// How far back a figure is shown when nobody says: a flight fits.
const START: Time = Time::Ago(Duration::from_mins(15));

/// `portique launch log`.
#[derive(Debug, Args)]
pub(super) struct Log {
    /// Lines of this rocket.
    #[arg(long)]
    rocket: Option<String>,
    /// Lines by this actor: a station, a module, commander, count, ground.
    #[arg(long)]
    actor: Option<String>,
    /// Lines of this kind, such as vote_cast or max_q.
    #[arg(long)]
    kind: Option<String>,
    /// Lines with all of these words.
    #[arg(long)]
    text: Option<String>,
    /// Lines at or after this time, such as 2026-11-21T09:00:00Z.
    #[arg(long)]
    from: Option<String>,
    /// Lines before this time.
    #[arg(long)]
    to: Option<String>,
    /// Lines after this cursor: the one that the page before ended with.
    #[arg(long)]
    after: Option<String>,
    /// Lines at most, 1 to 1000.
    #[arg(long)]
    limit: Option<u32>,
}

impl Log {
    pub(super) async fn run(self, visitor: &Visitor, output: Output) -> Result<(), Error> {
        let limit = self.limit.map(|limit| limit.to_string());
        let query = [
            ("rocket", self.rocket),
            ("actor", self.actor),
            ("kind", self.kind),
            ("text", self.text),
            ("from", self.from),
            ("to", self.to),
            ("after", self.after),
            ("limit", limit),
        ];
        let query = given(query);
        let page = visitor.get(&["launch", "log"], &query).await?;
        write_result(output, &page, |page| vec![lines(page)])?;
        hint_at_next(output, &page);
        Ok(())
    }
}

/// `portique launch telemetry`.
#[derive(Debug, Args)]
pub(super) struct Telemetry {
    /// The rocket's name.
    rocket: String,
    /// The module's name.
    module: String,
    /// One of its figures, such as altitude_metres or chamber_pressure_pascals: its values over the last
    /// 15 minutes, or since --start.
    parameter: Option<String>,
    /// Draw the figure.
    #[arg(long, requires = "parameter")]
    plot: bool,
    /// The figure from this time on: RFC 3339, Unix seconds, or how long ago [default: 15m].
    #[arg(long, value_name = "TIME", value_parser = time, requires = "parameter")]
    start: Option<Time>,
    /// The figure until this time [default: now].
    #[arg(long, value_name = "TIME", value_parser = time, requires = "parameter")]
    end: Option<Time>,
    /// Samples from this many seconds from lift-off on.
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true, value_parser = finite, conflicts_with = "parameter")]
    from: Option<f64>,
    /// Samples before this many seconds from lift-off.
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true, value_parser = finite, conflicts_with = "parameter")]
    to: Option<f64>,
    /// Seconds of flight between two samples, 0 for all that there are [default: 0.1].
    #[arg(long, value_name = "SECONDS", value_parser = finite, conflicts_with = "parameter")]
    every: Option<f64>,
    /// Samples after this cursor: the one that the page before ended with.
    #[arg(long, conflicts_with = "parameter")]
    after: Option<String>,
    /// Samples at most.
    #[arg(long, conflicts_with = "parameter")]
    limit: Option<u32>,
}

impl Telemetry {
    pub(super) async fn run(self, visitor: &Visitor, output: Output) -> Result<(), Error> {
        if let Some(parameter) = &self.parameter {
            return self.figure(parameter, visitor, output).await;
        }
        let query = given([
            ("from_s", self.from.map(|from| from.to_string())),
            ("to_s", self.to.map(|to| to.to_string())),
            ("every_s", self.every.map(|every| every.to_string())),
            ("after", self.after),
            ("limit", self.limit.map(|limit| limit.to_string())),
        ]);
        let path = [
            "launch",
            "rockets",
            &self.rocket,
            "modules",
            &self.module,
            "telemetry",
        ];
        let page = visitor.get(&path, &query).await?;
        write_result(output, &page, |page| vec![samples(page)])?;
        hint_at_next(output, &page);
        Ok(())
    }

    async fn figure(
        &self,
        parameter: &str,
        visitor: &Visitor,
        output: Output,
    ) -> Result<(), Error> {
        let expr = selector(&self.rocket, &self.module, parameter)?;
        let now = WallClock::new().now();
        let range = Range {
            from_ms: self.start.unwrap_or(START).millis(now),
            to_ms: self.end.map_or(now.as_millis(), |end| end.millis(now)),
            step: None,
        };
        let data = range.ask(&expr, visitor).await?;
        if data["result"].as_array().is_none_or(Vec::is_empty) {
            say(&format!(
                "nothing is known of {expr} then; portique series '{{rocket=\"{}\"}}' shows what is",
                self.rocket
            ));
        }
        match output {
            Output::Table if self.plot => write_text(&range.plots(&data)),
            _ => write_result(output, &data, |data| vec![table(data)]),
        }
    }
}

/// What selects a figure; its name is taken with and without what all of launch control's begin with.
fn selector(rocket: &str, module: &str, parameter: &str) -> Result<String, Error> {
    let name = parameter.strip_prefix("launch_").unwrap_or(parameter);
    let is_name = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_';
    if name.is_empty() || !name.bytes().all(is_name) {
        let message =
            format!("{parameter:?} is no figure of a module: write one such as altitude_metres");
        return Err(Error::Usage { message });
    }
    let metric = format!("launch_{name}");
    let labels = [
        ("__name__", metric.as_str()),
        ("rocket", rocket),
        ("module", module),
    ];
    Ok(Labels::from_pairs(labels).to_string())
}

fn lines(page: &Value) -> Table {
    let mut table = Table::new(&["at", "t", "rocket", "module", "actor", "kind", "text"]);
    for line in page["entries"].as_array().into_iter().flatten() {
        let t = t_clock(line.get("t_s").and_then(Value::as_f64));
        let cell = |key| text(line, key);
        let [rocket, module] = ["rocket", "module"].map(cell);
        let [actor, kind, words] = ["actor", "kind", "text"].map(cell);
        table.row([wall(line, "at"), t, rocket, module, actor, kind, words]);
    }
    table
}

fn samples(page: &Value) -> Table {
    let mut table = Table::new(&[
        "t s",
        "phase",
        "altitude m",
        "speed m/s",
        "q Pa",
        "throttle",
        "propellant kg",
    ]);
    for sample in page["samples"].as_array().into_iter().flatten() {
        table.row([
            number(sample, "t_s", 2),
            text(sample, "phase"),
            number(sample, "altitude_m", 0),
            number(sample, "speed_m_s", 1),
            number(sample, "dynamic_pressure_pa", 0),
            number(sample, "throttle", 2),
            number(sample, "propellant_kg", 0),
        ]);
    }
    table
}
