//! The dashboards for Grafana, and the rules that come with the hub, held against a hub that has something
//! to show: what they ask for must be there, under the names they use.

mod load;
mod model;
mod names;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use portique::{Config, Data, NotificationsConfig};
use portique_monitor::{RuleDefaults, read_rule_file};
use serde_json::Value;

use crate::api_rig::{Rig, config, with_hub_of};
use crate::notify_rig::{self, at_once};
use crate::shipped_rules;
use model::{Asked, Dashboard};
use names::Names;

/// Its labels are those of whatever raised it, which no test can raise all of.
const OF_ALERTS: &str = "ALERTS";
/// How long queries of a graph are tried over, and their step.
const RANGE_S: i64 = 300;
const STEP_S: &str = "15";

#[test]
fn every_dashboard_is_a_model_that_grafana_reads() {
    let dashboards = all();
    assert!(dashboards.len() >= 6, "some are missing");
    let problems: Vec<String> = dashboards.iter().flat_map(Dashboard::problems).collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    let uids: BTreeSet<&str> = dashboards.iter().map(Dashboard::uid).collect();
    assert_eq!(uids.len(), dashboards.len(), "two have the same uid");
    let page = std::fs::read_to_string(folder("deploy/grafana").join("README.md")).unwrap();
    for uid in uids {
        assert!(page.contains(uid), "README.md does not tell of {uid}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_dashboards_and_shipped_rules_ask_for_is_there() {
    let notifications = at_once("  webhook_configs: [{url: 'http://127.0.0.1:9/'}]\n");
    let folder = tempfile::tempdir().unwrap();
    let file = notify_rig::write(folder.path(), &notifications);
    let config = Config {
        notifications: NotificationsConfig {
            file: Some(file.into()),
            external_url: Some("http://hub.example".into()),
            ..NotificationsConfig::default()
        },
        pools: vec![load::pool()],
        ..config(Data::Ephemeral)
    };
    with_hub_of(config, async |rig| {
        load::load(&rig).await;
        let mut problems = Vec::new();
        let mut names = Names::new(&rig);
        for dashboard in all() {
            let values = values(&rig, &dashboard, &mut problems).await;
            for asked in dashboard.queries() {
                let expr = model::filled(&asked.expr, &values);
                let found = try_query(&rig, &mut names, &asked, &expr).await;
                let place = format!("{}: {}", dashboard.file(), asked.place);
                problems.extend(
                    found
                        .into_iter()
                        .map(|problem| format!("{place}: {problem}")),
                );
            }
        }
        for (place, expr) in shipped() {
            let found = names.missing(&expr, None).await;
            problems.extend(
                found
                    .into_iter()
                    .map(|problem| format!("{place}: {problem}")),
            );
        }
        assert!(problems.is_empty(), "{}", problems.join("\n"));
    })
    .await;
}

/// What is wrong with one query of a panel.
async fn try_query(rig: &Rig, names: &mut Names<'_>, asked: &Asked, expr: &str) -> Vec<String> {
    let answer = if asked.is_instant {
        rig.prometheus("/query", &[("query", expr)]).await
    } else {
        let now_s = load::now_s();
        let (from, to) = (format!("{}", now_s - RANGE_S), now_s.to_string());
        let times = [
            ("start", from.as_str()),
            ("end", to.as_str()),
            ("step", STEP_S),
        ];
        let query: Vec<_> = times.into_iter().chain([("query", expr)]).collect();
        rig.prometheus("/query_range", &query).await
    };
    if answer["status"] != "success" {
        return vec![format!("{expr}: {}", answer["error"])];
    }
    names.missing(expr, Some(&asked.legend)).await
}

/// The values of each variable, by asking for them as Grafana does, those before it filled in.
async fn values(
    rig: &Rig,
    dashboard: &Dashboard,
    problems: &mut Vec<String>,
) -> Vec<(String, String)> {
    let mut values = Vec::new();
    for variable in dashboard.variables() {
        let Some((selector, label)) = variable.label_values() else {
            problems.push(format!(
                "{}: ${} is no label_values()",
                dashboard.file(),
                variable.name
            ));
            continue;
        };
        let selector = model::filled(selector, &values);
        let path = format!("/label/{label}/values");
        let answer = rig.prometheus(&path, &[("match[]", &selector)]).await;
        let found: Vec<&str> = answer["data"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        if found.is_empty() {
            problems.push(format!(
                "{}: ${}: {selector} has no {label}",
                dashboard.file(),
                variable.name
            ));
        }
        values.push((variable.name.clone(), found.join("|")));
    }
    values
}

fn all() -> Vec<Dashboard> {
    let folder = folder("deploy/grafana/dashboards");
    let mut dashboards: Vec<Dashboard> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| Dashboard::read(&entry.unwrap().path()))
        .collect();
    dashboards.sort_by(|a, b| a.file().cmp(b.file()));
    dashboards
}

/// Every expression of the rules that come with the hub, and where it is.
fn shipped() -> Vec<(String, String)> {
    let mut all = Vec::new();
    for (path, text) in shipped_rules::files() {
        let (language, defaults) = (shipped_rules::language(), RuleDefaults::default());
        let groups = read_rule_file(&path, &text, &language, &defaults).unwrap();
        for rule in groups.iter().flat_map(|group| &group.rules) {
            all.push((
                format!("{path}:{}", rule.line),
                rule.query.text().to_string(),
            ));
        }
    }
    all
}

/// A folder of the tree.
pub(crate) fn folder(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}
