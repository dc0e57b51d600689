//! Weather at the pad: observations, and what a launch needs of them.
//!
//! An [`Observation`] comes from METAR text ([`parse_metar`]), from JSON (also what no METAR has: lightning,
//! field mills, upper winds), or from a simulated station ([`Observation::calm`]). [`Criteria`] judge it:
//! each one is go, violated, or unknown because nobody observed it lately. Unknown is not go; it does not
//! stop the weather officer from voting, who may know better.
//!
//! Not here: forecasts, and so the probability of violation; an [`Evaluation`] says so.

mod criteria;
mod metar;
mod observation;
#[cfg(test)]
mod tests;

pub use criteria::{Criteria, Evaluation, Finding, State};
pub use metar::{METAR_BYTES_MAX, parse_metar};
pub use observation::{CloudLayer, Cover, Observation, Source};
