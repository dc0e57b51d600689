use serde::{Deserialize, Serialize};

/// Something of what was handed in that is not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Refused {
    /// Which transaction, from 1.
    pub number: u64,
    /// On which line it begins, from 1.
    pub line: u64,
    /// Why, and what would be right.
    pub reason: String,
}

pub(crate) fn refuse(number: u64, line: usize, reason: String) -> Refused {
    Refused {
        number,
        line: line as u64,
        reason,
    }
}
