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
    let made_up = call("/portique.bus.v1.Bus/MadeUp");
    assert_eq!(made_up, (Needs::Permission(ADMIN), Does::Order));
}

#[test]
fn the_tables_say_each_thing_once_and_name_permissions_that_are_declared() {
    let catalogue = permissions::catalogue().unwrap();
    let mut seen = BTreeSet::new();
    for (needs, _, listed) in table::ROUTES.iter().chain(calls::CALLS) {
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
    let needed: Vec<Needs> = tables.map(|(needs, ..)| *needs).collect();
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

/// Queries that come with a body because they are long: they change nothing.
const LOOKS_BY_POST: [&str; 2] = [
    "POST /prometheus/api/v1/",
    "POST /api/v1/payments/reconcile",
];

/// Where a browser is sent on its way to a provider and back, which signs somebody in: the provider's part tells that.
const SIGNS_IN_BY_GET: &str = "GET /console/oidc/{name}/";

#[test]
fn whatever_changes_something_is_an_order_or_flow_and_what_looks_is_neither() {
    for (_, does, listed) in table::ROUTES {
        for line in *listed {
            let looks = line.starts_with("GET ");
            let may_look = looks || LOOKS_BY_POST.iter().any(|known| line.starts_with(known));
            assert!(*does != Does::Look || may_look, "{line} changes something");
            let signs_in = line.starts_with(SIGNS_IN_BY_GET) && *does == Does::Told;
            assert!(
                *does == Does::Look || !looks || signs_in,
                "{line} changes nothing"
            );
        }
    }
    for (_, does, listed) in calls::CALLS {
        for line in *listed {
            let (_, name) = line.rsplit_once('/').unwrap();
            let looks = ["List", "Show", "Read", "Wait"]
                .iter()
                .any(|word| name.starts_with(word));
            assert_eq!(*does == Does::Look, looks, "{line}");
        }
    }
}

#[test]
fn what_people_order_is_written_down_and_the_flow_of_data_is_not() {
    let does = |line: &str| {
        let (method, path) = line.split_once(' ').unwrap();
        route(&Method::from_bytes(method.as_bytes()).unwrap(), path).1
    };
    for order in [
        "POST /api/v1/launch/rockets/{rocket}/modules/{module}/orders",
        "POST /api/v1/launch/rockets/{rocket}/count/hold",
        "POST /api/v1/launch/rockets/{rocket}/poll/votes",
        "POST /api/v1/queues/{queue}/pause",
        "POST /api/v1/queues/{queue}/drain",
        "POST /api/v1/jobs/{id}/cancel",
        "PUT /api/v1/dead/{id}",
        "PUT /api/v1/pools/{name}/override",
        "POST /api/v2/silences",
        "POST /api/v1/alerts/{fingerprint}/acknowledge",
        "POST /api/v1/payments/accounts/{iban}/status",
        "POST /api/v1/telemetry/delete",
    ] {
        assert_eq!(does(order), Does::Order, "{order}");
    }
    for flow in [
        "POST /api/v1/events",
        "POST /api/v1/queues/{queue}/jobs",
        "POST /api/v1/queues/{queue}/claim",
        "POST /api/v1/payments/transactions",
        "POST /otlp/v1/metrics",
        "POST /api/v1/transactions",
    ] {
        assert_eq!(does(flow), Does::Flow, "{flow}");
    }
    assert_eq!(call("/portique.jobs.v1.Jobs/Pause").1, Does::Order);
    assert_eq!(call("/portique.jobs.v1.Jobs/Claim").1, Does::Flow);
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
