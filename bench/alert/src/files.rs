//! The files that both sides read.

use std::fmt::Write;

/// Rules of a group.
const RULES_A_GROUP: usize = 50;

/// When rules are evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trigger {
    /// As samples arrive; ours only.
    Ingest,
    /// At the interval of the server.
    Interval,
}

/// The rule that fires, and as many others.
pub(crate) fn rules(others: usize, trigger: Trigger) -> String {
    let group = |text: &mut String, name: &str| {
        let _ = writeln!(text, "- name: {name}");
        if trigger == Trigger::Ingest {
            text.push_str("  trigger: ingest\n");
        }
        text.push_str("  rules:\n");
    };
    let mut text = "groups:\n".to_owned();
    group(&mut text, "trial");
    rule(&mut text, "TrialTooHigh", "trial_level > 100");
    for number in 0..others {
        if number % RULES_A_GROUP == 0 {
            group(&mut text, &format!("others-{number}"));
        }
        let expression = format!("other_{number:04} > 100");
        rule(&mut text, &format!("Other{number:04}"), &expression);
    }
    text
}

fn rule(text: &mut String, name: &str, expression: &str) {
    let _ = writeln!(text, "  - alert: {name}\n    expr: {expression}");
}

/// Every trial is a group, and no group waits.
pub(crate) fn routes(webhook_port: u16) -> String {
    format!(
        "route:\n  receiver: bench\n  group_by: [trial]\n  group_wait: 0s\n  group_interval: 1s\n\
         receivers:\n- name: bench\n  webhook_configs:\n  - url: http://127.0.0.1:{webhook_port}/hook\n"
    )
}
