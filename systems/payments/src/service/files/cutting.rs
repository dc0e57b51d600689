//! Cutting a file where a line ends, so that each part can be read alone.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::{FileFormat, Part};
use crate::Error;
use crate::iso20022::read_credit_transfers;
use crate::lines::{CsvMapping, read_csv};

/// Bytes of a part: written as base64 it is below what a job carries.
const PART_BYTES_MAX: usize = 512 * 1024;

/// A stretch of a file.
struct Stretch {
    bytes: Vec<u8>,
    numbers_before: u64,
    lines_before: u64,
}

/// A file's parts, each as a job's body.
///
/// # Errors
/// [`Error::Input`] when it cannot be read at all.
pub(super) fn cut(file: &str, bytes: &[u8], format: &FileFormat) -> Result<Vec<Vec<u8>>, Error> {
    let stretches = match format {
        FileFormat::Ndjson => lines(bytes)?,
        FileFormat::Csv { mapping } => records(bytes, mapping)?,
        FileFormat::Pain001 => message(bytes)?,
    };
    let parts = (0..).zip(stretches).map(|(part, stretch)| {
        let part = Part {
            file: file.to_owned(),
            part,
            format: format.clone(),
            numbers_before: stretch.numbers_before,
            lines_before: stretch.lines_before,
            data: BASE64.encode(stretch.bytes),
        };
        serde_json::to_vec(&part).expect("texts and numbers are JSON")
    });
    Ok(parts.collect())
}

fn lines(bytes: &[u8]) -> Result<Vec<Stretch>, Error> {
    let mut stretches = Vec::new();
    let (mut rest, mut numbers_before, mut lines_before) = (bytes, 0, 0);
    while !rest.is_empty() {
        let end = match rest.len() <= PART_BYTES_MAX {
            true => rest.len(),
            false => {
                let last = rest[..PART_BYTES_MAX]
                    .iter()
                    .rposition(|byte| *byte == b'\n');
                let last = last.ok_or_else(|| {
                    let line = lines_before + 1;
                    Error::input(format!("line {line} has more than {PART_BYTES_MAX} bytes"))
                })?;
                last + 1
            }
        };
        let (stretch, others) = rest.split_at(end);
        let is_full = |line: &&[u8]| !line.trim_ascii().is_empty();
        let numbers = stretch.split(|byte| *byte == b'\n').filter(is_full).count();
        stretches.push(Stretch {
            bytes: stretch.to_vec(),
            numbers_before,
            lines_before,
        });
        numbers_before += numbers as u64;
        lines_before += stretch.iter().filter(|byte| **byte == b'\n').count() as u64;
        rest = others;
    }
    Ok(stretches)
}

/// Stretches of whole records; each has the first line of the file before it.
fn records(bytes: &[u8], mapping: &CsvMapping) -> Result<Vec<Stretch>, Error> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let wrong = |problem: &dyn std::fmt::Display| Error::input(format!("this file: {problem}"));
    let delimiter = u8::try_from(mapping.delimiter).unwrap_or(b',');
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .from_reader(bytes);
    reader.byte_headers().map_err(|error| wrong(&error))?;
    let header = &bytes[..reader.position().byte() as usize];
    // What is wrong with the mapping is wrong for every part.
    read_csv(header, mapping).map_err(|error| wrong(&error))?;
    let mut stretches: Vec<Stretch> = Vec::new();
    let header_lines = reader.position().line().saturating_sub(1);
    let mut record = csv::ByteRecord::new();
    let mut begin = header.len();
    let mut number = 0;
    let mut line = reader.position().line();
    let mut stretch_at = (0, line);
    loop {
        let before = reader.position().byte() as usize;
        let is_record = match reader.read_byte_record(&mut record) {
            Ok(is_record) => is_record,
            // It is read on, and refused where it stands.
            Err(error) if !error.is_io_error() => true,
            Err(error) => return Err(wrong(&error)),
        };
        let after = reader.position().byte() as usize;
        let is_full = header.len() + after - begin > PART_BYTES_MAX && before > begin;
        if is_full || (!is_record && before > begin) {
            let (numbers_before, first_line) = stretch_at;
            stretches.push(Stretch {
                bytes: [header, &bytes[begin..before]].concat(),
                numbers_before,
                lines_before: first_line - 1 - header_lines,
            });
            begin = before;
            stretch_at = (number, line);
        }
        if !is_record {
            return Ok(stretches);
        }
        if header.len() + after - before > PART_BYTES_MAX {
            return Err(wrong(&format!(
                "line {line} has more than {PART_BYTES_MAX} bytes"
            )));
        }
        number += 1;
        line = reader.position().line();
    }
}

/// A message is one part: its sums are those of all of it.
fn message(bytes: &[u8]) -> Result<Vec<Stretch>, Error> {
    if bytes.len() > PART_BYTES_MAX {
        return Err(Error::TooLarge {
            problem: format!(
                "this message has {} bytes: send messages of at most {PART_BYTES_MAX}",
                bytes.len()
            ),
        });
    }
    read_credit_transfers(bytes).map_err(|error| Error::input(error.to_string()))?;
    Ok(vec![Stretch {
        bytes: bytes.to_vec(),
        numbers_before: 0,
        lines_before: 0,
    }])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(format: &FileFormat, bytes: &[u8]) -> (usize, u64, Vec<u64>, Vec<u64>) {
        let parts = cut("f", bytes, format).unwrap();
        let (mut taken, mut refused, mut numbers, mut lines) = (0, 0, Vec::new(), Vec::new());
        for part in &parts {
            let part: Part = serde_json::from_slice(part).unwrap();
            let read = part.read().unwrap();
            taken += read.taken.len();
            refused += read.refused_lines;
            numbers.extend(read.refused.iter().map(|refused| refused.number));
            lines.extend(read.refused.iter().map(|refused| refused.line));
        }
        assert!(parts.len() > 1, "the file is cut");
        (taken, refused, numbers, lines)
    }

    const PARTIES: &str = "DE89370400440532013000,GB82WEST12345698765432";

    #[test]
    fn lines_of_csv_keep_their_numbers() {
        let mut file = String::from("id,debtor,creditor,amount,currency,note\n");
        for number in 1..=12_000 {
            let amount = if number % 5_000 == 0 { "-1" } else { "1.50" };
            file += &format!("t{number},{PARTIES},{amount},EUR,\"two\nlines\"\n");
        }
        let mapping = Box::default();
        let read = read(&FileFormat::Csv { mapping }, file.as_bytes());
        assert_eq!(read, (11_998, 2, vec![5_000, 10_000], vec![10_000, 20_000]));
    }

    #[test]
    fn lines_of_json_keep_their_numbers() {
        let mut file = String::new();
        for number in 1..=5_000 {
            let currency = if number % 2_000 == 0 { "EURO" } else { "EUR" };
            file += &format!(
                "{{\"id\":\"t{number}\",\"debtor\":\"DE89370400440532013000\",\"creditor\":\"GB82WEST12345698765432\",\"amount\":\"1.00\",\"currency\":\"{currency}\"}}\n\n"
            );
        }
        let read = read(&FileFormat::Ndjson, file.as_bytes());
        assert_eq!(read, (4_998, 2, vec![2_000, 4_000], vec![3_999, 7_999]));
    }
}
