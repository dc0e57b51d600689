//! A queue in one line.

use serde_json::Value;

use super::super::span::in_words;
use super::super::words::{number, text};

/// What [`row`] has.
pub(in super::super) const COLUMNS: [&str; 12] = [
    "queue",
    "state",
    "waiting",
    "ready",
    "delayed",
    "failed",
    "active",
    "dead",
    "oldest",
    "in/s",
    "out/s",
    "why jobs wait",
];

/// The queues of an answer.
pub(in super::super) fn list(answer: &Value) -> impl Iterator<Item = &Value> {
    let list = answer.as_array().or_else(|| answer["queues"].as_array());
    list.into_iter().flatten()
}

/// Due jobs that nobody works on yet.
pub(in super::super) fn backlog(queue: &Value) -> u64 {
    count(queue, "waiting") + count(queue, "prioritized")
}

/// A cell per column.
pub(in super::super) fn row(queue: &Value) -> [String; 12] {
    let counted = |name| count(queue, name).to_string();
    let oldest = queue["oldest_s"].as_f64().filter(|_| backlog(queue) > 0);
    [
        text(queue, "name"),
        state(queue),
        backlog(queue).to_string(),
        text(queue, "ready"),
        (count(queue, "delayed") + count(queue, "blocked")).to_string(),
        counted("failed"),
        counted("active"),
        counted("dead"),
        oldest.map_or_else(|| "-".to_owned(), in_words),
        number(queue, "arrival_rate", 1),
        number(queue, "completion_rate", 1),
        reasons(&queue["waits"]),
    ]
}

fn count(queue: &Value, name: &str) -> u64 {
    queue["counts"][name].as_u64().unwrap_or_default()
}

fn state(queue: &Value) -> String {
    let is = |name: &str| queue[name].as_bool() == Some(true);
    let state = match (is("paused"), is("draining")) {
        (true, true) => "paused, draining",
        (true, false) => "paused",
        (false, true) => "draining",
        (false, false) => "open",
    };
    match queue["paused_groups"].as_array().map_or(0, Vec::len) {
        0 => state.to_owned(),
        groups => format!("{state}, {groups} groups paused"),
    }
}

/// What keeps most of them first.
fn reasons(waits: &Value) -> String {
    let mut counts: Vec<(&str, u64)> = waits
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(reason, jobs)| Some((reason.as_str(), jobs.as_u64()?)))
        .filter(|(_, jobs)| *jobs > 0)
        .collect();
    counts.sort_by_key(|(reason, jobs)| (std::cmp::Reverse(*jobs), *reason));
    let words = counts
        .iter()
        .map(|(reason, jobs)| format!("{} {jobs}", reason.replace('_', " ")));
    words.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_queue_says_in_one_line_what_keeps_its_jobs() {
        let queue = json!({
            "name": "emails", "paused": false, "draining": true, "paused_groups": ["acme"],
            "counts": { "waiting": 7, "prioritized": 2, "delayed": 1, "blocked": 3, "failed": 4,
                        "active": 5, "dead": 6 },
            "ready": 8, "oldest_s": 65.2, "arrival_rate": 1.25, "completion_rate": 0.0,
            "waits": { "turn": 2, "group_paused": 7, "no_workers": 0 },
        });
        let expected = [
            "emails",
            "draining, 1 groups paused",
            "9",
            "8",
            "4",
            "4",
            "5",
            "6",
            "1m 5s",
            "1.2",
            "0.0",
            "group paused 7, turn 2",
        ];
        assert_eq!(row(&queue), expected);
    }
}
