//! The web console as a browser meets it: a cookie for a token, its files, and what they are served with.

mod assets;
mod document;
mod hostile;
mod schemas;
mod session;
mod settings;

use reqwest::{Client, RequestBuilder, Response, header, redirect};
use serde_json::{Value, json};

use crate::api_rig::Rig;

/// What every change shows beside the cookie.
const CSRF: &str = "x-csrf-token";

/// Somebody's browser, as far as cookies go: by hand, so that a test sees them.
struct Visitor {
    client: Client,
    root: String,
}

/// A session as the hub gave it.
struct SignedIn {
    /// `name=value`, as a browser sends it.
    cookie: String,
    csrf: String,
}

impl Visitor {
    fn of(rig: &Rig) -> Self {
        let client = Client::builder().no_proxy();
        let client = client.redirect(redirect::Policy::none());
        Self {
            client: client.build().unwrap(),
            root: rig.root(),
        }
    }

    fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.root))
    }

    fn post(&self, path: &str) -> RequestBuilder {
        self.client.post(format!("{}{path}", self.root))
    }

    async fn try_token(&self, token: &str) -> Response {
        let request = self.post("/api/v1/session");
        request
            .json(&json!({ "token": token }))
            .send()
            .await
            .unwrap()
    }

    async fn sign_in(&self, token: &str) -> SignedIn {
        let answer = self.try_token(token).await;
        assert_eq!(answer.status(), 200);
        let cookie = cookie_of(&answer);
        let view: Value = answer.json().await.unwrap();
        SignedIn {
            cookie: cookie.split(';').next().unwrap().to_owned(),
            csrf: view["csrf"].as_str().unwrap().to_owned(),
        }
    }
}

/// The cookie that an answer sets, with its attributes.
fn cookie_of(answer: &Response) -> String {
    let cookie = &answer.headers()[header::SET_COOKIE];
    cookie.to_str().unwrap().to_owned()
}
