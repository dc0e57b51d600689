//! Records of floats: the steady state of the log.

use crate::chunk::{ByteReader, Damage, put_varint, put_zigzag};

const HAS_STARTS: u8 = 1;

/// Bits of a sample's head below the slot.
const VALUE_BYTES: u64 = 0b1111;
const SAME_TIMESTAMP: u64 = 0b1_0000;
const SLOT_SHIFT: u32 = 5;

/// A float that was taken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct LoggedFloat {
    pub(crate) slot: u32,
    pub(crate) timestamp_ms: i64,
    pub(crate) value: f64,
    /// 0 when it is not known.
    pub(crate) start_ms: i64,
}

/// Fills one record.
#[derive(Debug, Default)]
pub(crate) struct FloatsWriter {
    bytes: Vec<u8>,
    next_slot: i64,
    timestamp_ms: i64,
}

impl FloatsWriter {
    /// An empty record.
    pub(crate) fn begin(&mut self, has_starts: bool) {
        self.bytes.clear();
        self.bytes.push(if has_starts { HAS_STARTS } else { 0 });
        self.next_slot = 0;
        self.timestamp_ms = 0;
    }

    /// An empty record of the same kind.
    pub(crate) fn restart(&mut self) {
        let has_starts = self.bytes.first() == Some(&HAS_STARTS);
        self.begin(has_starts);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.len() <= 1
    }

    pub(crate) fn push(&mut self, sample: LoggedFloat) {
        let bits = sample.value.to_bits();
        let value_bytes = 8 - bits.trailing_zeros() as usize / 8;
        let change = sample.timestamp_ms.wrapping_sub(self.timestamp_ms);
        let mut head = value_bytes as u64;
        if change == 0 {
            head |= SAME_TIMESTAMP;
        }
        let slot = i64::from(sample.slot);
        head |= zigzag(slot - self.next_slot) << SLOT_SHIFT;
        put_varint(&mut self.bytes, head);
        if change != 0 {
            put_zigzag(&mut self.bytes, change);
        }
        let value = &bits.to_le_bytes()[8 - value_bytes..];
        self.bytes.extend_from_slice(value);
        if self.bytes[0] == HAS_STARTS {
            let before = sample.timestamp_ms.wrapping_sub(sample.start_ms);
            put_zigzag(&mut self.bytes, before);
        }
        self.next_slot = slot + 1;
        self.timestamp_ms = sample.timestamp_ms;
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// Reads one record.
#[derive(Debug)]
pub(crate) struct FloatsReader<'a> {
    from: ByteReader<'a>,
    has_starts: bool,
    next_slot: i64,
    timestamp_ms: i64,
}

impl<'a> FloatsReader<'a> {
    pub(crate) fn open(bytes: &'a [u8]) -> Result<Self, Damage> {
        let mut from = ByteReader::new(bytes);
        let flags = from.u8()?;
        if flags & !HAS_STARTS != 0 {
            return Err("its flags are unknown");
        }
        Ok(Self {
            from,
            has_starts: flags & HAS_STARTS != 0,
            next_slot: 0,
            timestamp_ms: 0,
        })
    }

    /// The next sample; `None` at the end.
    #[inline]
    pub(crate) fn next(&mut self) -> Result<Option<LoggedFloat>, Damage> {
        if self.from.is_at_end() {
            return Ok(None);
        }
        let head = self.from.varint()?;
        let change = match head & SAME_TIMESTAMP {
            0 => self.from.zigzag()?,
            _ => 0,
        };
        let value_bytes = (head & VALUE_BYTES) as usize;
        if value_bytes > 8 {
            return Err("a value has more than 8 bytes");
        }
        let number = self.from.number(value_bytes)?;
        let bits = number.checked_shl(64 - 8 * value_bytes as u32).unwrap_or(0);
        let slot = self.next_slot.wrapping_add(unzigzag(head >> SLOT_SHIFT));
        let slot = u32::try_from(slot).map_err(|_| "a slot is out of range")?;
        self.timestamp_ms = self.timestamp_ms.wrapping_add(change);
        self.next_slot = i64::from(slot) + 1;
        let start_ms = match self.has_starts {
            true => self.timestamp_ms.wrapping_sub(self.from.zigzag()?),
            false => 0,
        };
        Ok(Some(LoggedFloat {
            slot,
            timestamp_ms: self.timestamp_ms,
            value: f64::from_bits(bits),
            start_ms,
        }))
    }
}

fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn floats_come_back_bit_by_bit(
            samples in prop::collection::vec((any::<u32>(), any::<i64>(), any::<u64>(), any::<i64>()), 0..50),
            has_starts: bool,
        ) {
            let mut writer = FloatsWriter::default();
            writer.begin(has_starts);
            let samples: Vec<_> = samples.into_iter().map(|(slot, timestamp_ms, bits, start_ms)| LoggedFloat {
                slot,
                timestamp_ms,
                value: f64::from_bits(bits),
                start_ms: if has_starts { start_ms } else { 0 },
            }).collect();
            samples.iter().for_each(|sample| writer.push(*sample));
            let mut reader = FloatsReader::open(writer.as_bytes()).unwrap();
            for sample in samples {
                let read = reader.next().unwrap().unwrap();
                prop_assert_eq!(read.value.to_bits(), sample.value.to_bits());
                prop_assert_eq!((read.slot, read.timestamp_ms, read.start_ms), (sample.slot, sample.timestamp_ms, sample.start_ms));
            }
            prop_assert!(reader.next().unwrap().is_none());
        }

        #[test]
        fn bytes_that_may_be_anything_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(mut reader) = FloatsReader::open(&bytes) {
                while let Ok(Some(_)) = reader.next() {}
            }
        }
    }

    #[test]
    fn a_round_of_all_series_costs_its_values_and_a_byte_each() {
        let mut writer = FloatsWriter::default();
        writer.begin(false);
        for slot in 0..1000 {
            writer.push(LoggedFloat {
                slot,
                timestamp_ms: 1_700_000_000_000,
                value: 1.0,
                start_ms: 0,
            });
        }
        assert!(writer.len() < 3 * 1000 + 20, "{}", writer.len());
    }
}
