use std::path::PathBuf;

use clap::Args;
use portique_series::Labels;
use serde_json::Value;

use super::super::notifications::{Defaults, checked};
use super::super::output::{Output, Table, write_result};
use super::super::visitor::Visitor;
use super::super::words::text;
use crate::error::Error;
use crate::notify::routes_of;

pub(super) const EXAMPLES: &str = "\
Examples:
  portique alerts route alertname=Hot team=pad
  portique alerts route severity=critical --file alertmanager.yml";

/// Which receivers are told.
#[derive(Debug, Args)]
pub(super) struct RouteArgs {
    /// The alert's labels, each NAME=VALUE.
    #[arg(value_name = "NAME=VALUE", value_parser = label)]
    labels: Vec<(String, String)>,
    /// Ask this configuration instead of the hub's.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Whose defaults the file has.
    #[arg(long, value_enum, default_value_t, requires = "file")]
    defaults: Defaults,
}

fn label(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(name, _)| !name.is_empty());
    let (name, value) = pair.ok_or_else(|| "write NAME=VALUE".to_owned())?;
    let unquoted = value
        .strip_prefix('"')
        .and_then(|value| value.strip_suffix('"'));
    Ok((name.to_owned(), unquoted.unwrap_or(value).to_owned()))
}

impl RouteArgs {
    pub(super) fn is_offline(&self) -> bool {
        self.file.is_some()
    }

    pub(super) fn offline(&self, output: Output) -> Result<(), Error> {
        let file = self.file.clone().unwrap_or_default();
        let checked = checked(file, self.defaults)?;
        let labels = Labels::from_pairs(self.labels.iter().map(|(n, v)| (n, v)));
        let routes = routes_of(&checked.config, &labels);
        let routes = serde_json::to_value(routes).expect("a view is plain values");
        write_result(output, &routes, |routes| vec![table(routes)])
    }

    pub(super) async fn ask(&self, visitor: &Visitor, output: Output) -> Result<(), Error> {
        let labels = self.labels.iter();
        let query: Vec<_> = labels
            .map(|(name, value)| ("label", format!("{name}={value}")))
            .collect();
        let routes = visitor.get(&["notifications", "routes"], &query).await?;
        write_result(output, &routes, |routes| vec![table(routes)])
    }
}

fn table(routes: &Value) -> Table {
    let mut table = Table::new(&["receiver", "ways", "route", "group by"]);
    let list = |value: &Value| {
        let all = value.as_array().into_iter().flatten();
        let all: Vec<&str> = all.filter_map(Value::as_str).collect();
        if all.is_empty() {
            "-".to_owned()
        } else {
            all.join(", ")
        }
    };
    for route in routes.as_array().into_iter().flatten() {
        table.row([
            text(route, "receiver"),
            list(&route["integrations"]),
            text(route, "route"),
            list(&route["group_by"]),
        ]);
    }
    table
}
