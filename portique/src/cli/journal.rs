//! `portique journal`: what is on disk, looked at without a hub and without changing it.

mod audit;
mod torture;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use portique_journal::{Entry, FolderDisk, Sequence, VerifyReport};
use serde_json::{Value, json};

use super::output::{Output, Table, say, write_result, write_text};
use super::words::text;
use crate::data_folder::{file_error, holder};
use crate::error::Error;
use crate::hub::JOURNAL_FOLDER;

/// Bytes of a record that are shown to people.
const PREVIEW_BYTES: usize = 48;

/// Looks at a journal on disk.
#[derive(Debug, Args)]
pub(super) struct Journal {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Check every byte of a journal; status 5 and file and offset when one does not fit.
    Verify {
        /// The hub's data folder, or the journal's own.
        folder: PathBuf,
    },
    /// Print the records of a journal.
    Dump {
        /// The hub's data folder, or the journal's own.
        folder: PathBuf,
        /// Records from this sequence on [default: the first that is kept].
        #[arg(long, value_name = "SEQUENCE")]
        from: Option<u64>,
        /// Records at most.
        #[arg(long, value_name = "RECORDS")]
        limit: Option<u64>,
    },
    /// Check what a journal says happened: no job lost, none completed twice, and all the rest that
    /// is promised; status 5 when something may not have happened.
    #[command(after_help = audit::EXAMPLES)]
    Audit(audit::AuditArgs),
    /// Append records without end and print each that is acknowledged, to be killed by a test.
    #[command(hide = true)]
    Torture(torture::Torture),
}

impl Journal {
    pub(super) fn run(self, output: Output) -> Result<(), Error> {
        match self.verb {
            Verb::Verify { folder } => verify(&folder, output),
            Verb::Dump {
                folder,
                from,
                limit,
            } => dump(&folder, from, limit, output),
            Verb::Audit(audit) => audit.run(output),
            Verb::Torture(torture) => torture.run(),
        }
    }
}

fn verify(folder: &Path, output: Output) -> Result<(), Error> {
    let disk = disk(folder)?;
    let report = portique_journal::verify(&disk).map_err(|error| refuse(&error, folder))?;
    write_result(output, &to_json(&report), |report| vec![segments(report)])?;
    if output == Output::Table {
        say(&in_words(&report));
    }
    Ok(())
}

fn in_words(report: &VerifyReport) -> String {
    let records = (report.last.0 + 1).saturating_sub(report.first.0);
    let torn = match &report.torn {
        Some(torn) => format!(
            "; an unfinished, never acknowledged write of {} bytes at byte {} of {} will be cut \
             off at the next start",
            torn.bytes,
            torn.offset,
            torn.path.display()
        ),
        None => String::new(),
    };
    format!(
        "{records} records in {} segments, all sound{torn}",
        report.segments.len()
    )
}

fn to_json(report: &VerifyReport) -> Value {
    let segments = report.segments.iter().map(|segment| {
        json!({
            "file": segment.path,
            "first": segment.first.0,
            "records": segment.records,
            "frames": segment.frames,
            "bytes": segment.bytes,
        })
    });
    let torn = report
        .torn
        .as_ref()
        .map(|torn| json!({ "file": torn.path, "offset": torn.offset, "bytes": torn.bytes }));
    json!({
        "store": report.store.map(|store| store.to_string()),
        "first": report.first.0,
        "last": report.last.0,
        "segments": segments.collect::<Vec<_>>(),
        "torn": torn,
    })
}

fn segments(report: &Value) -> Table {
    let mut table = Table::new(&["file", "first", "records", "frames", "bytes"]);
    for segment in report["segments"].as_array().into_iter().flatten() {
        table.row(["file", "first", "records", "frames", "bytes"].map(|key| text(segment, key)));
    }
    table
}

fn dump(folder: &Path, from: Option<u64>, limit: Option<u64>, output: Output) -> Result<(), Error> {
    let disk = disk(folder)?;
    let mut left = limit.unwrap_or(u64::MAX);
    let mut written = Ok(());
    let mut sink = |entry: Entry| {
        if left == 0 {
            return ControlFlow::Break(());
        }
        left -= 1;
        written = write_text(&line(&entry, output));
        if written.is_ok() {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    };
    let start = from.map_or(Sequence::FIRST, Sequence);
    let dumped = match portique_journal::dump(&disk, start, &mut sink) {
        Err(portique_journal::Error::Trimmed { first, .. }) if from.is_none() => {
            portique_journal::dump(&disk, first, &mut sink)
        }
        dumped => dumped,
    };
    dumped.map_err(|error| refuse(&error, folder))?;
    written
}

fn line(entry: &Entry, output: Output) -> String {
    match output {
        Output::Json => {
            let body = hex(&entry.body);
            let (sequence, time, kind) = (entry.sequence.0, entry.time, entry.kind);
            let record = json!({ "sequence": sequence, "time": time, "kind": kind, "body": body });
            format!("{record}\n")
        }
        Output::Table => {
            let shown = &entry.body[..entry.body.len().min(PREVIEW_BYTES)];
            let more = if shown.len() < entry.body.len() {
                "..."
            } else {
                ""
            };
            let bytes = entry.body.len();
            let (sequence, time, kind) = (entry.sequence, entry.time, entry.kind);
            format!(
                "{sequence:>10}  {time}  kind {kind:<3}  {bytes:>7} bytes  {}{more}\n",
                hex(shown)
            )
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The journal in this folder, which no hub may be writing while it is looked at.
fn disk(folder: &Path) -> Result<FolderDisk, Error> {
    let inner = folder.join(JOURNAL_FOLDER);
    let (data, journal) = match inner.is_dir() {
        true => (folder.to_path_buf(), inner),
        false => (folder.join(".."), folder.to_path_buf()),
    };
    if !journal.is_dir() {
        let message = format!("there is no journal in {}", folder.display());
        return Err(Error::Usage { message });
    }
    if let Some(pid) = holder(&data) {
        return Err(Error::DataFolderLocked { folder: data, pid });
    }
    FolderDisk::open(&journal).map_err(|source| file_error("open", &journal, source))
}

fn refuse(error: &portique_journal::Error, folder: &Path) -> Error {
    match Error::part("the journal", error) {
        Error::Part {
            code: portique_fault::Code::DataLoss,
            message,
            ..
        } => Error::Damaged {
            message: format!(
                "{message}; nothing was changed: restore the folder from a backup; \
                 `portique journal dump {}` prints what can still be read",
                folder.display()
            ),
        },
        Error::Part { message, .. } => Error::Usage { message },
        other => other,
    }
}
