//! What the embedded engine claims of the two ports, which their suites hold it to.

use portique_bus::conformance::Capabilities as BusCapabilities;
use portique_jobs::conformance::Capabilities as JobsCapabilities;

/// Of the bus: everything.
pub const BUS_CLAIMS: BusCapabilities = BusCapabilities {
    start_by_time: true,
    delayed_nak: true,
    durable: true,
    keyed: true,
    inactive_after: true,
    extend: true,
    seek: true,
    compaction: true,
    replay: true,
    batch_events_max: 1_000,
};

/// Of the job queues: everything.
pub const JOBS_CLAIMS: JobsCapabilities = JobsCapabilities::all(8_000);
