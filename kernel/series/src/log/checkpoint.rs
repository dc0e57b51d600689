//! The head in one file, written and read page by page.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use portique_journal::{Disk, DiskFile, SECTOR_BYTES, Sectors, Sequence};

use crate::Error;
use crate::chunk::{ByteReader, Damage};

/// A page is written when it has so many bytes: large enough that its padding is nothing.
const PAGE_BYTES: usize = 1 << 20;

/// A page's length that is over this is damage: the longest entry is one series of the head.
const PAGE_BYTES_MAX: usize = 1 << 30;

const HEADER_BYTES: usize = 16;
const MAGIC: &[u8; 8] = b"PTQSERIE";
const VERSION: u32 = 1;
const PREPARING: &str = "checkpoint.preparing";
const SUFFIX: &str = ".checkpoint";

/// What a page holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Page {
    Begin = 1,
    Series = 2,
    Metadata = 3,
    Exemplars = 4,
    End = 6,
}

impl Page {
    fn from_number(number: u32) -> Option<Self> {
        let all = [
            Self::Begin,
            Self::Series,
            Self::Metadata,
            Self::Exemplars,
            Self::End,
        ];
        all.into_iter().find(|page| *page as u32 == number)
    }
}

/// The newest checkpoint on a disk, and the record it was made after.
///
/// # Errors
/// What the disk says.
pub(crate) fn find_checkpoint(disk: &dyn Disk) -> Result<Option<Sequence>, Error> {
    Ok(sequences(disk)?.into_iter().max())
}

fn sequences(disk: &dyn Disk) -> Result<Vec<Sequence>, Error> {
    let names = disk.list().map_err(|source| Error::Io {
        action: "list",
        path: disk.path("."),
        source,
    })?;
    let numbers = names.iter().filter_map(|name| {
        let number = name.strip_suffix(SUFFIX)?;
        number.parse().ok().map(Sequence)
    });
    Ok(numbers.collect())
}

fn name(after: Sequence) -> String {
    format!("{:020}{SUFFIX}", after.0)
}

/// Removes what is left of a checkpoint that could not be completed; the next one does so if this
/// cannot.
pub(crate) fn discard_checkpoint(disk: &dyn Disk) {
    let _ = disk.remove(PREPARING);
}

/// Writes one checkpoint.
pub(crate) struct CheckpointWriter {
    disk: Arc<dyn Disk>,
    file: Box<dyn DiskFile>,
    after: Sequence,
    offset: u64,
    page_number: u32,
    page: Page,
    payload: Vec<u8>,
}

impl CheckpointWriter {
    /// Begins a checkpoint that holds everything up to a record.
    ///
    /// # Errors
    /// What the disk says.
    pub(crate) fn begin(
        disk: Arc<dyn Disk>,
        after: Sequence,
        newest_ms: i64,
        slots: u32,
    ) -> Result<Self, Error> {
        match disk.remove(PREPARING) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(io_error(&*disk, "remove", PREPARING, source));
            }
            _ => {}
        }
        let file = disk.create(PREPARING);
        let file = file.map_err(|source| io_error(&*disk, "create", PREPARING, source))?;
        let mut writer = Self {
            disk,
            file,
            after,
            offset: 0,
            page_number: 0,
            page: Page::Begin,
            payload: Vec::with_capacity(PAGE_BYTES + SECTOR_BYTES),
        };
        writer.payload.extend_from_slice(MAGIC);
        writer.payload.extend_from_slice(&VERSION.to_le_bytes());
        writer.payload.extend_from_slice(&after.0.to_le_bytes());
        writer.payload.extend_from_slice(&newest_ms.to_le_bytes());
        writer.payload.extend_from_slice(&slots.to_le_bytes());
        writer.flush()?;
        Ok(writer)
    }

    /// Adds one entry to a page of its kind.
    ///
    /// # Errors
    /// What the disk says.
    pub(crate) fn entry(
        &mut self,
        page: Page,
        put: impl FnOnce(&mut Vec<u8>),
    ) -> Result<(), Error> {
        if page != self.page {
            self.flush()?;
            self.page = page;
        }
        put(&mut self.payload);
        if self.payload.len() >= PAGE_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    /// Makes it the checkpoint, and says how many bytes it has; older ones are removed.
    ///
    /// # Errors
    /// What the disk says; the checkpoint before counts then, or this one.
    pub(crate) fn finish(mut self, series: u64) -> Result<u64, Error> {
        self.entry(Page::End, |into| {
            into.extend_from_slice(&series.to_le_bytes())
        })?;
        self.flush()?;
        let disk = &*self.disk;
        let done = name(self.after);
        self.file
            .sync()
            .map_err(|source| io_error(disk, "sync", PREPARING, source))?;
        let renamed = disk.rename(PREPARING, &done);
        renamed.map_err(|source| io_error(disk, "rename", PREPARING, source))?;
        disk.sync()
            .map_err(|source| io_error(disk, "sync", ".", source))?;
        for older in sequences(disk)?.into_iter().filter(|s| *s < self.after) {
            let older = name(older);
            let removed = disk.remove(&older);
            removed.map_err(|source| io_error(disk, "remove", &older, source))?;
        }
        Ok(self.offset)
    }

    fn flush(&mut self) -> Result<(), Error> {
        if self.payload.is_empty() {
            return Ok(());
        }
        let mut header = [0; HEADER_BYTES];
        header[..4].copy_from_slice(&(self.page as u32).to_le_bytes());
        let bytes = u32::try_from(self.payload.len()).expect("entries are far below 4 GiB");
        header[4..8].copy_from_slice(&bytes.to_le_bytes());
        header[8..12].copy_from_slice(&self.page_number.to_le_bytes());
        let crc = checksum(&header, &self.payload);
        header[12..].copy_from_slice(&crc.to_le_bytes());
        let mut sectors = Sectors::new(HEADER_BYTES + self.payload.len());
        sectors.extend(&header);
        sectors.extend(&self.payload);
        sectors.pad();
        let written = self.file.write_at(self.offset, &sectors);
        written.map_err(|source| io_error(&*self.disk, "write", PREPARING, source))?;
        self.offset += sectors.len() as u64;
        self.page_number += 1;
        self.payload.clear();
        Ok(())
    }
}

fn checksum(header: &[u8; HEADER_BYTES], payload: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&header[..12]), payload)
}

fn io_error(disk: &dyn Disk, action: &'static str, name: &str, source: io::Error) -> Error {
    Error::Io {
        action,
        path: disk.path(name),
        source,
    }
}

/// The first page.
struct Begin {
    version: u32,
    after: u64,
    newest_ms: i64,
    slots: u32,
}

impl Begin {
    fn parse(payload: &[u8]) -> Result<Self, Damage> {
        let mut from = ByteReader::new(payload);
        if from.take(MAGIC.len())? != MAGIC {
            return Err("it does not begin as a checkpoint does");
        }
        Ok(Self {
            version: from.u32()?,
            after: from.u64()?,
            newest_ms: from.i64()?,
            slots: from.u32()?,
        })
    }
}

/// Reads one checkpoint.
pub(crate) struct CheckpointReader {
    disk: Arc<dyn Disk>,
    file: Box<dyn DiskFile>,
    name: String,
    offset: u64,
    page_number: u32,
    payload: Vec<u8>,
    /// The newest timestamp that the store had.
    pub(crate) newest_ms: i64,
    /// One more than the highest slot.
    pub(crate) slots: u32,
}

/// A page of a checkpoint.
pub(crate) struct Place {
    path: PathBuf,
    offset: u64,
}

impl Place {
    pub(crate) fn damaged(self, reason: Damage) -> Error {
        Error::DamagedCheckpoint {
            path: self.path,
            offset: self.offset,
            reason,
        }
    }
}

impl CheckpointReader {
    /// Opens the checkpoint made after a record.
    ///
    /// # Errors
    /// [`Error::DamagedCheckpoint`], [`Error::Version`] or what the disk says.
    pub(crate) fn open(disk: Arc<dyn Disk>, after: Sequence) -> Result<Self, Error> {
        let name = name(after);
        let file = disk.open_to_read(&name);
        let file = file.map_err(|source| io_error(&*disk, "open", &name, source))?;
        let mut reader = Self {
            disk,
            file,
            name,
            offset: 0,
            page_number: 0,
            payload: Vec::new(),
            newest_ms: 0,
            slots: 0,
        };
        let begin = match reader.next_page()? {
            (Page::Begin, payload) => Begin::parse(payload),
            _ => Err("it does not begin as a checkpoint does"),
        };
        let begin = begin.map_err(|reason| reader.damaged(reason))?;
        if begin.version != VERSION {
            return Err(Error::Version {
                path: reader.disk.path(&reader.name),
                found: begin.version,
                supported: VERSION,
            });
        }
        if begin.after != after.0 {
            return Err(reader.damaged("it was made after another record than its name says"));
        }
        reader.newest_ms = begin.newest_ms;
        reader.slots = begin.slots;
        Ok(reader)
    }

    /// The next page; the last is [`Page::End`].
    ///
    /// # Errors
    /// [`Error::DamagedCheckpoint`] or what the disk says.
    pub(crate) fn next_page(&mut self) -> Result<(Page, &[u8]), Error> {
        let mut header = [0; HEADER_BYTES];
        self.read(self.offset, &mut header)?;
        let field = |at: usize| {
            u32::from_le_bytes(
                header[at..at + 4]
                    .try_into()
                    .expect("the header has 16 bytes"),
            )
        };
        let bytes = field(4) as usize;
        let Some(page) = Page::from_number(field(0)) else {
            return Err(self.damaged("a page is of unknown kind"));
        };
        if bytes > PAGE_BYTES_MAX || field(8) != self.page_number {
            return Err(self.damaged("a page is not where it belongs"));
        }
        let mut payload = std::mem::take(&mut self.payload);
        payload.resize(bytes, 0);
        self.read(self.offset + HEADER_BYTES as u64, &mut payload)?;
        if checksum(&header, &payload) != field(12) {
            return Err(self.damaged("a page does not match its checksum"));
        }
        self.payload = payload;
        self.offset += (HEADER_BYTES + bytes).next_multiple_of(SECTOR_BYTES) as u64;
        self.page_number += 1;
        Ok((page, &self.payload))
    }

    /// How many bytes were read.
    pub(crate) fn bytes(&self) -> u64 {
        self.offset
    }

    /// Damage at the page read last.
    pub(crate) fn damaged(&self, reason: Damage) -> Error {
        self.place().damaged(reason)
    }

    /// Where the page read last is, for whoever finds out later that it is damaged.
    pub(crate) fn place(&self) -> Place {
        Place {
            path: self.disk.path(&self.name),
            offset: self.offset,
        }
    }

    fn read(&self, offset: u64, into: &mut [u8]) -> Result<(), Error> {
        let read = self.file.read_at(offset, into);
        let read = read.map_err(|source| io_error(&*self.disk, "read", &self.name, source))?;
        if read < into.len() {
            return Err(self.damaged("it ends early"));
        }
        Ok(())
    }
}
