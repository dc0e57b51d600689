//! Exemplars, whatever the format they come in.

use portique_series::Labels;

use crate::Reason;
use crate::rejection::Bad;

/// Most characters of an exemplar's label names and values together.
///
/// Source: OpenMetrics 1.0, exemplars.
pub(crate) const EXEMPLAR_CHARS_MAX: usize = 128;

/// The labels of an exemplar, if OpenMetrics allows them.
pub(crate) fn exemplar_labels<'a>(
    pairs: impl Iterator<Item = (&'a str, &'a str)> + Clone,
) -> Result<Labels, Bad> {
    let chars: usize = pairs
        .clone()
        .map(|(name, value)| name.chars().count() + value.chars().count())
        .sum();
    if chars > EXEMPLAR_CHARS_MAX {
        let wrong = format!("the labels of an exemplar take {chars} characters");
        let right = format!("at most {EXEMPLAR_CHARS_MAX} are allowed");
        return Err(Bad::new(Reason::BadExemplar, format!("{wrong}, {right}")));
    }
    if pairs.clone().any(|(name, _)| name.is_empty()) {
        return Err(Bad::new(
            Reason::BadExemplar,
            "a label of an exemplar has no name",
        ));
    }
    Ok(Labels::from_pairs(pairs))
}
