//! Sign-in by a real OpenID provider, and by one that is not what it should be.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up shall fail there"
)]

mod peer;
mod sign_in;
mod tokens;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use peer::{Peer, browser};
use portique_clock::{Clock, SimulatedClock, WallClock};
use portique_oidc::{
    ANSWER_BYTES_MAX, Answer, Ask, Attempts, Callback, Error, Identified, Provider, ProviderConfig,
    Transport, TransportFault,
};
use reqwest::{Client, Method, Url};
use serde_json::json;

/// Where browsers are sent back to; nobody listens there.
const REDIRECT: &str = "http://127.0.0.1:9/console/oidc/club/callback";

/// A provider at work, and the hub's side of it.
struct Rig {
    peer: Peer,
    provider: Provider,
    attempts: Attempts,
    clock: Arc<SimulatedClock>,
}

struct Wire(Client);

#[async_trait]
impl Transport for Wire {
    async fn send(&self, ask: Ask) -> Result<Answer, TransportFault> {
        let fault = |error: reqwest::Error| TransportFault(error.to_string());
        let method = Method::from_bytes(ask.method.as_bytes()).unwrap();
        let mut request = self.0.request(method, ask.url).body(ask.body);
        for (name, value) in ask.headers {
            request = request.header(name, value);
        }
        let mut answer = request.send().await.map_err(fault)?;
        let content_type = answer.headers().get("content-type");
        let content_type = content_type.map(|kind| kind.to_str().unwrap().to_owned());
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(fault)? {
            body.extend_from_slice(&chunk);
            if body.len() > ANSWER_BYTES_MAX {
                return Err(TransportFault("the answer is too large".into()));
            }
        }
        Ok(Answer {
            status: answer.status().as_u16(),
            content_type,
            body,
        })
    }
}

impl Rig {
    async fn start() -> Self {
        let peer = Peer::start(REDIRECT).await;
        let clock = Arc::new(SimulatedClock::new(WallClock::new().now()));
        let config = config(&peer);
        let provider = Provider::new(config, Arc::new(Wire(browser())), clock.clone()).unwrap();
        Self {
            peer,
            provider,
            attempts: Attempts::default(),
            clock,
        }
    }

    /// Somebody signs in there and comes back with what they were given.
    async fn come_back(&self, login: &str) -> (String, Callback) {
        let started = self.provider.start().await.unwrap();
        let now = self.clock.monotonic();
        let cookie = self.attempts.keep(started.attempt, "here", now).unwrap();
        let back = self.peer.sign_in(&started.location, login).await;
        (cookie.as_str().to_owned(), callback(&back))
    }

    async fn finish(&self, cookie: &str, callback: Callback) -> Result<Identified, Error> {
        let attempt = self.attempts.take(cookie, self.clock.monotonic());
        let attempt = attempt.ok_or(Error::NotBegun)?;
        let secret = Some(self.peer.client_secret.clone());
        self.provider.finish(attempt, callback, secret).await
    }

    async fn sign_in(&self, login: &str) -> Result<Identified, Error> {
        let (cookie, callback) = self.come_back(login).await;
        self.finish(&cookie, callback).await
    }

    /// What is said to somebody whose next ID token is wrong in this way.
    async fn tampered(&self, how: &str) -> String {
        self.peer.switch(json!({ "tamper": how })).await;
        let outcome = self.sign_in("alice").await;
        self.peer.switch(json!({ "tamper": null })).await;
        outcome.map(|_| ()).unwrap_err().to_string()
    }
}

fn config(peer: &Peer) -> ProviderConfig {
    ProviderConfig {
        name: "club".parse().unwrap(),
        issuer: peer.issuer.clone(),
        client_id: peer.client_id.clone(),
        scopes: vec!["profile".into()],
        name_claim: "preferred_username".into(),
        groups_claim: "groups".into(),
        redirect_url: REDIRECT.into(),
    }
}

fn callback(back: &str) -> Callback {
    assert!(back.starts_with(REDIRECT), "{back}");
    let url = Url::parse(back).unwrap();
    let value = |key: &str| {
        let mut pairs = url.query_pairs();
        let found = pairs.find(|(name, _)| name == key);
        found.map(|(_, value)| value.into_owned())
    };
    Callback {
        state: value("state").unwrap_or_default(),
        code: value("code"),
        error: value("error"),
        issuer: value("iss"),
    }
}
