//! Writing a block, series by series.

mod labels;
mod times;

use std::fs::File;
use std::io::{self, BufWriter, Write};

use super::contents::{Contents, HEADER_BYTES, REPLACED_MAX, SECTIONS, Section, Trailer, header};
use super::folder::failed;
use super::tier::AGGREGATES;
use super::{BlockFolder, BlockMeta, PAGE_SAMPLES_MAX, page};
use crate::chunk::{Chunk, Refused, put_varint};
use crate::{Error, Labels, Samples, Value};
use labels::LabelTable;
use times::TimeTable;

/// Bytes that are gathered before they are written.
const BUFFER_BYTES: usize = 256 << 10;

/// A block that is being written; dropped without [`finish`](Self::finish) it never was.
#[derive(Debug)]
pub struct BlockWriter<'a> {
    folder: &'a BlockFolder,
    file: BufWriter<File>,
    at: u64,
    meta: BlockMeta,
    labels: LabelTable,
    times: TimeTable,
    /// The pages of each series, as its entry has them, one after another.
    pages: Vec<u8>,
    page_ends: Vec<u64>,
    last: Option<Labels>,
    body: Vec<u8>,
    leftover: Leftover<'a>,
}

/// The file of a block that was not finished goes at once: on a full disk its space is missed.
#[derive(Debug)]
struct Leftover<'a> {
    folder: &'a BlockFolder,
    number: Option<u64>,
}

impl Drop for Leftover<'_> {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            // What cannot be removed now is by the next opening of the folder.
            let _ = self.folder.discard(number);
        }
    }
}

/// The pages of one series while they are written.
#[derive(Debug, Default)]
struct SeriesPages {
    count: u64,
    entries: Vec<u8>,
    end: u64,
}

impl<'a> BlockWriter<'a> {
    pub(super) fn begin(
        folder: &'a BlockFolder,
        number: u64,
        resolution_ms: u32,
        replaces: Vec<u64>,
    ) -> Result<Self, Error> {
        if replaces.len() > REPLACED_MAX {
            return Err(Error::BlockTooLarge {
                what: "replaced blocks",
            });
        }
        let file = BufWriter::with_capacity(BUFFER_BYTES, folder.prepare(number)?);
        let meta = BlockMeta {
            number,
            resolution_ms,
            replaces,
            first_ms: i64::MAX,
            last_ms: i64::MIN,
            ..BlockMeta::default()
        };
        let mut writer = Self {
            folder,
            file,
            at: 0,
            meta,
            labels: LabelTable::default(),
            times: TimeTable::default(),
            pages: Vec::new(),
            page_ends: Vec::new(),
            last: None,
            body: Vec::new(),
            leftover: Leftover {
                folder,
                number: Some(number),
            },
        };
        writer.write(&header(number))?;
        debug_assert_eq!(writer.at, HEADER_BYTES as u64);
        Ok(writer)
    }

    /// Whether no series was added.
    pub fn is_empty(&self) -> bool {
        self.page_ends.is_empty()
    }

    /// Adds a series with its samples, at least one; series come by ascending labels, each once.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be written, [`Error::BlockTooLarge`] when the format has no room.
    ///
    /// # Panics
    /// When the labels are not after the last ones, or there is no sample.
    pub fn add(&mut self, labels: &Labels, samples: &Samples) -> Result<(), Error> {
        self.begin_series(labels, &samples.timestamps)?;
        let mut pages = SeriesPages::default();
        let mut begin = 0;
        while begin < samples.len() {
            self.body.clear();
            let end = self.put_body(samples, begin)?;
            self.put_page(&samples.timestamps[begin..end], &mut pages)?;
            begin = end;
        }
        self.end_series(&pages);
        Ok(())
    }

    /// Adds a series of a downsampled tier: six columns as long as the timestamps.
    pub(super) fn add_aggregates(
        &mut self,
        labels: &Labels,
        timestamps: &[i64],
        columns: &[Vec<f64>; AGGREGATES],
    ) -> Result<(), Error> {
        self.begin_series(labels, timestamps)?;
        let mut pages = SeriesPages::default();
        for begin in (0..timestamps.len()).step_by(PAGE_SAMPLES_MAX) {
            let end = timestamps.len().min(begin + PAGE_SAMPLES_MAX);
            self.body.clear();
            let columns = columns.each_ref().map(|column| column[begin..end].to_vec());
            page::put_aggregates(&mut self.body, &columns);
            self.put_page(&timestamps[begin..end], &mut pages)?;
        }
        self.end_series(&pages);
        Ok(())
    }

    /// Completes and publishes the block.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be written; nothing is published then.
    pub fn finish(self) -> Result<BlockMeta, Error> {
        self.finish_at(0)
    }

    /// Completes and publishes the block, which stands at a time if it has no sample.
    pub(super) fn finish_at(mut self, time_if_empty_ms: i64) -> Result<BlockMeta, Error> {
        let tables = self.labels.encode(&self.pages, &self.page_ends)?;
        let times = self.times.take_records();
        let mut sections = [Section::default(); SECTIONS];
        let [names, values, postings, offsets, series] = &tables;
        for (section, bytes) in sections
            .iter_mut()
            .zip([&times, names, values, postings, offsets, series])
        {
            *section = self.write_section(bytes)?;
        }
        if self.is_empty() {
            (self.meta.first_ms, self.meta.last_ms) = (time_if_empty_ms, time_if_empty_ms);
        }
        let mut contents = Contents {
            meta: self.meta.clone(),
            sections,
        };
        let encoded = contents.encode();
        let trailer = Trailer {
            contents: self.write_section(&encoded)?,
            file_bytes: self.at + super::contents::TRAILER_BYTES as u64,
        };
        self.write(&trailer.encode())?;
        contents.meta.bytes = self.at;
        let number = self.meta.number;
        let path = self.folder.block_path(number);
        let file = self.file.into_inner();
        let file = file.map_err(|e| failed(&path, "write", e.into_error()))?;
        self.folder.publish(&contents.meta, &file)?;
        self.leftover.number = None;
        Ok(contents.meta)
    }

    fn begin_series(&mut self, labels: &Labels, timestamps: &[i64]) -> Result<(), Error> {
        assert!(
            self.last.as_ref().is_none_or(|last| last < labels),
            "series come by ascending labels"
        );
        let (Some(first), Some(last)) = (timestamps.first(), timestamps.last()) else {
            panic!("a series of a block has samples");
        };
        self.meta.first_ms = self.meta.first_ms.min(*first);
        self.meta.last_ms = self.meta.last_ms.max(*last);
        self.meta.samples += timestamps.len() as u64;
        self.meta.series = match self.meta.series.checked_add(1) {
            Some(series) => series,
            None => return Err(Error::BlockTooLarge { what: "series" }),
        };
        self.labels.add(labels);
        self.last = Some(labels.clone());
        Ok(())
    }

    fn end_series(&mut self, pages: &SeriesPages) {
        put_varint(&mut self.pages, pages.count);
        self.pages.extend_from_slice(&pages.entries);
        self.page_ends.push(self.pages.len() as u64);
    }

    /// Makes the body of the page that begins at a sample, and says where the next one begins.
    fn put_body(&mut self, samples: &Samples, begin: usize) -> Result<usize, Error> {
        let is_histogram = |i: usize| matches!(samples.histograms.get(i), Some(Some(_)));
        if is_histogram(begin) {
            return self.put_histograms(samples, begin);
        }
        let limit = samples.len().min(begin + PAGE_SAMPLES_MAX);
        let end = (begin..limit).find(|i| is_histogram(*i)).unwrap_or(limit);
        let starts = samples.starts.get(begin..end).unwrap_or_default();
        page::put_values(&mut self.body, &samples.floats[begin..end], starts);
        Ok(end)
    }

    fn put_histograms(&mut self, samples: &Samples, begin: usize) -> Result<usize, Error> {
        let start = |i: usize| samples.starts.get(i).copied().unwrap_or(0);
        let too_large = |_: Refused| Error::BlockTooLarge {
            what: "buckets of a histogram",
        };
        let first = samples.value(begin);
        let mut chunk =
            Chunk::begin(samples.timestamps[begin], &first, start(begin)).map_err(too_large)?;
        let mut end = begin + 1;
        while end < samples.len() {
            let value @ Value::Histogram(_) = samples.value(end) else {
                break;
            };
            match chunk.append(samples.timestamps[end], &value, start(end)) {
                Ok(()) => end += 1,
                Err(Refused::Full) => break,
                Err(refused) => return Err(too_large(refused)),
            }
        }
        page::put_histograms(&mut self.body, &chunk.to_bytes());
        Ok(end)
    }

    /// Writes the body as a page at these timestamps.
    fn put_page(&mut self, timestamps: &[i64], pages: &mut SeriesPages) -> Result<(), Error> {
        let time = match self.times.find(timestamps) {
            Some(time) => time,
            None => self.put_times(timestamps)?,
        };
        let body = std::mem::take(&mut self.body);
        let (offset, bytes) = self.write_page(&body)?;
        self.body = body;
        put_varint(&mut pages.entries, u64::from(time));
        put_varint(&mut pages.entries, offset - pages.end);
        put_varint(&mut pages.entries, u64::from(bytes));
        pages.end = self.at;
        pages.count += 1;
        Ok(())
    }

    fn put_times(&mut self, timestamps: &[i64]) -> Result<u32, Error> {
        let mut body = Vec::new();
        super::column::put_integers(&mut body, timestamps);
        let (offset, bytes) = self.write_page(&body)?;
        let time = self.times.add(timestamps, offset, bytes);
        time.ok_or(Error::BlockTooLarge { what: "time pages" })
    }

    fn write_page(&mut self, body: &[u8]) -> Result<(u64, u32), Error> {
        let offset = self.at;
        let crc = page::checksum(self.meta.number, offset, body);
        self.write(body)?;
        self.write(&crc.to_le_bytes())?;
        let bytes = u32::try_from(self.at - offset);
        Ok((
            offset,
            bytes.map_err(|_| Error::BlockTooLarge { what: "a page" })?,
        ))
    }

    fn write_section(&mut self, bytes: &[u8]) -> Result<Section, Error> {
        let offset = self.at;
        if u32::try_from(bytes.len()).is_err() {
            return Err(Error::BlockTooLarge { what: "a section" });
        }
        self.write(bytes)?;
        Ok(Section {
            offset,
            bytes: bytes.len() as u64,
            crc: crc32c::crc32c(bytes),
        })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let path = || self.folder.block_path(self.meta.number);
        self.folder.allow(&path())?;
        let written: io::Result<()> = self.file.write_all(bytes);
        written.map_err(|source| failed(&path(), "write", source))?;
        self.at += bytes.len() as u64;
        Ok(())
    }
}
