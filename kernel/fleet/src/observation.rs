use std::time::Duration;

use portique_clock::Timestamp;
use serde::{Deserialize, Serialize};

/// What waits for a pool and what it has in hand, read from the queue at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Backlog {
    /// Jobs that a worker could claim now. What is paused, limited or waits for others is not among them.
    pub ready: u64,
    /// Jobs in the hands of workers.
    pub leased: u64,
    /// Jobs whose time comes within [`look_ahead`](crate::Autoscaler::look_ahead).
    pub due_soon: u64,
    /// When the next job's time comes, if one is known.
    pub next_due: Option<Timestamp>,
    /// Age of the oldest ready job.
    pub oldest: Option<Duration>,
    /// Jobs that became ready so far, retries and due ones included; falls only when counting began anew.
    pub arrived: u64,
    /// Jobs that workers ended so far, well or not.
    pub finished: u64,
    /// Time that workers spent on those, added up.
    pub busy: Duration,
}

/// Who is there to work.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workforce {
    /// Workers that are to stay, starting ones included.
    pub present: u32,
    /// Those of them that are not ready yet.
    pub starting: u32,
    /// Workers that end what they have in hand and go.
    pub draining: u32,
    /// Workers that ended by themselves so far.
    pub crashed: u64,
    /// What the last starts took, if any was seen.
    pub start_time: Option<Duration>,
}

/// One look at a pool.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Observation {
    /// When.
    pub at: Timestamp,
    /// What waits; none when it could not be read.
    pub backlog: Option<Backlog>,
    /// Who works.
    pub workforce: Workforce,
    /// Workers that the machine has room for, those of this pool included.
    pub room: u32,
}
