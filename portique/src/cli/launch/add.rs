use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::super::finite::finite;
use super::super::output::{Output, write_text};
use super::super::visitor::Visitor;
use super::change::Change;
use super::read_file;
use crate::error::Error;

/// A hub keeps the file in one event of at most 896 KiB, in which every line end has two bytes; a
/// larger file is refused before it travels.
const FILE_BYTES_MAX: usize = 850 << 10;

/// `portique launch add`.
#[derive(Debug, Args)]
pub(super) struct Add {
    /// The rocket's name: 1 to 32 of a-z 0-9 -, first a letter.
    rocket: String,
    /// Add this module to a rocket that is there, instead of a rocket.
    #[arg(long, conflicts_with_all = ["vehicle", "pad", "link", "recording", "count", "aborts", "time_factor", "roster"])]
    module: Option<String>,
    /// A vehicle that ships with the hub (reference, light), or a TOML file that describes one
    /// [default: reference].
    #[arg(long, value_name = "NAME|FILE")]
    vehicle: Option<String>,
    /// The pad it stands on [default: pad-1].
    #[arg(long)]
    pad: Option<String>,
    /// How the vehicle is reached.
    #[arg(long, value_enum, default_value_t)]
    link: Link,
    /// The recorded flight that is replayed: CSV with time_s, velocity_m_s, altitude_km, at most
    /// 850 KiB.
    #[arg(long, value_name = "FILE", required_if_eq("link", "replayed"))]
    recording: Option<PathBuf>,
    /// A count that ships with the hub (short, full), or a TOML file that holds one
    /// [default: short].
    #[arg(long, value_name = "NAME|FILE")]
    count: Option<String>,
    /// What to do about critical anomalies: a TOML file with an abort matrix [default: the standard one].
    #[arg(long, value_name = "FILE")]
    aborts: Option<PathBuf>,
    /// Seconds of count and flight per second; only 1 is fit for anything real [default: 1].
    #[arg(long, value_parser = finite)]
    time_factor: Option<f64>,
    /// The stations that vote, separated by commas [default: weather,rocket,payload,telemetry].
    #[arg(long, value_delimiter = ',')]
    roster: Option<Vec<String>>,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Link {
    /// A simulated world in the hub, modules as processes of their own.
    #[default]
    Simulated,
    /// A recorded flight.
    Replayed,
    /// Modules that attach themselves.
    Remote,
}

impl Add {
    pub(super) async fn run(self, visitor: &Visitor, output: Output) -> Result<(), Error> {
        if let Some(module) = self.module {
            let body = json!({ "module": module });
            let change = Change::new(self.rocket, &["modules"], body, "the module is expected");
            return change.ask(visitor, output).await;
        }
        let rocket = self.rocket.clone();
        let body = self.body()?;
        let answer = visitor.post(&["launch", "rockets"], &body).await?;
        match output {
            Output::Json => write_text(&format!("{answer:#}\n")),
            Output::Table => write_text(&format!("{rocket}: added\n")),
        }
    }

    fn body(self) -> Result<Value, Error> {
        let link = match (self.link, &self.recording) {
            (Link::Simulated, _) => json!({ "link": "simulated" }),
            (Link::Remote, _) => json!({ "link": "remote" }),
            (Link::Replayed, Some(path)) => {
                json!({ "link": "replayed", "csv": read_file(path, FILE_BYTES_MAX)? })
            }
            (Link::Replayed, None) => json!({ "link": "replayed" }),
        };
        let mut body = json!({ "rocket": self.rocket, "link": link });
        put_name_or_text(&mut body, "vehicle", self.vehicle)?;
        put_name_or_text(&mut body, "count", self.count)?;
        if let Some(path) = &self.aborts {
            body["aborts_toml"] = Value::from(read_file(path, FILE_BYTES_MAX)?);
        }
        put(&mut body, "pad", self.pad.map(Value::from));
        put(&mut body, "time_factor", self.time_factor.map(Value::from));
        put(&mut body, "roster", self.roster.map(Value::from));
        Ok(body)
    }
}

fn put(body: &mut Value, key: &str, value: Option<Value>) {
    if let Some(value) = value {
        body[key] = value;
    }
}

/// What ships has a plain name; everything else is a file whose text travels.
fn put_name_or_text(body: &mut Value, key: &str, given: Option<String>) -> Result<(), Error> {
    match given {
        Some(path) if path.ends_with(".toml") || path.contains('/') => {
            body[format!("{key}_toml")] = Value::from(read_file(Path::new(&path), FILE_BYTES_MAX)?);
        }
        given => put(body, key, given.map(Value::from)),
    }
    Ok(())
}
