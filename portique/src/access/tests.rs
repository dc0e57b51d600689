use std::collections::BTreeSet;

use axum::http::{HeaderMap, header};

use super::*;

#[track_caller]
fn check(method: &str, path: &str, expected: Needs) {
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    assert_eq!(Needs::of(&method, path), expected, "{method} {path}");
}

#[test]
fn payloads_are_private_and_states_are_not() {
    let needs = Needs::Permission;
    check("GET", "/api/v1/queues", needs("jobs:state"));
    check("HEAD", "/api/v1/queues/{queue}", needs("jobs:state"));
    check("GET", "/api/v1/queues/{queue}/jobs", needs("jobs:read"));
    check("POST", "/api/v1/queues/{queue}/jobs", needs("jobs:write"));
    check("GET", "/api/v1/webhooks/{name}", needs("webhooks:read"));
    check("GET", "/healthz", Needs::Nothing);
    for private in [
        "jobs:read",
        "events:read",
        "payments:read",
        "webhooks:read",
        "access:read",
    ] {
        assert!(!is_open_read(private), "{private}");
    }
}

#[test]
fn what_is_in_no_table_is_shut() {
    check("DELETE", "/healthz", Needs::Permission(ADMIN));
    check("GET", "/api/v1/made/up", Needs::Permission(ADMIN));
    let call = Needs::of_call("/portique.bus.v1.Bus/MadeUp");
    assert_eq!(call, Needs::Permission(ADMIN));
}

#[test]
fn the_tables_say_each_thing_once_and_name_permissions_that_are_declared() {
    let catalogue = permissions::catalogue().unwrap();
    let mut seen = BTreeSet::new();
    for (needs, listed) in table::ROUTES.iter().chain(calls::CALLS) {
        if let Needs::Permission(needed) = needs {
            assert!(catalogue.has(needed), "{needed}");
        }
        for line in *listed {
            assert!(seen.insert(line), "{line} is there twice");
        }
    }
}

#[test]
fn every_declared_permission_opens_something() {
    let tables = table::ROUTES.iter().chain(calls::CALLS);
    let needed: Vec<Needs> = tables.map(|(needs, _)| *needs).collect();
    for declared in permissions::catalogue().unwrap().permissions() {
        let name = declared.permission.as_str();
        let is_needed = needed
            .iter()
            .any(|needs| *needs == Needs::Permission(leak(name)));
        // Looked at where the order is known, and by who approves.
        let is_inside = [RESERVE, "launch:destroy"].contains(&name);
        assert!(is_needed || is_inside, "{name} opens nothing");
    }
}

fn leak(name: &str) -> &'static str {
    Box::leak(name.to_owned().into_boxed_str())
}

#[test]
fn a_token_is_shown_as_a_bearers_or_as_a_password() {
    let shows = |value: &str| {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, value.parse().unwrap());
        gate::shown(&headers)
    };
    assert_eq!(shows("Bearer abc").as_deref(), Some("abc"));
    assert_eq!(shows("token abc").as_deref(), Some("abc"));
    assert_eq!(shows("Basic cG9ydGlxdWU6YWJj").as_deref(), Some("abc"));
    assert_eq!(shows("Basic abc"), None);
    assert_eq!(shows("Digest abc"), None);
}
