//! Lists that come a page at a time.

use serde_json::Value;

use super::output::{Output, say};

/// The parameters that were given.
pub(super) fn given<const N: usize>(
    query: [(&'static str, Option<String>); N],
) -> Vec<(&'static str, String)> {
    query
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
}

/// Tells people how to read on; programs see it in the page.
pub(super) fn hint_at_next(output: Output, page: &Value) {
    let next = match page.get("next") {
        Some(Value::String(next)) => next.clone(),
        Some(Value::Number(next)) => next.to_string(),
        _ => return,
    };
    if output == Output::Table {
        say(&format!("there may be more: --after {next}"));
    }
}
