use super::raw::RawConfig;

/// What is open to whoever shows neither a token nor a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessConfig {
    /// Whether missions, telemetry, alerts, pools and the state of queues can be read; on by default, as the hub
    /// listens on this machine only unless it is told otherwise. Payloads are never open.
    pub open_reads: bool,
}

impl Default for AccessConfig {
    fn default() -> Self {
        Self { open_reads: true }
    }
}

pub(super) fn resolve(raw: &RawConfig) -> AccessConfig {
    let written = raw.open_reads.as_ref();
    AccessConfig {
        open_reads: written.is_none_or(|written| written.value),
    }
}
