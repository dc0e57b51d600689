//! Header, contents and trailer of a block.

use crate::chunk::{ByteReader, Damage};

const MAGIC: &[u8; 8] = b"PTQBLOCK";
const END_MAGIC: &[u8; 4] = b"PTQE";
const VERSION: u32 = 1;

pub(super) const HEADER_BYTES: usize = 32;
pub(super) const TRAILER_BYTES: usize = 32;

/// A compaction merges far fewer; more is damage.
pub(super) const REPLACED_MAX: usize = 4_096;

/// What is known of a block without reading its samples.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BlockMeta {
    /// Its number in its folder, from 1.
    pub number: u64,
    /// Timestamp of its oldest sample, Unix milliseconds.
    pub first_ms: i64,
    /// Timestamp of its newest sample.
    pub last_ms: i64,
    /// How many samples it has.
    pub samples: u64,
    /// How many series it has.
    pub series: u32,
    /// 0 for samples as they came, else the length of a tier's intervals.
    pub resolution_ms: u32,
    /// Bytes of its file.
    pub bytes: u64,
    /// Whether some of its samples are deleted and still there.
    pub has_deleted: bool,
    /// The blocks of its folder that it stands for.
    pub replaces: Vec<u64>,
}

/// Part of a block's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Section {
    pub(super) offset: u64,
    pub(super) bytes: u64,
    pub(super) crc: u32,
}

/// The sections that a block's contents name, in the order of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SectionKind {
    Times,
    Names,
    Values,
    Postings,
    Offsets,
    Series,
}

pub(super) const SECTIONS: usize = 6;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Contents {
    pub(super) meta: BlockMeta,
    pub(super) sections: [Section; SECTIONS],
}

/// Where the contents are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Trailer {
    pub(super) contents: Section,
    pub(super) file_bytes: u64,
}

pub(super) fn header(number: u64) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&0u32.to_le_bytes());
    bytes.extend_from_slice(&number.to_le_bytes());
    bytes.extend_from_slice(&0u32.to_le_bytes());
    with_crc(bytes)
}

pub(super) fn check_header(bytes: &[u8], number: u64) -> Result<(), Damage> {
    let mut reader = ByteReader::new(bytes);
    if reader.take(8)? != MAGIC {
        return Err("it is no block");
    }
    if reader.u32()? != VERSION {
        return Err("its version is unknown");
    }
    if bytes != header(number) {
        return Err("its header does not match its checksum or its name");
    }
    Ok(())
}

impl Contents {
    pub(super) fn encode(&self) -> Vec<u8> {
        let meta = &self.meta;
        let mut bytes = meta.number.to_le_bytes().to_vec();
        bytes.extend_from_slice(&meta.first_ms.to_le_bytes());
        bytes.extend_from_slice(&meta.last_ms.to_le_bytes());
        bytes.extend_from_slice(&meta.samples.to_le_bytes());
        bytes.extend_from_slice(&meta.resolution_ms.to_le_bytes());
        bytes.extend_from_slice(&meta.series.to_le_bytes());
        for section in &self.sections {
            bytes.extend_from_slice(&section.offset.to_le_bytes());
            bytes.extend_from_slice(&section.bytes.to_le_bytes());
            bytes.extend_from_slice(&section.crc.to_le_bytes());
        }
        bytes.extend_from_slice(&(meta.replaces.len() as u32).to_le_bytes());
        for number in &meta.replaces {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes
    }

    pub(super) fn decode(bytes: &[u8], file_bytes: u64) -> Result<Self, Damage> {
        let mut reader = ByteReader::new(bytes);
        let mut meta = BlockMeta {
            number: reader.u64()?,
            first_ms: reader.i64()?,
            last_ms: reader.i64()?,
            samples: reader.u64()?,
            resolution_ms: reader.u32()?,
            series: reader.u32()?,
            bytes: file_bytes,
            ..BlockMeta::default()
        };
        let mut sections = [Section::default(); SECTIONS];
        for section in &mut sections {
            *section = Section {
                offset: reader.u64()?,
                bytes: reader.u64()?,
                crc: reader.u32()?,
            };
            let end = section.offset.checked_add(section.bytes);
            if section.bytes > u64::from(u32::MAX) || end.is_none_or(|end| end > file_bytes) {
                return Err("a section is beyond the file");
            }
        }
        let replaced = reader.u32()? as usize;
        if replaced > REPLACED_MAX {
            return Err("it replaces too many blocks");
        }
        for _ in 0..replaced {
            meta.replaces.push(reader.u64()?);
        }
        match reader.is_at_end() {
            true => Ok(Self { meta, sections }),
            false => Err("its contents are too long"),
        }
    }
}

impl Trailer {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = self.contents.offset.to_le_bytes().to_vec();
        bytes.extend_from_slice(&(self.contents.bytes as u32).to_le_bytes());
        bytes.extend_from_slice(&self.contents.crc.to_le_bytes());
        bytes.extend_from_slice(&self.file_bytes.to_le_bytes());
        bytes.extend_from_slice(END_MAGIC);
        with_crc(bytes)
    }

    pub(super) fn decode(bytes: &[u8], file_bytes: u64) -> Result<Self, Damage> {
        let mut reader = ByteReader::new(bytes);
        let offset = reader.u64()?;
        let trailer = Self {
            contents: Section {
                offset,
                bytes: u64::from(reader.u32()?),
                crc: reader.u32()?,
            },
            file_bytes: reader.u64()?,
        };
        if bytes != trailer.encode() || trailer.file_bytes != file_bytes {
            return Err("it ends early, or its trailer is damaged");
        }
        let end = file_bytes - TRAILER_BYTES as u64;
        match offset.checked_add(trailer.contents.bytes) == Some(end) {
            true => Ok(trailer),
            false => Err("its contents do not end at its trailer"),
        }
    }
}

fn with_crc(mut bytes: Vec<u8>) -> Vec<u8> {
    let crc = crc32c::crc32c(&bytes);
    bytes.extend_from_slice(&crc.to_le_bytes());
    bytes
}
