//! Samples of a block that are deleted and still there.

use std::collections::BTreeMap;

use crate::chunk::{ByteReader, Damage};

const MAGIC: &[u8; 8] = b"PTQGONE1";
const VERSION: u32 = 1;
const HEADER_BYTES: usize = 28;
const ENTRY_BYTES: usize = 20;

/// What a deletion did to a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Deletion {
    /// Series with samples in the time that was given.
    pub series: usize,
    /// How many samples those are.
    pub samples: usize,
}

/// Stretches of time by series, both ends inclusive; those of a series are apart from each other.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Deleted {
    stretches: BTreeMap<u32, Vec<(i64, i64)>>,
}

impl Deleted {
    pub(super) fn is_empty(&self) -> bool {
        self.stretches.is_empty()
    }

    /// Of one series, ascending.
    pub(super) fn of(&self, id: u32) -> &[(i64, i64)] {
        self.stretches.get(&id).map_or(&[], Vec::as_slice)
    }

    /// Adds a stretch and joins it with those it touches.
    pub(super) fn add(&mut self, id: u32, first_ms: i64, last_ms: i64) {
        let stretches = self.stretches.entry(id).or_default();
        let mut joined = (first_ms, last_ms);
        stretches.retain(|(first, last)| {
            let is_apart = last.saturating_add(1) < joined.0 || joined.1.saturating_add(1) < *first;
            if !is_apart {
                joined = (joined.0.min(*first), joined.1.max(*last));
            }
            is_apart
        });
        let place = stretches.partition_point(|(first, _)| *first < joined.0);
        stretches.insert(place, joined);
    }

    /// Whether everything from one time to another, both inclusive, is deleted.
    pub(super) fn covers(&self, id: u32, first_ms: i64, last_ms: i64) -> bool {
        let mut stretches = self.of(id).iter();
        stretches.any(|(first, last)| *first <= first_ms && last_ms <= *last)
    }

    pub(super) fn encode(&self, number: u64) -> Vec<u8> {
        let entries: usize = self.stretches.values().map(Vec::len).sum();
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&(entries as u32).to_le_bytes());
        bytes.extend_from_slice(&number.to_le_bytes());
        bytes.extend_from_slice(&0u32.to_le_bytes());
        for (id, stretches) in &self.stretches {
            for (first, last) in stretches {
                bytes.extend_from_slice(&id.to_le_bytes());
                bytes.extend_from_slice(&first.to_le_bytes());
                bytes.extend_from_slice(&last.to_le_bytes());
            }
        }
        let crc = crc32c::crc32c(&bytes);
        bytes.extend_from_slice(&crc.to_le_bytes());
        bytes
    }

    pub(super) fn decode(bytes: &[u8], number: u64) -> Result<Self, Damage> {
        let Some((body, crc)) = bytes.split_last_chunk::<4>() else {
            return Err("it ends early");
        };
        if crc32c::crc32c(body) != u32::from_le_bytes(*crc) {
            return Err("it does not match its checksum");
        }
        let mut reader = ByteReader::new(body);
        if reader.take(8)? != MAGIC || reader.u32()? != VERSION {
            return Err("it is no list of deleted samples of a known version");
        }
        let entries = reader.u32()? as usize;
        if reader.u64()? != number || body.len() != HEADER_BYTES + entries * ENTRY_BYTES {
            return Err("it is that of another block");
        }
        reader.take(4)?;
        let mut deleted = Self::default();
        for _ in 0..entries {
            let (id, first, last) = (reader.u32()?, reader.i64()?, reader.i64()?);
            deleted.stretches.entry(id).or_default().push((first, last));
        }
        Ok(deleted)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn deleted_times_are_the_union_of_what_was_added(
            added in prop::collection::vec((0u32..3, -20i64..20, 0i64..9), 0..30)
        ) {
            let mut deleted = Deleted::default();
            for (id, first, length) in &added {
                deleted.add(*id, *first, first + length);
            }
            let again = Deleted::decode(&deleted.encode(7), 7).unwrap();
            prop_assert_eq!(&again, &deleted);
            for id in 0..3 {
                prop_assert!(again.of(id).is_sorted_by(|a, b| a.1 + 1 < b.0));
                for time in -30..40 {
                    let is_added = added.iter().any(|(i, f, l)| *i == id && *f <= time && time <= f + l);
                    prop_assert_eq!(again.covers(id, time, time), is_added);
                }
            }
        }
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let mut deleted = Deleted::default();
        deleted.add(3, i64::MIN, 9);
        let mut bytes = deleted.encode(1);
        assert!(Deleted::decode(&bytes, 2).is_err());
        for bit in 0..bytes.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(Deleted::decode(&bytes, 1).is_err(), "bit {bit}");
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }
}
