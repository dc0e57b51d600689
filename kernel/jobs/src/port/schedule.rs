use portique_clock::Timestamp;

use crate::{JobId, NewJob, ScheduleName};

/// Jobs made by the clock.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    /// Its name.
    pub name: ScheduleName,
    /// Five fields (minute, hour, day of month, month, day of week), or six with seconds first.
    pub cron: String,
    /// A time zone of the IANA database, such as `Europe/Paris`; `UTC` for none.
    pub zone: String,
    /// What each tick enqueues; `run_at` and `idempotency_key` must be absent.
    pub job: NewJob,
    /// What becomes of ticks that passed while nobody could see to them.
    pub missed: MissedTicks,
    /// What a tick does while the job of an earlier one is not finished.
    pub overlap: Overlap,
    /// Ticks come to nothing.
    pub is_paused: bool,
}

/// What becomes of ticks that passed while the engine was down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MissedTicks {
    /// They are left out.
    Skip,
    /// One job for all of them.
    #[default]
    Last,
    /// One job each, at most 100; the oldest are left out.
    All,
}

/// What a tick does while the job of an earlier one is not finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Overlap {
    /// It enqueues another.
    #[default]
    Queue,
    /// It is left out.
    Skip,
    /// It cancels the earlier one.
    Replace,
}

/// A schedule and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct ScheduleState {
    /// As defined.
    pub schedule: Schedule,
    /// The next tick; none when there is none.
    pub next: Option<Timestamp>,
    /// The last tick and the job it made, if it made one.
    pub last: Option<(Timestamp, Option<JobId>)>,
}
