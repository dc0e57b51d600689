use std::time::Duration;

use axum::http::Uri;
use portique_bus::{ConsumerKind, ConsumerName, ConsumerOptions, Start};
use portique_event::Filter;
use serde::{Deserialize, Serialize};

use super::CONSUMER_PREFIX;
use super::outcomes::Outcome;
use super::signature::Secret;
use crate::api::consumers::ConsumerKindName;
use crate::api::events::Position;
use crate::api::number::duration;
use crate::api::refusal::{Refusal, Reply};

/// How long a receiver has to answer when nobody says.
const TIMEOUT_S_DEFAULT: f64 = 10.0;
/// Longest time a receiver has: whoever needs longer answers 202 and works afterwards.
const TIMEOUT_S_MAX: f64 = 60.0;
/// Pushes of one event before it is dead: with the backoff about an hour.
const MAX_DELIVER_DEFAULT: u32 = 20;
/// Pushes under way at once when nobody says.
const CONCURRENCY_DEFAULT: usize = 4;
/// Most of them: more would be an attack.
const CONCURRENCY_MAX: usize = 32;
/// Longest address, as most servers take it.
const URL_BYTES_MAX: usize = 2_048;
/// Longer than the longest push, so that no event is pushed twice at once.
const ACK_WAIT: Duration = Duration::from_secs(120);
/// Events that wait for their next push before no others are tried: a receiver that is down is asked
/// about some events, not about all.
const MAX_IN_FLIGHT: u32 = 256;

/// Where events are pushed to.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WebhookRequest {
    /// Which subjects, such as `plant.*.pump.>`.
    #[schema(value_type = String)]
    filter: Filter,
    /// An http or https address; redirects are not followed.
    url: String,
    /// What pushes are signed with (Standard Webhooks): 16 to 256 bytes as text, or `whsec_` with
    /// base64. When absent the one there was stays, or a new one is made, which is shown once.
    secret: Option<String>,
    /// How an event is written; `binary` when absent.
    #[serde(default)]
    mode: ModeName,
    /// How events are shared between pushes; with `keyed` those of one key are pushed in order.
    /// `shared` when absent.
    #[serde(default)]
    kind: ConsumerKindName,
    /// Where it begins when it is created: `first`, `new`, a sequence, or a time in RFC 3339; `new`
    /// when absent.
    #[schema(value_type = Option<String>)]
    start: Option<Position>,
    /// Seconds that the receiver has to answer, 0.1 to 60; 10 when absent.
    timeout_s: Option<f64>,
    /// Pushes of one event before it is dead, 1 to 1,000; 20 when absent.
    max_deliver: Option<u32>,
    /// Pushes under way at once, 1 to 32; 4 when absent.
    concurrency: Option<usize>,
    /// Ask the receiver first whether it wants events (CloudEvents' webhook validation).
    #[serde(default)]
    pub(super) validate: bool,
}

/// How an event is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ModeName {
    /// Attributes as headers, the data as body.
    #[default]
    Binary,
    /// All of it in one JSON object.
    Structured,
}

/// A webhook as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Webhook {
    pub(super) name: String,
    filter: Filter,
    url: String,
    secret: String,
    pub(super) mode: ModeName,
    kind: ConsumerKindName,
    start: Position,
    timeout_s: f64,
    max_deliver: u32,
    pub(super) concurrency: usize,
}

/// A webhook, without its secret.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(crate) struct WebhookView {
    /// Its name.
    name: String,
    /// Which subjects.
    #[schema(value_type = String)]
    filter: Filter,
    /// Where to.
    url: String,
    /// How an event is written.
    mode: ModeName,
    /// How events are shared between pushes.
    kind: ConsumerKindName,
    /// Seconds that the receiver has to answer.
    timeout_s: f64,
    /// Pushes of one event before it is dead.
    max_deliver: u32,
    /// Pushes under way at once.
    concurrency: usize,
    /// The durable consumer behind it, whose state says how far it is.
    consumer: String,
    /// Pushes that were received, since the hub was started.
    received: u64,
    /// Pushes that came to nothing and are repeated, since the hub was started.
    retried: u64,
    /// Events given up on at once, since the hub was started.
    rejected: u64,
    /// Why the last push that was not received was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_problem: Option<String>,
    /// The secret that was made for it; shown once.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

impl WebhookRequest {
    /// The webhook, with the secret that was there, and whether a secret was made.
    ///
    /// # Errors
    /// Invalid argument for the first field that is wrong.
    pub(super) fn into_webhook(
        self,
        name: &str,
        before: Option<&Webhook>,
    ) -> Reply<(Webhook, bool)> {
        check_url(&self.url)?;
        let timeout_s = self.timeout_s.unwrap_or(TIMEOUT_S_DEFAULT);
        if !(0.1..=TIMEOUT_S_MAX).contains(&timeout_s) {
            return Err(Refusal::invalid(format!(
                "timeout_s is {timeout_s}: write 0.1 to {TIMEOUT_S_MAX}"
            )));
        }
        let concurrency = self.concurrency.unwrap_or(CONCURRENCY_DEFAULT);
        if !(1..=CONCURRENCY_MAX).contains(&concurrency) {
            return Err(Refusal::invalid(format!(
                "concurrency is {concurrency}: write 1 to {CONCURRENCY_MAX}"
            )));
        }
        let (secret, is_new) = secret(self.secret, before)?;
        let webhook = Webhook {
            name: name.to_owned(),
            filter: self.filter,
            url: self.url,
            secret: secret.as_str().to_owned(),
            mode: self.mode,
            kind: self.kind,
            start: self.start.unwrap_or(Position(Start::New)),
            timeout_s,
            max_deliver: self.max_deliver.unwrap_or(MAX_DELIVER_DEFAULT),
            concurrency,
        };
        webhook.options().check()?;
        Ok((webhook, is_new))
    }
}

/// The one given, else the one there was, else a new one; and whether it is that.
fn secret(given: Option<String>, before: Option<&Webhook>) -> Reply<(Secret, bool)> {
    let chosen = given.or_else(|| before.map(|before| before.secret.clone()));
    match chosen {
        Some(text) => Ok((Secret::new(text).map_err(Refusal::invalid)?, false)),
        None => {
            let made = Secret::generate().map_err(|error| {
                Refusal::unavailable(format!("no random numbers for a secret: {error}"))
            })?;
            Ok((made, true))
        }
    }
}

fn check_url(text: &str) -> Reply<()> {
    let wrong = |problem: &str| {
        Refusal::invalid(format!(
            "url {problem}: write an address such as https://example.org/events"
        ))
    };
    if text.len() > URL_BYTES_MAX {
        return Err(wrong("is longer than 2,048 bytes"));
    }
    let url: Uri = text.parse().map_err(|_| wrong("is no address"))?;
    if !matches!(url.scheme_str(), Some("http" | "https")) {
        return Err(wrong("is neither http nor https"));
    }
    let authority = url.authority().ok_or_else(|| wrong("has no host"))?;
    if authority.as_str().contains('@') {
        return Err(wrong("has a user name or password, which logs would show"));
    }
    Ok(())
}

impl Webhook {
    /// The durable consumer behind it.
    pub(super) fn consumer(&self) -> ConsumerName {
        consumer_name(&self.name).expect("the name was checked when the webhook was made")
    }

    pub(super) fn options(&self) -> ConsumerOptions {
        ConsumerOptions {
            kind: ConsumerKind::from(self.kind),
            start: self.start.0,
            ack_wait: ACK_WAIT,
            max_deliver: self.max_deliver,
            max_in_flight: MAX_IN_FLIGHT,
            ..ConsumerOptions::new(self.filter.clone())
        }
    }

    pub(super) fn url(&self) -> Uri {
        self.url
            .parse()
            .expect("the address was checked when the webhook was made")
    }

    pub(super) fn timeout(&self) -> Duration {
        duration("timeout_s", self.timeout_s).unwrap_or(ACK_WAIT)
    }

    /// # Errors
    /// When the stored secret is damaged.
    pub(super) fn secret(&self) -> Result<Secret, String> {
        Secret::new(self.secret.clone())
    }

    pub(super) fn view(&self, outcome: Outcome, shows_secret: bool) -> WebhookView {
        WebhookView {
            name: self.name.clone(),
            filter: self.filter.clone(),
            url: self.url.clone(),
            mode: self.mode,
            kind: self.kind,
            timeout_s: self.timeout_s,
            max_deliver: self.max_deliver,
            concurrency: self.concurrency,
            consumer: self.consumer().to_string(),
            received: outcome.received,
            retried: outcome.retried,
            rejected: outcome.rejected,
            last_problem: outcome.last_problem,
            secret: shows_secret.then(|| self.secret.clone()),
        }
    }
}

/// The consumer of the webhook with this name.
///
/// # Errors
/// Invalid argument when no consumer can have such a name.
pub(super) fn consumer_name(webhook: &str) -> Reply<ConsumerName> {
    ConsumerName::new(format!("{CONSUMER_PREFIX}{webhook}")).map_err(|_| {
        Refusal::invalid(format!(
            "{webhook:?} is not the name of a webhook: write 1 to 56 of A-Z a-z 0-9 _ -"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(changes: &str) -> Reply<(Webhook, bool)> {
        let mut fields = serde_json::json!({ "filter": "a.>", "url": "http://127.0.0.1:1/x" });
        let changes: serde_json::Value = serde_json::from_str(changes).unwrap();
        for (name, value) in changes.as_object().unwrap() {
            fields[name] = value.clone();
        }
        let request: WebhookRequest = serde_json::from_value(fields).unwrap();
        request.into_webhook("w", None)
    }

    #[test]
    fn a_secret_is_made_once_and_stays() {
        let (first, is_new) = request("{}").unwrap();
        assert!(is_new);
        let again: WebhookRequest =
            serde_json::from_str(r#"{"filter":"a.>","url":"https://example.org"}"#).unwrap();
        let (second, is_new) = again.into_webhook("w", Some(&first)).unwrap();
        assert!(!is_new);
        assert_eq!(second.secret().unwrap(), first.secret().unwrap());
        assert!(
            serde_json::to_string(&second.view(Outcome::default(), false))
                .unwrap()
                .find(second.secret.as_str())
                .is_none()
        );
    }

    #[test]
    fn addresses_that_are_not_pushed_to_are_refused() {
        for url in [
            "",
            "/events",
            "ftp://example.org",
            "file:///etc/passwd",
            "http://a:b@c/",
        ] {
            let changes = serde_json::json!({ "url": url }).to_string();
            assert!(request(&changes).is_err(), "{url:?}");
        }
        for changes in [
            r#"{"timeout_s":0}"#,
            r#"{"concurrency":33}"#,
            r#"{"max_deliver":0}"#,
        ] {
            assert!(request(changes).is_err(), "{changes}");
        }
    }
}
