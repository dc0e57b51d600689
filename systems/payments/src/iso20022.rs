//! Messages of ISO 20022: credit transfers that customers hand in.

mod credit_transfer;
mod tree;

pub use credit_transfer::{CreditTransfers, TRANSFERS_MAX, read_credit_transfers};
pub use tree::{MESSAGE_BYTES_MAX, MessageError};
