//! Names and headers of segment files: see `docs/formats/journal.md`.

use std::path::Path;

use crc32c::crc32c;
use portique_clock::Timestamp;

use crate::frame::{Fields, put};
use crate::{DiskFile, Error, SECTOR_BYTES, Sectors, Sequence, StoreId};

/// The format this program writes and reads.
pub(crate) const VERSION: u32 = 1;
/// The next segment, ready to use.
pub(crate) const SPARE: &str = "spare.segment";
/// The next segment while it is being filled with zeros.
pub(crate) const PREPARING: &str = "spare.preparing";
/// Checksum of every structure that fills a sector.
pub(crate) const SECTOR_CRC_OFFSET: usize = SECTOR_BYTES - 4;
const MAGIC: &[u8; 8] = b"PTQJRNL1";
const SUFFIX: &str = ".segment";

/// A segment's first sector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    pub(crate) store: StoreId,
    pub(crate) number: u64,
    /// The sequence of the first record in it, or of the next to come.
    pub(crate) first: u64,
    /// When the last frame before it was written.
    pub(crate) time: Timestamp,
    /// Of the whole file.
    pub(crate) bytes: u64,
    /// The chain value at the end of the previous segment.
    pub(crate) previous: u32,
}

/// The name of a segment's file.
pub(crate) fn segment_name(number: u64) -> String {
    format!("{number:020}{SUFFIX}")
}

/// The number in a segment's name, if it is one.
pub(crate) fn parse_segment_name(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(SUFFIX)?;
    let number = digits.parse().ok()?;
    (segment_name(number) == name).then_some(number)
}

impl SegmentHeader {
    /// The header's sector, and the chain value that its first frame repeats.
    pub(crate) fn encode(&self) -> (Sectors, u32) {
        let mut sectors = Sectors::zeroed(SECTOR_BYTES);
        put(&mut sectors, 0, MAGIC);
        put(&mut sectors, 8, &VERSION.to_le_bytes());
        put(&mut sectors, 12, &(SECTOR_BYTES as u32).to_le_bytes());
        put(&mut sectors, 16, &self.store.0);
        put(&mut sectors, 32, &self.number.to_le_bytes());
        put(&mut sectors, 40, &self.first.to_le_bytes());
        put(&mut sectors, 48, &self.time.as_nanos().to_le_bytes());
        put(&mut sectors, 56, &self.bytes.to_le_bytes());
        put(&mut sectors, 64, &self.previous.to_le_bytes());
        let crc = crc32c(&sectors[..SECTOR_CRC_OFFSET]);
        put(&mut sectors, SECTOR_CRC_OFFSET, &crc.to_le_bytes());
        (sectors, crc)
    }

    /// Reads and checks the header of the file of segment `number`, with its chain value.
    pub(crate) fn read(
        file: &dyn DiskFile,
        path: &Path,
        number: u64,
        expected: Sequence,
    ) -> Result<(Self, u32), Error> {
        let corrupt = |offset, reason: String| Error::Corrupt {
            path: path.to_owned(),
            offset,
            sequence: expected,
            reason,
        };
        let failed = |source| Error::Io {
            action: "read",
            path: path.to_owned(),
            source,
        };
        let mut sector = vec![0; SECTOR_BYTES];
        let read = file.read_at(0, &mut sector).map_err(failed)?;
        if read < SECTOR_BYTES {
            return Err(corrupt(
                read as u64,
                "the file ends within the segment header".to_owned(),
            ));
        }
        let (header, crc) = Self::decode(&sector, path, expected)?;
        header
            .check()
            .map_err(|(offset, reason)| corrupt(offset, reason.to_owned()))?;
        if header.number != number {
            let reason = format!("the header is that of segment {}", header.number);
            return Err(corrupt(32, reason));
        }
        let bytes = file.bytes().map_err(failed)?;
        if bytes != header.bytes {
            let reason = format!(
                "the file has {bytes} bytes, its header says {}",
                header.bytes
            );
            return Err(corrupt(bytes.min(header.bytes), reason));
        }
        Ok((header, crc))
    }

    /// Refuses what a right checksum does not make possible, with its place.
    fn check(&self) -> Result<(), (u64, &'static str)> {
        if self.number == 0 || self.number == u64::MAX {
            return Err((32, "the segment's number is out of range"));
        }
        if self.first == 0 || self.first == u64::MAX {
            return Err((40, "the segment's first sequence is out of range"));
        }
        let sector = SECTOR_BYTES as u64;
        if self.bytes < 2 * sector || !self.bytes.is_multiple_of(sector) {
            return Err((56, "the segment's length is none that a segment can have"));
        }
        Ok(())
    }

    fn decode(sector: &[u8], path: &Path, expected: Sequence) -> Result<(Self, u32), Error> {
        let fields = Fields(sector);
        let crc = fields.u32(SECTOR_CRC_OFFSET);
        if sector[..8] != MAGIC[..] || crc32c(&sector[..SECTOR_CRC_OFFSET]) != crc {
            return Err(Error::Corrupt {
                path: path.to_owned(),
                offset: 0,
                sequence: expected,
                reason: "the segment header does not match its checksum".to_owned(),
            });
        }
        check_version(path, fields.u32(8))?;
        if fields.u32(12) != SECTOR_BYTES as u32 {
            return Err(Error::Corrupt {
                path: path.to_owned(),
                offset: 12,
                sequence: expected,
                reason: "the segment's sectors are not of 4096 bytes".to_owned(),
            });
        }
        let header = Self {
            store: StoreId(fields.array(16)),
            number: fields.u64(32),
            first: fields.u64(40),
            time: Timestamp::from_nanos(fields.i64(48)),
            bytes: fields.u64(56),
            previous: fields.u32(64),
        };
        Ok((header, crc))
    }
}

/// Refuses a format this program does not know.
pub(crate) fn check_version(path: &Path, found: u32) -> Result<(), Error> {
    if found == VERSION {
        return Ok(());
    }
    Err(Error::Version {
        path: path.to_owned(),
        found,
        supported: VERSION,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_exact_names_are_segments() {
        assert_eq!(parse_segment_name(&segment_name(7)), Some(7));
        assert_eq!(parse_segment_name(&segment_name(u64::MAX)), Some(u64::MAX));
        for name in [
            SPARE,
            PREPARING,
            "7.segment",
            "+0000000000000000007.segment",
            "store",
        ] {
            assert_eq!(parse_segment_name(name), None, "{name}");
        }
    }
}
