use crate::scrape::relabel::{RelabelAction, RelabelFault, RelabelRule, Written};
use crate::yaml::{Fields, Node, Reader};

const KEYS: [&str; 7] = [
    "source_labels",
    "separator",
    "target_label",
    "regex",
    "modulus",
    "replacement",
    "action",
];

/// Reads a list of rules.
pub(super) fn read(reader: &mut Reader, fields: &Fields<'_>, key: &str) -> Vec<RelabelRule> {
    let items = reader.items(fields.get(key), key);
    items.iter().filter_map(|node| rule(reader, node)).collect()
}

fn rule(reader: &mut Reader, node: &Node) -> Option<RelabelRule> {
    let fields = reader.fields(node, "a rule of relabelling", &KEYS)?;
    let sources = reader.items(fields.get("source_labels"), "source_labels");
    let source_labels = sources
        .iter()
        .filter_map(|node| reader.text(Some(node), "source_labels"));
    let source_labels = source_labels.collect();
    let modulus = reader.count(fields.get("modulus"), "modulus");
    let action = match fields.get("action") {
        None => RelabelAction::default(),
        // Words are taken in any case, as in Prometheus.
        Some(node) => {
            let lower = node.scalar().unwrap_or("").to_ascii_lowercase();
            let found = RelabelAction::WORDS.iter().find(|(word, _)| *word == lower);
            match found {
                Some((_, action)) => *action,
                None => {
                    let words = RelabelAction::WORDS.map(|(word, _)| word);
                    reader.problem(node, format!("action is {}", words.join(" or ")));
                    return None;
                }
            }
        }
    };
    let written = Written {
        source_labels,
        separator: reader.text(fields.get("separator"), "separator"),
        target_label: reader
            .text(fields.get("target_label"), "target_label")
            .unwrap_or_default(),
        pattern: reader.text(fields.get("regex"), "regex"),
        modulus: modulus.map_or(0, |modulus| modulus as u64),
        replacement: reader.text(fields.get("replacement"), "replacement"),
        action,
    };
    match RelabelRule::new(written) {
        Ok(rule) => Some(rule),
        Err(fault) => {
            let place = match fault {
                RelabelFault::Pattern { .. } => fields.get("regex").unwrap_or(node),
                _ => node,
            };
            reader.problem(place, fault.to_string());
            None
        }
    }
}
