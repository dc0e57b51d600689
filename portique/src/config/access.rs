use super::oidc::{self, OidcConfig};
use super::problem::Problem;
use super::raw::RawConfig;

/// What is open to whoever shows neither a token nor a session, and who else signs people in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessConfig {
    /// Whether missions, telemetry, alerts, pools and the state of queues can be read; on by default, as the hub
    /// listens on this machine only unless it is told otherwise. Payloads are never open.
    pub open_reads: bool,
    /// Who says who people are, beside the hub itself; nobody by default, at most 8.
    pub oidc: Vec<OidcConfig>,
}

impl Default for AccessConfig {
    fn default() -> Self {
        Self {
            open_reads: true,
            oidc: Vec::new(),
        }
    }
}

pub(super) fn resolve(raw: &RawConfig, problems: &mut Vec<Problem>) -> AccessConfig {
    let written = raw.open_reads.as_ref();
    AccessConfig {
        open_reads: written.is_none_or(|written| written.value),
        oidc: oidc::resolve(&raw.oidc, problems),
    }
}
