//! A series' entry: its labels by id, and where its pages are.

use super::super::contents::SectionKind;
use super::Block;
use crate::chunk::{ByteReader, Damage};
use crate::{Error, LABELS_MAX};

const TIME_BYTES: usize = 32;

/// A page of values and its time page.
#[derive(Debug, Clone, Copy)]
pub(super) struct PagePlace {
    pub(super) time: TimePlace,
    pub(super) offset: u64,
    pub(super) bytes: usize,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct TimePlace {
    pub(super) offset: u64,
    pub(super) bytes: usize,
    pub(super) samples: usize,
    pub(super) first_ms: i64,
    pub(super) last_ms: i64,
}

/// A reader that stands behind a series' labels, with as many pages to come.
#[derive(Debug)]
pub(super) struct Pages<'a> {
    block: &'a Block,
    from: ByteReader<'a>,
    left: usize,
    end: u64,
}

impl Block {
    /// Hands out the name and value ids of a series' labels; its pages follow.
    ///
    /// # Panics
    /// When there is no such series.
    pub(super) fn entry(
        &self,
        id: u32,
        mut label: impl FnMut(usize, usize),
    ) -> Result<Pages<'_>, Error> {
        assert!(id < self.meta.series, "a series of this block");
        let (offsets, _) = self.section(SectionKind::Offsets).as_chunks::<4>();
        let at = u32::from_le_bytes(offsets[id as usize]) as usize;
        let section = self.section(SectionKind::Series);
        let mut from = ByteReader::new(section.get(at..).unwrap_or_default());
        let mut open = || {
            for _ in 0..from.count(LABELS_MAX)? {
                let id = from.count(u32::MAX as usize)?;
                let name = self.names.get(id).ok_or("a label's name is not there")?;
                label(id, from.count(name.values.saturating_sub(1))?);
            }
            from.count(u32::MAX as usize)
        };
        let left = open().map_err(|reason| self.damaged_in(SectionKind::Series, at, reason))?;
        Ok(Pages {
            block: self,
            from,
            left,
            end: 0,
        })
    }

    fn time_place(&self, id: usize) -> Result<TimePlace, Damage> {
        let times = self.section(SectionKind::Times);
        let record = times
            .get(id * TIME_BYTES..)
            .ok_or("a time page is not there")?;
        let mut from = ByteReader::new(record);
        Ok(TimePlace {
            offset: from.u64()?,
            bytes: from.u32()? as usize,
            samples: from.u32()? as usize,
            first_ms: from.i64()?,
            last_ms: from.i64()?,
        })
    }
}

impl Pages<'_> {
    /// The next page; `None` after the last.
    pub(super) fn next(&mut self) -> Result<Option<PagePlace>, Error> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        match self.place() {
            Ok(place) => Ok(Some(place)),
            Err(reason) => Err(self.block.damaged_in(SectionKind::Series, 0, reason)),
        }
    }

    fn place(&mut self) -> Result<PagePlace, Damage> {
        let time = self.from.count(u32::MAX as usize)?;
        let distance = self.from.varint()?;
        let bytes = self.from.count(u32::MAX as usize)?;
        let offset = self
            .end
            .checked_add(distance)
            .ok_or("a page is beyond the file")?;
        self.end = offset
            .checked_add(bytes as u64)
            .ok_or("a page is beyond the file")?;
        Ok(PagePlace {
            time: self.block.time_place(time)?,
            offset,
            bytes,
        })
    }
}
