//! The store file: which segments must be there. See `docs/formats/journal.md`.

use std::io;
use std::path::Path;

use crc32c::crc32c;

use crate::frame::{Fields, put};
use crate::segment::VERSION;
use crate::segment::{SECTOR_CRC_OFFSET, check_version};
use crate::{Disk, DiskFile, Error, SECTOR_BYTES, Sectors, Sequence, StoreId};

/// Its name.
pub(crate) const STORE: &str = "store";
const PREPARING: &str = "store.preparing";
const MAGIC: &[u8; 8] = b"PTQSTORE";

/// What the store file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) store: StoreId,
    pub(crate) counter: u64,
    /// The first segment kept.
    pub(crate) first: u64,
    /// The last segment begun.
    pub(crate) last: u64,
    /// A sequence known to be durable.
    pub(crate) durable: u64,
}

impl Slot {
    fn encode(&self) -> Sectors {
        let mut sectors = Sectors::zeroed(SECTOR_BYTES);
        put(&mut sectors, 0, MAGIC);
        put(&mut sectors, 8, &VERSION.to_le_bytes());
        put(&mut sectors, 16, &self.store.0);
        put(&mut sectors, 32, &self.counter.to_le_bytes());
        put(&mut sectors, 40, &self.first.to_le_bytes());
        put(&mut sectors, 48, &self.last.to_le_bytes());
        put(&mut sectors, 56, &self.durable.to_le_bytes());
        let crc = crc32c(&sectors[..SECTOR_CRC_OFFSET]);
        put(&mut sectors, SECTOR_CRC_OFFSET, &crc.to_le_bytes());
        sectors
    }

    fn decode(path: &Path, sector: &[u8]) -> Result<Option<Self>, Error> {
        let fields = Fields(sector);
        if sector[..8] != MAGIC[..]
            || crc32c(&sector[..SECTOR_CRC_OFFSET]) != fields.u32(SECTOR_CRC_OFFSET)
        {
            return Ok(None);
        }
        check_version(path, fields.u32(8))?;
        let slot = Self {
            store: StoreId(fields.array(16)),
            counter: fields.u64(32),
            first: fields.u64(40),
            last: fields.u64(48),
            durable: fields.u64(56),
        };
        let possible = (1..=slot.last).contains(&slot.first)
            && slot.last < u64::MAX
            && slot.counter < u64::MAX
            && slot.durable < u64::MAX;
        if !possible {
            let reason =
                "the store's slot matches its checksum, yet says what cannot be".to_owned();
            return Err(Error::Corrupt {
                path: path.to_owned(),
                offset: slot.offset(),
                sequence: Sequence::FIRST,
                reason,
            });
        }
        Ok(Some(slot))
    }

    fn offset(&self) -> u64 {
        self.counter % 2 * SECTOR_BYTES as u64
    }
}

/// The open store file.
pub(crate) struct Store {
    file: Box<dyn DiskFile>,
    pub(crate) slot: Slot,
}

impl Store {
    /// Makes the file, whole or not at all.
    pub(crate) fn create(disk: &dyn Disk, slot: Slot) -> io::Result<Self> {
        match disk.remove(PREPARING) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let file = disk.create(PREPARING)?;
        file.write_at(0, &Sectors::zeroed(2 * SECTOR_BYTES))?;
        file.write_at(slot.offset(), &slot.encode())?;
        file.sync()?;
        disk.rename(PREPARING, STORE)?;
        disk.sync()?;
        Ok(Self { file, slot })
    }

    /// Opens the file that says `slot`, and makes sure it says so for good: after a sync that
    /// failed the slot may be in the page cache only, and the next update would overwrite the one
    /// that is on the disk.
    pub(crate) fn open(disk: &dyn Disk, slot: Slot) -> io::Result<Self> {
        let file = disk.open(STORE)?;
        file.write_at(slot.offset(), &slot.encode())?;
        file.sync()?;
        Ok(Self { file, slot })
    }

    /// As [`update`](Self::update), in both slots: an older one would name segments that are gone,
    /// and accuse them if the newer one were damaged.
    pub(crate) fn update_both(&mut self, change: impl FnOnce(&mut Slot)) -> io::Result<()> {
        self.update(change)?;
        self.update(|_| ())
    }

    /// Changes what it says and makes that durable.
    pub(crate) fn update(&mut self, change: impl FnOnce(&mut Slot)) -> io::Result<()> {
        let mut slot = self.slot.clone();
        change(&mut slot);
        slot.counter += 1;
        self.file.write_at(slot.offset(), &slot.encode())?;
        self.file.sync()?;
        self.slot = slot;
        Ok(())
    }
}

/// What the store file was found to say.
#[derive(Debug, Clone)]
pub(crate) struct FoundSlot {
    pub(crate) slot: Slot,
    /// Where a slot that was written does not match its checksum, in bytes. It may be the newer one.
    pub(crate) damaged: Option<u64>,
}

/// Reads what the store file says; `None` when there is no file.
pub(crate) fn read_slot(disk: &dyn Disk) -> Result<Option<FoundSlot>, Error> {
    let path = disk.path(STORE);
    let failed = |action| {
        let path = path.clone();
        move |source| Error::Io {
            action,
            path,
            source,
        }
    };
    let file = match disk.open_to_read(STORE) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed("open")(error)),
    };
    let mut sectors = vec![0; 2 * SECTOR_BYTES];
    let read = file.read_at(0, &mut sectors).map_err(failed("read"))?;
    let corrupt = |offset: usize, reason: &str| Error::Corrupt {
        path: path.clone(),
        offset: offset as u64,
        sequence: Sequence::FIRST,
        reason: reason.to_owned(),
    };
    if read < sectors.len() || file.bytes().map_err(failed("read"))? != sectors.len() as u64 {
        return Err(corrupt(
            read,
            "the store file has not the length of its two slots",
        ));
    }
    let (even, odd) = sectors.split_at(SECTOR_BYTES);
    let slots = [Slot::decode(&path, even)?, Slot::decode(&path, odd)?];
    let damaged = [even, odd]
        .into_iter()
        .zip(&slots)
        .position(|(sector, slot)| slot.is_none() && sector.iter().any(|byte| *byte != 0))
        .map(|index| (index * SECTOR_BYTES) as u64);
    let newest = slots.into_iter().flatten().max_by_key(|slot| slot.counter);
    newest
        .map(|slot| Some(FoundSlot { slot, damaged }))
        .ok_or_else(|| corrupt(0, "neither slot of the store matches its checksum"))
}
