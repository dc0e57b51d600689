use serde::{Deserialize, Serialize};

use crate::Iban;

/// Money that is set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Whose it is.
    pub debtor: Iban,
    /// Whom it is for.
    pub creditor: Iban,
    /// How much, in the smallest unit.
    pub minor: i64,
}
