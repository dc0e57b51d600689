//! Deleting samples.

use std::sync::Arc;

use portique_journal::Record;
use roaring::RoaringBitmap;

use super::Store;
use super::append::unavailable;
use crate::chunk::{put_varint, put_zigzag};
use crate::log::RecordKind;
use crate::{Error, Matcher, Samples, Selected};

/// So many slots go into one record: at five bytes each it is far below what the journal takes.
const SLOTS_PER_RECORD: usize = 16 << 10;

/// What a deletion takes away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Deleted {
    /// Series with samples in the time given.
    pub series: usize,
    /// How many samples these are.
    pub samples: usize,
}

impl Store {
    /// How much a deletion would take away; see [`delete`](Self::delete).
    ///
    /// # Errors
    /// When stored data is damaged.
    pub fn count(
        &self,
        any_of: &[Vec<Matcher>],
        from_ms: i64,
        to_ms: i64,
    ) -> Result<Deleted, Error> {
        let found = self.find(any_of, from_ms, to_ms)?;
        let mut deleted = Deleted::default();
        let mut samples = Samples::default();
        for index in 0..found.len() {
            found.read(index, from_ms, to_ms, &mut samples)?;
            deleted.samples += samples.len();
            deleted.series += usize::from(!samples.is_empty());
        }
        Ok(deleted)
    }

    /// Deletes the samples from one time to another, both inclusive, of the series that one of the sets of matchers
    /// accepts. It is effective and durable when this returns: names that no series has any more are gone from
    /// lists. Space on disk comes back with [`maintain`](Self::maintain).
    ///
    /// # Errors
    /// [`Error::Unavailable`] or what the disk says; a part may have been deleted then.
    pub fn delete(
        &self,
        any_of: &[Vec<Matcher>],
        from_ms: i64,
        to_ms: i64,
    ) -> Result<Deleted, Error> {
        let _maintenance = self.maintenance();
        let deleted = self.count(any_of, from_ms, to_ms)?;
        let blocks = Arc::clone(&self.read_state().blocks);
        for block in blocks.iter() {
            for matchers in any_of {
                block.block.delete(matchers, from_ms, to_ms)?;
            }
        }
        self.delete_in_head(any_of, from_ms, to_ms)?;
        Ok(deleted)
    }

    fn delete_in_head(
        &self,
        any_of: &[Vec<Matcher>],
        from_ms: i64,
        to_ms: i64,
    ) -> Result<(), Error> {
        let mut state = self.write_state();
        let mut slots = RoaringBitmap::new();
        for matchers in any_of {
            slots |= state.head.select(matchers);
        }
        let may_have = |slot: &u32| state.head.may_have(*slot, from_ms, to_ms);
        let slots: Vec<u32> = slots.into_iter().filter(may_have).collect();
        let mut pending = None;
        for some in slots.chunks(SLOTS_PER_RECORD) {
            let mut body = Vec::new();
            put_zigzag(&mut body, from_ms);
            put_zigzag(&mut body, to_ms);
            some.iter()
                .for_each(|slot| put_varint(&mut body, u64::from(*slot)));
            let record = Record {
                kind: RecordKind::Deleted as u8,
                body: body.into(),
            };
            pending = self.log(&mut state, vec![record])?;
            for slot in some {
                state.head.delete(*slot, from_ms, to_ms)?;
            }
        }
        drop(state);
        if let Some(pending) = pending {
            pending.wait().map_err(unavailable)?;
        }
        Ok(())
    }
}
