//! Weather at the pad: observations, and what a launch needs of them.
//!
//! An [`Observation`] comes from METAR text ([`parse_metar`]), from JSON (also what no METAR has: lightning,
//! field mills, upper winds), or from a simulated station ([`Observation::calm`]). [`Criteria`] judge it:
//! each one is go, violated, or unknown because nobody observed it lately. Unknown is not go; it does not
//! stop the weather officer from voting, who may know better.
//!
//! A [`Forecast`] comes from TAF text ([`parse_taf`]). For the hours of a launch window (an [`Outlook`]) it gives
//! the [`Evaluation`] its probability of violation.

mod criteria;
mod forecast;
mod metar;
mod observation;
mod taf;
#[cfg(test)]
mod tests;

pub use criteria::{Criteria, Evaluation, Finding, State};
pub use forecast::{Forecast, Likelihood, Outlook, Period};
pub use metar::{METAR_BYTES_MAX, parse_metar};
pub use observation::{CloudLayer, Cover, Observation, Source};
pub use taf::{TAF_BYTES_MAX, parse_taf};
