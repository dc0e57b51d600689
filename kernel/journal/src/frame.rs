//! The codec of frames and records: see `docs/formats/journal.md`.

mod fields;
#[cfg(test)]
mod tests;

pub(crate) use fields::{Fields, put};

use bytes::Bytes;
use crc32c::{crc32c, crc32c_append};
use portique_clock::Timestamp;

use crate::{Entry, Record, SECTOR_BYTES, Sectors, Sequence, StoreId};

/// Bytes of a frame's header.
pub(crate) const FRAME_HEADER_BYTES: usize = 72;
/// Bytes in front of each record's body.
pub(crate) const RECORD_HEADER_BYTES: usize = 12;
const MAGIC: &[u8; 4] = b"PTQF";
const HEADER_CRC_OFFSET: usize = 68;

/// Where a frame stands: mixed into its checksums, so that it is valid nowhere else.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) store: StoreId,
    pub(crate) segment: u64,
    pub(crate) offset: u64,
}

impl Place {
    fn seed(self) -> u32 {
        let seed = crc32c_append(crc32c(&self.store.0), &self.segment.to_le_bytes());
        crc32c_append(seed, &self.offset.to_le_bytes())
    }
}

/// What the writer says about a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// The sequence of its first record, or of the next one to come.
    pub(crate) first: u64,
    pub(crate) time: Timestamp,
    pub(crate) durable_sequence: u64,
    pub(crate) durable_offset: u64,
    pub(crate) epoch: u64,
    /// The chain value before it.
    pub(crate) previous: u32,
}

/// A header whose checksum is right for its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FrameHeader {
    pub(crate) stamp: Stamp,
    pub(crate) records: u32,
    body_bytes: u32,
    body_crc: u32,
    /// Its own checksum, which the next frame repeats.
    pub(crate) chain: u32,
}

/// Bytes a frame takes on disk.
pub(crate) const fn frame_bytes(body_bytes: usize) -> usize {
    (FRAME_HEADER_BYTES + body_bytes).next_multiple_of(SECTOR_BYTES)
}

/// Writes a frame into `into`, replacing what it held, and returns the chain value.
pub(crate) fn encode<'a>(
    into: &mut Sectors,
    place: Place,
    stamp: Stamp,
    records: impl Iterator<Item = &'a Record>,
) -> u32 {
    into.clear();
    into.extend(&[0; FRAME_HEADER_BYTES]);
    let mut count = 0;
    for record in records {
        let sequence = Sequence(stamp.first + u64::from(count));
        into.extend(&record_header(place.store, sequence, record));
        into.extend(&record.body);
        count += 1;
    }
    let body_bytes =
        u32::try_from(into.len() - FRAME_HEADER_BYTES).expect("frames are below 1 GiB");
    into.pad();
    let body_crc = crc32c_append(place.seed(), &into[FRAME_HEADER_BYTES..]);
    let header = &mut into[..FRAME_HEADER_BYTES];
    put(header, 0, MAGIC);
    put(header, 4, &body_bytes.to_le_bytes());
    put(header, 8, &u32::to_le_bytes(count));
    put(header, 16, &stamp.first.to_le_bytes());
    put(header, 24, &stamp.time.as_nanos().to_le_bytes());
    put(header, 32, &stamp.durable_sequence.to_le_bytes());
    put(header, 40, &stamp.durable_offset.to_le_bytes());
    put(header, 48, &stamp.epoch.to_le_bytes());
    put(header, 56, &stamp.previous.to_le_bytes());
    put(header, 60, &body_crc.to_le_bytes());
    let chain = crc32c_append(place.seed(), &header[..HEADER_CRC_OFFSET]);
    put(header, HEADER_CRC_OFFSET, &chain.to_le_bytes());
    chain
}

fn record_header(store: StoreId, sequence: Sequence, record: &Record) -> [u8; RECORD_HEADER_BYTES] {
    let mut header = [0; RECORD_HEADER_BYTES];
    let body_bytes = u32::try_from(record.body.len()).expect("records are below 1 MiB");
    put(&mut header, 0, &body_bytes.to_le_bytes());
    header[4] = record.kind;
    let crc = record_crc(store, sequence, &header[..8], &record.body);
    put(&mut header, 8, &crc.to_le_bytes());
    header
}

fn record_crc(store: StoreId, sequence: Sequence, header: &[u8], body: &[u8]) -> u32 {
    let seed = crc32c_append(crc32c(&store.0), &sequence.0.to_le_bytes());
    crc32c_append(crc32c_append(seed, header), body)
}

impl FrameHeader {
    /// Reads the header at the start of `bytes`, or says what is wrong with it.
    pub(crate) fn decode(place: Place, bytes: &[u8]) -> Result<Self, &'static str> {
        let Some(bytes) = bytes.get(..FRAME_HEADER_BYTES) else {
            return Err("the file ends within a frame header");
        };
        let fields = Fields(bytes);
        if bytes[..4] != MAGIC[..] {
            return Err("no frame begins here");
        }
        let chain = fields.u32(HEADER_CRC_OFFSET);
        if crc32c_append(place.seed(), &bytes[..HEADER_CRC_OFFSET]) != chain {
            return Err("the frame header does not match its checksum");
        }
        let stamp = Stamp {
            first: fields.u64(16),
            time: Timestamp::from_nanos(fields.i64(24)),
            durable_sequence: fields.u64(32),
            durable_offset: fields.u64(40),
            epoch: fields.u64(48),
            previous: fields.u32(56),
        };
        let (body_bytes, records) = (fields.u32(4), fields.u32(8));
        Ok(Self {
            stamp,
            records,
            body_bytes,
            body_crc: fields.u32(60),
            chain,
        })
    }

    /// Bytes the frame takes on disk.
    pub(crate) fn frame_bytes(&self) -> usize {
        frame_bytes(self.body_bytes as usize)
    }

    /// The sequence of the record after its last.
    pub(crate) fn end(&self) -> u64 {
        self.stamp.first.saturating_add(u64::from(self.records))
    }

    /// The records' bytes of the whole frame `bytes`, once they match their checksum.
    pub(crate) fn body(&self, place: Place, bytes: &[u8]) -> Result<Bytes, &'static str> {
        let Some(padded) = bytes.get(FRAME_HEADER_BYTES..self.frame_bytes()) else {
            return Err("the file ends within a frame");
        };
        if crc32c_append(place.seed(), padded) != self.body_crc {
            return Err("the frame does not match its checksum");
        }
        Ok(Bytes::copy_from_slice(&padded[..self.body_bytes as usize]))
    }

    /// Takes a body apart into its records.
    pub(crate) fn entries(&self, store: StoreId, body: &Bytes) -> Result<Vec<Entry>, &'static str> {
        let mut entries = Vec::new();
        let mut at = 0;
        while at < body.len() {
            let sequence = Sequence(self.stamp.first.saturating_add(entries.len() as u64));
            let (kind, record) = decode_record(store, sequence, &body.slice(at..))?;
            at += RECORD_HEADER_BYTES + record.len();
            entries.push(Entry {
                sequence,
                time: self.stamp.time,
                kind,
                body: record,
            });
        }
        if entries.len() as u64 != u64::from(self.records) {
            return Err("the frame holds another number of records than it says");
        }
        Ok(entries)
    }
}

fn decode_record(
    store: StoreId,
    sequence: Sequence,
    bytes: &Bytes,
) -> Result<(u8, Bytes), &'static str> {
    let Some(header) = bytes.get(..RECORD_HEADER_BYTES) else {
        return Err("the frame ends within a record header");
    };
    let fields = Fields(header);
    let end = RECORD_HEADER_BYTES + fields.u32(0) as usize;
    if end > bytes.len() {
        return Err("the frame ends within a record");
    }
    let body = bytes.slice(RECORD_HEADER_BYTES..end);
    if record_crc(store, sequence, &header[..8], &body) != fields.u32(8) {
        return Err("a record does not match its checksum");
    }
    Ok((header[4], body))
}
