//! Samples of a series.

use super::super::PAGE_SAMPLES_MAX;
use super::super::column::read_integers;
use super::super::page::{CRC_BYTES, checksum, read_values};
use super::super::tier::Aggregate;
use super::Block;
use super::entry::{PagePlace, TimePlace};
use crate::chunk::ByteReader;
use crate::{Error, Samples};

impl Block {
    /// Appends the samples of a series from `from_ms` to `to_ms`, both inclusive, to the column, whose last
    /// timestamp is before them. Of a downsampled block: the last of each interval, at the interval's end.
    ///
    /// # Errors
    /// [`Error::DamagedFile`] when a page does not match its checksum; the column is as it was then.
    ///
    /// # Panics
    /// When there is no such series.
    pub fn read(&self, id: u32, from_ms: i64, to_ms: i64, into: &mut Samples) -> Result<(), Error> {
        self.read_aggregate(id, Aggregate::Last, from_ms, to_ms, into)
    }

    /// As [`read`](Self::read), but of a downsampled block what the intervals' samples come to; of other blocks
    /// the samples themselves.
    ///
    /// # Errors
    /// [`Error::DamagedFile`] when a page does not match its checksum; the column is as it was then.
    ///
    /// # Panics
    /// When there is no such series.
    pub fn read_aggregate(
        &self,
        id: u32,
        aggregate: Aggregate,
        from_ms: i64,
        to_ms: i64,
        into: &mut Samples,
    ) -> Result<(), Error> {
        let begin = into.len();
        let result = self.read_pages(id, aggregate, (from_ms, to_ms), into);
        if result.is_err() {
            truncate(into, begin);
            return result;
        }
        for (first, last) in self.deleted().of(id) {
            cut(into, begin, *first, *last);
        }
        Ok(())
    }

    /// Reads every page, and says how many samples there are.
    ///
    /// # Errors
    /// The first [`Error::DamagedFile`] that is met.
    pub fn verify(&self) -> Result<u64, Error> {
        let mut samples = Samples::default();
        let mut count = 0;
        for id in 0..self.meta.series {
            self.labels(id)?;
            samples.clear();
            self.read_pages(id, Aggregate::Last, (i64::MIN, i64::MAX), &mut samples)?;
            if !samples.timestamps.is_sorted_by(|a, b| a < b) {
                return Err(self.damaged(0, "timestamps of a series do not ascend"));
            }
            count += samples.len() as u64;
        }
        match count == self.meta.samples {
            true => Ok(count),
            false => Err(self.damaged(0, "it has not as many samples as it says")),
        }
    }

    fn read_pages(
        &self,
        id: u32,
        aggregate: Aggregate,
        (from_ms, to_ms): (i64, i64),
        into: &mut Samples,
    ) -> Result<(), Error> {
        let mut pages = self.entry(id, |_, _| {})?;
        while let Some(place) = pages.next()? {
            if place.time.last_ms < from_ms {
                continue;
            }
            if place.time.first_ms > to_ms {
                break;
            }
            let begin = into.len();
            self.read_times(&place.time, &mut into.timestamps)?;
            self.read_page(&place, begin, aggregate, into)?;
            keep(into, begin, from_ms, to_ms);
        }
        Ok(())
    }

    fn read_times(&self, place: &TimePlace, into: &mut Vec<i64>) -> Result<(), Error> {
        let begin = into.len();
        let body = self.page(place.offset, place.bytes)?;
        let mut from = ByteReader::new(body);
        let read = match place.samples {
            1..=PAGE_SAMPLES_MAX => read_integers(&mut from, place.samples, into),
            _ => Err("a page has no samples, or too many"),
        };
        read.map_err(|reason| self.damaged(place.offset, reason))?;
        let ends = (into.get(begin).copied(), into.last().copied());
        match ends == (Some(place.first_ms), Some(place.last_ms)) && from.is_at_end() {
            true => Ok(()),
            false => Err(self.damaged(place.offset, "a time page is not what its index says")),
        }
    }

    fn read_page(
        &self,
        place: &PagePlace,
        begin: usize,
        aggregate: Aggregate,
        into: &mut Samples,
    ) -> Result<(), Error> {
        let body = self.page(place.offset, place.bytes)?;
        read_values(body, begin, aggregate, into)
            .map_err(|reason| self.damaged(place.offset, reason))
    }

    /// The body of a page, checked.
    fn page(&self, offset: u64, bytes: usize) -> Result<&[u8], Error> {
        let begin = usize::try_from(offset).ok();
        let page = begin.and_then(|begin| self.map.get(begin..begin.checked_add(bytes)?));
        let Some((body, crc)) = page.and_then(|page| page.split_last_chunk::<CRC_BYTES>()) else {
            return Err(self.damaged(offset, "a page is beyond the file"));
        };
        match checksum(self.meta.number, offset, body) == u32::from_le_bytes(*crc) {
            true => Ok(body),
            false => Err(self.damaged(offset, "a page does not match its checksum")),
        }
    }
}

/// Leaves, of what is behind `begin`, the samples from one time to another.
fn keep(samples: &mut Samples, begin: usize, from_ms: i64, to_ms: i64) {
    let added = &samples.timestamps[begin..];
    let end = begin + added.partition_point(|t| *t <= to_ms);
    let wanted = begin + added.partition_point(|t| *t < from_ms);
    truncate(samples, end);
    drain(samples, begin, wanted);
}

/// Takes out, of what is behind `begin`, the samples from one time to another.
fn cut(samples: &mut Samples, begin: usize, first_ms: i64, last_ms: i64) {
    let added = &samples.timestamps[begin..];
    let end = begin + added.partition_point(|t| *t <= last_ms);
    let first = begin + added.partition_point(|t| *t < first_ms);
    drain(samples, first, end);
}

fn truncate(samples: &mut Samples, length: usize) {
    samples.timestamps.truncate(length);
    samples.floats.truncate(length);
    samples.histograms.truncate(length);
    samples.starts.truncate(length);
}

fn drain(samples: &mut Samples, from: usize, to: usize) {
    if from >= to {
        return;
    }
    samples.timestamps.drain(from..to);
    samples.floats.drain(from..to);
    if !samples.histograms.is_empty() {
        samples.histograms.drain(from..to);
    }
    if !samples.starts.is_empty() {
        samples.starts.drain(from..to);
    }
}
