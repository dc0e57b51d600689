use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use reqwest::Method;
use serde_json::Value;

use super::super::input::{self, read_file_up_to};
use super::super::output::{Output, Table, write_result};
use super::super::span::span;
use super::super::visitor::{Content, Visitor};
use super::super::words::text;
use super::ROOT;
use crate::error::Error;

pub(super) const EXAMPLES: &str = "\
Examples:
  portique payments file transfers.csv --wait 30s
  portique payments file transfers.csv --mapping @mapping.json
  portique payments file salaries.xml --format pain.001
  portique payments file --show 4711

A mapping says which columns mean what, such as {\"delimiter\": \";\", \"columns\": {\"id\": \"Number\"}}.";

/// Largest file that is read: what the hub takes as one.
const FILE_BYTES_MAX: usize = 16 << 20;
/// Between two looks at what became of a file.
const LOOK_PAUSE: Duration = Duration::from_millis(200);

/// `portique payments file`.
#[derive(Debug, Args)]
pub(super) struct File {
    /// The file.
    #[arg(required_unless_present = "show")]
    path: Option<PathBuf>,
    /// What it is [default: by its ending, .csv, .xml, or lines].
    #[arg(long, conflicts_with = "show")]
    format: Option<Format>,
    /// How its columns are to be read: JSON, @FILE, or - for standard input.
    #[arg(long, value_name = "MAPPING", conflicts_with = "show")]
    mapping: Option<String>,
    /// Wait up to this long until its lines were looked at, such as 30s.
    #[arg(long, value_name = "TIME", value_parser = span)]
    wait: Option<Duration>,
    /// Show what became of a file that was sent before.
    #[arg(long, value_name = "ID", conflicts_with = "path")]
    show: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Lines of JSON.
    Ndjson,
    /// Comma-separated values, or what --mapping says.
    Csv,
    /// Credit transfers of ISO 20022.
    #[value(name = "pain.001")]
    Pain001,
}

impl Format {
    fn word(self) -> &'static str {
        match self {
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
            Self::Pain001 => "pain.001",
        }
    }

    fn of(path: &std::path::Path) -> Self {
        match path.extension().and_then(|ending| ending.to_str()) {
            Some("csv") => Self::Csv,
            Some("xml") => Self::Pain001,
            _ => Self::Ndjson,
        }
    }
}

impl File {
    pub(super) async fn run(self, visitor: &Visitor, output: Output) -> Result<(), Error> {
        let sent = match &self.path {
            Some(path) => self.send(path, visitor).await?,
            None => Value::Null,
        };
        let id = match &self.show {
            Some(id) => id.clone(),
            None => text(&sent, "file"),
        };
        let mut left = self.wait.unwrap_or_default();
        if self.show.is_none() && left.is_zero() {
            return write_result(output, &sent, tables);
        }
        let became = loop {
            let became = visitor.get(&[ROOT, "files", &id], &[]).await?;
            if left.is_zero() || became["read"] == became["parts"] {
                break became;
            }
            let pause = left.min(LOOK_PAUSE);
            tokio::time::sleep(pause).await;
            left -= pause;
        };
        write_result(output, &became, tables)
    }

    async fn send(&self, path: &std::path::Path, visitor: &Visitor) -> Result<Value, Error> {
        let bytes = read_file_up_to(path, FILE_BYTES_MAX)?;
        let format = self.format.unwrap_or_else(|| Format::of(path));
        let mut query = vec![("format", format.word().to_owned())];
        if let Some(mapping) = &self.mapping {
            let mapping = input::read(mapping)?;
            query.push(("mapping", String::from_utf8_lossy(&mapping).into_owned()));
        }
        let content = Content::of("application/octet-stream", bytes);
        let path = [ROOT, "files"];
        visitor.change(Method::POST, &path, &query, content).await
    }
}

fn tables(file: &Value) -> Vec<Table> {
    let mut refused = Table::new(&["line", "reason"]);
    for line in file["refused"].as_array().into_iter().flatten() {
        refused.row([text(line, "line"), text(line, "reason")]);
    }
    let tables = [super::fields(file), refused].into_iter();
    tables.filter(|table| !table.is_empty()).collect()
}
