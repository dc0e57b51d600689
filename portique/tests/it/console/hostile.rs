//! What somebody might try: a script in whatever is written, another site, a secret in an address.

use reqwest::{Method, RequestBuilder, Response, header};
use serde_json::{Value, json};

use super::{CSRF, Visitor};
use crate::api_rig::{Rig, with_hub};
use crate::hub_process::HubProcess;

/// What a browser would run, were it given as a page.
const SCRIPT: &str = "</script><script>alert(1)</script><img src=x onerror=alert(2)>";
/// Another site, which a browser names by itself.
const ELSEWHERE: &str = "https://evil.example";

async fn send(request: RequestBuilder) -> Response {
    request.send().await.unwrap()
}

/// Asks for something, and holds the answer to be data and nothing else.
async fn data(request: RequestBuilder, what: &str) -> String {
    let answer = send(request).await;
    let headers = answer.headers().clone();
    let kind = headers[header::CONTENT_TYPE].to_str().unwrap().to_owned();
    assert!(
        !kind.contains("html") && !kind.contains("svg"),
        "{what}: {kind}"
    );
    assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff", "{what}");
    let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'"), "{what}: {policy}");
    assert_eq!(headers[header::CACHE_CONTROL], "no-store", "{what}");
    answer.text().await.unwrap()
}

/// Writes the script wherever a text is taken.
async fn write_everywhere(rig: &Rig) {
    let writes = [
        (
            "/queues/letters/jobs",
            json!({ "kind": "greet", "payload": { "to": SCRIPT } }),
        ),
        ("/events?subject=notes.one", json!({ "text": SCRIPT })),
        ("/launch/rockets", json!({ "rocket": "alpha" })),
        (
            "/launch/rockets/alpha/count/hold",
            json!({ "reason": SCRIPT }),
        ),
        (
            "/access/roles",
            json!({ "name": "night", "permissions": [], "label": SCRIPT }),
        ),
    ];
    for (path, body) in writes {
        // Some of it is refused, which is as good.
        data(rig.commander(Method::POST, path).json(&body), path).await;
    }
    let alert = json!([{ "labels": { "alertname": "Made up", "note": SCRIPT },
        "annotations": { "summary": SCRIPT } }]);
    let posted = send(rig.alerting(Method::POST, "/alerts").json(&alert)).await;
    assert_eq!(posted.status(), 200);
}

#[tokio::test]
async fn a_script_that_somebody_wrote_is_data_wherever_it_comes_out() {
    with_hub(async |rig| {
        write_everywhere(&rig).await;
        let mut seen = 0;
        for path in [
            "/queues/letters/jobs",
            "/events?filter=notes.%3E",
            "/launch/rockets",
            "/launch/log",
            "/access/roles",
            "/access/audit",
            "/alerts",
        ] {
            let text = data(rig.commander(Method::GET, path), path).await;
            seen += usize::from(text.contains("<script>"));
        }
        let alerts = data(rig.alerting(Method::GET, "/alerts"), "alerts").await;
        seen += usize::from(alerts.contains("<script>"));
        assert!(seen >= 2, "what is written comes out as it is: {seen}");
        // A refusal that repeats what it refuses is data too, and a page never repeats anything.
        let made_up = format!("/queues/{}", "%3Cscript%3Ealert(1)%3C%2Fscript%3E");
        data(rig.commander(Method::GET, &made_up), &made_up).await;
        let visitor = Visitor::of(&rig);
        for path in [
            "/%3Cscript%3Ealert(1)",
            "/prometheus/federate?match[]=%3Cscript%3E",
        ] {
            data(visitor.get(path), path).await;
        }
        let page = send(visitor.get("/console/%3Cscript%3Ealert(1)?q=<script>alert(1)")).await;
        assert!(!page.text().await.unwrap().contains("alert(1)"));
    })
    .await;
}

#[tokio::test]
async fn another_site_reads_nothing_and_changes_nothing() {
    with_hub(async |rig| {
        let visitor = Visitor::of(&rig);
        let signed_in = visitor.sign_in(rig.commander_token()).await;
        let from_elsewhere = |request: RequestBuilder| {
            let request = request.header(header::COOKIE, &signed_in.cookie);
            request.header(header::ORIGIN, ELSEWHERE)
        };
        for path in ["/api/v1/session", "/api/v1/dead", "/metrics", "/console/"] {
            let answer = send(from_elsewhere(visitor.get(path))).await;
            let allowed = answer.headers().get(header::ACCESS_CONTROL_ALLOW_ORIGIN);
            assert_eq!(allowed, None, "{path}");
        }
        // A page elsewhere can have the browser send these without asking first.
        for kind in ["text/plain", "application/x-www-form-urlencoded"] {
            for path in [
                "/api/v1/queues/letters/jobs",
                "/api/v1/session",
                "/api/v1/access/roles",
            ] {
                let request = visitor.post(path).header(header::CONTENT_TYPE, kind);
                let answer = send(from_elsewhere(request.body("{\"kind\": \"x\"}"))).await;
                let status = answer.status().as_u16();
                assert!(matches!(status, 403 | 415), "{path} {kind}: {status}");
            }
        }
        // For anything more it has to ask, and is not let.
        let url = format!("{}/api/v1/queues/letters/jobs", rig.root());
        let asks = reqwest::Client::new().request(Method::OPTIONS, url);
        let asks = asks.header(header::ACCESS_CONTROL_REQUEST_HEADERS, CSRF);
        let answer = send(asks.header(header::ORIGIN, ELSEWHERE)).await;
        assert!(!answer.status().is_success());
        assert!(
            !answer
                .headers()
                .contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN)
        );
    })
    .await;
}

#[tokio::test]
async fn a_token_in_an_address_opens_nothing_and_no_secret_is_logged() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().display().to_string();
    let hub = HubProcess::start_with(&["--data", &data, "--log", "info,portique::http=debug"]);
    let token = hub.token();
    let password = "correct horse battery";
    for name in ["token", "access_token", "api_key", "authorization"] {
        let answer = hub.get(&format!("/api/v1/settings?{name}={token}")).await;
        assert_eq!(answer.status(), 401, "{name}");
        let said = answer.text().await.unwrap();
        assert!(!said.contains(&token), "{said}");
    }
    let user = json!({ "name": "alice", "roles": [], "password": password });
    let path = "/api/v1/access/users";
    let made = hub
        .send(Method::POST, path, Some(&token), Some(&user))
        .await;
    assert_eq!(made.status(), 201);
    for body in [
        json!({ "name": "alice", "password": password }),
        json!({ "name": "alice", "password": format!("{password}, wrong") }),
        json!({ "token": token }),
    ] {
        hub.send(Method::POST, "/api/v1/session", None, Some(&body))
            .await;
    }
    let settings = hub
        .send(Method::GET, "/api/v1/settings", Some(&token), None)
        .await;
    let settings: Value = settings.json().await.unwrap();
    assert!(!settings.to_string().contains(&token));
    let log = hub.stop_and_read();
    assert!(
        log.contains("/api/v1/settings"),
        "requests are logged: {log}"
    );
    for secret in [token.as_str(), password] {
        assert!(!log.contains(secret), "a secret is in the log: {log}");
    }
}
