//! Clients of Alertmanager against the hub: its own amtool, and a real Prometheus that tells of alerts.

use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::Value;

use crate::api_rig::Rig;
use crate::debian::program;
use crate::hub_process::complaint;
use crate::notify_rig::{Receiver, at_once, get, until, with_notifier, write};

const ROUTES: &str = "
global: {resolve_timeout: 1m, slack_api_url: 'https://hooks.slack.example/T0/sesame'}
route:
  receiver: all
  group_by: [alertname]
  routes:
  - {matchers: [team=pad], receiver: pad, continue: true}
  - {match_re: {severity: 'page|critical'}, receiver: pager, mute_time_intervals: [nights]}
receivers:
- name: all
- name: pad
  slack_configs: [{channel: '#pad'}]
- name: pager
  webhook_configs: [{url: 'http://127.0.0.1:9/hook', http_config: {basic_auth: {username: u, password: sesame}}}]
  email_configs: [{to: a@example.org, from: b@example.org, smarthost: 'mail:25'}]
inhibit_rules: [{source_matchers: [severity=critical], target_matchers: [severity=warning], equal: [site]}]
time_intervals: [{name: nights, time_intervals: [{times: [{start_time: '22:00', end_time: '24:00'}]}]}]
";

/// Runs amtool as the hub's commander, who is shown as a user's password.
async fn amtool(rig: &Rig, args: &[&str]) -> Output {
    let address = rig.root().replace("http://", "");
    let url = format!("http://portique:{}@{address}", rig.commander_token());
    let mut command = tokio::process::Command::new(program("amtool", "prometheus-alertmanager"));
    command.arg(format!("--alertmanager.url={url}")).args(args);
    command.stdin(Stdio::null()).output().await.unwrap()
}

async fn said(rig: &Rig, args: &[&str]) -> String {
    let done = amtool(rig, args).await;
    assert!(done.status.success(), "{args:?}: {}", complaint(&done));
    String::from_utf8(done.stdout).unwrap()
}

async fn add_hot(rig: &Rig) {
    let alert = ["team=pad", "--annotation=summary=It is hot"];
    said(rig, &[&["alert", "add", "Hot"], &alert[..]].concat()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn amtool_adds_and_finds_alerts() {
    with_notifier(ROUTES, async |rig| {
        add_hot(&rig).await;
        said(
            &rig,
            &[
                "alert",
                "add",
                "Cold",
                "team=sea",
                "--end=2200-01-01T00:00:00Z",
            ],
        )
        .await;
        let found = said(&rig, &["alert", "query", "-o", "json"]).await;
        let found: Value = serde_json::from_str(&found).unwrap();
        assert_eq!(found.as_array().unwrap().len(), 2, "{found}");
        let found = said(&rig, &["alert", "query", "alertname=~H.*"]).await;
        assert!(
            found.contains("Hot") && found.contains("It is hot"),
            "{found}"
        );
        assert!(!found.contains("Cold"), "{found}");
        let found = said(&rig, &["alert", "query", "--receiver=pad"]).await;
        assert!(found.contains("Hot") && !found.contains("Cold"), "{found}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn amtool_adds_and_ends_silences() {
    with_notifier(ROUTES, async |rig| {
        add_hot(&rig).await;
        let id = said(
            &rig,
            &[
                "silence",
                "add",
                "team=pad",
                "--comment=tanking",
                "--duration=1h",
            ],
        )
        .await;
        let id = id.trim();
        let found = said(&rig, &["silence", "query"]).await;
        assert!(found.contains(id) && found.contains("tanking"), "{found}");
        assert!(!said(&rig, &["alert", "query"]).await.contains("Hot"));
        assert!(
            said(&rig, &["alert", "query", "--silenced"])
                .await
                .contains("Hot")
        );
        said(&rig, &["silence", "update", "--duration=2h", id]).await;
        let found = said(&rig, &["silence", "query", "-q", "team=pad"]).await;
        for id in found.split_whitespace() {
            said(&rig, &["silence", "expire", id]).await;
        }
        assert_eq!(said(&rig, &["silence", "query", "-q"]).await.trim(), "");
        assert!(
            said(&rig, &["silence", "query", "--expired"])
                .await
                .contains(id)
        );
        assert!(said(&rig, &["alert", "query"]).await.contains("Hot"));
        let wrong = amtool(&rig, &["silence", "add", "team=~.*", "--comment=all"]).await;
        assert!(!wrong.status.success());
        assert!(
            complaint(&wrong).contains("empty string"),
            "{}",
            complaint(&wrong)
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn amtool_reads_the_hubs_configuration_and_agrees_with_its_routes() {
    with_notifier(ROUTES, async |rig| {
        let shown = said(&rig, &["config", "show"]).await;
        assert!(
            shown.contains("pager") && !shown.contains("sesame"),
            "{shown}"
        );
        for (labels, expected) in [
            (vec!["team=pad"], "pad"),
            (vec!["team=pad", "severity=page"], "pad,pager"),
            (vec!["severity=none"], "all"),
        ] {
            let args = [&["config", "routes", "test"], labels.as_slice()].concat();
            assert_eq!(said(&rig, &args).await.trim(), expected);
        }
        let tree = said(&rig, &["config", "routes", "show"]).await;
        assert!(tree.contains("receiver: pager"), "{tree}");
        let status = said(&rig, &["cluster", "show"]).await;
        assert!(status.contains("disabled"), "{status}");
        let folder = tempfile::tempdir().unwrap();
        let original = get(&rig, "/status").await["config"]["original"].clone();
        let file = write(folder.path(), original.as_str().unwrap());
        said(&rig, &["check-config", &file]).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_prometheus_tells_of_alerts_which_reach_people() {
    let mut hook = Receiver::start(Vec::new()).await;
    let ways = format!("  webhook_configs: [{{url: '{}'}}]\n", hook.url);
    with_notifier(&at_once(&ways), async |rig| {
        let folder = tempfile::tempdir().unwrap();
        let _peer = prometheus(folder.path(), &rig);
        let message = hook.next().await.json();
        assert_eq!(
            message["alerts"][0]["labels"]["alertname"], "Always",
            "{message}"
        );
        assert_eq!(
            message["alerts"][0]["annotations"]["summary"], "1 is 1",
            "{message}"
        );
        let alerts = async || get(&rig, "/alerts").await;
        let alerts = until(alerts, |alerts| alerts[0].is_object()).await;
        assert_eq!(alerts[0]["labels"]["site"], "pad", "{alerts}");
        let url = alerts[0]["generatorURL"].as_str().unwrap();
        assert!(url.contains("/graph?g0.expr="), "{alerts}");
    })
    .await;
}

fn prometheus(folder: &Path, rig: &Rig) -> tokio::process::Child {
    let rules = "groups: [{name: g, interval: 1s, rules: [{alert: Always, expr: vector(1), \
                 annotations: {summary: '{{ $value }} is 1'}}]}]";
    std::fs::write(folder.join("rules.yml"), rules).unwrap();
    let (hub, token) = (rig.root().replace("http://", ""), rig.service_token());
    let config = format!(
        "global: {{external_labels: {{site: pad}}}}\nrule_files: [rules.yml]\nalerting:\n  alertmanagers:\n  \
         - authorization: {{credentials: {token}}}\n    static_configs: [{{targets: ['{hub}']}}]\n"
    );
    std::fs::write(folder.join("prometheus.yml"), config).unwrap();
    tokio::process::Command::new(program("prometheus", "prometheus"))
        .args(["--config.file=prometheus.yml", "--storage.tsdb.path=data"])
        .args(["--web.listen-address=127.0.0.1:0", "--log.level=warn"])
        // It knows nobody to tell in its first seconds, and would tell again after a minute.
        .arg("--rules.alert.resend-delay=1s")
        .current_dir(folder)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}
