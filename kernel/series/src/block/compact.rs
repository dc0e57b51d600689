//! Compaction: what is due in a folder of blocks, and doing it.
//!
//! [`plan_compaction`] looks at what blocks say of themselves and nothing else; [`run_compaction`] does one step. A
//! step that a crash or an error ends has either been done, or leaves nothing but files that the next opening of the
//! folder removes: planning again finds what is left to do.

mod merge;
mod plan;
mod run;
mod thin;

pub use plan::{CompactionConfig, CompactionStep, TierConfig, plan_compaction};
pub use run::{Compacted, run_compaction};
