use clap::Args;
use serde_json::Value;

use super::super::finite::finite;
use super::super::output::{Output, Table, write_result};
use super::super::page::{given, hint_at_next};
use super::super::visitor::Visitor;
use super::super::words::{number, t_clock, text, wall};
use crate::error::Error;

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
    /// Samples from this many seconds from lift-off on.
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true, value_parser = finite)]
    from: Option<f64>,
    /// Samples before this many seconds from lift-off.
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true, value_parser = finite)]
    to: Option<f64>,
    /// Samples at most.
    #[arg(long)]
    limit: Option<u32>,
}

impl Telemetry {
    pub(super) async fn run(self, visitor: &Visitor, output: Output) -> Result<(), Error> {
        let query = given([
            ("from_s", self.from.map(|from| from.to_string())),
            ("to_s", self.to.map(|to| to.to_string())),
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
