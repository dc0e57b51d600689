//! Floats: constant, decimals as integers with a few exceptions, pco, or as they are.

use super::integers::{put_integers, read_integers};
use super::pcodec;
use crate::chunk::{ByteReader, Damage, put_varint};

const CONSTANT: u8 = 0;
const PLAIN: u8 = 1;
const PCO: u8 = 2;
const DECIMAL: u8 = 16;

const SCALES: usize = 10;
const POWERS: [f64; SCALES] = [1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];

/// Adding and subtracting it rounds to an integer, up to `MANTISSA_MAX`.
const ROUNDER: f64 = 6_755_399_441_055_744.0;
const MANTISSA_MAX: f64 = 2_251_799_813_685_248.0;

/// Stale markers and the odd NaN are expected in a column of decimals; more than one float in so many
/// says that it is none.
const FLOATS_PER_EXCEPTION: usize = 32;
const EXCEPTIONS_MAX: usize = 255;

struct Decimals {
    scale: usize,
    integers: Vec<i64>,
    exceptions: Vec<(usize, u64)>,
}

/// Appends a column in its smallest form.
pub(in crate::block) fn put_floats(into: &mut Vec<u8>, floats: &[f64]) {
    let first = floats.first().copied().unwrap_or_default();
    if floats.iter().all(|f| f.to_bits() == first.to_bits()) && !is_short_decimal(first) {
        into.push(CONSTANT);
        into.extend_from_slice(&first.to_le_bytes());
        return;
    }
    let begin = into.len();
    if let Some(decimals) = (0..SCALES).find_map(|scale| decimals(floats, scale)) {
        put_decimals(into, &decimals);
    } else if let Some(compressed) = compressed(floats) {
        into.push(PCO);
        pcodec::put(into, &compressed);
    }
    if into.len() == begin || into.len() - begin > 1 + 8 * floats.len() {
        into.truncate(begin);
        into.push(PLAIN);
        floats
            .iter()
            .for_each(|f| into.extend_from_slice(&f.to_le_bytes()));
    }
}

/// Whether a constant takes less as an integer than as bits.
fn is_short_decimal(float: f64) -> bool {
    decimal(float, 1.0).is_some_and(|n| n.unsigned_abs() < 1 << 32)
}

/// The integer that the float is at a scale, if it is one to the last bit.
#[inline]
fn decimal(float: f64, power: f64) -> Option<i64> {
    let scaled = float * power;
    if scaled.is_nan() || scaled.abs() > MANTISSA_MAX {
        return None;
    }
    let integer = ((scaled + ROUNDER) - ROUNDER) as i64;
    ((integer as f64 / power).to_bits() == float.to_bits()).then_some(integer)
}

fn decimals(floats: &[f64], scale: usize) -> Option<Decimals> {
    let exceptions_max = (floats.len() / FLOATS_PER_EXCEPTION + 1).min(EXCEPTIONS_MAX);
    let mut found = Decimals {
        scale,
        integers: Vec::with_capacity(floats.len()),
        exceptions: Vec::new(),
    };
    let mut last = 0;
    for (place, float) in floats.iter().enumerate() {
        match decimal(*float, POWERS[scale]) {
            Some(integer) => last = integer,
            None if found.exceptions.len() == exceptions_max => return None,
            None => found.exceptions.push((place, float.to_bits())),
        }
        // At an exception: what costs the least is no change.
        found.integers.push(last);
    }
    (found.exceptions.len() < floats.len()).then_some(found)
}

fn put_decimals(into: &mut Vec<u8>, decimals: &Decimals) {
    into.push(DECIMAL + decimals.scale as u8);
    put_varint(into, decimals.exceptions.len() as u64);
    let mut after = 0;
    for (place, bits) in &decimals.exceptions {
        put_varint(into, (place - after) as u64);
        into.extend_from_slice(&bits.to_le_bytes());
        after = place + 1;
    }
    put_integers(into, &decimals.integers);
}

fn compressed(floats: &[f64]) -> Option<Vec<u8>> {
    match floats.len() < pcodec::COUNT_MIN {
        true => None,
        false => pcodec::compress(floats, |a, b| a.to_bits() == b.to_bits()),
    }
}

/// Appends the `count` floats of a column.
pub(in crate::block) fn read_floats(
    from: &mut ByteReader<'_>,
    count: usize,
    into: &mut Vec<f64>,
) -> Result<(), Damage> {
    let begin = into.len();
    match from.u8()? {
        CONSTANT => into.resize(begin + count, from.f64()?),
        PLAIN => {
            let bytes = from.take(8 * count)?;
            let (floats, _) = bytes.as_chunks::<8>();
            into.extend(floats.iter().map(|eight| f64::from_le_bytes(*eight)));
        }
        PCO => {
            into.resize(begin + count, 0.0);
            pcodec::read(from, &mut into[begin..])?;
        }
        kind @ DECIMAL..=25 => read_decimals(from, usize::from(kind - DECIMAL), count, into)?,
        _ => return Err("a column of floats has an unknown kind"),
    }
    Ok(())
}

fn read_decimals(
    from: &mut ByteReader<'_>,
    scale: usize,
    count: usize,
    into: &mut Vec<f64>,
) -> Result<(), Damage> {
    let begin = into.len();
    let exceptions = from.count(EXCEPTIONS_MAX)?;
    let mut found = Vec::with_capacity(exceptions);
    let mut after = 0;
    for _ in 0..exceptions {
        let place = after + from.count(count)?;
        if place >= count {
            return Err("an exception is beyond its column");
        }
        found.push((place, from.f64()?));
        after = place + 1;
    }
    let mut integers = Vec::with_capacity(count);
    read_integers(from, count, &mut integers)?;
    match scale {
        0 => into.extend(integers.iter().map(|n| *n as f64)),
        _ => into.extend(integers.iter().map(|n| *n as f64 / POWERS[scale])),
    }
    for (place, float) in found {
        into[begin + place] = float;
    }
    Ok(())
}
