//! Reading bytes that may be anything: every step is checked, none panics.

/// Why bytes are no chunk or page, in words for whoever repairs the file.
pub(crate) type Damage = &'static str;

const CUT: Damage = "it ends early";

/// A position in bytes.
#[derive(Debug, Clone)]
pub(crate) struct ByteReader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> ByteReader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub(crate) fn at(&self) -> usize {
        self.at
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.at >= self.bytes.len()
    }

    #[inline]
    pub(crate) fn u8(&mut self) -> Result<u8, Damage> {
        let byte = *self.bytes.get(self.at).ok_or(CUT)?;
        self.at += 1;
        Ok(byte)
    }

    #[inline]
    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], Damage> {
        let rest = self.bytes.get(self.at..).ok_or(CUT)?;
        let taken = rest.get(..count).ok_or(CUT)?;
        self.at += count;
        Ok(taken)
    }

    /// An unsigned number of 0 to 8 bytes, little-endian.
    #[inline]
    pub(crate) fn number(&mut self, count: usize) -> Result<u64, Damage> {
        // A load of eight and a mask is several times faster than a copy of a variable length.
        if let Some(eight) = self.bytes.get(self.at..).and_then(|b| b.first_chunk::<8>()) {
            self.at += count;
            let mask = u64::MAX.checked_shr(64 - 8 * count as u32).unwrap_or(0);
            return Ok(u64::from_le_bytes(*eight) & mask);
        }
        let mut eight = [0; 8];
        eight[..count].copy_from_slice(self.take(count)?);
        Ok(u64::from_le_bytes(eight))
    }

    /// A signed number of 0 to 8 bytes.
    #[inline]
    pub(crate) fn signed(&mut self, count: usize) -> Result<i64, Damage> {
        if count == 0 {
            return Ok(0);
        }
        let shift = 64 - 8 * count as u32;
        Ok(((self.number(count)? << shift) as i64) >> shift)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, Damage> {
        Ok(self.number(2)? as u16)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Damage> {
        Ok(self.number(4)? as u32)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, Damage> {
        self.number(8)
    }

    pub(crate) fn i64(&mut self) -> Result<i64, Damage> {
        Ok(self.number(8)? as i64)
    }

    pub(crate) fn f64(&mut self) -> Result<f64, Damage> {
        Ok(f64::from_bits(self.number(8)?))
    }

    /// Seven bits a byte, the lowest first, at most ten bytes.
    #[inline]
    pub(crate) fn varint(&mut self) -> Result<u64, Damage> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.u8()?;
            let part = u64::from(byte & 0x7f);
            if shift == 63 && byte > 1 {
                break;
            }
            value |= part << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err("a number has more than 64 bits")
    }

    pub(crate) fn zigzag(&mut self) -> Result<i64, Damage> {
        let value = self.varint()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// A varint that counts things, of which there are at most `max`.
    pub(crate) fn count(&mut self, max: usize) -> Result<usize, Damage> {
        match usize::try_from(self.varint()?) {
            Ok(count) if count <= max => Ok(count),
            _ => Err("a count is over its limit"),
        }
    }
}

/// Seven bits a byte, the lowest first.
pub(crate) fn put_varint(into: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        into.push(value as u8 | 0x80);
        value >>= 7;
    }
    into.push(value as u8);
}

/// Small numbers of either sign in few bytes.
pub(crate) fn put_zigzag(into: &mut Vec<u8>, value: i64) {
    put_varint(into, (value as u64) << 1 ^ (value >> 63) as u64);
}

/// How many bytes a signed number needs.
pub(crate) fn signed_bytes(value: i64) -> usize {
    let magnitude = (value ^ (value >> 63)) as u64;
    // One bit more than the magnitude, for the sign.
    (64 - magnitude.leading_zeros() as usize) / 8 + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_every_size_come_back() {
        let edges = [
            0, 1, -1, 63, 64, -64, -65, 127, 128, -128, -129, 32767, -32769,
        ];
        for value in edges
            .into_iter()
            .chain([i64::MAX, i64::MIN, 1 << 31, -(1 << 31)])
        {
            let mut bytes = Vec::new();
            put_zigzag(&mut bytes, value);
            assert_eq!(ByteReader::new(&bytes).zigzag(), Ok(value));
            let count = signed_bytes(value);
            let bytes = value.to_le_bytes();
            assert_eq!(ByteReader::new(&bytes[..count]).signed(count), Ok(value));
            assert_eq!(ByteReader::new(&bytes).signed(count), Ok(value));
        }
    }

    #[test]
    fn a_number_that_never_ends_is_refused() {
        assert!(ByteReader::new(&[0xff; 11]).varint().is_err());
        assert!(ByteReader::new(&[0x80; 3]).varint().is_err());
        let mut most = Vec::new();
        put_varint(&mut most, u64::MAX);
        assert_eq!(ByteReader::new(&most).varint(), Ok(u64::MAX));
    }
}
