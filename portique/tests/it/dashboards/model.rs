//! A dashboard's JSON, as far as Grafana is particular about it.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

/// Columns of a dashboard.
const COLUMNS: u64 = 24;
/// What Grafana fills in by itself, and what it comes to here.
const BUILT_IN: [(&str, &str); 3] = [
    ("__rate_interval", "1m"),
    ("__interval", "15s"),
    ("__range", "5m"),
];

/// One file.
pub(super) struct Dashboard {
    file: String,
    json: Value,
}

/// A query of a panel or an annotation.
pub(super) struct Asked {
    pub(super) place: String,
    pub(super) expr: String,
    pub(super) legend: String,
    pub(super) is_instant: bool,
}

/// A variable whose values the data source knows.
pub(super) struct Variable {
    pub(super) name: String,
    query: String,
}

impl Variable {
    /// Selector and label of `label_values(selector, label)`.
    pub(super) fn label_values(&self) -> Option<(&str, &str)> {
        let inner = self
            .query
            .strip_prefix("label_values(")?
            .strip_suffix(')')?;
        let (selector, label) = inner.rsplit_once(',')?;
        Some((selector.trim(), label.trim()))
    }
}

impl Dashboard {
    pub(super) fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap();
        let json = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path:?}: {error}"));
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        Self { file, json }
    }

    pub(super) fn file(&self) -> &str {
        &self.file
    }

    pub(super) fn uid(&self) -> &str {
        self.json["uid"].as_str().unwrap_or_default()
    }

    /// Everything that Grafana would stumble over, or show badly.
    pub(super) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut check = |is_right: bool, problem: String| {
            if !is_right {
                problems.push(format!("{}: {problem}", self.file));
            }
        };
        let uid = self.uid();
        check(
            !uid.is_empty() && uid.len() <= 40,
            format!("bad uid {uid:?}"),
        );
        check(
            self.file == format!("{uid}.json"),
            "the file is not named after the uid".into(),
        );
        check(
            !self.json["title"].as_str().unwrap_or_default().is_empty(),
            "no title".into(),
        );
        check(
            self.json["schemaVersion"].as_u64() >= Some(39),
            "an old schema".into(),
        );
        check(
            self.json["id"].is_null(),
            "an id of one Grafana's database".into(),
        );
        let kinds = list(&self.json["templating"]["list"]).map(|v| v["type"].as_str());
        check(
            kinds.flatten().next() == Some("datasource"),
            "no data source to choose".into(),
        );
        let mut ids = BTreeSet::new();
        for panel in self.panels() {
            let title = panel["title"].as_str().unwrap_or_default();
            check(!title.is_empty(), "a panel without a title".into());
            let id = panel["id"].as_u64();
            check(
                id.is_some_and(|id| ids.insert(id)),
                format!("{title}: its id is taken or none"),
            );
            for problem in place_problems(panel)
                .into_iter()
                .chain(query_problems(panel))
            {
                check(false, format!("{title}: {problem}"));
            }
        }
        for (one, other) in overlapping(&self.panels()) {
            check(false, format!("{one} lies over {other}"));
        }
        problems
    }

    /// Every query of every panel, and those of annotations.
    pub(super) fn queries(&self) -> Vec<Asked> {
        let mut all = Vec::new();
        for panel in self.panels() {
            for target in list(&panel["targets"]) {
                all.push(Asked {
                    place: panel["title"].as_str().unwrap_or_default().to_owned(),
                    expr: target["expr"].as_str().unwrap_or_default().to_owned(),
                    legend: target["legendFormat"]
                        .as_str()
                        .unwrap_or_default()
                        .to_owned(),
                    is_instant: target["instant"] == true,
                });
            }
        }
        let annotations = list(&self.json["annotations"]["list"]);
        for annotation in annotations.filter(|annotation| annotation["expr"].is_string()) {
            all.push(Asked {
                place: annotation["name"].as_str().unwrap_or_default().to_owned(),
                expr: annotation["expr"].as_str().unwrap_or_default().to_owned(),
                legend: annotation["titleFormat"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned(),
                is_instant: false,
            });
        }
        all
    }

    /// In the order in which they are filled.
    pub(super) fn variables(&self) -> Vec<Variable> {
        let queries = list(&self.json["templating"]["list"]).filter(|v| v["type"] == "query");
        let variable = |json: &Value| Variable {
            name: json["name"].as_str().unwrap_or_default().to_owned(),
            query: json["query"]["query"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
        };
        queries.map(variable).collect()
    }

    fn panels(&self) -> Vec<&Value> {
        let outer = list(&self.json["panels"]);
        outer
            .flat_map(|panel| std::iter::once(panel).chain(list(&panel["panels"])))
            .collect()
    }
}

/// An expression with its variables filled in, as Grafana does it for a regular expression.
pub(super) fn filled(expr: &str, values: &[(String, String)]) -> String {
    let mut filled = expr.to_owned();
    let own = values
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    for (name, value) in BUILT_IN.into_iter().chain(own) {
        filled = filled.replace(&format!("${{{name}}}"), value);
        filled = filled.replace(&format!("${name}"), value);
    }
    filled
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn place_problems(panel: &Value) -> Vec<String> {
    let at = |key: &str| panel["gridPos"][key].as_u64();
    let (Some(x), Some(_), Some(w), Some(h)) = (at("x"), at("y"), at("w"), at("h")) else {
        return vec!["it has no place".into()];
    };
    let is_inside = x + w <= COLUMNS && w > 0 && h > 0;
    let problem = (!is_inside).then(|| format!("it does not fit into {COLUMNS} columns"));
    problem.into_iter().collect()
}

fn query_problems(panel: &Value) -> Vec<String> {
    if panel["type"] == "row" {
        return Vec::new();
    }
    let mut problems = Vec::new();
    let mut check = |is_right: bool, problem: &str| {
        if !is_right {
            problems.push(problem.to_owned());
        }
    };
    let is_chosen = |json: &Value| {
        json["datasource"]["type"] == "prometheus" && json["datasource"]["uid"] == "${datasource}"
    };
    check(
        is_chosen(panel),
        "its data source is not the one that is chosen",
    );
    check(
        list(&panel["targets"]).next().is_some(),
        "it asks for nothing",
    );
    check(
        panel["description"]
            .as_str()
            .is_some_and(|text| !text.is_empty()),
        "it is not described",
    );
    if panel["type"] != "table" {
        let unit = &panel["fieldConfig"]["defaults"]["unit"];
        check(
            unit.is_string() || panel["type"] == "state-timeline",
            "it has no unit",
        );
    }
    let mut letters = BTreeSet::new();
    for target in list(&panel["targets"]) {
        let letter = target["refId"].as_str().unwrap_or_default();
        check(
            !letter.is_empty() && letters.insert(letter),
            "a refId is taken or missing",
        );
        check(
            is_chosen(target),
            "a query's data source is not the one that is chosen",
        );
        let is_drawn = panel["type"] == "timeseries" || panel["type"] == "state-timeline";
        let legend = target["legendFormat"].as_str().unwrap_or_default();
        check(!is_drawn || !legend.is_empty(), "a line has no legend");
    }
    problems
}

/// Pairs of panels that share a place.
fn overlapping(panels: &[&Value]) -> Vec<(String, String)> {
    let at = |panel: &Value, key: &str| panel["gridPos"][key].as_u64().unwrap_or_default();
    let shares = |one: &Value, other: &Value, begin: &str, size: &str| {
        let (a, b) = (at(one, begin), at(other, begin));
        a < b + at(other, size) && b < a + at(one, size)
    };
    let title = |panel: &Value| panel["title"].as_str().unwrap_or_default().to_owned();
    let mut pairs = Vec::new();
    for (index, one) in panels.iter().enumerate() {
        for other in &panels[index + 1..] {
            if shares(one, other, "x", "w") && shares(one, other, "y", "h") {
                pairs.push((title(one), title(other)));
            }
        }
    }
    pairs
}
