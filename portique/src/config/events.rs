use std::time::Duration;

use super::limit::Limit;
use super::problem::Problem;
use super::raw::RawConfig;

/// A minute, under which a slow reader has no chance, to ten years.
const RETAIN_AGE_S: Limit = Limit::of("events.retain_age_s", "seconds", 60.0, 315_360_000.0);
/// Four segments of the journal, to 1 PiB, beyond which a number is a mistake.
const RETAIN_BYTES: Limit = Limit::of(
    "events.retain_bytes",
    "bytes",
    268_435_456.0,
    1_125_899_906_842_624.0,
);
/// 1 MiB, under which a reader of a page waits for seconds, to 1 TiB.
const REPLAY_BYTES_PER_S: Limit = Limit::of(
    "events.replay_bytes_per_s",
    "bytes a second",
    1_048_576.0,
    1_099_511_627_776.0,
);
/// What one consumer reads at full speed; a disk that is worth a hub gives several times as much.
const REPLAY_BYTES_PER_S_DEFAULT: u64 = 64 << 20;

/// How long what happened is kept, and how fast it is read again.
///
/// What is kept goes when either limit is passed, a segment of the journal at a time, unless a
/// consumer has not settled it, a job needs it, or a compaction holds it. Without limits all is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventsConfig {
    /// Age of what is kept; without limit by default, range 60 s to ten years.
    pub retain_age: Option<Duration>,
    /// Bytes of what is kept; without limit by default, range 256 MiB to 1 PiB.
    pub retain_bytes: Option<u64>,
    /// Bytes a second that all reading of old events together may take from the disk; default 64 MiB,
    /// range 1 MiB to 1 TiB.
    pub replay_bytes_per_second: u64,
}

impl Default for EventsConfig {
    fn default() -> Self {
        Self {
            retain_age: None,
            retain_bytes: None,
            replay_bytes_per_second: REPLAY_BYTES_PER_S_DEFAULT,
        }
    }
}

pub(super) fn resolve(raw: &RawConfig, problems: &mut Vec<Problem>) -> EventsConfig {
    let age = RETAIN_AGE_S.resolve(raw.retain_age_s.as_ref(), problems);
    let bytes = RETAIN_BYTES.resolve(raw.retain_bytes.as_ref(), problems);
    let replay = REPLAY_BYTES_PER_S.resolve(raw.replay_bytes_per_s.as_ref(), problems);
    EventsConfig {
        retain_age: age.map(Duration::from_secs_f64),
        retain_bytes: bytes.map(|bytes| bytes as u64),
        replay_bytes_per_second: replay.map_or(REPLAY_BYTES_PER_S_DEFAULT, |bytes| bytes as u64),
    }
}
