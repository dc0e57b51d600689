//! `portique user`, `role`, `token`, `approvals` and `audit`: who may do what, what takes two, and what they did.
//!
//! Passwords come from a prompt or from standard input and never from the command line, which every process of the
//! machine can read.

mod approvals;
mod audit;
mod password;
mod roles;
mod tokens;
mod users;

pub(super) use approvals::Approvals;
pub(super) use audit::Audit;
pub(super) use roles::Role;
pub(super) use tokens::TokenVerb;
pub(super) use users::User;

use serde_json::Value;

/// A list under a key in one cell, or a dash.
fn joined(value: &Value, key: &str) -> String {
    let items = value[key].as_array().into_iter().flatten();
    let items: Vec<&str> = items.filter_map(Value::as_str).collect();
    match items.is_empty() {
        true => "-".into(),
        false => items.join(" "),
    }
}

/// A yes, or a dash.
fn flag(value: &Value, key: &str) -> String {
    match value[key].as_bool() {
        Some(true) => "yes".into(),
        _ => "-".into(),
    }
}
