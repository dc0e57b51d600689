//! The machine's limit: how often the disk makes a sector durable for one who waits each time.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::time::Instant;

/// Bytes of one write: what the journal writes for one small event.
const SECTOR_BYTES: usize = 4096;
/// The file is written full first, so that no write changes its size or its map.
const SECTORS: usize = 4096;
/// Writes that are timed.
const WRITES: usize = 2_000;

/// Writes a second that were each synced before the next.
pub(crate) fn synced_writes() -> anyhow::Result<f64> {
    let folder = tempfile::tempdir()?;
    let file = File::create_new(folder.path().join("sectors"))?;
    let sector = [7_u8; SECTOR_BYTES];
    for number in 0..SECTORS {
        file.write_all_at(&sector, (number * SECTOR_BYTES) as u64)?;
    }
    file.sync_all()?;
    let begin = Instant::now();
    for number in 0..WRITES {
        file.write_all_at(&sector, ((number % SECTORS) * SECTOR_BYTES) as u64)?;
        file.sync_data()?;
    }
    Ok(WRITES as f64 / begin.elapsed().as_secs_f64())
}
