use reqwest::{Method, header, redirect};
use serde_json::{Value, json};

use super::{PASSWORD, answer, run_with, with_closed_hub};
use crate::hub_process::{HubProcess, complaint, run};

#[tokio::test]
async fn a_person_does_what_their_role_says_and_no_more() {
    with_closed_hub(async |place| {
        let officer = place.user("wally", &["weather-officer"]).await;
        let get = |path| officer.with(place.ask(Method::GET, path));
        let view = answer(get("/api/v1/session"), Some(200)).await;
        assert_eq!(
            (&view["name"], &view["role"]),
            (&json!("wally"), &json!("service"))
        );
        answer(get("/api/v1/launch/rockets"), Some(200)).await;
        answer(get("/api/v1/dead"), Some(403)).await;
        let rocket = json!({ "rocket": "ariane", "link": { "link": "remote" } });
        let add = officer.with(place.ask(Method::POST, "/api/v1/launch/rockets"));
        answer(add.json(&rocket), Some(403)).await;

        let roles = json!({ "roles": ["mission-commander"] });
        let path = "/api/v1/access/users/wally/roles";
        place.commander(Method::PUT, path, roles).await;
        let add = officer.with(place.ask(Method::POST, "/api/v1/launch/rockets"));
        answer(add.json(&rocket), Some(201)).await;

        let disabled = json!({ "disabled": true });
        let path = "/api/v1/access/users/wally/disabled";
        place.commander(Method::PUT, path, disabled).await;
        answer(get("/api/v1/launch/rockets"), Some(401)).await;
        let credentials = json!({ "name": "wally", "password": PASSWORD });
        assert_eq!(place.sign_in(credentials).await.err().unwrap(), 401);
    })
    .await;
}

#[tokio::test]
async fn whoever_was_given_a_password_can_only_change_it() {
    with_closed_hub(async |place| {
        let body = json!({ "name": "bob", "roles": ["operator"], "password": "given by somebody" });
        place
            .commander(Method::POST, "/api/v1/access/users", body)
            .await;
        let credentials = json!({ "name": "bob", "password": "given by somebody" });
        let (bob, _) = place.sign_in(credentials).await.unwrap();
        let refused = answer(bob.with(place.ask(Method::GET, "/api/v1/dead")), Some(403)).await;
        assert!(
            refused["detail"].as_str().unwrap().contains("password"),
            "{refused}"
        );
        let change = |new: &str| {
            let request = place.ask(Method::PUT, "/api/v1/session/password");
            request.json(&json!({ "old": "given by somebody", "new": new }))
        };
        answer(bob.with(change("short")), Some(400)).await;
        let without_second = change(PASSWORD).header(header::COOKIE, &bob.cookie);
        answer(without_second, Some(403)).await;
        let (anew, _) = place.begin(bob.with(change(PASSWORD))).await.unwrap();
        answer(anew.with(place.ask(Method::GET, "/api/v1/dead")), Some(200)).await;
        answer(bob.with(place.ask(Method::GET, "/api/v1/dead")), Some(401)).await;
    })
    .await;
}

#[tokio::test]
async fn a_token_opens_its_scopes_until_it_is_revoked() {
    with_closed_hub(async |place| {
        let alice = place.user("alice", &["operator"]).await;
        let tokens = || alice.with(place.ask(Method::POST, "/api/v1/access/tokens"));
        let too_much = tokens().json(&json!({ "scopes": ["access:admin"] }));
        answer(too_much, Some(403)).await;
        let asked = json!({ "scopes": ["jobs:read"], "label": "mail robot", "days": 1 });
        let made = answer(tokens().json(&asked), Some(201)).await;
        let token = made["token"].as_str().unwrap();
        let read = || place.ask(Method::GET, "/api/v1/dead").bearer_auth(token);
        answer(read(), Some(200)).await;
        let events = place.ask(Method::GET, "/api/v1/events").bearer_auth(token);
        answer(events, Some(403)).await;
        let list = alice.with(place.ask(Method::GET, "/api/v1/access/tokens"));
        let listed = answer(list, Some(200)).await;
        assert!(!listed.to_string().contains(token) && listed[0]["label"] == "mail robot");
        let path = format!("/api/v1/access/tokens/{}", made["id"].as_str().unwrap());
        answer(alice.with(place.ask(Method::DELETE, &path)), Some(204)).await;
        answer(read(), Some(401)).await;
        let audit = place
            .commander(Method::GET, "/api/v1/access/audit", Value::Null)
            .await;
        let text = audit.to_string();
        assert!(
            text.contains("token.revoke") && text.contains("GET /api/v1/events"),
            "{text}"
        );
        assert!(!text.contains(token) && !text.contains(PASSWORD), "{text}");
        let path = "/api/v1/access/audit/verify";
        let verdict = place.commander(Method::GET, path, Value::Null).await;
        assert_eq!(verdict["holds"], true, "{verdict}");
    })
    .await;
}

#[tokio::test]
async fn the_first_user_comes_by_the_code_once_also_without_scripts() {
    with_closed_hub(async |place| {
        let form = |code: &str| {
            let client = reqwest::Client::builder().no_proxy();
            let client = client.redirect(redirect::Policy::none()).build().unwrap();
            let mut body = form_urlencoded::Serializer::new(String::new());
            let fields = [("code", code), ("name", "alice"), ("password", PASSWORD)];
            let body = body.extend_pairs(fields).finish();
            let request = client.post(format!("{}/console/first", place.http));
            let kind = "application/x-www-form-urlencoded";
            request.header(header::CONTENT_TYPE, kind).body(body)
        };
        let page = place
            .ask(Method::GET, "/console/first")
            .send()
            .await
            .unwrap();
        assert!(page.headers().contains_key(header::CONTENT_SECURITY_POLICY));
        answer(form(&"0".repeat(64)), Some(401)).await;
        let made = form(&place.code).send().await.unwrap();
        assert_eq!(made.status(), 303);
        assert!(
            made.headers()[header::SET_COOKIE]
                .to_str()
                .unwrap()
                .contains("HttpOnly")
        );
        answer(form(&place.code), Some(401)).await;
        let credentials = json!({ "name": "alice", "password": PASSWORD });
        let (_, view) = place.sign_in(credentials).await.unwrap();
        assert_eq!(view["role"], "commander");
        let again = place.ask(Method::POST, "/api/v1/access/invitation");
        answer(again.bearer_auth(&place.commander), Some(409)).await;
    })
    .await;
}

/// The whole of it by the command line, on a hub that is started again in between.
#[tokio::test]
async fn people_outlive_the_hub_and_are_kept_by_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let hub = HubProcess::start(folder.path());
    let data = folder.path().to_str().unwrap();
    let verb = |args: &[&str], input: &str| {
        let args: Vec<&str> = args.iter().copied().chain(["--data", data]).collect();
        let output = run_with(&args, input);
        assert!(output.status.success(), "{args:?}: {}", complaint(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    verb(
        &["user", "create", "alice", "--first"],
        "correct horse battery\n",
    );
    verb(&["role", "create", "night", "jobs:read", "access:own"], "");
    verb(
        &["user", "create", "bob", "--role", "night"],
        "given by somebody\n",
    );
    verb(&["user", "roles", "bob", "viewer"], "");
    verb(&["role", "drop", "night"], "");
    verb(&["user", "disable", "bob"], "");
    let create = [
        "token",
        "create",
        "--owner",
        "alice",
        "--scope",
        "jobs:read",
    ];
    let token = verb(&create, "").trim().to_owned();
    assert_eq!(token.len(), 64);
    hub.stop(rustix::process::Signal::TERM);

    let hub = HubProcess::start(folder.path());
    let dead = hub
        .send(Method::GET, "/api/v1/dead", Some(&token), None)
        .await;
    assert_eq!(dead.status(), 200);
    let users = verb(&["user", "list"], "");
    assert!(
        users.contains("administrator") && users.contains("bob"),
        "{users}"
    );
    let shown = verb(&["role", "show", "viewer"], "");
    assert!(
        shown.contains("jobs:write"),
        "what it does not hold, too: {shown}"
    );
    let listed = verb(&["audit", "list"], "");
    for action in [
        "user.create_first",
        "role.create",
        "role.drop",
        "user.disable",
        "token.create",
    ] {
        assert!(listed.contains(action), "{action} in {listed}");
    }
    verb(&["audit", "verify"], "");
    let again = run_with(
        &["user", "create", "eve", "--first", "--data", data],
        "correct horse battery\n",
    );
    assert!(!again.status.success() && complaint(&again).contains("administrator already"));
    let shown = run(&["user", "create", "--help"]);
    assert!(!String::from_utf8_lossy(&shown.stdout).contains("--password"));
}
