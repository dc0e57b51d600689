use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use portique_series::{Labels, METRIC_NAME};

use super::RuleDefaults;
use super::read_rule::RuleReader;
use crate::yaml::{Fields, Node, Reader};
use crate::{Fingerprint, Language, Rule, RuleGroup, RuleId, Trigger};

const FILE_KEYS: [&str; 1] = ["groups"];
const GROUP_KEYS: [&str; 7] = [
    "name",
    "interval",
    "query_offset",
    "limit",
    "labels",
    "trigger",
    "rules",
];
const TRIGGERS: [(&str, Trigger); 2] =
    [("interval", Trigger::Interval), ("ingest", Trigger::Ingest)];

/// Reads the groups of a file.
pub(super) struct GroupReader<'a> {
    pub(super) reader: &'a mut Reader,
    pub(super) file: Arc<str>,
    pub(super) language: &'a dyn Language,
    pub(super) defaults: &'a RuleDefaults,
}

impl GroupReader<'_> {
    pub(super) fn groups(&mut self, text: &str) -> Vec<RuleGroup> {
        let Some(root) = self.reader.document(text).filter(|node| !node.is_null()) else {
            return Vec::new();
        };
        let Some(fields) = self.reader.fields(&root, "a rule file", &FILE_KEYS) else {
            return Vec::new();
        };
        let mut names = HashSet::new();
        let mut groups = Vec::new();
        for node in self.reader.items(fields.get("groups"), "groups") {
            let Some(group) = self.group(node) else {
                continue;
            };
            if !names.insert(Arc::clone(&group.name)) {
                let message = format!(
                    "group {:?} is there twice in this file: rename one",
                    group.name
                );
                self.reader.problem(node, message);
            }
            groups.push(group);
        }
        groups
    }

    fn group(&mut self, node: &Node) -> Option<RuleGroup> {
        let fields = self.reader.fields(node, "a group", &GROUP_KEYS)?;
        let name = self
            .reader
            .text(fields.get("name"), "name")
            .unwrap_or_default();
        if name.is_empty() {
            self.reader.problem(node, "a group needs a name");
        }
        let interval = self.reader.duration(fields.get("interval"), "interval");
        let query_offset = self
            .reader
            .duration(fields.get("query_offset"), "query_offset");
        let limit = self.reader.count(fields.get("limit"), "limit");
        let rules = self.rules(&fields, &name);
        Some(RuleGroup {
            name: Arc::from(name),
            file: Arc::clone(&self.file),
            // Zero means unset, as in Prometheus.
            interval: interval
                .filter(|interval| !interval.is_zero())
                .unwrap_or(self.defaults.interval),
            query_offset: query_offset.unwrap_or(self.defaults.query_offset),
            limit: limit.unwrap_or(0),
            rules,
        })
    }

    fn rules(&mut self, fields: &Fields<'_>, group: &str) -> Vec<Arc<Rule>> {
        let labels = read_labels(self.reader, fields.get("labels"), "labels");
        let trigger = read_trigger(self.reader, fields.get("trigger")).unwrap_or_default();
        let mut rule_reader = RuleReader {
            reader: self.reader,
            language: self.language,
            actions: self.defaults.actions.as_ref(),
            reserved: self.defaults.reserved,
            group_labels: labels,
            group_trigger: trigger,
        };
        let mut rules = Vec::new();
        let mut times_seen: HashMap<Labels, u32> = HashMap::new();
        for node in rule_reader.reader.items(fields.get("rules"), "rules") {
            let Some(mut rule) = rule_reader.rule(node) else {
                continue;
            };
            let key = identity(&self.file, group, &rule);
            let times = times_seen.entry(key.clone()).or_insert(0);
            rule.id = id_of(&key, *times);
            *times += 1;
            rules.push(Arc::new(rule));
        }
        rules
    }
}

pub(super) fn read_trigger(reader: &mut Reader, node: Option<&Node>) -> Option<Trigger> {
    reader.word(node, "trigger", &TRIGGERS)
}

/// Labels or annotations; the metric's name is none of them.
pub(super) fn read_labels(
    reader: &mut Reader,
    node: Option<&Node>,
    what: &str,
) -> Vec<(String, String)> {
    let mut labels = Vec::new();
    for (key, name, value) in reader.pairs(node, what) {
        if name.is_empty() {
            reader.problem(key, format!("a name in {what} is not empty"));
        } else if name == METRIC_NAME {
            let message = format!("{METRIC_NAME} is no name for {what}: use record");
            reader.problem(key, message);
        } else {
            labels.push((name, value));
        }
    }
    labels
}

/// What tells a rule from others, whatever its expression; names cannot be empty, so keys do not collide.
fn identity(file: &str, group: &str, rule: &Rule) -> Labels {
    let own = [
        ("\u{1}file", file),
        ("\u{1}group", group),
        ("\u{1}kind", rule.name_label()),
        ("\u{1}name", rule.name()),
    ];
    let labels = rule.labels.iter();
    let labels = labels.map(|(name, value)| (name.as_str(), value.as_str()));
    Labels::from_pairs(own.into_iter().chain(labels))
}

fn id_of(key: &Labels, times: u32) -> RuleId {
    let mut builder = key.to_builder();
    if times > 0 {
        builder.set("\u{1}times", times.to_string());
    }
    RuleId(Fingerprint::of(&builder.build()))
}
