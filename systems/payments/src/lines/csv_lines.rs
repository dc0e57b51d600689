use std::collections::BTreeMap;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::{LINE_BYTES_MAX, LINES_MAX, RawTransaction, Read};
use crate::Transaction;

/// Fields of a transaction.
const FIELDS: usize = 10;
/// Which of them every transaction has, in the order of [`fields`].
const NEEDED: [bool; FIELDS] = [
    true, false, false, false, true, true, true, true, false, false,
];
/// Columns of a file that an error names.
const COLUMNS_SHOWN: usize = 40;

/// How the columns of a CSV file are to be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CsvMapping {
    /// Between two columns; a comma by default.
    pub delimiter: char,
    /// Whether amounts have a comma instead of a point; off by default.
    pub decimal_comma: bool,
    /// How times are written, as for `strptime`; RFC 3339 by default. A day is its midnight in UTC.
    pub time_format: Option<String>,
    /// The names of the columns; when nobody says, those of the fields, and a file may lack those that a transaction may.
    pub columns: Columns,
    /// What a field is that has no column, or none in a line.
    pub fixed: Columns,
    /// What the words of the file's kinds mean here.
    pub kinds: BTreeMap<String, String>,
}

/// For each field of a transaction a column's name, or a value.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(missing_docs, reason = "they are the fields of a transaction")]
pub struct Columns {
    pub id: Option<String>,
    pub key: Option<String>,
    pub kind: Option<String>,
    pub of: Option<String>,
    pub debtor: Option<String>,
    pub creditor: Option<String>,
    pub amount: Option<String>,
    pub currency: Option<String>,
    pub requested: Option<String>,
    pub reference: Option<String>,
}

impl Columns {
    /// Every field in a column of its name.
    fn of_their_names() -> Self {
        let named = |name: &str| Some(name.to_owned());
        Self {
            id: named("id"),
            key: named("key"),
            kind: named("kind"),
            of: named("of"),
            debtor: named("debtor"),
            creditor: named("creditor"),
            amount: named("amount"),
            currency: named("currency"),
            requested: named("requested"),
            reference: named("reference"),
        }
    }
}

impl Default for CsvMapping {
    /// Every field in a column of its name, if the file has one.
    fn default() -> Self {
        Self {
            delimiter: ',',
            decimal_comma: false,
            time_format: None,
            columns: Columns::of_their_names(),
            fixed: Columns::default(),
            kinds: BTreeMap::new(),
        }
    }
}

/// Why a file is not read under a mapping at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MappingError {
    /// The file lacks columns.
    #[error("there is no column {missing}: the file has {found}")]
    NoColumn {
        /// What of the mapping is missing.
        missing: String,
        /// What the first line says.
        found: String,
    },
    /// Not one ASCII character.
    #[error("{given:?} cannot stand between columns: write one ASCII character")]
    Delimiter {
        /// What the mapping says.
        given: char,
    },
    /// The first line cannot be read.
    #[error("the first line: {problem}")]
    FirstLine {
        /// What is wrong with it.
        problem: String,
    },
}

/// Where a field stands in a line.
struct Place {
    column: Option<usize>,
    fixed: Option<String>,
}

/// Reads a CSV file whose first line names the columns.
///
/// A line that cannot be posted is refused and keeps no other out; so is all behind [`LINES_MAX`].
///
/// # Errors
/// [`MappingError`] when the file does not fit the mapping; nothing was read then.
pub fn read_csv(bytes: &[u8], mapping: &CsvMapping) -> Result<Read, MappingError> {
    let given = mapping.delimiter;
    let delimiter = u8::try_from(given).ok().filter(u8::is_ascii);
    let delimiter = delimiter.ok_or(MappingError::Delimiter { given })?;
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .from_reader(bytes);
    let header = reader.headers().map_err(|error| MappingError::FirstLine {
        problem: error.to_string(),
    })?;
    let places = places(mapping, header)?;
    let mut read = Read::default();
    for (number, record) in (1..).zip(reader.byte_records()) {
        let line = |position: Option<&csv::Position>| {
            position.map_or(0, |position| {
                usize::try_from(position.line()).unwrap_or(usize::MAX)
            })
        };
        match record {
            Ok(record) => {
                let taken = match number > LINES_MAX {
                    true => Err(format!("more than {LINES_MAX} lines: send several files")),
                    false => transaction(&record, &places, mapping),
                };
                read.enter(number, line(record.position()), taken);
            }
            Err(error) => read.enter(number, line(error.position()), Err(error.to_string())),
        }
    }
    Ok(read)
}

fn places(
    mapping: &CsvMapping,
    header: &csv::StringRecord,
) -> Result<[Place; FIELDS], MappingError> {
    let (columns, fixed) = (fields(&mapping.columns), fields(&mapping.fixed));
    // What somebody names has to be there; of the usual names, those without which nothing can be posted.
    let is_usual = mapping.columns == Columns::of_their_names();
    let can_lack = |field: usize| is_usual && !NEEDED[field];
    let mut missing = Vec::new();
    let places = std::array::from_fn(|field| {
        let place = |name: &&String| {
            header
                .iter()
                .position(|found| found.trim() == name.as_str())
        };
        let column = columns[field].as_ref();
        let place = column.and_then(|name| place(&name));
        if place.is_none() && fixed[field].is_none() && !can_lack(field) {
            missing.extend(column.map(String::as_str));
        }
        Place {
            column: place,
            fixed: fixed[field].clone(),
        }
    });
    if missing.is_empty() {
        return Ok(places);
    }
    let found: Vec<_> = header.iter().take(COLUMNS_SHOWN).collect();
    Err(MappingError::NoColumn {
        missing: missing.join(", "),
        found: found.join(", "),
    })
}

fn fields(columns: &Columns) -> [&Option<String>; FIELDS] {
    [
        &columns.id,
        &columns.key,
        &columns.kind,
        &columns.of,
        &columns.debtor,
        &columns.creditor,
        &columns.amount,
        &columns.currency,
        &columns.requested,
        &columns.reference,
    ]
}

fn transaction(
    record: &csv::ByteRecord,
    places: &[Place; FIELDS],
    mapping: &CsvMapping,
) -> Result<Transaction, String> {
    let length = record.as_slice().len();
    if length > LINE_BYTES_MAX {
        return Err(format!(
            "a line of {length} bytes: write at most {LINE_BYTES_MAX}"
        ));
    }
    if std::str::from_utf8(record.as_slice()).is_err() {
        return Err("this is not UTF-8: send the file in UTF-8".into());
    }
    let value = |place: &Place| {
        let bytes = place.column.and_then(|column| record.get(column));
        let text = bytes.and_then(|bytes| std::str::from_utf8(bytes).ok());
        let text = text.map(str::trim).filter(|text| !text.is_empty());
        text.map(str::to_owned).or_else(|| place.fixed.clone())
    };
    let [
        id,
        key,
        kind,
        of,
        debtor,
        creditor,
        amount,
        currency,
        requested,
        reference,
    ] = places.each_ref().map(value);
    let raw = RawTransaction {
        id: id.ok_or("id: it is empty")?,
        key,
        kind: kind.map(|word| mapping.kinds.get(&word).cloned().unwrap_or(word)),
        of,
        debtor: debtor.unwrap_or_default(),
        creditor: creditor.unwrap_or_default(),
        amount: amount
            .map(|text| pointed(text, mapping))
            .unwrap_or_default(),
        currency: currency.unwrap_or_default(),
        requested: requested.map(|text| time(&text, mapping)).transpose()?,
        reference,
    };
    raw.resolve()
}

/// An amount with a point, where the file has commas.
fn pointed(text: String, mapping: &CsvMapping) -> String {
    let swapped = |mark| match mark {
        ',' => '.',
        '.' => ',',
        other => other,
    };
    match mapping.decimal_comma {
        true => text.chars().map(swapped).collect(),
        false => text,
    }
}

/// A time in RFC 3339, where the file has another form.
fn time(text: &str, mapping: &CsvMapping) -> Result<String, String> {
    let Some(format) = &mapping.time_format else {
        return Ok(text.to_owned());
    };
    let problem = |error: jiff::Error| format!("requested: {text:?} is not {format:?}: {error}");
    let parsed = jiff::fmt::strtime::parse(format, text).map_err(problem)?;
    let at = parsed.to_timestamp().or_else(|_| {
        let day = parsed.to_date().map(DateTime::from);
        let at = parsed.to_datetime().or(day)?;
        Ok(at.to_zoned(TimeZone::UTC)?.timestamp())
    });
    at.map(|at| at.to_string()).map_err(problem)
}
