use std::collections::BTreeMap;
use std::sync::Arc;

use portique_series::Labels;

use super::group::{read_labels, read_trigger};
use crate::yaml::{Content, Fields, Node, Reader};
use crate::{
    ALERT_NAME, Actions, Alerting, Fingerprint, Language, OnStale, Query, Rule, RuleAction, RuleId,
    RuleKind, Trigger,
};

const RULE_KEYS: [&str; 13] = [
    "record",
    "alert",
    "expr",
    "for",
    "keep_firing_for",
    "labels",
    "annotations",
    "trigger",
    "resolve_expr",
    "stale",
    "stale_while",
    "action",
    "params",
];
/// What a recording rule has no use for.
const ALERT_KEYS: [&str; 8] = [
    "for",
    "keep_firing_for",
    "annotations",
    "resolve_expr",
    "stale",
    "stale_while",
    "action",
    "params",
];
const STALE: [(&str, OnStale); 2] = [("resolve", OnStale::Resolve), ("alarm", OnStale::Alarm)];

/// Reads the rules of a group.
pub(super) struct RuleReader<'a> {
    pub(super) reader: &'a mut Reader,
    pub(super) language: &'a dyn Language,
    pub(super) actions: Option<&'a Actions>,
    pub(super) reserved: &'static [&'static str],
    pub(super) group_labels: Vec<(String, String)>,
    pub(super) group_trigger: Trigger,
}

impl RuleReader<'_> {
    /// One rule, still without its id; none when something in it is missing or wrong.
    pub(super) fn rule(&mut self, node: &Node) -> Option<Rule> {
        let fields = self.reader.fields(node, "a rule", &RULE_KEYS)?;
        let labels = read_labels(self.reader, fields.get("labels"), "labels");
        let trigger = read_trigger(self.reader, fields.get("trigger"));
        let query = self.expression(fields.get("expr"), "expr");
        if fields.get("expr").is_none() {
            self.reader.problem(node, "a rule needs expr");
        }
        let kind = match (fields.get("record"), fields.get("alert")) {
            (Some(record), None) => self.recording(&fields, record),
            (None, Some(alert)) => {
                check_templates(self.reader, fields.get("labels"), "labels");
                self.alerting(&fields, alert, query.as_ref())
            }
            (None, None) => {
                self.reader.problem(node, "a rule needs record or alert");
                None
            }
            (Some(_), Some(alert)) => {
                let message = "a rule has either record or alert: make it two rules";
                self.reader.problem(alert, message);
                None
            }
        };
        // Those of the rule win.
        let all: BTreeMap<String, String> =
            self.group_labels.iter().cloned().chain(labels).collect();
        Some(Rule {
            id: RuleId(Fingerprint(0)),
            kind: kind?,
            query: query?,
            labels: all.into_iter().collect(),
            trigger: trigger.unwrap_or(self.group_trigger),
            line: node.line,
        })
    }

    fn recording(&mut self, fields: &Fields<'_>, node: &Node) -> Option<RuleKind> {
        for key in ALERT_KEYS {
            if let Some(value) = fields.get(key) {
                let message = format!("{key} is for alerting rules: a recording rule has none");
                self.reader.problem(value, message);
            }
        }
        let record = self.reader.text(Some(node), "record")?;
        if record.contains(['{', '}']) {
            let message =
                "braces in the recorded name: a selector belongs into expr, labels into labels";
            self.reader.problem(node, message);
        } else if record.is_empty() {
            self.reader.problem(node, "record is the name of a metric");
        } else if let Some(prefix) = self.reserved.iter().find(|own| record.starts_with(**own)) {
            let message = format!(
                "metrics {prefix}* belong to a system of the hub, which acts on them: record another name"
            );
            self.reader.problem(node, message);
        }
        Some(RuleKind::Recording {
            record: Arc::from(record),
        })
    }

    fn alerting(
        &mut self,
        fields: &Fields<'_>,
        node: &Node,
        query: Option<&Arc<dyn Query>>,
    ) -> Option<RuleKind> {
        let alert = self.reader.text(Some(node), "alert")?;
        if alert.is_empty() {
            self.reader.problem(node, "alert is a name");
        }
        let annotations = read_labels(self.reader, fields.get("annotations"), "annotations");
        check_templates(self.reader, fields.get("annotations"), "annotations");
        let hold = self.reader.duration(fields.get("for"), "for");
        let keep = fields.get("keep_firing_for");
        let keep_firing = self.reader.duration(keep, "keep_firing_for");
        let resolve = self.threshold(fields.get("resolve_expr"));
        let on_stale = self.reader.word(fields.get("stale"), "stale", &STALE);
        let on_stale = on_stale.unwrap_or_default();
        let compares = resolve.is_some() || query.is_none_or(|query| query.threshold().is_some());
        if let (OnStale::Alarm, false, Some(stale)) = (on_stale, compares, fields.get("stale")) {
            let message = "stale: alarm needs an expr or resolve_expr that compares with a number, such as \
                 temperature > 90: else nobody knows which series there should be";
            self.reader.problem(stale, message);
        }
        let stale_while = self.expression(fields.get("stale_while"), "stale_while");
        if let (OnStale::Resolve, Some(node)) = (on_stale, fields.get("stale_while")) {
            let message =
                "stale_while says when stale: alarm is one: write that too, or leave it out";
            self.reader.problem(node, message);
        }
        Some(RuleKind::Alerting(Alerting {
            alert: Arc::from(alert),
            hold: hold.unwrap_or_default(),
            keep_firing: keep_firing.unwrap_or_default(),
            annotations: Labels::from_pairs(annotations),
            resolve,
            on_stale,
            stale_while,
            action: self.action(fields),
        }))
    }

    fn action(&mut self, fields: &Fields<'_>) -> Option<RuleAction> {
        let params = read_labels(self.reader, fields.get("params"), "params");
        check_templates(self.reader, fields.get("params"), "params");
        let Some(node) = fields.get("action") else {
            if let Some(params) = fields.get("params") {
                let message = "params are for an action: say which, or leave them out";
                self.reader.problem(params, message);
            }
            return None;
        };
        let name = self.reader.text(Some(node), "action")?;
        let given = params.iter().cloned().collect();
        let checked = self.actions.map_or(Ok(()), |all| all.check(&name, &given));
        if let Err(message) = checked {
            self.reader.problem(node, message);
        }
        Some(RuleAction {
            name: Arc::from(name),
            params: Labels::from_pairs(params),
        })
    }

    fn expression(&mut self, node: Option<&Node>, what: &str) -> Option<Arc<dyn Query>> {
        let node = node?;
        let text = self.reader.text(Some(node), what)?;
        match self.language.compile(&text) {
            Ok(query) => Some(query),
            Err(error) => {
                self.reader.problem(node, format!("{what}: {error}"));
                None
            }
        }
    }

    fn threshold(&mut self, node: Option<&Node>) -> Option<Arc<dyn Query>> {
        let query = self.expression(node, "resolve_expr")?;
        if query.threshold().is_none() {
            let message = "resolve_expr compares with a number, such as temperature < 80";
            self.reader.problem(node?, message);
        }
        Some(query)
    }
}

/// Checks what an alerting rule expands.
fn check_templates(reader: &mut Reader, node: Option<&Node>, what: &str) {
    let Some(Content::Mapping(pairs)) = node.map(|node| &node.content) else {
        return;
    };
    for (key, value) in pairs {
        let (Some(name), Some(text)) = (key.scalar(), value.scalar()) else {
            continue;
        };
        if what == "labels" && name == ALERT_NAME {
            reader.problem(key, format!("{ALERT_NAME} is set by alert: leave it out"));
        }
        if let Err(error) = crate::expand::check(text) {
            reader.problem(value, format!("{name}: {error}"));
        }
    }
}
