//! A real OpenID provider in a process of its own, and somebody who signs in there with a browser.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use reqwest::{Client, RequestBuilder, Response, header, redirect};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Child;

/// Pages between the first and the last of a sign-in: two forms, and what leads to them.
const STEPS_MAX: usize = 20;
/// Two tests that find the folder empty do not fill it at once.
static INSTALLING: Mutex<()> = Mutex::new(());

/// The provider; it ends with this value.
pub(crate) struct Peer {
    _process: Child,
    pub(crate) issuer: String,
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    client: Client,
}

impl Peer {
    /// Starts one that sends browsers back to this address and no other.
    pub(crate) async fn start(redirect_url: &str) -> Self {
        let folder = installed();
        let mut process = tokio::process::Command::new("node")
            .args(["provider.mjs", redirect_url])
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let said = BufReader::new(process.stdout.take().unwrap());
        let line = said.lines().next_line().await.unwrap();
        let line = line.expect("the provider said where it listens");
        let said: Value = serde_json::from_str(&line).unwrap();
        let text = |key: &str| said[key].as_str().unwrap().to_owned();
        Self {
            _process: process,
            issuer: text("issuer"),
            client_id: text("client_id"),
            client_secret: text("client_secret"),
            client: browser(),
        }
    }

    /// Has something be otherwise; `provider.mjs` says what can be.
    pub(crate) async fn switch(&self, what: Value) {
        let asked = self.client.post(format!("{}/switch", self.issuer));
        let answer = asked.json(&what).send().await.unwrap();
        assert!(answer.status().is_success());
    }

    /// Follows a browser that is sent here until it is sent back to the hub; returns where to.
    pub(crate) async fn sign_in(&self, location: &str, login: &str) -> String {
        let mut cookies = BTreeMap::new();
        let mut answer = ask(self.client.get(location), &mut cookies).await;
        for _ in 0..STEPS_MAX {
            if answer.status().is_redirection() {
                let to = answer.headers()[header::LOCATION].to_str().unwrap();
                let to = answer.url().join(to).unwrap();
                if !to.as_str().starts_with(&self.issuer) {
                    return to.into();
                }
                answer = ask(self.client.get(to), &mut cookies).await;
                continue;
            }
            let page = answer.text().await.unwrap();
            let action = between(&page, "action=\"", "\"").unwrap_or_else(|| panic!("{page}"));
            let prompt = between(&page, "name=\"prompt\" value=\"", "\"").unwrap();
            let body = format!("prompt={prompt}&login={login}&password=any");
            let form = "application/x-www-form-urlencoded";
            let posted = self.client.post(action).header(header::CONTENT_TYPE, form);
            answer = ask(posted.body(body), &mut cookies).await;
        }
        panic!("the provider goes in a circle");
    }
}

/// A client that follows nothing by itself.
pub(crate) fn browser() -> Client {
    let builder = Client::builder().no_proxy();
    builder.redirect(redirect::Policy::none()).build().unwrap()
}

async fn ask(request: RequestBuilder, cookies: &mut BTreeMap<String, String>) -> Response {
    let shown = cookies
        .iter()
        .map(|(name, value)| format!("{name}={value}"));
    let shown = shown.collect::<Vec<_>>().join("; ");
    let answer = request.header(header::COOKIE, shown).send().await.unwrap();
    for set in answer.headers().get_all(header::SET_COOKIE) {
        let pair = set.to_str().unwrap().split(';').next().unwrap();
        let (name, value) = pair.split_once('=').unwrap();
        match value.is_empty() {
            true => cookies.remove(name),
            false => cookies.insert(name.to_owned(), value.to_owned()),
        };
    }
    answer
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after).map(|(found, _)| found)
}

/// The folder of the provider, with what it needs in it.
fn installed() -> PathBuf {
    let mut folders = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let folder = folders.find_map(|folder| {
        let folder = folder.join("engines/oidc/tests/provider");
        folder.is_dir().then_some(folder)
    });
    let folder = folder.unwrap();
    let _turn = INSTALLING.lock().unwrap();
    if !folder.join("node_modules/.package-lock.json").is_file() {
        let npm = ["ci", "--no-fund", "--no-audit"];
        let done = Command::new("npm").args(npm).current_dir(&folder).output();
        let is_done = done.as_ref().is_ok_and(|done| done.status.success());
        assert!(
            is_done,
            "this test needs an OpenID provider: install Node 20.19, 22.12 or later with npm, and run `npm ci` in \
             {folder:?}; {done:?}"
        );
    }
    folder
}
