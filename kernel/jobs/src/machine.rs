//! The state machine behind the embedded engine: facts in, decisions out.

mod parts;
