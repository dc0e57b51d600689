//! Numbers of one width, one after another without gaps.

use crate::chunk::{ByteReader, Damage};

/// Appends each number's lowest `width` bits (0 to 64).
pub(super) fn put(into: &mut Vec<u8>, numbers: impl Iterator<Item = u64>, width: u32) {
    let mut pending = 0u128;
    let mut bits = 0;
    for number in numbers {
        pending |= u128::from(number) << bits;
        bits += width;
        while bits >= 8 {
            into.push(pending as u8);
            pending >>= 8;
            bits -= 8;
        }
    }
    if bits > 0 {
        into.push(pending as u8);
    }
}

/// Bytes that so many numbers take.
pub(super) fn bytes(count: usize, width: u32) -> usize {
    (count * width as usize).div_ceil(8)
}

/// Bits that a number needs.
pub(super) fn width(number: u64) -> u32 {
    64 - number.leading_zeros()
}

/// Hands out each number in turn.
pub(super) fn read(
    from: &mut ByteReader<'_>,
    count: usize,
    width: u32,
    mut each: impl FnMut(u64),
) -> Result<(), Damage> {
    if width > 64 {
        return Err("a width is over 64 bits");
    }
    let packed = from.take(bytes(count, width))?;
    if width == 0 {
        (0..count).for_each(|_| each(0));
        return Ok(());
    }
    let mask = u64::MAX >> (64 - width);
    for index in 0..count {
        let bit = index * width as usize;
        each(load(packed, bit / 8) >> (bit % 8) & mask | above(packed, bit, width) & mask);
    }
    Ok(())
}

/// Eight bytes from `at`, with zeros behind the end.
#[inline]
fn load(packed: &[u8], at: usize) -> u64 {
    if let Some(eight) = packed.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        return u64::from_le_bytes(*eight);
    }
    let mut eight = [0; 8];
    let rest = packed.get(at..).unwrap_or_default();
    eight[..rest.len()].copy_from_slice(rest);
    u64::from_le_bytes(eight)
}

/// What lies in a ninth byte.
#[inline]
fn above(packed: &[u8], bit: usize, width: u32) -> u64 {
    let shift = bit % 8;
    if shift + width as usize <= 64 {
        return 0;
    }
    let ninth = packed.get(bit / 8 + 8).copied().unwrap_or(0);
    u64::from(ninth) << (64 - shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_every_width_come_back() {
        for width in 0..=64u32 {
            let mask = if width == 0 {
                0
            } else {
                u64::MAX >> (64 - width)
            };
            let number = |i: u64| i.wrapping_mul(0x9e37_79b9_7f4a_7c15) & mask;
            let numbers: Vec<u64> = (0..37).map(number).collect();
            let mut packed = Vec::new();
            put(&mut packed, numbers.iter().copied(), width);
            assert_eq!(packed.len(), bytes(37, width));
            let mut found = Vec::new();
            read(&mut ByteReader::new(&packed), 37, width, |n| found.push(n)).unwrap();
            assert_eq!(found, numbers, "width {width}");
        }
    }
}
