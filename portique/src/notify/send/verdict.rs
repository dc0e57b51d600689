use std::time::Duration;

use axum::http::{HeaderMap, StatusCode, header};

use super::secrets::Secrets;

/// Longest wait that a receiver can ask for: a notification is given up soon after.
const RETRY_AFTER_MAX: Duration = Duration::from_mins(15);

/// What is to become of a notification after an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::notify) enum Verdict {
    /// It arrived.
    Delivered,
    /// It is tried again.
    Retry {
        /// After this long; as the queue has it when none.
        after: Option<Duration>,
        /// Why, for people.
        reason: String,
    },
    /// Trying again cannot help, for this reason.
    Reject(String),
}

impl Verdict {
    pub(super) fn retry(reason: impl Into<String>) -> Self {
        Self::Retry {
            after: None,
            reason: reason.into(),
        }
    }

    /// What a receiver's answer means, as in Alertmanager: 2xx is good, 429 and 5xx may become good, anything
    /// else will not. `said` is the beginning of its body.
    pub(super) fn of_answer(status: StatusCode, headers: &HeaderMap, said: &str) -> Self {
        if status.is_success() {
            return Self::Delivered;
        }
        let mut reason = format!("the receiver answered {status}");
        if !said.is_empty() {
            reason = format!("{reason}: {said}");
        }
        let is_for_later = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
        match is_for_later {
            true => Self::Retry {
                after: retry_after(headers),
                reason,
            },
            false => Self::Reject(reason),
        }
    }

    /// The same without what nobody is to read.
    pub(super) fn without(self, secrets: &Secrets) -> Self {
        match self {
            Self::Delivered => Self::Delivered,
            Self::Retry { after, reason } => Self::Retry {
                after,
                reason: secrets.blot(&reason),
            },
            Self::Reject(reason) => Self::Reject(secrets.blot(&reason)),
        }
    }
}

/// Seconds; a date is not understood, and the queue's backoff counts instead.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(header::RETRY_AFTER)?.to_str().ok()?;
    let seconds = seconds.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(RETRY_AFTER_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What an answer comes to, in a word or the seconds until the next attempt.
    fn outcome(status: u16, retry_after: Option<&str>) -> String {
        let mut headers = HeaderMap::new();
        if let Some(text) = retry_after {
            headers.insert(header::RETRY_AFTER, text.parse().unwrap());
        }
        match Verdict::of_answer(StatusCode::from_u16(status).unwrap(), &headers, "no") {
            Verdict::Delivered => "delivered".into(),
            Verdict::Retry { after, .. } => format!("retry {after:?}"),
            Verdict::Reject(reason) => reason,
        }
    }

    #[test]
    fn statuses_mean_what_they_mean_to_alertmanager() {
        for status in [200, 201, 202, 204] {
            assert_eq!(outcome(status, None), "delivered", "{status}");
        }
        for status in [429, 500, 502, 503, 504] {
            assert_eq!(outcome(status, None), "retry None", "{status}");
            assert_eq!(outcome(status, Some("7")), "retry Some(7s)", "{status}");
        }
        assert_eq!(outcome(503, Some("86400")), "retry Some(900s)");
        assert_eq!(
            outcome(400, None),
            "the receiver answered 400 Bad Request: no"
        );
        for status in [301, 401, 404, 408, 410] {
            assert!(
                outcome(status, None).starts_with("the receiver answered"),
                "{status}"
            );
        }
    }
}
