//! Who is told of alerts, against a whole hub and receivers on the loopback.

use reqwest::Method;
use serde_json::{Value, json};

use crate::api_rig::{self, Rig};
use crate::hub_process::{complaint, portique, run};
use crate::notify_rig::{
    Arrived, Receiver, at_once, explained, figure, get, raise, says, until, with_notifier, write,
};

const HOT: [(&str, &str); 2] = [("alertname", "Hot"), ("tank", "lox")];

#[tokio::test]
async fn a_webhook_is_told_of_an_alert_and_of_its_end() {
    let mut hook = Receiver::start(Vec::new()).await;
    let ways = format!(
        "  webhook_configs:\n  - url: {}?key=sesame\n    http_config:\n      \
         authorization: {{credentials: open-sesame}}\n      \
         http_headers: {{X-Team: {{values: [pad]}}}}\n",
        hook.url
    );
    with_notifier(&at_once(&ways), async |rig| {
        raise(&rig, &HOT, false).await;
        let firing = hook.next().await;
        assert_eq!(firing.uri.query(), Some("key=sesame"));
        assert_eq!(firing.header("authorization"), "Bearer open-sesame");
        assert_eq!(firing.header("x-team"), "pad");
        assert_eq!(firing.header("content-type"), "application/json");
        assert!(
            firing
                .header("idempotency-key")
                .starts_with("notification-1-")
        );
        let message = firing.json();
        assert_eq!(message["version"], "4");
        assert_eq!(message["status"], "firing");
        assert_eq!(message["receiver"], "all");
        assert_eq!(message["externalURL"], "http://hub.example");
        assert_eq!(message["groupKey"], "{}:{alertname=\"Hot\"}");
        assert_eq!(message["alerts"][0]["labels"]["tank"], "lox");
        assert_eq!(message["alerts"][0]["startsAt"], "2026-01-01T00:00:00Z");
        raise(&rig, &HOT, true).await;
        let resolved = hook.next().await;
        assert_ne!(
            resolved.header("idempotency-key"),
            firing.header("idempotency-key")
        );
        assert_eq!(resolved.json()["status"], "resolved");
        assert_eq!(
            resolved.json()["alerts"][0]["endsAt"],
            "2026-01-01T00:01:00Z"
        );
        let sent = "portique_notifications_sent_total{integration=\"webhook\"}";
        until(async || figure(&rig, sent).await, |sent| *sent == 2.0).await;
        assert_eq!(hook.left(), 0);
        let status = get(&rig, "/status").await.to_string();
        assert!(
            status.contains("<secret>") && !status.contains("sesame"),
            "{status}"
        );
    })
    .await;
}

#[tokio::test]
async fn chats_are_told_in_their_own_form() {
    let mut slack = Receiver::start(Vec::new()).await;
    let mut discord = Receiver::start(vec![says(204, "")]).await;
    let ways = format!(
        "  slack_configs: [{{api_url: '{}', channel: '#pad', title: '{{{{ .CommonLabels.tank }}}} is hot'}}]\n  \
         discord_configs: [{{webhook_url: '{}'}}]\n",
        slack.url, discord.url
    );
    with_notifier(&at_once(&ways), async |rig| {
        raise(&rig, &HOT, false).await;
        let message = slack.next().await.json();
        assert_eq!(message["channel"], "#pad");
        assert_eq!(message["attachments"][0]["title"], "lox is hot");
        let message = discord.next().await.json();
        let embed = &message["embeds"][0];
        assert_eq!(embed["title"], "[FIRING 1] Hot (lox)");
        assert!(
            embed["description"].as_str().unwrap().contains("It is hot"),
            "{embed}"
        );
        let told = until(async || explained(&rig).await, all_told).await;
        assert_eq!(
            told["routes"][0]["ways"].as_array().unwrap().len(),
            2,
            "{told}"
        );
    })
    .await;
}

fn all_told(explained: &Value) -> bool {
    let ways = explained["routes"][0]["ways"].as_array().unwrap();
    ways.iter().all(|way| way["is_told"] == true)
}

#[tokio::test]
async fn redirects_are_followed_without_what_proves_who_sends() {
    let mut target = Receiver::start(Vec::new()).await;
    let moved = |to: &str| {
        let status = axum::http::StatusCode::TEMPORARY_REDIRECT;
        let response = axum::response::IntoResponse::into_response((status, [("location", to)]));
        crate::notify_rig::Answer::With(response)
    };
    let mut hook = Receiver::start(vec![moved("/there"), moved(&target.url)]).await;
    let url = hook.url.replace("http://", "http://hub:sesame@");
    let ways = format!("  webhook_configs: [{{url: '{url}'}}]\n");
    with_notifier(&at_once(&ways), async |rig| {
        raise(&rig, &HOT, false).await;
        let first = hook.next().await;
        assert_eq!(first.header("authorization"), "Basic aHViOnNlc2FtZQ==");
        let second = hook.next().await;
        assert_eq!(second.uri.path(), "/there");
        assert_eq!(
            second.header("authorization"),
            first.header("authorization")
        );
        let third: Arrived = target.next().await;
        assert_eq!(third.verb, axum::http::Method::POST);
        assert_eq!(third.header("authorization"), "");
        assert_eq!(third.body, first.body);
    })
    .await;
}

#[tokio::test]
async fn a_silence_keeps_alerts_from_people_until_it_ends() {
    let mut hook = Receiver::start(Vec::new()).await;
    let ways = format!("  webhook_configs: [{{url: '{}'}}]\n", hook.url);
    with_notifier(&at_once(&ways), async |rig| {
        let made = cli(
            &rig,
            &["silence", "tank=lox", "--for", "1h", "--comment", "tanking"],
        )
        .await;
        let id = made.trim().to_owned();
        raise(&rig, &HOT, false).await;
        let alerts = get(&rig, "/alerts?filter=alertname%3DHot").await;
        assert_eq!(alerts[0]["status"]["silencedBy"][0], id, "{alerts}");
        assert_eq!(get(&rig, "/alerts?silenced=false").await, json!([]));
        let listed = cli(&rig, &["silences", "list"]).await;
        assert!(
            listed.contains(&id) && listed.contains("tank=\"lox\""),
            "{listed}"
        );
        let muted = cli(&rig, &["silences", "preview", "tank=~l.*"]).await;
        assert!(
            muted.contains("Hot") && muted.contains("suppressed"),
            "{muted}"
        );
        raise(&rig, &[("alertname", "Cold")], false).await;
        assert_eq!(hook.next().await.json()["groupLabels"]["alertname"], "Cold");
        cli(&rig, &["silences", "expire", &id]).await;
        assert_eq!(hook.next().await.json()["groupLabels"]["alertname"], "Hot");
        assert!(!cli(&rig, &["silences", "list"]).await.contains(&id));
        assert!(
            cli(&rig, &["silences", "list", "--expired"])
                .await
                .contains(&id)
        );
        let none = rig
            .alerting(Method::DELETE, "/silence/none")
            .send()
            .await
            .unwrap();
        assert_eq!(none.status(), 404);
        let said: String = none.json().await.unwrap();
        assert!(said.contains("there is no silence"), "{said}");
    })
    .await;
}

#[tokio::test]
async fn a_silence_that_recurs_is_kept_and_one_that_cannot_be_is_refused() {
    with_notifier(&at_once(""), async |rig| {
        let made = cli(
            &rig,
            &[
                "silence",
                "team=pad",
                "--every",
                "mon-fri 22:00-06:00 Europe/Paris",
                "--notice",
                "10m",
            ],
        )
        .await;
        let silence = get(&rig, &format!("/silence/{}", made.trim())).await;
        assert_eq!(
            silence["schedule"][0]["location"], "Europe/Paris",
            "{silence}"
        );
        assert_eq!(silence["noticeSeconds"], 600, "{silence}");
        let mut wrong = json!({
            "matchers": [{ "name": "a", "value": "b", "isRegex": false }],
            "startsAt": "2026-01-01T00:00:00Z", "endsAt": "2200-01-01T00:00:00Z",
            "createdBy": "me", "comment": "", "schedule": [{ "location": "Nowhere/Land" }],
        });
        let refused = refusal(&rig, &wrong).await;
        assert!(refused.contains("Nowhere/Land"), "{refused}");
        wrong["schedule"] = json!([{ "times": [[600, 1500]] }]);
        let refused = refusal(&rig, &wrong).await;
        assert!(refused.contains("1500"), "{refused}");
    })
    .await;
}

async fn refusal(rig: &Rig, silence: &Value) -> String {
    let answer = rig
        .alerting(Method::POST, "/silences")
        .json(silence)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 400);
    answer.json().await.unwrap()
}

#[tokio::test]
async fn writes_need_a_token_that_may_be_a_password() {
    with_notifier(&at_once(""), async |rig| {
        let url = format!("{}/api/v2/alerts", rig.root());
        let client = reqwest::Client::new();
        let alerts = json!([{ "labels": { "alertname": "Hot" } }]);
        let status =
            async |request: reqwest::RequestBuilder| request.send().await.unwrap().status();
        assert_eq!(status(client.post(&url).json(&alerts)).await, 401);
        let as_service = client
            .post(&url)
            .basic_auth("prometheus", Some(rig.service_token()));
        assert_eq!(status(as_service.json(&alerts)).await, 200);
        let silences = format!("{}/api/v2/silences", rig.root());
        let silence = client
            .post(&silences)
            .basic_auth("me", Some(rig.service_token()));
        assert_eq!(status(silence.json(&json!({}))).await, 403);
        let wrong = json!([{ "labels": { "alertname": "A" } }, { "labels": {} }]);
        let refused = rig
            .alerting(Method::POST, "/alerts")
            .json(&wrong)
            .send()
            .await
            .unwrap();
        assert_eq!(refused.status(), 400);
        let said: String = refused.json().await.unwrap();
        assert!(said.starts_with("alert 1: it has no labels"), "{said}");
        let held = get(&rig, "/alerts").await;
        assert_eq!(held.as_array().unwrap().len(), 2, "{held}");
        // What Grafana looks for to tell Alertmanager from Mimir.
        assert_eq!(
            status(client.get(format!("{}/alertmanager/api/v2/status", rig.root()))).await,
            404
        );
        assert_eq!(
            status(client.get(format!("{}/api/v2/status", rig.root()))).await,
            200
        );
    })
    .await;
}

#[tokio::test]
async fn routes_are_told_by_labels_from_the_hub_and_from_a_file() {
    let text = "route:\n  receiver: all\n  routes:\n  - {matchers: [team=pad], receiver: pad, continue: true}\n  \
                - {matchers: [severity=page], receiver: pager}\n\
                receivers: [{name: all}, {name: pad, webhook_configs: [{url: 'http://x/'}]}, {name: pager}]\n";
    with_notifier(text, async |rig| {
        let routes = cli(&rig, &["route", "team=pad", "severity=page"]).await;
        assert!(
            routes.contains("pad") && routes.contains("webhook[0]") && routes.contains("pager"),
            "{routes}"
        );
        let routes = cli(&rig, &["route", "team=sea"]).await;
        assert!(
            routes.contains("all") && !routes.contains("pad"),
            "{routes}"
        );
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), text);
    let routes = run(&[
        "alerts",
        "route",
        "severity=page",
        "--file",
        &file,
        "-o",
        "json",
    ]);
    let routes: Value = serde_json::from_slice(&routes.stdout).unwrap();
    assert_eq!(routes[0]["receiver"], "pager", "{routes}");
}

#[test]
fn a_configuration_is_checked_with_all_its_mistakes() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("good.tmpl"),
        "{{ define \"x\" }}y{{ end }}",
    )
    .unwrap();
    let good = format!("{}templates: ['*.tmpl']\n", at_once(""));
    let file = write(folder.path(), &good);
    let checked = run(&["notifications", "check", &file, "-o", "json"]);
    assert!(checked.status.success(), "{}", complaint(&checked));
    let checked: Value = serde_json::from_slice(&checked.stdout).unwrap();
    assert_eq!(
        (&checked["receivers"], &checked["template_files"]),
        (&json!(1), &json!(1))
    );
    std::fs::write(folder.path().join("bad.tmpl"), "\n{{ define }}").unwrap();
    let file = write(
        folder.path(),
        &good.replace("receiver: all", "receiver: nobody"),
    );
    let checked = run(&["notifications", "check", &file]);
    assert_eq!(checked.status.code(), Some(2));
    assert!(
        complaint(&checked).contains(":1:"),
        "{}",
        complaint(&checked)
    );
    assert!(
        complaint(&checked).contains("there is no receiver \"nobody\""),
        "{}",
        complaint(&checked)
    );
    let file = write(folder.path(), &good);
    let checked = run(&["notifications", "check", &file]);
    assert!(
        complaint(&checked).contains("bad.tmpl:2:"),
        "{}",
        complaint(&checked)
    );
}

/// What `portique alerts` says, as the commander.
async fn cli(rig: &Rig, args: &[&str]) -> String {
    let root = rig.root();
    let args = [&["alerts"], args, &["--hub", root.as_str()]].concat();
    let mut command = portique(&args);
    command.env("PORTIQUE_TOKEN", rig.commander_token());
    // The hub is in this process, and has to go on.
    let done = tokio::process::Command::from(command)
        .output()
        .await
        .unwrap();
    assert!(done.status.success(), "{args:?}: {}", complaint(&done));
    String::from_utf8(done.stdout).unwrap()
}

#[tokio::test]
async fn alerts_and_silences_outlive_a_restart_and_nobody_is_told_twice() {
    let mut hook = Receiver::start(Vec::new()).await;
    let folder = tempfile::tempdir().unwrap();
    let ways = format!("  webhook_configs: [{{url: '{}'}}]\n", hook.url);
    let file = write(folder.path(), &at_once(&ways));
    let config = || portique::Config {
        notifications: portique::NotificationsConfig {
            file: Some(file.clone().into()),
            ..portique::NotificationsConfig::default()
        },
        ..api_rig::config(portique::Data::Folder(folder.path().join("data")))
    };
    api_rig::with_hub_of(config(), async |rig| {
        raise(&rig, &HOT, false).await;
        cli(&rig, &["silence", "team=pad"]).await;
        hook.next().await;
        until(async || explained(&rig).await, all_told).await;
    })
    .await;
    api_rig::with_hub_of(config(), async |rig| {
        assert!(all_told(&explained(&rig).await));
        assert_eq!(get(&rig, "/silences").await.as_array().unwrap().len(), 1);
        raise(&rig, &HOT, true).await;
        assert_eq!(hook.next().await.json()["status"], "resolved");
        assert_eq!(hook.left(), 0);
    })
    .await;
}
