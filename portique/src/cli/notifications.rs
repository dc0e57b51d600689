//! `portique notifications`: the configuration of who is told, looked at without a hub.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::output::{Output, Table, write_result};
use super::words::text;
use crate::config::{NotificationDefaults, NotificationsConfig};
use crate::error::Error;
use crate::notify::{self, Checked};

/// Who is told of alerts.
#[derive(Debug, Args)]
pub(super) struct Notifications {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Check a configuration and its files of templates; status 2 and every mistake with its place.
    #[command(after_help = "Example:\n  portique notifications check alertmanager.yml")]
    Check {
        /// An alertmanager.yml, with the hub's additions or without.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Whose defaults the file has.
        #[arg(long, value_enum, default_value_t)]
        defaults: Defaults,
    },
}

/// Whose defaults count where a file says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(super) enum Defaults {
    /// Alertmanager's.
    #[default]
    Alertmanager,
    /// The hub's own.
    Portique,
}

impl Notifications {
    pub(super) fn run(self, output: Output) -> Result<(), Error> {
        let Verb::Check { file, defaults } = self.verb;
        let name = file.display().to_string();
        let checked = checked(file, defaults)?;
        let result = json!({
            "file": name,
            "routes": checked.routes,
            "receivers": checked.receivers,
            "inhibit_rules": checked.inhibit_rules,
            "time_intervals": checked.time_intervals,
            "template_files": checked.template_files,
        });
        write_result(output, &result, |result| vec![table(result)])
    }
}

/// A configuration that is right.
///
/// # Errors
/// [`Error::Notifications`] with every mistake.
pub(super) fn checked(file: PathBuf, defaults: Defaults) -> Result<Checked, Error> {
    let config = NotificationsConfig {
        file: Some(file),
        defaults: match defaults {
            Defaults::Alertmanager => NotificationDefaults::Alertmanager,
            Defaults::Portique => NotificationDefaults::Portique,
        },
        external_url: None,
    };
    notify::check(&config).map_err(|problems| Error::Notifications {
        problems: problems.iter().map(ToString::to_string).collect(),
    })
}

fn table(result: &Value) -> Table {
    let columns = [
        "file",
        "routes",
        "receivers",
        "inhibit_rules",
        "time_intervals",
        "template_files",
    ];
    let mut table = Table::new(&columns);
    table.row(columns.map(|column| text(result, column)));
    table
}
