use std::sync::Arc;

use portique_series::Labels;
use serde_json::json;

use super::*;
use crate::notify::config::Flavour;
use crate::notify::group::GroupId;
use crate::notify::log::Reason;
use crate::notify::message::{AlertStatus, Message, MessageAlert};

const CONFIG: &str = r##"
global: {smtp_from: hub@example.org, smtp_smarthost: 'mail:25'}
route: {receiver: all}
receivers:
- name: all
  webhook_configs: [{url: 'http://x/hook', max_alerts: 1, timeout: 3s}]
  slack_configs:
  - {api_url: 'http://x/slack', channel: '#{{ .GroupLabels.team }}', fields: [{title: t, value: '{{ len .Alerts }}', short: true}]}
  discord_configs: [{webhook_url: 'http://x/discord', username: hub}]
  email_configs: [{to: 'a@x, {{ .GroupLabels.team }}@x', text: '{{ template "email.default.text" . }}', headers: {X-Team: "{{ .GroupLabels.team }}\nBcc: evil@x"}}]
  action_configs: [{action: safe, params: {team: '{{ .GroupLabels.team }}', bad: 'x'}}]
- name: broken
  action_configs: [{action: safe, params: {x: '{{ index .Alerts 9 }}'}}]
"##;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1_767_225_600_000 + seconds * 1_000)
}

fn alert(name: &str, end: Option<i64>) -> MessageAlert {
    MessageAlert {
        status: match end {
            Some(_) => AlertStatus::Resolved,
            None => AlertStatus::Firing,
        },
        labels: Labels::from_pairs([("alertname", name), ("team", "pad"), ("site", "<n>")]),
        annotations: Labels::from_pairs([("summary", "It is <hot>"), ("n", name)]),
        starts_at: at(0),
        ends_at: end.map(at),
        generator_url: Arc::from("http://prom/graph?a=1&b=2"),
        fingerprint: "00000000000000ff".into(),
    }
}

fn job(receiver: &str, integration: &str) -> NotificationJob {
    let group = GroupId {
        route: Arc::from("{}"),
        labels: Labels::from_pairs([("team", "pad")]),
    };
    let receiver = Arc::from(receiver);
    let alerts = vec![alert("B", Some(60)), alert("A", None)];
    NotificationJob {
        id: 1,
        at: at(61),
        message: Message::new(&receiver, &group, alerts, "http://hub"),
        receiver,
        integration: Arc::from(integration),
        reason: Reason::First,
    }
}

fn rendered(receiver: &str, integration: &str) -> Result<Payload, PayloadError> {
    let config = Config::parse("c", CONFIG, Flavour::Alertmanager).unwrap();
    render(
        &config,
        &template_library([]).unwrap(),
        &job(receiver, integration),
        at(62),
    )
}

fn posted(integration: &str) -> serde_json::Value {
    match rendered("all", integration).unwrap() {
        Payload::Http(post) => serde_json::from_str(&post.body).unwrap(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_webhook_is_sent_version_4_of_alertmanagers_json() {
    let expected = json!({
        "receiver": "all",
        "status": "firing",
        "alerts": [{
            "status": "firing",
            "labels": {"alertname": "A", "site": "<n>", "team": "pad"},
            "annotations": {"n": "A", "summary": "It is <hot>"},
            "startsAt": "2026-01-01T00:00:00Z",
            "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "http://prom/graph?a=1&b=2",
            "fingerprint": "00000000000000ff",
        }],
        "groupLabels": {"team": "pad"},
        "commonLabels": {"site": "<n>", "team": "pad"},
        "commonAnnotations": {"summary": "It is <hot>"},
        "externalURL": "http://hub",
        "version": "4",
        "groupKey": "{}:{team=\"pad\"}",
        "truncatedAlerts": 1,
    });
    assert_eq!(posted("webhook[0]"), expected);
    let Payload::Http(post) = rendered("all", "webhook[0]").unwrap() else {
        panic!("a request");
    };
    assert_eq!(post.timeout, Duration::from_secs(3));
}

#[test]
fn chats_are_told_in_their_own_form() {
    let slack = posted("slack[0]");
    assert_eq!(slack["channel"], "#pad");
    let attachment = &slack["attachments"][0];
    assert_eq!(attachment["color"], "danger");
    assert_eq!(attachment["title"], "[FIRING 1] pad (<n>)");
    assert_eq!(attachment["title_link"], "http://hub");
    assert_eq!(
        attachment["fields"],
        json!([{"title": "t", "value": "2", "short": true}])
    );
    assert!(attachment.get("pretext").is_none());
    let discord = posted("discord[0]");
    assert_eq!(discord["username"], "hub");
    let embed = &discord["embeds"][0];
    assert_eq!(embed["color"], 0x00b3_261e);
    let text = "Firing:\n- It is <hot>\n  alertname=A, site=<n>, team=pad\n  since 2026-01-01 00:00:00 UTC\n  http://prom/graph?a=1&b=2\nResolved:\n- It is <hot>\n  alertname=B, site=<n>, team=pad\n  since 2026-01-01 00:00:00 UTC, until 2026-01-01 00:01:00 UTC\n  http://prom/graph?a=1&b=2\n";
    assert_eq!(embed["description"], text);
}

#[test]
fn an_email_has_both_bodies_and_no_smuggled_header() {
    let Payload::Mail(mail) = rendered("all", "email[0]").unwrap() else {
        panic!("a mail");
    };
    assert_eq!(mail.to, ["a@x", "pad@x"]);
    assert_eq!(
        (mail.from.as_str(), mail.subject.as_str()),
        ("hub@example.org", "[FIRING 1] pad (<n>)")
    );
    assert_eq!(mail.headers["X-Team"], "pad Bcc: evil@x");
    let html = mail.html.unwrap();
    assert!(
        html.contains("It is &lt;hot&gt;") && !html.contains("<hot>"),
        "{html}"
    );
    assert!(
        html.contains("href=\"http://prom/graph?a=1&amp;b=2\""),
        "{html}"
    );
    assert!(mail.text.unwrap().starts_with("Firing:\n- It is <hot>"));
}

#[test]
fn an_action_is_called_with_its_texts() {
    let params = [("bad", "x"), ("team", "pad")].map(|(n, v)| (n.to_owned(), v.to_owned()));
    let expected = Payload::Action {
        action: "safe".into(),
        params: BTreeMap::from(params),
    };
    assert_eq!(rendered("all", "action[0]"), Ok(expected));
}

#[test]
fn what_cannot_be_rendered_says_why() {
    let gone = rendered("all", "webhook[1]").unwrap_err();
    assert!(matches!(gone, PayloadError::Gone { .. }), "{gone}");
    let broken = rendered("broken", "action[0]").unwrap_err();
    assert!(
        portique_fault::chain(&broken).contains("out of range"),
        "{broken}"
    );
}

#[test]
fn long_texts_are_cut_to_what_is_taken() {
    let mut job = job("all", "discord[0]");
    let long = Labels::from_pairs([("team", "é".repeat(3_000))]);
    job.message.group_labels = long;
    let config = Config::parse("c", CONFIG, Flavour::Alertmanager).unwrap();
    let Payload::Http(post) = render(&config, &template_library([]).unwrap(), &job, at(1)).unwrap()
    else {
        panic!("a request");
    };
    let body: serde_json::Value = serde_json::from_str(&post.body).unwrap();
    assert_eq!(
        body["embeds"][0]["title"].as_str().unwrap().chars().count(),
        256
    );
}

#[test]
fn a_job_that_is_too_large_leaves_alerts_out_and_counts_them() {
    let mut job = job("all", "webhook[0]");
    let text = "x".repeat(20_000);
    job.message.alerts = (0..100)
        .map(|i| MessageAlert {
            annotations: Labels::from_pairs([("d", text.as_str())]),
            ..alert(&i.to_string(), None)
        })
        .collect();
    let bytes = job.encode();
    assert!(bytes.len() <= crate::notify::JOB_BYTES_MAX);
    let read = NotificationJob::decode(&bytes).unwrap();
    assert_eq!(
        read.message.alerts.len() + read.message.truncated_alerts,
        100
    );
    assert!(
        read.message.alerts.len() >= 25,
        "{}",
        read.message.alerts.len()
    );
}
