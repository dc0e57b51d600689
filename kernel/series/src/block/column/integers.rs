//! Integers: constant, evenly spaced, packed around their smallest, packed steps, or pco.

use super::super::packed;
use super::pcodec;
use crate::chunk::{ByteReader, Damage, put_zigzag};

const CONSTANT: u8 = 0;
const LINEAR: u8 = 1;
const PACKED: u8 = 2;
const PACKED_STEPS: u8 = 3;
const PCO: u8 = 4;

/// Appends a column in its smallest form.
pub(in crate::block) fn put_integers(into: &mut Vec<u8>, integers: &[i64]) {
    let Some(first) = integers.first() else {
        into.extend_from_slice(&[CONSTANT, 0]);
        return;
    };
    let steps = || {
        integers
            .windows(2)
            .map(|pair| pair[1].wrapping_sub(pair[0]))
    };
    let step = steps().next().unwrap_or(0);
    if steps().all(|s| s == step) {
        into.push(if step == 0 { CONSTANT } else { LINEAR });
        put_zigzag(into, *first);
        if step != 0 {
            put_zigzag(into, step);
        }
        return;
    }
    let plain = around(integers.iter().copied());
    let stepped = around(steps());
    let packed_bytes = packed::bytes(integers.len(), plain.1.min(stepped.1));
    if let Some(compressed) = compressed(integers, packed_bytes) {
        into.push(PCO);
        pcodec::put(into, &compressed);
        return;
    }
    let (least, width) = if stepped.1 < plain.1 {
        into.push(PACKED_STEPS);
        put_zigzag(into, *first);
        stepped
    } else {
        into.push(PACKED);
        plain
    };
    put_zigzag(into, least);
    into.push(width as u8);
    let above = |n: i64| n.wrapping_sub(least) as u64;
    match stepped.1 < plain.1 {
        true => packed::put(into, steps().map(above), width),
        false => packed::put(into, integers.iter().copied().map(above), width),
    }
}

/// What pco makes of it, if that is less than packing it.
fn compressed(integers: &[i64], packed_bytes: usize) -> Option<Vec<u8>> {
    if integers.len() < pcodec::COUNT_MIN {
        return None;
    }
    let compressed = pcodec::compress(integers, i64::eq)?;
    // Packed numbers are read several times faster: pco has to be worth it.
    (compressed.len() + compressed.len() / 32 < packed_bytes).then_some(compressed)
}

/// The smallest, and the bits of what is above it.
fn around(integers: impl Iterator<Item = i64> + Clone) -> (i64, u32) {
    let least = integers.clone().min().unwrap_or(0);
    let most = integers.max().unwrap_or(0);
    (least, packed::width(most.wrapping_sub(least) as u64))
}

/// Appends the `count` integers of a column.
pub(in crate::block) fn read_integers(
    from: &mut ByteReader<'_>,
    count: usize,
    into: &mut Vec<i64>,
) -> Result<(), Damage> {
    let begin = into.len();
    into.reserve(count);
    match from.u8()? {
        CONSTANT => {
            let constant = from.zigzag()?;
            into.resize(begin + count, constant);
        }
        LINEAR => {
            let (mut next, step) = (from.zigzag()?, from.zigzag()?);
            for _ in 0..count {
                into.push(next);
                next = next.wrapping_add(step);
            }
        }
        PACKED => {
            let (least, width) = (from.zigzag()?, from.u8()?);
            let push = |above: u64| into.push(least.wrapping_add(above as i64));
            packed::read(from, count, u32::from(width), push)?;
        }
        PACKED_STEPS => {
            let (mut next, least, width) = (from.zigzag()?, from.zigzag()?, from.u8()?);
            into.push(next);
            packed::read(from, count.saturating_sub(1), u32::from(width), |above| {
                next = next.wrapping_add(least).wrapping_add(above as i64);
                into.push(next);
            })?;
        }
        PCO => {
            into.resize(begin + count, 0);
            pcodec::read(from, &mut into[begin..])?;
        }
        _ => return Err("a column of integers has an unknown kind"),
    }
    Ok(())
}
