//! Which labels a result has.

use portique_series::{Labels, METRIC_NAME};

/// Labels that say what a metric is; an operation whose result is another thing takes them off.
const METADATA: [&str; 3] = [METRIC_NAME, "__type__", "__unit__"];

/// Without the metric's name, type and unit.
pub(crate) fn without_metadata(labels: &Labels) -> Labels {
    labels.only(|name| !is_metadata(name))
}

/// Whether a label says what a metric is.
pub(crate) fn is_metadata(name: &str) -> bool {
    METADATA.contains(&name)
}

/// Appends what distinguishes series when only some labels count (`kept`), each name and value ended.
///
/// Equal texts mean equal labels among those kept: the bytes that end them occur in no UTF-8 text.
pub(crate) fn signature(labels: &Labels, kept: impl Fn(&str) -> bool, into: &mut Vec<u8>) {
    into.clear();
    for (name, value) in labels.iter() {
        if kept(name) {
            into.extend_from_slice(name.as_bytes());
            into.push(0xFE);
            into.extend_from_slice(value.as_bytes());
            into.push(0xFF);
        }
    }
}
