//! What goes wrong on the way to people, and what becomes of it.

use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::hub_process::HubProcess;
use crate::notify_rig::{
    Answer, Receiver, at_once, explained, figure, get, post, raise, says, until, with_notifier,
    write,
};

const HOT: [(&str, &str); 1] = [("alertname", "Hot")];

#[tokio::test]
async fn a_receiver_that_was_down_is_told_once_when_it_is_up() {
    let place = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = place.local_addr().unwrap();
    drop(place);
    let ways = format!("  webhook_configs: [{{url: 'http://{address}/hook/sesame'}}]\n");
    with_notifier(&at_once(&ways), async |rig| {
        raise(&rig, &HOT, false).await;
        let failed = async || explained(&rig).await["routes"][0]["ways"][0]["on_its_way"].clone();
        let failed = until(failed, |way| way["attempts_failed"].as_u64() > Some(1)).await;
        let problem = failed["last_problem"].as_str().unwrap();
        assert!(problem.contains("cannot be reached"), "{problem}");
        assert!(!problem.contains("sesame"), "{problem}");
        let mut hook = Receiver::on(TcpListener::bind(address).await.unwrap(), Vec::new());
        assert_eq!(hook.next().await.json()["status"], "firing");
        let told = async || explained(&rig).await["routes"][0]["ways"][0]["is_told"].clone();
        until(told, |told| *told == true).await;
        assert_eq!(hook.left(), 0);
    })
    .await;
}

#[tokio::test]
async fn a_receiver_that_says_no_makes_a_dead_letter_that_says_why() {
    let no = || says(400, "no such channel\nas sesame");
    let mut hook = Receiver::start(vec![no(), no(), no()]).await;
    let ways = format!(
        "  webhook_configs: [{{url: '{}', http_config: {{authorization: {{credentials: sesame}}}}}}]\n",
        hook.url
    );
    // Nobody looks at the group again within the test.
    let text = at_once(&ways).replace("group_interval: 1s", "group_interval: 1h");
    with_notifier(&text, async |rig| {
        raise(&rig, &HOT, false).await;
        hook.next().await;
        let way = async || explained(&rig).await["routes"][0]["ways"][0].clone();
        let way = until(way, |way| way["given_up"].is_object()).await;
        let reason = way["given_up"]["reason"].as_str().unwrap();
        assert_eq!(
            reason,
            "the receiver answered 400 Bad Request: no such channel as <secret>"
        );
        let dead = rig.get("/dead?queue=monitor.notifications").await;
        assert!(dead.to_string().contains("no such channel"), "{dead}");
        let failed = "portique_notifications_failed_total{integration=\"webhook\"}";
        assert_eq!(figure(&rig, failed).await, 1.0);
    })
    .await;
}

#[tokio::test]
async fn a_slow_receiver_delays_no_other_and_is_asked_again() {
    let mut slow = Receiver::start(vec![Answer::Never]).await;
    let mut quick = Receiver::start(Vec::new()).await;
    let ways = format!(
        "  webhook_configs: [{{url: '{}', timeout: 1s}}, {{url: '{}'}}]\n",
        slow.url, quick.url
    );
    with_notifier(&at_once(&ways), async |rig| {
        raise(&rig, &HOT, false).await;
        let first = slow.next().await;
        raise(&rig, &[("alertname", "Cold")], false).await;
        // Both groups reach the quick one while the first hangs at the slow one.
        let mut told = [quick.next().await.json(), quick.next().await.json()]
            .map(|message| message["groupLabels"]["alertname"].to_string());
        told.sort();
        assert_eq!(told, ["\"Cold\"", "\"Hot\""]);
        let again = loop {
            let next = slow.next().await;
            if next.header("idempotency-key") == first.header("idempotency-key") {
                break next;
            }
        };
        assert_eq!(again.body, first.body);
    })
    .await;
}

#[tokio::test]
async fn a_thousand_alerts_are_one_message_that_says_what_it_leaves_out() {
    let mut all = Receiver::start(Vec::new()).await;
    let mut few = Receiver::start(Vec::new()).await;
    let ways = format!(
        "  webhook_configs: [{{url: '{}'}}, {{url: '{}', max_alerts: 10}}]\n",
        all.url, few.url
    );
    let text = at_once(&ways).replace("group_wait: 0s", "group_wait: 2s");
    with_notifier(&text, async |rig| {
        let alerts = (0..1_000).map(|tank| {
            json!({
                "labels": { "alertname": "Hot", "tank": tank.to_string() },
                "annotations": { "summary": "It is hot" },
            })
        });
        post(&rig, &alerts.collect()).await;
        let message = all.next().await.json();
        assert_eq!(message["alerts"].as_array().unwrap().len(), 1_000);
        assert_eq!(message["truncatedAlerts"], 0);
        let message = few.next().await.json();
        assert_eq!(message["alerts"].as_array().unwrap().len(), 10);
        assert_eq!(message["truncatedAlerts"], 990);
        assert_eq!(get(&rig, "/alerts").await.as_array().unwrap().len(), 1_000);
    })
    .await;
}

#[tokio::test]
async fn a_hub_killed_before_it_was_told_that_a_notification_arrived_sends_it_again() {
    let mut hook = Receiver::start(vec![Answer::Never]).await;
    let folder = tempfile::tempdir().unwrap();
    let ways = format!("  webhook_configs: [{{url: '{}'}}]\n", hook.url);
    let file = write(folder.path(), &at_once(&ways));
    let config = folder.path().join("portique.toml");
    std::fs::write(&config, format!("notifications.file = {file:?}\n")).unwrap();
    let data = folder.path().join("data");
    let args = [
        "--data",
        data.to_str().unwrap(),
        "--config",
        config.to_str().unwrap(),
    ];
    let hub = HubProcess::start_with(&args);
    let alerts = json!([{ "labels": { "alertname": "Hot" } }]);
    let token = hub.token();
    let posted = hub
        .send(Method::POST, "/api/v2/alerts", Some(&token), Some(&alerts))
        .await;
    assert_eq!(posted.status(), 200);
    let first = hook.next().await;
    // Dropped, it is killed with SIGKILL; nobody was told what became of the notification.
    drop(hub);
    let hub = HubProcess::start_with(&args);
    let second = hook.next().await;
    assert_eq!(
        second.header("idempotency-key"),
        first.header("idempotency-key")
    );
    assert_eq!(second.body, first.body);
    let alerts: Value = hub.get("/api/v2/alerts").await.json().await.unwrap();
    let fingerprint = alerts[0]["fingerprint"].as_str().unwrap();
    let path = format!("/api/v1/notifications/alerts/{fingerprint}");
    let told = async || {
        let explained: Value = hub.get(&path).await.json().await.unwrap();
        explained["routes"][0]["ways"][0]["is_told"].clone()
    };
    until(told, |told| *told == true).await;
    assert_eq!(hook.left(), 0);
}
