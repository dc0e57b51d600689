use serde::{Deserialize, Serialize};

use crate::abort::AbortMatrix;
use crate::count::Plan;
use crate::{LinkKind, PadId, RocketId, Station};

/// A rocket as it was added: everything a restart needs to bring it back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Definition {
    /// Its name.
    pub rocket: RocketId,
    /// The vehicle's description, as TOML.
    pub vehicle: String,
    /// Where it stands.
    pub pad: PadId,
    /// How it is reached.
    pub link: LinkKind,
    /// Its count.
    pub count: Plan,
    /// Seconds of count and flight per second; 1 for anything real.
    pub time_factor: f64,
    /// Who votes.
    pub roster: Vec<Station>,
    /// What to do about critical anomalies; the standard one where it was not said.
    #[serde(default)]
    pub aborts: AbortMatrix,
}
