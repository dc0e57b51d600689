use std::time::Duration;

use crate::Error;
use crate::frame::{FRAME_HEADER_BYTES, RECORD_HEADER_BYTES};
use crate::sectors::SECTOR_BYTES;

/// Longest body of one record: a larger payload belongs in a file beside the journal, or it would
/// hold up every small record that shares its frame.
pub const RECORD_BYTES_MAX: usize = 1024 * 1024;
/// A segment costs two folder operations and three syncs, which this spreads over a second of
/// writing at full speed; it is also the unit that retention frees.
const SEGMENT_BYTES: u64 = 64 * 1024 * 1024;
/// Smallest segment: its header and one frame of one sector.
const SEGMENT_BYTES_MIN: u64 = 2 * SECTOR_BYTES as u64;
/// Largest segment: zeroing one ahead must stay a matter of seconds.
const SEGMENT_BYTES_MAX: u64 = 1024 * 1024 * 1024;
/// A frame this large takes a few milliseconds to write; beyond it latency grows, not throughput.
const FRAME_BYTES_MAX: usize = 4 * 1024 * 1024;
/// As many records as fill that frame at about 500 bytes each.
const FRAME_RECORDS_MAX: usize = 8_192;
/// Four frames: one being written, the rest hides the caller's own pauses.
const QUEUE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Two segments: what acknowledgements and deletions need until space is freed.
const RESERVE_BYTES: u64 = 2 * SEGMENT_BYTES;
/// Long enough that a busy journal never pays for it, short enough that a quiet one is exact.
const IDLE_WATERMARK: Duration = Duration::from_millis(5);

/// How a journal is laid out and limited.
#[derive(Debug, Clone)]
pub struct Config {
    /// Bytes per segment file, a multiple of 4,096 from 8 KiB to 1 GiB; default 64 MiB. Segments
    /// that exist keep their own.
    pub segment_bytes: u64,
    /// Largest frame with its header, in bytes, a multiple of 4,096 that fits one segment; default
    /// 4 MiB.
    pub frame_bytes_max: usize,
    /// Most records in one frame, 1 to 65,536; default 8,192.
    pub frame_records_max: usize,
    /// Most bytes waiting for the committer before [`Error::Full`]; at least one frame; default
    /// 16 MiB.
    pub queue_bytes_max: usize,
    /// Free space on the disk below which only [`Lane::Drain`](crate::Lane::Drain) is accepted;
    /// default 128 MiB.
    pub reserve_bytes: u64,
    /// What retention may drop.
    pub retention: Retention,
    /// How long the journal must be idle before an empty frame carries its watermark; default
    /// 5 ms.
    pub idle_watermark: Duration,
}

/// When a segment may go, once [`Journal::trim`](crate::Journal::trim) has released it.
///
/// A segment goes when either limit is passed; with neither, none ever goes.
#[derive(Debug, Clone, Default)]
pub struct Retention {
    /// Age of a segment's youngest record.
    pub age: Option<Duration>,
    /// Bytes of all segments together.
    pub bytes: Option<u64>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            segment_bytes: SEGMENT_BYTES,
            frame_bytes_max: FRAME_BYTES_MAX,
            frame_records_max: FRAME_RECORDS_MAX,
            queue_bytes_max: QUEUE_BYTES_MAX,
            reserve_bytes: RESERVE_BYTES,
            retention: Retention::default(),
            idle_watermark: IDLE_WATERMARK,
        }
    }
}

impl Config {
    pub(crate) fn check(&self) -> Result<(), Error> {
        let sector = SECTOR_BYTES as u64;
        let refuse = |name, problem: &str| {
            Err(Error::Config {
                name,
                problem: problem.to_owned(),
            })
        };
        if !self.segment_bytes.is_multiple_of(sector)
            || !(SEGMENT_BYTES_MIN..=SEGMENT_BYTES_MAX).contains(&self.segment_bytes)
        {
            return refuse(
                "segment_bytes",
                "not a multiple of 4096 from 8 KiB to 1 GiB",
            );
        }
        if !self.frame_bytes_max.is_multiple_of(SECTOR_BYTES)
            || self.frame_bytes_max == 0
            || self.frame_bytes_max as u64 > self.segment_bytes - sector
        {
            return refuse(
                "frame_bytes_max",
                "not a multiple of 4096 that fits in one segment",
            );
        }
        if !(1..=65_536).contains(&self.frame_records_max) {
            return refuse("frame_records_max", "not from 1 to 65536");
        }
        if self.queue_bytes_max < self.frame_bytes_max {
            return refuse("queue_bytes_max", "less than frame_bytes_max");
        }
        Ok(())
    }

    /// Bytes that records with their headers may take in one frame.
    pub(crate) fn body_bytes_max(&self) -> usize {
        self.frame_bytes_max - FRAME_HEADER_BYTES
    }

    /// Longest body of one record under this configuration.
    pub(crate) fn record_bytes_max(&self) -> usize {
        RECORD_BYTES_MAX.min(self.body_bytes_max() - RECORD_HEADER_BYTES)
    }
}
