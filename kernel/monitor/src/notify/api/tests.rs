use std::time::Duration;

use portique_clock::Seeded;
use serde_json::{Value, json};

use super::*;
use crate::notify::config::Flavour;
use crate::notify::dispatcher::Options;

const CONFIG: &str = "
route:
  receiver: all
  routes:
  - {matchers: [team=pad], receiver: pad, group_by: [site], continue: true}
  - {matchers: [team=~\".+\"], receiver: teams, mute_time_intervals: [always]}
receivers:
- name: all
  webhook_configs: [{url: 'http://x/sesame'}]
- name: pad
- name: teams
inhibit_rules: [{source_matchers: [severity=critical], target_matchers: [severity=warning]}]
time_intervals: [{name: always, time_intervals: [{}]}]
";

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1_767_225_600_000 + seconds * 1_000)
}

fn dispatcher() -> Dispatcher {
    let config = Config::parse("c", CONFIG, Flavour::Alertmanager).unwrap();
    let mut dispatcher = Dispatcher::new(Arc::new(config), Options::default());
    let body = r#"[
        {"labels": {"alertname": "a", "team": "pad", "site": "n"}, "annotations": {"s": "x"},
         "startsAt": "2026-01-01T00:00:00.123456Z", "endsAt": "0001-01-01T00:00:00.000Z", "generatorURL": "http://p"},
        {"labels": {"alertname": "b", "team": "sea", "severity": "warning"}},
        {"labels": {"alertname": "c", "severity": "critical"}, "endsAt": "2026-01-01T01:00:00+01:00"},
        {"labels": {"alertname": "d", "severity": "critical"}, "endsAt": "2027-01-01T01:00:00+01:00"}
    ]"#;
    let posted: Vec<PostableAlert> = serde_json::from_str(body).unwrap();
    let posted: Vec<Posted> = posted.into_iter().map(Posted::from).collect();
    let receipt = dispatcher.post(&posted, at(1));
    assert_eq!(receipt.refused, []);
    receipt.facts.iter().for_each(|fact| dispatcher.apply(fact));
    dispatcher
}

fn silenced(dispatcher: &mut Dispatcher, body: &Value, now: i64) -> Result<String, String> {
    let silence: PostableSilence =
        serde_json::from_value(body.clone()).map_err(|e| e.to_string())?;
    let request = silence.request().map_err(|e| e.to_string())?;
    let made = dispatcher.set_silence(request, at(now), &mut Seeded::new(7));
    let (id, facts) = made.map_err(|e| e.to_string())?;
    facts.iter().for_each(|fact| dispatcher.apply(fact));
    Ok(id)
}

fn names(dispatcher: &Dispatcher, query: &[(&str, &str)]) -> Vec<String> {
    let filter = AlertFilter::from_query(query.iter().copied()).unwrap();
    let found = alerts(dispatcher, &filter, at(2));
    let mut names: Vec<_> = found
        .iter()
        .map(|alert| alert.labels.get("alertname").unwrap().to_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn an_alert_is_shown_as_alertmanager_shows_it() {
    let dispatcher = dispatcher();
    let filter = AlertFilter::from_query([("filter", "alertname=a")]).unwrap();
    let shown = serde_json::to_value(alerts(&dispatcher, &filter, at(2))).unwrap();
    let fingerprint = shown[0]["fingerprint"].clone();
    assert_eq!(fingerprint.as_str().unwrap().len(), 16);
    let expected = json!([{
        "annotations": {"s": "x"},
        "endsAt": "2026-01-01T00:05:01.000Z",
        "fingerprint": fingerprint,
        "receivers": [{"name": "pad"}, {"name": "teams"}],
        "startsAt": "2026-01-01T00:00:00.123Z",
        "status": {"inhibitedBy": [], "mutedBy": [], "silencedBy": [], "state": "active"},
        "updatedAt": "2026-01-01T00:00:01.000Z",
        "generatorURL": "http://p",
        "labels": {"alertname": "a", "team": "pad", "site": "n"},
    }]);
    assert_eq!(shown, expected);
}

#[test]
fn alerts_are_filtered() {
    let mut dispatcher = dispatcher();
    let silence = json!({
        "matchers": [{"name": "alertname", "value": "a", "isRegex": false}],
        "startsAt": "2026-01-01T00:00:00Z", "endsAt": "2026-01-01T10:00:00Z",
        "createdBy": "ada", "comment": "works",
    });
    silenced(&mut dispatcher, &silence, 1).unwrap();
    for (query, expected) in [
        (&[] as &[_], &["a", "b", "d"] as &[&str]),
        (&[("filter", "team=~\".+\"")], &["a", "b"]),
        (&[("filter", "team=pad"), ("filter", "site=n")], &["a"]),
        (&[("filter", "{team=\"pad\",site!=\"n\"}")], &[]),
        (&[("receiver", "pa.")], &["a"]),
        (&[("receiver", "p")], &[]),
        (&[("silenced", "false")], &["b", "d"]),
        (&[("inhibited", "false")], &["a", "d"]),
        (&[("active", "false")], &["a", "b"]),
        (
            &[
                ("active", "false"),
                ("silenced", "false"),
                ("inhibited", "false"),
            ],
            &[],
        ),
        (
            &[("unprocessed", "false"), ("muted", "true")],
            &["a", "b", "d"],
        ),
    ] {
        assert_eq!(names(&dispatcher, query), expected, "{query:?}");
    }
    for bad in [("filter", "a"), ("active", "yes"), ("receiver", "(")] {
        assert!(AlertFilter::from_query([bad]).is_err(), "{bad:?}");
    }
}

#[test]
fn groups_are_shown_with_what_mutes_their_route() {
    let dispatcher = dispatcher();
    let groups = |query: &[(&str, &str)]| {
        let filter = AlertFilter::from_query(query.iter().copied()).unwrap();
        serde_json::to_value(alert_groups(&dispatcher, &filter, at(2))).unwrap()
    };
    let all = groups(&[]);
    let summary: Vec<_> = all
        .as_array()
        .unwrap()
        .iter()
        .map(|g| {
            let muted = &g["alerts"][0]["status"]["mutedBy"];
            (
                g["receiver"]["name"].clone(),
                g["labels"].clone(),
                g["alerts"].as_array().unwrap().len(),
                muted.clone(),
            )
        })
        .collect();
    let expected = [
        (json!("all"), json!({}), 1, json!([])),
        (json!("teams"), json!({}), 2, json!(["always"])),
        (json!("pad"), json!({"site": "n"}), 1, json!([])),
    ];
    assert_eq!(summary, expected);
    assert_eq!(groups(&[("muted", "false")]).as_array().unwrap().len(), 2);
    assert_eq!(groups(&[("receiver", "pad")]).as_array().unwrap().len(), 1);
}

#[test]
fn silences_go_round_and_are_sorted() {
    let mut dispatcher = dispatcher();
    let body = |name: &str, from: &str, to: &str| {
        json!({
            "matchers": [{"name": "größe🙂", "value": name, "isRegex": true, "isEqual": false}, {"name": "alertname", "value": "a", "isRegex": false, "isEqual": true}],
            "startsAt": from, "endsAt": to, "createdBy": "ada", "comment": name,
            "annotations": {"ticket": "1"}, "noticeSeconds": 600,
            "schedule": [{"times": [[540, 1020]], "location": "Europe/Paris"}],
        })
    };
    let late = body("late", "2026-01-01T00:00:00Z", "2026-01-03T00:00:00Z");
    let id = silenced(&mut dispatcher, &late, 1).unwrap();
    let shown =
        serde_json::to_value(GettableSilence::of(dispatcher.silence(&id).unwrap(), at(2))).unwrap();
    assert_eq!(shown["status"], json!({"state": "active"}));
    assert_eq!(shown["startsAt"], "2026-01-01T00:00:01.000Z");
    for field in [
        "matchers",
        "annotations",
        "noticeSeconds",
        "createdBy",
        "comment",
    ] {
        assert_eq!(shown[field], late[field], "{field}");
    }
    assert_eq!(shown["schedule"][0]["times"], json!([[540, 1020]]));
    let mut random = Seeded::new(8);
    for (name, from, to) in [
        ("pending", "2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z"),
        ("soon", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"),
        ("over", "2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z"),
    ] {
        let silence: PostableSilence = serde_json::from_value(body(name, from, to)).unwrap();
        let (_, facts) = dispatcher
            .set_silence(silence.request().unwrap(), at(1), &mut random)
            .unwrap();
        facts.iter().for_each(|fact| dispatcher.apply(fact));
    }
    let order = |query: &[(&str, &str)]| {
        let filter = SilenceFilter::from_query(query.iter().copied()).unwrap();
        let found = silence::silences(&dispatcher, &filter, at(0).plus(Duration::from_secs(120)));
        found
            .into_iter()
            .map(|silence| silence.comment)
            .collect::<Vec<_>>()
    };
    assert_eq!(order(&[]), ["soon", "late", "pending", "over"]);
    assert_eq!(
        order(&[("expired", "false"), ("active", "false")]),
        ["pending"]
    );
    assert_eq!(order(&[("filter", "\"größe🙂\"=late")]), ["late"]);
}

#[test]
fn a_wrong_silence_is_refused_with_its_reason() {
    let mut dispatcher = dispatcher();
    let body = |matchers: Value| {
        json!({
            "matchers": matchers, "createdBy": "ada", "comment": "x",
            "startsAt": "2026-01-01T00:00:00Z", "endsAt": "2026-01-02T00:00:00Z",
        })
    };
    for (matchers, expected) in [
        (json!([]), "no matchers"),
        (
            json!([{"name": "", "value": "x", "isRegex": false}]),
            "no name",
        ),
        (
            json!([{"name": "a", "value": "(", "isRegex": true}]),
            "not usable",
        ),
        (
            json!([{"name": "a", "value": "", "isRegex": false}]),
            "empty string",
        ),
        (json!([{"name": "a"}]), "missing field"),
    ] {
        let problem = silenced(&mut dispatcher, &body(matchers), 1).unwrap_err();
        assert!(problem.contains(expected), "{problem}");
    }
}

#[test]
fn status_and_receivers_are_shown_without_secrets() {
    let dispatcher = dispatcher();
    let shown = serde_json::to_value(receivers(dispatcher.config())).unwrap();
    assert_eq!(
        shown,
        json!([{"name": "all"}, {"name": "pad"}, {"name": "teams"}])
    );
    let version = VersionView {
        version: "1.2.3".into(),
        ..VersionView::default()
    };
    let shown = serde_json::to_value(status(dispatcher.config(), at(0), version)).unwrap();
    assert_eq!(shown["cluster"], json!({"status": "disabled", "peers": []}));
    assert_eq!(shown["versionInfo"]["version"], "1.2.3");
    let original = shown["config"]["original"].as_str().unwrap();
    assert!(
        original.contains("receiver: all") && !original.contains("sesame"),
        "{original}"
    );
}
