use std::io;
use std::ops::RangeInclusive;

use bytes::Bytes;

use crate::catalog::Start;
use crate::frame::{FrameHeader, Place};
use crate::segment::SegmentHeader;
use crate::{DiskFile, Entry, SECTOR_BYTES, StoreId};

/// The first read of a walk: most frames of a quiet journal are one sector, and some readers want
/// one frame only.
const WINDOW_BYTES_MIN: usize = 16 * 1024;
/// Later reads: enough to make the calls cheap, small enough to stay in the processor's cache.
const WINDOW_BYTES_MAX: usize = 512 * 1024;

/// A walk from frame to frame through one segment.
pub(crate) struct Walk {
    file: Box<dyn DiskFile>,
    pub(crate) store: StoreId,
    pub(crate) number: u64,
    segment_bytes: u64,
    /// What comes next.
    pub(crate) position: Position,
    window: Window,
}

/// A place between two frames of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) offset: u64,
    /// The chain value of what comes before.
    pub(crate) chain: u32,
    /// The sequence of the next record.
    pub(crate) sequence: u64,
}

impl Position {
    /// The first frame of a segment with this header and chain value.
    pub(crate) fn start(header: &SegmentHeader, chain: u32) -> Self {
        Self {
            offset: SECTOR_BYTES as u64,
            chain,
            sequence: header.first,
        }
    }
}

/// What stands at a position.
pub(crate) enum Found {
    /// The next frame.
    Frame(Frame),
    /// No valid frame; a broken one, an unwritten place, or the segment's end.
    Nothing(&'static str),
    /// A frame that is valid by itself but cannot follow what comes before it.
    Misfit(&'static str),
}

/// A frame that matches its checksums and follows from the one before.
pub(crate) struct Frame {
    /// Where it begins.
    pub(crate) start: Position,
    pub(crate) header: FrameHeader,
    body: Bytes,
    store: StoreId,
}

impl Frame {
    /// Its records.
    pub(crate) fn entries(&self) -> Result<Vec<Entry>, &'static str> {
        self.header.entries(self.store, &self.body)
    }
}

struct Window {
    start: u64,
    bytes: Vec<u8>,
    next_bytes: usize,
}

impl Walk {
    pub(crate) fn new(
        file: Box<dyn DiskFile>,
        store: StoreId,
        number: u64,
        segment_bytes: u64,
        position: Position,
    ) -> Self {
        let window = Window {
            start: 0,
            bytes: Vec::new(),
            next_bytes: WINDOW_BYTES_MIN,
        };
        Self {
            file,
            store,
            number,
            segment_bytes,
            position,
            window,
        }
    }

    /// Where it stands, to begin another walk there.
    pub(crate) fn start(&self) -> Start {
        Start {
            number: self.number,
            bytes: self.segment_bytes,
            position: self.position,
        }
    }

    /// Reads the frame at the position and moves behind it.
    pub(crate) fn step(&mut self) -> io::Result<Found> {
        let mut found = self.look();
        if found.is_err() && self.position.offset < self.segment_bytes {
            // The window may end here, or be older than the frame.
            let wanted = found.err().map_or(0, |lack| lack.wanted_bytes);
            self.window
                .fill(self.file.as_ref(), self.position.offset, wanted)?;
            found = self.look();
            if let Err(Lack { wanted_bytes, .. }) = found
                && wanted_bytes > self.window.bytes.len()
            {
                self.window
                    .fill(self.file.as_ref(), self.position.offset, wanted_bytes)?;
                found = self.look();
            }
        }
        let frame = match found {
            Ok(frame) => frame,
            Err(lack) => return Ok(Found::Nothing(lack.reason)),
        };
        let header = &frame.header;
        if header.stamp.previous != self.position.chain {
            return Ok(Found::Misfit(
                "the frame follows another one than the one before it",
            ));
        }
        if header.stamp.first != self.position.sequence {
            return Ok(Found::Misfit("the frame begins with another sequence"));
        }
        self.position.offset += header.frame_bytes() as u64;
        self.position.chain = header.chain;
        self.position.sequence = header.end();
        Ok(Found::Frame(frame))
    }

    /// Moves to the next whole frame behind this place whose first sequence lies in `firsts`, which
    /// need not follow from what comes before; false when there is none in this segment.
    pub(crate) fn find(&mut self, firsts: RangeInclusive<u64>) -> io::Result<bool> {
        let start = self.position;
        loop {
            self.position.offset += SECTOR_BYTES as u64;
            if self.position.offset >= self.segment_bytes {
                self.position = start;
                return Ok(false);
            }
            let Some(header) = self.find_here()? else {
                continue;
            };
            if firsts.contains(&header.stamp.first) {
                self.position.chain = header.stamp.previous;
                self.position.sequence = header.stamp.first;
                return Ok(true);
            }
        }
    }

    /// The header of the whole frame at the position, if there is one.
    fn find_here(&mut self) -> io::Result<Option<FrameHeader>> {
        let offset = self.position.offset;
        if self.window.from(offset).len() < SECTOR_BYTES {
            self.window.fill(self.file.as_ref(), offset, SECTOR_BYTES)?;
        }
        let mut found = self.look();
        if let Err(Lack { wanted_bytes, .. }) = found
            && wanted_bytes > SECTOR_BYTES
            && wanted_bytes > self.window.from(offset).len()
        {
            self.window.fill(self.file.as_ref(), offset, wanted_bytes)?;
            found = self.look();
        }
        Ok(found.ok().map(|frame| frame.header))
    }

    fn look(&self) -> Result<Frame, Lack> {
        let lack = |reason, wanted_bytes| Lack {
            reason,
            wanted_bytes,
        };
        let offset = self.position.offset;
        if offset >= self.segment_bytes {
            return Err(lack("the segment ends here", 0));
        }
        let place = Place {
            store: self.store,
            segment: self.number,
            offset,
        };
        let bytes = self.window.from(offset);
        let header =
            FrameHeader::decode(place, bytes).map_err(|reason| lack(reason, SECTOR_BYTES))?;
        if offset + header.frame_bytes() as u64 > self.segment_bytes {
            return Err(lack("the frame is longer than the segment", 0));
        }
        let body = header
            .body(place, bytes)
            .map_err(|reason| lack(reason, header.frame_bytes()))?;
        Ok(Frame {
            start: self.position,
            header,
            body,
            store: self.store,
        })
    }
}

#[derive(Clone, Copy)]
struct Lack {
    reason: &'static str,
    wanted_bytes: usize,
}

impl Window {
    fn from(&self, offset: u64) -> &[u8] {
        let skip = offset
            .checked_sub(self.start)
            .and_then(|skip| usize::try_from(skip).ok());
        skip.and_then(|skip| self.bytes.get(skip..)).unwrap_or(&[])
    }

    fn fill(&mut self, file: &dyn DiskFile, offset: u64, wanted_bytes: usize) -> io::Result<()> {
        self.start = offset;
        self.bytes.resize(self.next_bytes.max(wanted_bytes), 0);
        self.next_bytes = (self.next_bytes * 2).min(WINDOW_BYTES_MAX);
        let read = file.read_at(offset, &mut self.bytes)?;
        self.bytes.truncate(read);
        Ok(())
    }
}
