//! What the disk allows: synchronous writes one after the other, and nothing else.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use portique_journal::{Disk, FolderDisk, Sectors};
use thread_priority::{
    RealtimeThreadSchedulePolicy, ThreadPriority, ThreadPriorityValue, ThreadSchedulePolicy,
    set_thread_priority_and_policy, thread_native_id,
};

use crate::BODY_BYTES;

/// As large as a segment; it is written again from its start when it is full.
const FILE_BYTES: u64 = 64 * 1024 * 1024;
const ZEROS_BYTES: usize = 1024 * 1024;
/// What the journal adds to a frame and to each record: see docs/formats/journal.md.
const FRAME_HEADER_BYTES: usize = 72;
const RECORD_HEADER_BYTES: usize = 12;

/// Synchronous writes per second of a frame that holds one record of each writer.
pub(crate) fn measure(folder: &Path, writers: usize, span: Duration) -> anyhow::Result<f64> {
    let disk = FolderDisk::open(folder)?;
    let run = move || -> anyhow::Result<f64> {
        let file = disk.create("limit")?;
        let zeros = Sectors::zeroed(ZEROS_BYTES);
        for offset in (0..FILE_BYTES).step_by(ZEROS_BYTES) {
            file.write_at(offset, &zeros)?;
        }
        file.sync()?;
        // Like the committer's thread; where that is not allowed, neither has it.
        let _ = set_thread_priority_and_policy(
            thread_native_id(),
            ThreadPriority::Crossplatform(
                ThreadPriorityValue::try_from(1).map_err(|e| anyhow!(e))?,
            ),
            ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::Fifo),
        );
        let frame_bytes = FRAME_HEADER_BYTES + writers * (RECORD_HEADER_BYTES + BODY_BYTES);
        let mut frame = Sectors::zeroed(frame_bytes);
        frame.fill(0xa5);
        let (start, mut offset, mut writes) = (Instant::now(), 0, 0_u32);
        while start.elapsed() < span {
            file.write_at(offset, &frame)?;
            file.sync()?;
            writes += 1;
            offset += frame.len() as u64;
            if offset + frame.len() as u64 > FILE_BYTES {
                offset = 0;
            }
        }
        Ok(f64::from(writes) / start.elapsed().as_secs_f64())
    };
    thread::spawn(run)
        .join()
        .map_err(|_| anyhow!("the measuring thread panicked"))?
}
