//! The rules that ship with payments, in Prometheus' format.

/// Name and text of each file.
pub const RULE_FILES: [(&str, &str); 1] = [(
    "payments/pipeline.yml",
    include_str!("../rules/pipeline.yml"),
)];
