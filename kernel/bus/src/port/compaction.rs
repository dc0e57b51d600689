use portique_event::Filter;

use crate::CompactionName;

/// A compaction and what it holds, for people and metrics.
///
/// While it exists, the newest event of each key (see [`ConsumerKind::Keyed`](crate::ConsumerKind))
/// among those that pass its filter stays readable, however old: retention passes it over. An event
/// without a key is not held.
#[derive(Debug, Clone, PartialEq)]
pub struct CompactionState {
    /// Its name.
    pub name: CompactionName,
    /// Which subjects it holds.
    pub filter: Filter,
    /// Keys it holds the newest event of.
    pub keys: u64,
    /// Events it could not hold because a limit of the engine is reached; they go with retention.
    pub refused: u64,
}
