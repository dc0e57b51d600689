//! The rules that ship with launch control, in Prometheus' format with this project's additions.

/// Name and text of each file.
pub const RULE_FILES: [(&str, &str); 1] = [(
    "launch/anomalies.yml",
    include_str!("../rules/anomalies.yml"),
)];

#[cfg(test)]
mod tests;
