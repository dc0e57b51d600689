use std::collections::BTreeMap;

use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Endpoint;
use tonic::{Code, Request};
use tonic_prost::ProstCodec;

use super::{Place, answer, with_closed_hub};

/// What needs nothing even where no read is open: how the hub is, what it is, where one signs in, and what is public.
const OPEN: [&str; 13] = [
    "DELETE /api/v1/session",
    "GET /api/v1/openapi.json",
    "GET /api/v1/session",
    "GET /api/v1/version",
    "GET /api/v1/webcast",
    "GET /api/v1/webcast/live",
    "GET /healthz",
    "GET /prometheus/-/healthy",
    "GET /prometheus/-/ready",
    "GET /readyz",
    "POST /api/v1/access/first",
    "POST /api/v1/session",
    "PUT /api/v1/session/password",
];
/// What modules call, who show a token of their own.
const OF_MODULES: &str = "/portique.vehicle.v1.";
/// Methods of the vehicle's own contract, which modules serve and the hub calls.
const OF_VEHICLES: &str = "/portique.vehicle.v1.Module/";

/// Every operation of the document: method, path, and a path that could be asked for.
async fn operations(place: &Place) -> Vec<(Method, String, String)> {
    let asked = place.ask(Method::GET, "/api/v1/openapi.json");
    let document = answer(asked, Some(200)).await;
    let mut operations = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let concrete = path.replace(['{', '}'], "");
            operations.push((method, path.clone(), concrete));
        }
    }
    assert!(operations.len() > 180, "{}", operations.len());
    operations
}

#[tokio::test]
async fn every_route_refuses_the_anonymous_and_the_wrong_role() {
    with_closed_hub(async |place| {
        let person = place.user("mallory", &[]).await;
        let mut by_permission: BTreeMap<String, Vec<(Method, String)>> = BTreeMap::new();
        let mut open = Vec::new();
        for (method, path, concrete) in operations(&place).await {
            let ask = || place.ask(method.clone(), &concrete);
            let line = format!("{method} {path}");
            if OPEN.contains(&line.as_str()) {
                open.push(line);
                continue;
            }
            let anonymous = ask().send().await.unwrap();
            assert_eq!(anonymous.status(), 401, "{line}");
            let kind = &anonymous.headers()[header::CONTENT_TYPE];
            assert_eq!(kind, "application/problem+json", "{line}");
            let made_up = ask().bearer_auth("0".repeat(64)).send().await.unwrap();
            assert_eq!(made_up.status(), 401, "{line}");
            let refused = answer(person.with(ask()), Some(403)).await;
            let detail = refused["detail"].as_str().unwrap();
            let needed = detail.strip_prefix("this needs the permission ");
            let needed = needed.and_then(|rest| rest.split_once(','));
            let (needed, _) = needed.unwrap_or_else(|| panic!("{line}: {detail}"));
            by_permission
                .entry(needed.to_owned())
                .or_default()
                .push((method, concrete));
        }
        assert_eq!(open.len(), OPEN.len(), "{open:?}");
        // What no line of the table names falls to administrators, who have nothing but people for themselves.
        for (method, path) in &by_permission["access:admin"] {
            assert!(
                path.starts_with("/api/v1/access/"),
                "forgotten: {method} {path}"
            );
        }
        wrong_roles(&place, &by_permission).await;
    })
    .await;
}

/// With everything but what is needed, each is refused still.
async fn wrong_roles(place: &Place, by_permission: &BTreeMap<String, Vec<(Method, String)>>) {
    let nurse = place.user("nurse", &[]).await;
    let get = |path| place.commander(Method::GET, path, Value::Null);
    let all = get("/api/v1/access/permissions").await;
    let all = all.as_array().unwrap().iter();
    let all: Vec<&str> = all.map(|one| one["name"].as_str().unwrap()).collect();
    assert!(by_permission.len() > 25, "{by_permission:?}");
    for (needed, routes) in by_permission {
        assert!(all.contains(&needed.as_str()), "{needed}");
        let others: Vec<&&str> = all.iter().filter(|one| *one != needed).collect();
        let role = format!("no-{}", needed.replace(':', "-"));
        let body = json!({ "name": role, "permissions": others });
        place
            .commander(Method::POST, "/api/v1/access/roles", body)
            .await;
        let roles = json!({ "roles": [role] });
        let path = "/api/v1/access/users/nurse/roles";
        place.commander(Method::PUT, path, roles).await;
        for (method, path) in routes {
            let asked = nurse.with(place.ask(method.clone(), path));
            let status = asked.send().await.unwrap().status();
            assert_eq!(
                status,
                StatusCode::FORBIDDEN,
                "{method} {path} without {needed}"
            );
        }
    }
}

/// Every method of the contracts in `proto/`.
fn methods() -> Vec<String> {
    let mut methods = Vec::new();
    for file in ["bus", "jobs", "telemetry", "vehicle"] {
        let path = format!("{}/../proto/{file}.proto", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).unwrap();
        let (mut package, mut service) = ("", "");
        for line in text.lines().map(str::trim) {
            if let Some(rest) = line.strip_prefix("package ") {
                package = rest.trim_end_matches(';');
            } else if let Some(rest) = line.strip_prefix("service ") {
                service = rest.split(' ').next().unwrap();
            } else if let Some(rest) = line.strip_prefix("rpc ") {
                let method = rest.split('(').next().unwrap();
                methods.push(format!("/{package}.{service}/{method}"));
            }
        }
    }
    methods
}

#[tokio::test]
async fn every_grpc_method_refuses_the_anonymous_and_the_wrong_scope() {
    with_closed_hub(async |place| {
        let person = place.user("mallory", &["viewer"]).await;
        let request = place.ask(Method::POST, "/api/v1/access/tokens");
        let request = request.json(&json!({ "scopes": ["access:own"] }));
        let token = answer(person.with(request), Some(201)).await;
        let token = token["token"].as_str().unwrap();
        let channel = Endpoint::from_shared(place.grpc.clone()).unwrap();
        let channel = channel.connect().await.unwrap();
        let call = async |path: &str, token: Option<&str>| {
            let mut client = Grpc::new(channel.clone());
            client.ready().await.unwrap();
            let mut request = Request::new(());
            if let Some(token) = token {
                let value = format!("Bearer {token}").parse().unwrap();
                request.metadata_mut().insert("authorization", value);
            }
            let path: PathAndQuery = path.parse().unwrap();
            let codec = ProstCodec::<(), ()>::default();
            let answered = client.unary(request, path, codec).await;
            answered.map(|_| ()).unwrap_err().code()
        };
        let all = methods();
        assert!(all.len() > 40, "{all:?}");
        for path in all.iter().filter(|path| !path.starts_with(OF_MODULES)) {
            assert_eq!(call(path, None).await, Code::Unauthenticated, "{path}");
            let made_up = "0".repeat(64);
            assert_eq!(
                call(path, Some(&made_up)).await,
                Code::Unauthenticated,
                "{path}"
            );
            assert_eq!(
                call(path, Some(token)).await,
                Code::PermissionDenied,
                "{path}"
            );
        }
        let attach = all.iter().filter(|path| path.starts_with(OF_MODULES));
        let served = attach.filter(|path| !path.starts_with(OF_VEHICLES));
        assert_eq!(
            served.count(),
            3,
            "those look at the token of modules themselves"
        );
        let forgotten = "/portique.bus.v1.Bus/Forgotten";
        assert_eq!(call(forgotten, Some(token)).await, Code::PermissionDenied);
    })
    .await;
}
