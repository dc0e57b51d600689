//! Rules, alerts and who is told of them.

mod alert;
mod duration;
mod problem;
mod yaml;

pub use alert::{ALERT_NAME, Alert, AlertState, Fingerprint};
pub use duration::{format_duration, parse_duration};
pub use problem::Problem;
