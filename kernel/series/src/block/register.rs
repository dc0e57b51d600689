//! Which blocks a folder should have, so that one that was taken away is missed and named.
//!
//! It is told before a block's file is removed and after one is published: what it names and the
//! folder lacks was lost, at whatever moment the process ended.

use std::collections::{BTreeMap, BTreeSet};

use super::BlockMeta;
use crate::chunk::{ByteReader, Damage};

const MAGIC: &[u8; 8] = b"PTQROLL1";
const VERSION: u32 = 1;
const HEADER_BYTES: usize = 16;
const ENTRY_BYTES: usize = 40;
const CRC_BYTES: usize = 4;

/// More blocks in one folder are damage: a century of weeks has a tenth of it.
const ENTRIES_MAX: usize = 65_536;

/// What is told of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) first_ms: i64,
    pub(super) last_ms: i64,
    pub(super) samples: u64,
    pub(super) bytes: u64,
}

/// The blocks of a folder, by number.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Register {
    pub(super) blocks: BTreeMap<u64, Entry>,
    /// Those of them that are not there.
    pub(super) lost: BTreeSet<u64>,
}

impl Register {
    pub(super) fn add(&mut self, meta: &BlockMeta) {
        let entry = Entry {
            first_ms: meta.first_ms,
            last_ms: meta.last_ms,
            samples: meta.samples,
            bytes: meta.bytes,
        };
        self.blocks.insert(meta.number, entry);
        self.lost.remove(&meta.number);
    }

    /// Whether it named the block.
    pub(super) fn remove(&mut self, number: u64) -> bool {
        self.lost.remove(&number);
        self.blocks.remove(&number).is_some()
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&(self.blocks.len() as u32).to_le_bytes());
        for (number, entry) in &self.blocks {
            bytes.extend_from_slice(&number.to_le_bytes());
            bytes.extend_from_slice(&entry.first_ms.to_le_bytes());
            bytes.extend_from_slice(&entry.last_ms.to_le_bytes());
            bytes.extend_from_slice(&entry.samples.to_le_bytes());
            bytes.extend_from_slice(&entry.bytes.to_le_bytes());
        }
        let crc = crc32c::crc32c(&bytes);
        bytes.extend_from_slice(&crc.to_le_bytes());
        bytes
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Damage> {
        let Some((body, crc)) = bytes.split_last_chunk::<CRC_BYTES>() else {
            return Err("it ends early");
        };
        if crc32c::crc32c(body) != u32::from_le_bytes(*crc) {
            return Err("it does not match its checksum");
        }
        let mut reader = ByteReader::new(body);
        if reader.take(8)? != MAGIC || reader.u32()? != VERSION {
            return Err("it is no register of blocks of a known version");
        }
        let entries = reader.u32()? as usize;
        if entries > ENTRIES_MAX || body.len() != HEADER_BYTES + entries * ENTRY_BYTES {
            return Err("it has not the length that it says");
        }
        let mut register = Self::default();
        for _ in 0..entries {
            let number = reader.u64()?;
            let entry = Entry {
                first_ms: reader.i64()?,
                last_ms: reader.i64()?,
                samples: reader.u64()?,
                bytes: reader.u64()?,
            };
            register.blocks.insert(number, entry);
        }
        Ok(register)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn register() -> Register {
        let mut register = Register::default();
        for number in [3, 9] {
            register.add(&BlockMeta {
                number,
                first_ms: -5,
                last_ms: number as i64,
                samples: 7,
                bytes: 8,
                ..BlockMeta::default()
            });
        }
        register
    }

    #[test]
    fn what_was_written_is_read() {
        let mut register = register();
        assert_eq!(Register::decode(&register.encode()), Ok(register.clone()));
        assert!(register.remove(3) && !register.remove(3));
        assert_eq!(Register::decode(&register.encode()), Ok(register));
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let mut bytes = register().encode();
        for bit in 0..bytes.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(Register::decode(&bytes).is_err(), "bit {bit}");
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        for length in 0..bytes.len() {
            assert!(
                Register::decode(&bytes[..length]).is_err(),
                "{length} bytes"
            );
        }
    }
}
