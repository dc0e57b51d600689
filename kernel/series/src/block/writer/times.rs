//! Time pages, of which series that were scraped together share one.

use std::collections::HashMap;

/// Columns that are remembered at a time: a group's series lie close together in no order that helps, but the
/// groups of one block are fewer than this. Forgetting costs a second copy of a column, nothing else.
const REMEMBERED_MAX: usize = 4_096;

#[derive(Debug, Default)]
pub(super) struct TimeTable {
    records: Vec<u8>,
    count: u32,
    remembered: HashMap<Box<[i64]>, u32>,
}

impl TimeTable {
    /// The page with exactly these timestamps.
    pub(super) fn find(&self, timestamps: &[i64]) -> Option<u32> {
        self.remembered.get(timestamps).copied()
    }

    /// Adds a page; `None` when there are as many as ids.
    pub(super) fn add(&mut self, timestamps: &[i64], offset: u64, bytes: u32) -> Option<u32> {
        let id = self.count;
        self.count = id.checked_add(1)?;
        let (first, last) = (timestamps.first()?, timestamps.last()?);
        self.records.extend_from_slice(&offset.to_le_bytes());
        self.records.extend_from_slice(&bytes.to_le_bytes());
        self.records
            .extend_from_slice(&(timestamps.len() as u32).to_le_bytes());
        self.records.extend_from_slice(&first.to_le_bytes());
        self.records.extend_from_slice(&last.to_le_bytes());
        if self.remembered.len() == REMEMBERED_MAX {
            self.remembered.clear();
        }
        self.remembered.insert(Box::from(timestamps), id);
        Some(id)
    }

    pub(super) fn take_records(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.records)
    }
}
