use std::collections::BTreeSet;

use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::hub_process::HubProcess;

/// Asserts that a response is a problem with this status and code, and returns its detail.
async fn check_problem(response: Response, status: u16, code: &str) -> String {
    assert_eq!(response.status(), status);
    assert_eq!(
        response.headers()["content-type"],
        "application/problem+json"
    );
    let problem: Value = response.json().await.unwrap();
    assert_eq!(problem["status"], status, "{problem}");
    assert_eq!(problem["code"], code, "{problem}");
    assert_eq!(problem["type"], format!("urn:portique:problem:{code}"));
    problem["detail"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn every_error_is_a_problem_with_a_code() {
    let hub = HubProcess::start_with(&["--ephemeral"]);
    let token = hub.token();
    let rockets = "/api/v1/launch/rockets";
    check_problem(hub.get("/nowhere").await, 404, "not_found").await;
    check_problem(
        hub.get("/api/v1/launch/rockets/nobody").await,
        404,
        "not_found",
    )
    .await;
    check_problem(
        hub.get("/api/v1/launch/log?limit=0").await,
        400,
        "invalid_argument",
    )
    .await;
    check_problem(
        hub.get("/api/v1/launch/log?unknown=1").await,
        400,
        "invalid_argument",
    )
    .await;

    let wrong_method = hub.send(Method::DELETE, rockets, Some(&token), None).await;
    assert!(wrong_method.headers().contains_key("allow"));
    check_problem(wrong_method, 405, "invalid_argument").await;

    let send = |body: &'static str, kind: &'static str| {
        let client = reqwest::Client::new().post(format!("{}{rockets}", hub.http));
        client
            .bearer_auth(&token)
            .header("content-type", kind)
            .body(body)
            .send()
    };
    let broken = send("{\"rocket\":", "application/json").await.unwrap();
    check_problem(broken, 400, "invalid_argument").await;
    let no_json = send("{}", "text/plain").await.unwrap();
    let detail = check_problem(no_json, 415, "invalid_argument").await;
    assert!(detail.contains("application/json"), "{detail}");
    let unknown_field = send(r#"{"rocket":"a","colour":"red"}"#, "application/json")
        .await
        .unwrap();
    let detail = check_problem(unknown_field, 422, "invalid_argument").await;
    assert!(detail.contains("colour"), "{detail}");
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused() {
    let hub = HubProcess::start_with(&["--ephemeral"]);
    let body = json!({ "rocket": "a".repeat(1 << 20) });
    let bytes = serde_json::to_vec(&body).unwrap().len();
    let rockets = "/api/v1/launch/rockets";
    let response = hub
        .send(Method::POST, rockets, Some(&hub.token()), Some(&body))
        .await;
    let detail = check_problem(response, 413, "resource_exhausted").await;
    let expected = format!("the body has {bytes} bytes: at most 1048576 are taken");
    assert_eq!(detail, expected);
}

#[tokio::test]
async fn an_unknown_field_is_named_with_those_that_are_known() {
    let hub = HubProcess::start_with(&["--ephemeral"]);
    let rockets = "/api/v1/launch/rockets";
    let body = json!({ "rocket": "ariane", "link": { "link": "remote" }, "padd": "pad-1" });
    let response = hub
        .send(Method::POST, rockets, Some(&hub.token()), Some(&body))
        .await;
    let detail = check_problem(response, 422, "invalid_argument").await;
    assert!(
        detail.contains("`padd`") && detail.contains("`pad`"),
        "{detail}"
    );
}

#[tokio::test]
async fn changes_need_the_token_and_reads_do_not() {
    let hub = HubProcess::start_with(&["--ephemeral"]);
    let rockets = "/api/v1/launch/rockets";
    let body = json!({ "rocket": "ariane", "link": { "link": "remote" } });
    for token in [None, Some(""), Some("wrong"), Some(&hub.token()[1..])] {
        let response = hub.send(Method::POST, rockets, token, Some(&body)).await;
        assert_eq!(response.headers()["www-authenticate"], "Bearer");
        check_problem(response, 401, "unauthenticated").await;
    }
    let none: Value = hub.get(rockets).await.json().await.unwrap();
    assert_eq!(none, json!([]), "nothing was changed");
    let response = hub
        .send(Method::POST, rockets, Some(&hub.token()), Some(&body))
        .await;
    assert_eq!(response.status(), 201);
    let one: Value = hub.get(rockets).await.json().await.unwrap();
    assert_eq!(one[0]["rocket"], "ariane");
}

#[tokio::test]
async fn the_openapi_document_lists_exactly_what_is_served() {
    let hub = HubProcess::start_with(&["--ephemeral"]);
    let document: Value = hub.get("/api/v1/openapi.json").await.json().await.unwrap();
    let paths = document["paths"].as_object().unwrap();
    assert!(
        paths.contains_key("/api/v1/launch/rockets/{rocket}"),
        "{:?}",
        paths.keys()
    );
    for (path, operations) in paths {
        let documented: BTreeSet<String> = operations
            .as_object()
            .unwrap()
            .keys()
            .map(|method| method.to_uppercase())
            .collect();
        // No route takes this method, so the answer says which ones it takes.
        let concrete = path.replace("{rocket}", "a").replace("{module}", "b");
        let response = hub
            .send(Method::TRACE, &concrete, Some(&hub.token()), None)
            .await;
        assert_eq!(
            response.status(),
            405,
            "{path} is documented but not served"
        );
        let allowed = response.headers()["allow"].to_str().unwrap();
        let served: BTreeSet<String> = allowed
            .split(',')
            .map(|method| method.trim().to_owned())
            .filter(|method| method != "HEAD")
            .collect();
        assert_eq!(served, documented, "{path}");
    }
}

/// Where tokens, passwords and codes are shown; changes of a session need its own secret.
const SHOWS_A_SECRET: [&str; 3] = [
    "/api/v1/access/first",
    "/api/v1/session",
    "/api/v1/session/password",
];

#[tokio::test]
async fn every_operation_says_how_it_fails_and_changes_say_that_they_need_the_token() {
    let hub = HubProcess::start_with(&["--ephemeral"]);
    let document: Value = hub.get("/api/v1/openapi.json").await.json().await.unwrap();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let problem = &operation["responses"]["default"]["content"]["application/problem+json"];
            assert!(
                problem.is_object(),
                "{method} {path} does not say how it fails"
            );
            let takes_body = operation["requestBody"].is_object();
            for status in ["413", "422"] {
                let is_said = operation["responses"][status].is_object();
                assert_eq!(is_said, takes_body, "{method} {path} {status}");
            }
            let is_guarded = operation["security"][0]["commander_token"].is_array();
            let needs_token = match method.as_str() {
                "get" => hub.get(path).await.status() == 401,
                // Queries may be long, so that they are asked by POST too.
                "post" if path.starts_with("/prometheus/") => {
                    hub.send(Method::POST, path, None, None).await.status() == 401
                }
                _ => !SHOWS_A_SECRET.contains(&path.as_str()),
            };
            assert_eq!(is_guarded, needs_token, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn references_of_the_openapi_document_lead_somewhere() {
    let hub = HubProcess::start_with(&["--ephemeral"]);
    let document: Value = hub.get("/api/v1/openapi.json").await.json().await.unwrap();
    let mut references = Vec::new();
    collect_references(&document, &mut references);
    assert!(!references.is_empty());
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap_or(&reference);
        assert!(
            document.pointer(pointer).is_some(),
            "{reference} leads nowhere"
        );
    }
}

fn collect_references(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                match value.as_str() {
                    Some(reference) if key == "$ref" => into.push(reference.to_owned()),
                    _ => collect_references(value, into),
                }
            }
        }
        Value::Array(values) => values
            .iter()
            .for_each(|value| collect_references(value, into)),
        _ => {}
    }
}

#[tokio::test]
async fn metrics_count_requests_and_show_the_engines() {
    let hub = HubProcess::start_with(&["--ephemeral"]);
    hub.get("/nowhere").await;
    hub.get("/api/v1/launch/rockets/nobody").await;
    for made_up in ["BREW", "WHEN"] {
        let method = Method::from_bytes(made_up.as_bytes()).unwrap();
        hub.send(
            method,
            "/api/v1/launch/rockets/nobody",
            Some(&hub.token()),
            None,
        )
        .await;
    }
    let page = hub.get("/metrics").await;
    let kind = page.headers()["content-type"].to_str().unwrap().to_owned();
    assert_eq!(kind, "text/plain; version=0.0.4; charset=utf-8");
    let page = page.text().await.unwrap();
    let lost = "portique_http_requests_total{method=\"GET\",route=\"none\",status=\"404\"} 1";
    let route = "route=\"/api/v1/launch/rockets/{rocket}\"";
    let read = format!("{{method=\"GET\",{route},status=\"404\"}} 1");
    let made_up = format!("{{method=\"other\",{route},status=\"405\"}} 2");
    for line in [
        lost,
        &read,
        &made_up,
        "portique_journal_poisoned 0",
        "portique_launch_rockets 0",
    ] {
        assert!(page.contains(line), "{line} is not in\n{page}");
    }
    let beginnings = ["#", "portique_", "process_"];
    let is_ours = |line: &str| beginnings.iter().any(|begin| line.starts_with(begin));
    assert!(page.lines().all(is_ours), "{page}");
    assert!(
        !page.contains("BREW") && !page.contains("nobody"),
        "what visitors write is no label: {page}"
    );
}
