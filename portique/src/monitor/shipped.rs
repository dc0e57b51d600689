//! Rules about the hub itself, which are part of the program.

use super::load::ShippedRules;

/// Every file, as `src/monitor/shipped` has it.
pub(crate) const HUB_RULES: [ShippedRules; 5] = [
    ShippedRules {
        name: "portique/hub.yml",
        text: include_str!("shipped/hub.yml"),
    },
    ShippedRules {
        name: "portique/pools.yml",
        text: include_str!("shipped/pools.yml"),
    },
    ShippedRules {
        name: "portique/telemetry.yml",
        text: include_str!("shipped/telemetry.yml"),
    },
    ShippedRules {
        name: "portique/watching.yml",
        text: include_str!("shipped/watching.yml"),
    },
    ShippedRules {
        name: "portique/work.yml",
        text: include_str!("shipped/work.yml"),
    },
];
