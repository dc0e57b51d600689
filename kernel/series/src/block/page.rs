//! Bodies of pages.

use super::column::{put_floats, put_integers, read_floats, read_integers};
use super::tier::{AGGREGATES, Aggregate};
use crate::Samples;
use crate::chunk::{ByteReader, Damage, read_chunk};

const FLOATS: u8 = 1;
const HISTOGRAMS: u8 = 2;
const AGGREGATED: u8 = 3;
const FLOATS_WITH_STARTS: u8 = 129;

pub(super) const CRC_BYTES: usize = 4;

/// The checksum of a page, bound to its place.
pub(super) fn checksum(number: u64, offset: u64, body: &[u8]) -> u32 {
    let mut place = [0; 16];
    place[..8].copy_from_slice(&number.to_le_bytes());
    place[8..].copy_from_slice(&offset.to_le_bytes());
    crc32c::crc32c_append(crc32c::crc32c(&place), body)
}

/// The body of a page of floats; starts are empty when none is known.
pub(super) fn put_values(into: &mut Vec<u8>, floats: &[f64], starts: &[i64]) {
    if starts.iter().all(|start| *start == 0) {
        into.push(FLOATS);
        put_floats(into, floats);
        return;
    }
    into.push(FLOATS_WITH_STARTS);
    put_floats(into, floats);
    put_integers(into, starts);
}

/// The body of a page of histograms.
pub(super) fn put_histograms(into: &mut Vec<u8>, chunk: &[u8]) {
    into.push(HISTOGRAMS);
    into.extend_from_slice(chunk);
}

/// The body of a page of aggregates.
pub(super) fn put_aggregates(into: &mut Vec<u8>, columns: &[Vec<f64>; AGGREGATES]) {
    into.push(AGGREGATED);
    for column in columns {
        put_floats(into, column);
    }
}

/// Appends the values of a page to a column whose timestamps from `begin` on are those of its time page.
///
/// Of a page of aggregates, that which is asked for.
pub(super) fn read_values(
    body: &[u8],
    begin: usize,
    aggregate: Aggregate,
    into: &mut Samples,
) -> Result<(), Damage> {
    let total = into.timestamps.len();
    let count = total - begin;
    let mut reader = ByteReader::new(body);
    let kind = reader.u8()?;
    if kind == HISTOGRAMS {
        return read_histograms(&body[1..], begin, into);
    }
    match kind {
        FLOATS | FLOATS_WITH_STARTS => read_floats(&mut reader, count, &mut into.floats)?,
        AGGREGATED => read_aggregate(&mut reader, count, aggregate, &mut into.floats)?,
        _ => return Err("a page has an unknown kind"),
    }
    if kind == FLOATS_WITH_STARTS {
        into.starts.resize(begin, 0);
        read_integers(&mut reader, count, &mut into.starts)?;
    } else if !into.starts.is_empty() {
        into.starts.resize(total, 0);
    }
    if !into.histograms.is_empty() {
        into.histograms.resize(total, None);
    }
    match reader.is_at_end() || kind == AGGREGATED {
        true => Ok(()),
        false => Err("a page is longer than its columns"),
    }
}

/// A chunk brings its timestamps with it.
fn read_histograms(chunk: &[u8], begin: usize, into: &mut Samples) -> Result<(), Damage> {
    let timestamps = into.timestamps.split_off(begin);
    read_chunk(chunk, into)?;
    match into.timestamps[begin..] == timestamps {
        true => Ok(()),
        false => Err("histograms are not at the times of their page"),
    }
}

/// Reads up to the column that is wanted and leaves the rest.
fn read_aggregate(
    reader: &mut ByteReader<'_>,
    count: usize,
    aggregate: Aggregate,
    into: &mut Vec<f64>,
) -> Result<(), Damage> {
    let begin = into.len();
    for _ in 0..=aggregate.column() {
        into.truncate(begin);
        read_floats(reader, count, into)?;
    }
    Ok(())
}
