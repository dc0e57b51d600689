//! Who may do what: every route and method refuses whoever may not, and people, roles and tokens do what they say.

mod approvals;
mod crowd;
mod doors;
mod oidc;
mod orders;
mod people;
mod streams;

use std::io::Write;
use std::process::{Output, Stdio};

use portique::{AccessConfig, Config, Data, Hub};
use reqwest::{Client, Method, RequestBuilder, StatusCode, header};
use serde_json::{Value, json};

use crate::api_rig::config;
use crate::hub_process::portique as command;

/// What every change shows beside the cookie.
const CSRF: &str = "x-csrf-token";
const PASSWORD: &str = "correct horse battery";

/// A hub whose reads are not open, and what it said of itself.
pub(super) struct Place {
    client: Client,
    http: String,
    grpc: String,
    commander: String,
    code: String,
}

/// Somebody who is signed in.
pub(super) struct Person {
    cookie: String,
    csrf: String,
}

pub(super) async fn with_closed_hub(visit: impl AsyncFnOnce(Place)) {
    let closed = AccessConfig {
        open_reads: false,
        ..AccessConfig::default()
    };
    with_access(closed, visit).await;
}

async fn with_access(access: AccessConfig, visit: impl AsyncFnOnce(Place)) {
    let config = Config {
        access,
        ..config(Data::Ephemeral)
    };
    with_hub(config, visit).await;
}

async fn with_hub(config: Config, visit: impl AsyncFnOnce(Place)) {
    let hub = Hub::open(config).await.unwrap();
    let place = Place {
        client: Client::builder().no_proxy().build().unwrap(),
        http: format!("http://{}", hub.addresses().http),
        grpc: format!("http://{}", hub.addresses().grpc),
        commander: hub.token().to_owned(),
        code: hub.invitation().unwrap().to_owned(),
    };
    // A hub is large, and every test would hold it.
    Box::pin(hub.run(visit(place))).await.unwrap();
}

impl Place {
    fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.http))
    }

    /// As the holder of the commander's token.
    async fn commander(&self, method: Method, path: &str, body: Value) -> Value {
        let request = self.ask(method, path).bearer_auth(&self.commander);
        let request = if body.is_null() {
            request
        } else {
            request.json(&body)
        };
        answer(request, None).await
    }

    async fn sign_in(&self, body: Value) -> Result<(Person, Value), StatusCode> {
        self.begin(self.ask(Method::POST, "/api/v1/session").json(&body))
            .await
    }

    async fn begin(&self, request: RequestBuilder) -> Result<(Person, Value), StatusCode> {
        let answer = request.send().await.unwrap();
        if !answer.status().is_success() {
            return Err(answer.status());
        }
        let cookie = answer.headers()[header::SET_COOKIE].to_str().unwrap();
        let cookie = cookie.split(';').next().unwrap().to_owned();
        let view: Value = answer.json().await.unwrap();
        let csrf = view["csrf"].as_str().unwrap().to_owned();
        Ok((Person { cookie, csrf }, view))
    }

    /// A user with these roles who has chosen a password of their own.
    async fn user(&self, name: &str, roles: &[&str]) -> Person {
        let given = "given by somebody else";
        let body = json!({ "name": name, "roles": roles, "password": given });
        self.commander(Method::POST, "/api/v1/access/users", body)
            .await;
        let credentials = json!({ "name": name, "password": given });
        let (person, view) = self.sign_in(credentials).await.unwrap();
        assert_eq!(view["must_change"], true);
        let request = self.ask(Method::PUT, "/api/v1/session/password");
        let request = request.json(&json!({ "old": given, "new": PASSWORD }));
        self.begin(person.with(request)).await.unwrap().0
    }
}

impl Person {
    fn with(&self, request: RequestBuilder) -> RequestBuilder {
        let request = request.header(header::COOKIE, &self.cookie);
        request.header(CSRF, &self.csrf)
    }
}

/// What an answer holds; of a refusal, its details.
async fn answer(request: RequestBuilder, expected: Option<u16>) -> Value {
    let answer = request.send().await.unwrap();
    let status = answer.status();
    let text = answer.text().await.unwrap();
    match expected {
        Some(expected) => assert_eq!(status.as_u16(), expected, "{text}"),
        None => assert!(status.is_success(), "{status}: {text}"),
    }
    serde_json::from_str(&text).unwrap_or_default()
}

/// Runs the binary with this on its standard input.
fn run_with(args: &[&str], input: &str) -> Output {
    let mut command = command(args);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    child.wait_with_output().unwrap()
}
