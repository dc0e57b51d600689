//! What the store of telemetry says of itself, and what it is told to do.

use clap::Args;
use portique_clock::{Clock, WallClock};
use serde_json::{Value, json};

use super::super::output::{Output, Table, write_done, write_result};
use super::super::query::{Time, time};
use super::super::visitor::Visitor;
use super::super::words::text;
use crate::error::Error;

/// Lines of each list when nobody says how many.
const LIMIT_DEFAULT: usize = 10;

pub(super) const DELETE_EXAMPLES: &str = "Examples:
  portique series delete '{job=\"old\"}' --dry-run
  portique series delete 'debug_total' --end 30d";

#[derive(Debug, Args)]
pub(super) struct Top {
    /// So many metrics and labels, 1 to 1000.
    #[arg(long, value_name = "COUNT", default_value_t = LIMIT_DEFAULT)]
    limit: usize,
}

#[derive(Debug, Args)]
pub(super) struct Delete {
    /// What their labels are like: samples of each series that one of these accepts.
    #[arg(required = true, value_name = "SELECTOR")]
    selectors: Vec<String>,
    /// From this time on: RFC 3339, Unix seconds, or how long ago, such as 5m.
    #[arg(long, value_name = "TIME", value_parser = time)]
    start: Option<Time>,
    /// Until this time.
    #[arg(long, value_name = "TIME", value_parser = time)]
    end: Option<Time>,
    /// Only count what would be deleted.
    #[arg(long)]
    dry_run: bool,
}

impl Top {
    pub(super) async fn run(self, visitor: &Visitor, output: Output) -> Result<(), Error> {
        let query = [("limit", self.limit.to_string())];
        let store = visitor.get(&["telemetry", "store"], &query).await?;
        write_result(output, &store, tables)
    }
}

impl Delete {
    pub(super) async fn run(self, visitor: &Visitor, output: Output) -> Result<(), Error> {
        let now = WallClock::new().now();
        let request = json!({
            "match": self.selectors,
            "from_ms": self.start.map(|time| time.millis(now)),
            "to_ms": self.end.map(|time| time.millis(now)),
            "dry_run": self.dry_run,
        });
        let answer = visitor.post(&["telemetry", "delete"], &request).await?;
        let what = match self.dry_run {
            true => "would be deleted",
            false => "were deleted",
        };
        let (samples, series) = (&answer["samples"], &answer["series"]);
        let sentence = format!("{samples} samples of {series} series {what}");
        write_done(output, &answer, &sentence)
    }
}

pub(super) async fn snapshot(visitor: &Visitor, output: Output) -> Result<(), Error> {
    let answer = visitor
        .post(&["telemetry", "snapshots"], &Value::Null)
        .await?;
    let sentence = format!("copied to {}", text(&answer, "folder"));
    write_done(output, &answer, &sentence)
}

fn tables(store: &Value) -> Vec<Table> {
    let mut tables = vec![summary(store)];
    for (key, header) in [
        ("series_by_metric", ["metric", "series"]),
        ("values_by_label", ["label", "values"]),
        ("series_by_pair", ["label=value", "series"]),
        ("refused_by_metric", ["metric", "samples refused"]),
    ] {
        let mut table = Table::new(&header);
        for row in each(store, key) {
            let name = match row["name"].as_str() {
                None | Some("") => "(others)".to_owned(),
                Some(name) => name.to_owned(),
            };
            table.row([name, row["count"].to_string()]);
        }
        if !table.is_empty() {
            tables.push(table);
        }
    }
    let wrong = wrong(store);
    if !wrong.is_empty() {
        tables.push(wrong);
    }
    tables
}

fn summary(store: &Value) -> Table {
    let mut table = Table::new(&[
        "series",
        "at most",
        "of a metric",
        "samples",
        "blocks",
        "state",
    ]);
    let count = |key: &str| store[key].to_string();
    let state = store["refuses"]
        .as_str()
        .map(|why| format!("refuses samples: {why}"));
    table.row([
        count("series"),
        count("series_max"),
        count("series_per_metric_max"),
        count("samples"),
        count("blocks"),
        state.unwrap_or_else(|| "takes samples".to_owned()),
    ]);
    table
}

fn wrong(store: &Value) -> Table {
    let mut table = Table::new(&["wrong", "where", "why"]);
    for damaged in each(store, "damaged") {
        let why = damaged.as_str().unwrap_or_default().to_owned();
        table.row(["damaged block".into(), String::new(), why]);
    }
    for lost in each(store, "lost") {
        let why = format!("taken away, with {} samples", lost["samples"]);
        table.row(["lost block".into(), text(lost, "file"), why]);
    }
    for failing in each(store, "failing") {
        let place = format!("{}: {}", text(failing, "class"), text(failing, "step"));
        table.row(["failing step".into(), place, text(failing, "problem")]);
    }
    table
}

fn each<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value[key].as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::super::super::output::render;
    use super::*;

    #[test]
    fn what_is_refused_and_what_is_wrong_is_shown() {
        let store = json!({
            "series": 20, "series_max": 20, "series_per_metric_max": 15, "samples": 9, "blocks": 1,
            "refuses": "the disk is nearly full",
            "series_by_metric": [{ "name": "requests", "count": 15 }],
            "refused_by_metric": [{ "name": "requests", "count": 30 }, { "name": "", "count": 2 }],
            "lost": [{ "file": "series/blocks/default/1.block", "samples": 7 }],
            "failing": [{ "class": "default", "step": "merging 1, 2", "problem": "it is damaged" }],
        });
        let shown = render(&tables(&store));
        for expected in [
            "refuses samples: the disk is nearly full",
            "requests",
            "(others)",
            "taken away, with 7 samples",
            "default: merging 1, 2",
        ] {
            assert!(shown.contains(expected), "{expected}: {shown}");
        }
    }
}
