use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use clap::Args;
use portique_broker::history::{self, Acknowledged, Audit};
use serde_json::{Value, json};

use super::super::output::{Output, Table, say, write_result};
use super::super::words::text;
use crate::data_folder::file_error;
use crate::error::Error;

pub(super) const EXAMPLES: &str = "\
Examples:
  portique journal audit portique-data
  portique journal audit portique-data --acknowledged told.ndjson

What clients were told is one JSON object a line: {\"enqueued\":ID}, {\"completed\":ID,\"token\":TOKEN},
{\"published\":SEQUENCE}.";

/// `portique journal audit`.
#[derive(Debug, Args)]
pub(super) struct AuditArgs {
    /// The hub's data folder, or the journal's own.
    folder: PathBuf,
    /// Hold the journal against what clients were told, as this file has it.
    #[arg(long, value_name = "FILE")]
    acknowledged: Option<PathBuf>,
}

impl AuditArgs {
    pub(super) fn run(self, output: Output) -> Result<(), Error> {
        let disk = super::disk(&self.folder)?;
        let told = self.acknowledged.as_deref().map(read).transpose()?;
        let audit = history::audit_disk(&disk, told.as_ref())
            .map_err(|error| refuse(&error, &self.folder))?;
        write_result(output, &to_json(&audit), tables)?;
        if audit.is_clean() {
            if output == Output::Table {
                say("everything that the journal says may have happened");
            }
            return Ok(());
        }
        Err(Error::Damaged {
            message: format!(
                "{} records of the journal contradict each other or what clients were told; \
                 nothing was changed: keep the folder, and report it",
                audit.violations_total
            ),
        })
    }
}

fn read(path: &Path) -> Result<Acknowledged, Error> {
    let file = File::open(path).map_err(|source| file_error("read", path, source))?;
    Acknowledged::read(BufReader::new(file)).map_err(|error| Error::Usage {
        message: format!("{}: {}", path.display(), portique_fault::chain(&error)),
    })
}

fn refuse(error: &portique_broker::Error, folder: &Path) -> Error {
    match error {
        portique_broker::Error::Journal(error) => super::refuse(error, folder),
        error => Error::Damaged {
            message: portique_fault::chain(error),
        },
    }
}

fn to_json(audit: &Audit) -> Value {
    let totals = &audit.totals;
    let violations = audit.violations.iter().map(|violation| {
        let sequence = violation.sequence.map(|sequence| sequence.0);
        json!({ "sequence": sequence, "rule": violation.rule, "what": violation.what })
    });
    json!({
        "first": audit.first.0,
        "last": audit.last.0,
        "totals": {
            "records": totals.records,
            "starts": totals.starts,
            "published": totals.published,
            "acknowledged": totals.acknowledged,
            "buried": totals.buried,
            "enqueued": totals.enqueued,
            "claimed": totals.claimed,
            "completed": totals.completed,
            "failures": totals.failures,
            "losses": totals.losses,
            "cancelled": totals.cancelled,
            "dropped": totals.dropped,
            "waiting": totals.waiting,
            "active": totals.active,
            "dead": totals.dead,
        },
        "violations": violations.collect::<Vec<_>>(),
        "violations_total": audit.violations_total,
    })
}

fn tables(audit: &Value) -> Vec<Table> {
    let mut totals = Table::new(&["total", "count"]);
    for (name, _) in audit["totals"].as_object().into_iter().flatten() {
        totals.row([name.clone(), text(&audit["totals"], name)]);
    }
    let mut violations = Table::new(&["record", "rule", "what"]);
    for violation in audit["violations"].as_array().into_iter().flatten() {
        violations.row(["sequence", "rule", "what"].map(|key| text(violation, key)));
    }
    let tables = [totals, violations].into_iter();
    tables.filter(|table| !table.is_empty()).collect()
}
