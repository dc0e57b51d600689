use std::time::Duration;

use portique_event::Filter;

/// Enough for the last seconds of a busy hub, so that a consumer that keeps up never reads a file.
const TAIL_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Some tens of thousands of small jobs, so that those that are claimed soon never read a file.
const JOB_TAIL_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Replaying this many facts takes well under a second, which is what a start may cost.
const CHECKPOINT_RECORDS: u64 = 65_536;
/// A quiet hub frees old segments within minutes.
const CHECKPOINT_INTERVAL: Duration = Duration::from_secs(5 * 60);

/// About what one consumer reads at full speed; a disk that is worth a hub gives several times as
/// much.
const REPLAY_BYTES_PER_SECOND: u64 = 64 * 1024 * 1024;

/// How much the broker keeps at hand.
#[derive(Debug, Clone)]
pub struct Config {
    /// Most bytes of recent events kept in memory; older ones are read from the journal. Default
    /// 16 MiB.
    pub tail_bytes_max: usize,
    /// Most bytes of recent jobs kept in memory until they are finished; older ones are read from the
    /// journal. Default 32 MiB.
    pub job_tail_bytes_max: usize,
    /// Records after which a checkpoint is due; at least 1, default 65,536.
    pub checkpoint_records: u64,
    /// Time after which a checkpoint is due when anything was written; default 5 minutes.
    pub checkpoint_interval: Duration,
    /// Bytes of events that all reading of old events together may take from the disk in a second,
    /// at least 1, default 64 MiB; reading beyond waits. Consumers and jobs are not held back.
    pub replay_bytes_per_second: u64,
    /// Events that pass one of these are published also when a queue does not take the jobs they are
    /// bound to: those jobs are left out, which is logged and counted. Default none.
    pub unhindered: Vec<Filter>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            tail_bytes_max: TAIL_BYTES_MAX,
            job_tail_bytes_max: JOB_TAIL_BYTES_MAX,
            checkpoint_records: CHECKPOINT_RECORDS,
            checkpoint_interval: CHECKPOINT_INTERVAL,
            replay_bytes_per_second: REPLAY_BYTES_PER_SECOND,
            unhindered: Vec::new(),
        }
    }
}
