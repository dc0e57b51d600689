//! Messages of ISO 20022: credit transfers that customers hand in, statements that they get.

mod credit_transfer;
mod statement;
mod tree;

pub use credit_transfer::{CreditTransfers, TRANSFERS_MAX, read_credit_transfers};
pub use statement::{read_statements, write_statement};
pub use tree::{MESSAGE_BYTES_MAX, MessageError};
