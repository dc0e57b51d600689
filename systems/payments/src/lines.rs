//! Transactions in files of lines: CSV under a mapping, and JSON objects.

mod csv_lines;
mod entries;
mod raw;

use crate::Transaction;
use crate::refused::{Refused, refuse};

pub use csv_lines::{Columns, CsvMapping, MappingError, read_csv};
pub use entries::read_entries;
pub use raw::RawTransaction;

/// Bytes of a line at most: every field at its longest, escaped, has room.
const LINE_BYTES_MAX: usize = 16 * 1024;
/// Lines of one file at most.
pub const LINES_MAX: u64 = 1_000_000;
/// Refused lines that are kept with their reasons; more are counted.
pub const REFUSED_KEPT: usize = 10_000;

/// What a file of lines came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Read {
    /// What can be posted, in order.
    pub taken: Vec<Transaction>,
    /// What cannot, with the line and the reason; the first ten thousand.
    pub refused: Vec<Refused>,
    /// Lines that were refused.
    pub refused_lines: u64,
}

impl Read {
    fn enter(&mut self, number: u64, line: usize, read: Result<Transaction, String>) {
        match read {
            Ok(transaction) => self.taken.push(transaction),
            Err(reason) => {
                self.refused_lines += 1;
                if self.refused.len() < REFUSED_KEPT {
                    self.refused.push(refuse(number, line, reason));
                }
            }
        }
    }
}

/// Reads one JSON object a line; empty lines are passed over.
///
/// A line that cannot be posted is refused and keeps no other out; so is all behind [`LINES_MAX`].
pub fn read_json_lines(bytes: &[u8]) -> Read {
    let mut read = Read::default();
    let lines = bytes.split(|byte| *byte == b'\n').enumerate();
    let lines = lines.filter(|(_, line)| !line.trim_ascii().is_empty());
    for (number, (index, line)) in (1..).zip(lines) {
        let taken = if number > LINES_MAX {
            Err(format!("more than {LINES_MAX} lines: send several files"))
        } else if line.len() > LINE_BYTES_MAX {
            Err(format!(
                "a line of {} bytes: write at most {LINE_BYTES_MAX}",
                line.len()
            ))
        } else {
            let raw = serde_json::from_slice::<RawTransaction>(line);
            raw.map_err(|error| error.to_string())
                .and_then(RawTransaction::resolve)
        };
        read.enter(number, index + 1, taken);
    }
    read
}

/// Reads JSON objects, one for each transaction; their lines are their numbers.
pub fn read_json_values(values: Vec<serde_json::Value>) -> Read {
    let mut read = Read::default();
    for (number, value) in (1..).zip(values) {
        let raw = serde_json::from_value::<RawTransaction>(value);
        let taken = raw
            .map_err(|error| error.to_string())
            .and_then(RawTransaction::resolve);
        read.enter(number, usize::try_from(number).unwrap_or(usize::MAX), taken);
    }
    read
}

#[cfg(test)]
mod tests;
