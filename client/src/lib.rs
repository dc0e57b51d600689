//! The ports over the wire: what worker processes and other programs link.

pub mod proto;
