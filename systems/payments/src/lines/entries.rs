use jiff::civil::Date;

use super::LINES_MAX;
use crate::money::minor_of;
use crate::{Currency, StatementEntry, Text};

/// The columns that are needed.
const COLUMNS: [&str; 3] = ["id", "booked", "amount"];

/// Reads entries of an account from CSV: `id`, `booked` (a day), `amount` (with a minus for what went), and if it is
/// there `counterparty` and `reference`.
///
/// # Errors
/// The first line that cannot be read, and why: half a statement is none.
pub fn read_entries(bytes: &[u8], currency: Currency) -> Result<Vec<StatementEntry>, String> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader = csv::Reader::from_reader(bytes);
    let header = reader.headers().map_err(|error| error.to_string())?.clone();
    let place = |name: &str| header.iter().position(|found| found.trim() == name);
    let mut places = [0; 3];
    for (at, name) in places.iter_mut().zip(COLUMNS) {
        *at = place(name).ok_or_else(|| {
            format!("there is no column {name}: the first line names id, booked and amount")
        })?;
    }
    let others = ["counterparty", "reference"].map(place);
    let mut entries = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| error.to_string())?;
        let line = record.position().map_or(0, csv::Position::line);
        if entries.len() as u64 >= LINES_MAX {
            return Err(format!("more than {LINES_MAX} lines: send several files"));
        }
        let wrong = |field: &str, problem: String| format!("line {line}: {field}: {problem}");
        let [id, booked, amount] = places.map(|at| record.get(at).unwrap_or_default().trim());
        let [counterparty, reference] = others.map(|at| {
            record
                .get(at?)
                .map(str::trim)
                .filter(|text| !text.is_empty())
        });
        let unsigned = amount.strip_prefix('-').unwrap_or(amount);
        let minor = minor_of(unsigned, currency);
        let minor = minor.map_err(|error| wrong("amount", error.to_string()))?;
        entries.push(StatementEntry {
            id: Text::new(id).map_err(|error| wrong("id", error.to_string()))?,
            booked: booked
                .parse::<Date>()
                .map_err(|error| wrong("booked", error.to_string()))?,
            minor: if unsigned.len() < amount.len() {
                -minor
            } else {
                minor
            },
            counterparty: counterparty.and_then(|text| text.parse().ok()),
            reference: reference.and_then(|text| Text::new(text).ok()),
        });
    }
    Ok(entries)
}
