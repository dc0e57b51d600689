//! Payments over HTTP on the real hub, killed too.

use std::time::{Duration, Instant};

use futures_util::stream;
use reqwest::{Body, Method, Response, header};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::api_rig::{Rig, json as answer, problem, refused, with_hub};
use crate::hub_process::HubProcess;

/// What is not there by then never will be.
const PATIENCE: Duration = Duration::from_secs(120);
/// Looks are this far apart.
const LOOK_EVERY: Duration = Duration::from_millis(50);

const CASH: &str = "DE36000000000000000000";
const ALICE: &str = "DE89370400440532013000";
const BOB: &str = "GB82WEST12345698765432";

fn line(id: &str, kind: &str, debtor: &str, creditor: &str, amount: &str) -> String {
    let value = json!({"id": id, "kind": kind, "debtor": debtor, "creditor": creditor,
        "amount": amount, "currency": "EUR", "reference": format!("about {id}")});
    format!("{value}\n")
}

async fn open_accounts(rig: &Rig) {
    let accounts = json!([
        {"iban": CASH, "currency": "EUR", "own": true},
        {"iban": ALICE, "currency": "EUR", "overdraft": "10.00"},
        {"iban": BOB, "currency": "EUR"},
        {"iban": "DE00", "currency": "EUR"},
    ]);
    let opened = rig.post("/payments/accounts", &accounts).await;
    assert_eq!(
        (&opened["opened"], &opened["refused_lines"]),
        (&json!(3), &json!(1))
    );
    assert_eq!(opened["refused"][0]["number"], 4);
}

async fn take(rig: &Rig, lines: String) -> Value {
    let request = rig.service(Method::POST, "/payments/transactions");
    let request = request.header("content-type", "application/x-ndjson");
    let response = request.body(lines).send().await.unwrap();
    assert_eq!(response.status(), 202, "{:?}", response.text().await);
    response.json().await.unwrap()
}

async fn settled(rig: &Rig, accepted: u64) -> Value {
    let until = Instant::now() + PATIENCE;
    loop {
        let counts = rig.get("/payments/counts").await;
        let is_all = counts["journalled"] == accepted && counts["accepted"] == accepted;
        if is_all && counts["drift"] == 0 {
            return counts;
        }
        assert!(Instant::now() < until, "{counts}");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lines_are_posted_found_and_balanced() {
    with_hub(async |rig| {
        open_accounts(&rig).await;
        let mut lines = line("in", "deposit", CASH, ALICE, "100.00");
        lines += &line("bad", "transfer", ALICE, BOB, "-1");
        lines += &line("rent", "transfer", ALICE, BOB, "109.99");
        lines += &line("more", "transfer", ALICE, BOB, "0.02");
        let taken = take(&rig, lines).await;
        assert_eq!(
            (&taken["accepted"], &taken["refused_lines"]),
            (&json!(3), &json!(1))
        );
        assert_eq!(taken["refused"][0]["line"], 2);
        let counts = settled(&rig, 3).await;
        assert_eq!(
            (&counts["posted"], &counts["rejected"]),
            (&json!(2), &json!(1))
        );
        let found = rig
            .get(&format!("/payments/transactions?account={BOB}&text=RENT"))
            .await;
        assert_eq!(found["transactions"][0]["amount"], "109.99");
        let rejected = rig.get("/payments/transactions?status=rejected").await;
        let reason = rejected["transactions"][0]["reason"].as_str().unwrap();
        assert!(
            reason.contains("can pay 1 in the smallest unit"),
            "{reason}"
        );
        let trial = rig.get("/payments/trial-balance").await;
        assert_eq!(
            (&trial[0]["balanced"], &trial[0]["credit"]),
            (&json!(true), &json!("109.99"))
        );
        let alice = rig.get(&format!("/payments/accounts/{ALICE}")).await;
        assert_eq!(
            (&alice["balance"], &alice["available"]),
            (&json!("-9.99"), &json!("0.01"))
        );
        let statement = rig
            .get(&format!("/payments/accounts/{BOB}/statement"))
            .await;
        assert_eq!(statement["closing"], "109.99");
        let verified = rig.get("/payments/verify").await;
        assert_eq!(verified["ok"], true, "{verified}");
        let export = rig.service(Method::GET, "/payments/transactions?format=ndjson");
        let export = export.send().await.unwrap().text().await.unwrap();
        assert_eq!(export.lines().count(), 3);
        let metrics = rig.metrics().await;
        assert!(
            metrics.contains("portique_payments_posted_total 2"),
            "{metrics}"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_is_refused_by_name() {
    with_hub(async |rig| {
        open_accounts(&rig).await;
        let post = |path: &str| rig.service(Method::POST, path);
        let one = json!({"id": "a", "debtor": ALICE, "creditor": BOB, "amount": "1.005", "currency": "EUR"});
        let asked = post("/payments/transactions").json(&one);
        let said = refused(asked, 400, "invalid_argument").await;
        assert!(said.contains("amount") && said.contains("digits"), "{said}");
        // Announced only: it is refused before it is read.
        let unsent = stream::pending::<Result<Vec<u8>, std::io::Error>>();
        let huge = post("/payments/transactions").body(Body::wrap_stream(unsent));
        let huge = huge.header(header::CONTENT_LENGTH, (16 << 20) + 1);
        let huge: Response = huge.send().await.unwrap();
        let said = problem(huge, 413, "resource_exhausted").await;
        assert!(said.contains("16777216"), "{said}");
        let nobody = rig.service(Method::GET, "/payments/accounts/DE02120300000000202051");
        refused(nobody, 404, "not_found").await;
        let secret = rig.anonymous(Method::GET, "/payments/accounts");
        refused(secret, 401, "unauthenticated").await;
        let stale = post("/payments/work/post?job=77&token=1").json(&json!({"ids": "a"}));
        refused(stale, 409, "conflict").await;
        // Facts are the ledger's own; requests are everybody's.
        let event = |subject: &str| {
            json!({"specversion": "1.0", "id": format!("e-{subject}"), "source": "/test",
                "type": "asked", "subject": subject, "data": [one.clone(), {"id": "b", "debtor": CASH,
                "creditor": BOB, "amount": "1.00", "currency": "EUR", "kind": "deposit"}]})
        };
        let publish = |subject: &str| {
            let request = post("/events");
            let request = request.header("content-type", "application/cloudevents+json");
            request.body(event(subject).to_string())
        };
        refused(publish("payments.posted"), 403, "permission_denied").await;
        answer(publish("payments.requested")).await;
        let counts = settled(&rig, 1).await;
        assert_eq!(counts["posted"], 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_in_the_middle_nothing_is_lost_or_doubled() {
    let folder = tempfile::tempdir().unwrap();
    let mut accepted = 1;
    for round in 0..4_u64 {
        let hub = HubProcess::start(folder.path());
        let accounts = format!(
            "{{\"iban\":\"{CASH}\",\"currency\":\"EUR\",\"own\":true}}\n{{\"iban\":\"{ALICE}\",\"currency\":\"EUR\"}}\n"
        );
        let mut lines = line("in", "deposit", CASH, ALICE, "1.00");
        for number in 0..2_000 {
            lines += &line(&format!("{round}-{number}"), "deposit", CASH, ALICE, "0.01");
        }
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        for (path, body) in [("accounts", accounts), ("transactions", lines)] {
            let url = format!("{}/api/v1/payments/{path}", hub.http);
            let request = client.post(url).bearer_auth(hub.token());
            let request = request.header("content-type", "application/x-ndjson");
            let response = request.body(body).send().await.unwrap();
            assert!(
                response.status().is_success(),
                "{:?}",
                response.text().await
            );
        }
        accepted += 2_000;
        // Between the acknowledgement and the journal, wherever that happens to be.
        hub.stop(Signal::KILL);
    }
    let hub = HubProcess::start(folder.path());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let until = Instant::now() + PATIENCE;
    let get = async |path: &str| -> Value {
        let url = format!("{}/api/v1/payments/{path}", hub.http);
        let response = client
            .get(url)
            .bearer_auth(hub.token())
            .send()
            .await
            .unwrap();
        response.json().await.unwrap()
    };
    let all = accepted + 3;
    loop {
        let counts = get("counts").await;
        if counts["journalled"] == all && counts["drift"] == 0 {
            assert_eq!(
                (&counts["posted"], &counts["known"]),
                (&json!(accepted), &json!(3))
            );
            break;
        }
        assert!(Instant::now() < until, "{counts}");
        tokio::time::sleep(LOOK_EVERY).await;
    }
    let trial = get("trial-balance").await;
    assert_eq!(
        (&trial[0]["balanced"], &trial[0]["credit"]),
        (&json!(true), &json!("81.00"))
    );
    let verified = get("verify").await;
    assert_eq!(verified["ok"], true, "{verified}");
}
