//! Metrics and labels that an expression names, and whether a hub has them.

use std::collections::BTreeMap;

use serde_json::Value;

use super::OF_ALERTS;
use crate::api_rig::Rig;

/// What a hub was asked for already.
pub(super) struct Names<'a> {
    rig: &'a Rig,
    /// Whether there are series for a selector.
    known: BTreeMap<String, bool>,
}

/// A metric of an expression, and the labels that it is matched by.
struct Named {
    metric: String,
    labels: Vec<String>,
}

impl<'a> Names<'a> {
    pub(super) fn new(rig: &'a Rig) -> Self {
        Self {
            rig,
            known: BTreeMap::new(),
        }
    }

    /// What the hub does not have of the metrics and labels of an expression, and of those of its legend.
    pub(super) async fn missing(&mut self, expr: &str, legend: Option<&str>) -> Vec<String> {
        let answer = self
            .rig
            .prometheus("/parse_query", &[("query", expr)])
            .await;
        let tree = &answer["data"];
        let mut named = Vec::new();
        collect(tree, &mut named);
        let mut missing = Vec::new();
        if named.is_empty() && !expr.contains("__name__") {
            missing.push(format!("{expr} names no metric: {answer}"));
        }
        if named.iter().any(|named| named.metric == OF_ALERTS) && !self.has(OF_ALERTS).await {
            missing.push(format!("there is no {OF_ALERTS}"));
        }
        named.retain(|named| named.metric != OF_ALERTS && !named.metric.is_empty());
        for Named { metric, labels } in &named {
            if !self.has(metric).await {
                missing.push(format!("there is no {metric}"));
                continue;
            }
            for label in labels {
                if !self.has(&format!("{metric}{{{label}!=\"\"}}")).await {
                    missing.push(format!("{metric} has no label {label}"));
                }
            }
        }
        let mut wanted = Vec::new();
        groupings(tree, &mut wanted);
        let shown = legend.map(placeholders).unwrap_or_default();
        if let Some(kept) = kept(tree) {
            let lost = shown.iter().filter(|label| !kept.contains(label));
            missing.extend(lost.map(|label| format!("{expr} leaves no {label} for its legend")));
        }
        wanted.extend(shown);
        for label in wanted {
            let mut is_there = named.is_empty() || label == "__name__";
            for named in &named {
                is_there = is_there
                    || self
                        .has(&format!("{}{{{label}!=\"\"}}", named.metric))
                        .await;
            }
            if !is_there {
                missing.push(format!("no metric of {expr} has the label {label}"));
            }
        }
        missing
    }

    async fn has(&mut self, selector: &str) -> bool {
        if let Some(is_there) = self.known.get(selector) {
            return *is_there;
        }
        let query = [("match[]", selector), ("limit", "1")];
        let found = self.rig.prometheus("/series", &query);
        let is_there = found.await["data"]
            .as_array()
            .is_some_and(|found| !found.is_empty());
        self.known.insert(selector.to_owned(), is_there);
        is_there
    }
}

fn collect(tree: &Value, into: &mut Vec<Named>) {
    let kind = tree["type"].as_str().unwrap_or_default();
    if kind == "vectorSelector" || kind == "matrixSelector" {
        let matchers = tree["matchers"].as_array().into_iter().flatten();
        let names = matchers.filter_map(|matcher| matcher["name"].as_str());
        into.push(Named {
            metric: tree["name"].as_str().unwrap_or_default().to_owned(),
            labels: names
                .filter(|name| *name != "__name__")
                .map(str::to_owned)
                .collect(),
        });
    }
    each_child(tree, |child| collect(child, into));
}

/// Labels that aggregations keep or take away, and those that sides are matched by.
fn groupings(tree: &Value, into: &mut Vec<String>) {
    for labels in [&tree["grouping"], &tree["matching"]["labels"]] {
        let labels = labels.as_array().into_iter().flatten();
        into.extend(labels.filter_map(Value::as_str).map(str::to_owned));
    }
    each_child(tree, |child| groupings(child, into));
}

/// The labels that results have, when an aggregation says so.
fn kept(tree: &Value) -> Option<Vec<String>> {
    match tree["type"].as_str()? {
        "aggregation" if tree["op"] == "topk" => kept(&tree["expr"]),
        "aggregation" if tree["without"] != true => {
            let labels = tree["grouping"].as_array().into_iter().flatten();
            Some(
                labels
                    .filter_map(Value::as_str)
                    .map(str::to_owned)
                    .collect(),
            )
        }
        "binaryExpr" => kept(&tree["lhs"]).or_else(|| kept(&tree["rhs"])),
        "parenExpr" | "unaryExpr" => kept(&tree["expr"]),
        "call" => {
            let of_arguments = tree["args"].as_array()?.iter().find_map(kept);
            let is_quantile = tree["func"]["name"] == "histogram_quantile";
            of_arguments.map(|labels| {
                labels
                    .into_iter()
                    .filter(|label| !is_quantile || label != "le")
                    .collect()
            })
        }
        _ => None,
    }
}

fn each_child<'t>(tree: &'t Value, mut visit: impl FnMut(&'t Value)) {
    for key in ["expr", "param", "lhs", "rhs"] {
        if tree[key].is_object() {
            visit(&tree[key]);
        }
    }
    tree["args"]
        .as_array()
        .into_iter()
        .flatten()
        .for_each(visit);
}

/// The labels between double braces.
fn placeholders(legend: &str) -> Vec<String> {
    let parts = legend.split("{{").skip(1);
    parts
        .filter_map(|part| part.split_once("}}"))
        .map(|(label, _)| label.trim().to_owned())
        .collect()
}
