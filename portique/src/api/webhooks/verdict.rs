use std::time::Duration;

use axum::http::{HeaderMap, StatusCode, header};

/// Wait after the first push that came to nothing.
const BACKOFF_FIRST: Duration = Duration::from_secs(1);
/// Longest wait between two pushes of one event: a receiver that is back is noticed in minutes.
const BACKOFF_MAX: Duration = Duration::from_secs(5 * 60);
/// Longest wait that a receiver can ask for: beyond it, it should take the webhook away.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(60 * 60);

/// What becomes of an event that was pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It was received.
    Ack,
    /// It is pushed again.
    Retry {
        /// After this long.
        after: Duration,
        /// Why, for people.
        reason: String,
    },
    /// Pushing it again cannot help.
    Reject {
        /// Why, for people.
        reason: String,
    },
}

/// What a receiver's answer means; `luck` in 0..1 spreads the retries of many events.
///
/// Source: HTTP 1.1 Web Hooks for Event Delivery 1.0.1, section 2.2, where it says something.
pub(super) fn of_answer(
    status: StatusCode,
    headers: &HeaderMap,
    attempt: u32,
    luck: f64,
) -> Verdict {
    if status.is_success() {
        return Verdict::Ack;
    }
    let reason = format!("the receiver answered {status}");
    let is_for_later = matches!(
        status,
        StatusCode::REQUEST_TIMEOUT
            | StatusCode::TOO_EARLY
            | StatusCode::TOO_MANY_REQUESTS
            | StatusCode::SERVICE_UNAVAILABLE
    );
    if is_for_later {
        let after = retry_after(headers).unwrap_or_else(|| backoff(attempt, luck));
        Verdict::Retry { after, reason }
    } else if status.is_server_error() {
        let after = backoff(attempt, luck);
        Verdict::Retry { after, reason }
    } else if status.is_redirection() {
        let reason = format!("{reason}: redirects are not followed, so give the address itself");
        Verdict::Reject { reason }
    } else {
        Verdict::Reject { reason }
    }
}

/// What no answer means.
pub(super) fn of_silence(reason: String, attempt: u32, luck: f64) -> Verdict {
    let after = backoff(attempt, luck);
    Verdict::Retry { after, reason }
}

/// Doubled with each attempt, less up to a half of it.
fn backoff(attempt: u32, luck: f64) -> Duration {
    let doublings = attempt.saturating_sub(1).min(16);
    let longest = BACKOFF_FIRST
        .saturating_mul(1 << doublings)
        .min(BACKOFF_MAX);
    longest.mul_f64(1.0 - luck.clamp(0.0, 1.0) / 2.0)
}

/// Seconds; a date is not understood, and the backoff counts instead.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(header::RETRY_AFTER)?.to_str().ok()?;
    let seconds = seconds.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(RETRY_AFTER_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What an answer comes to, in a word or the seconds until the next push.
    fn outcome(status: u16, retry_after: Option<&str>, attempt: u32) -> String {
        let mut headers = HeaderMap::new();
        if let Some(text) = retry_after {
            headers.insert(header::RETRY_AFTER, text.parse().unwrap());
        }
        let status = StatusCode::from_u16(status).unwrap();
        match of_answer(status, &headers, attempt, 0.0) {
            Verdict::Ack => "ack".into(),
            Verdict::Retry { after, .. } => format!("{} s", after.as_secs_f64()),
            Verdict::Reject { .. } => "reject".into(),
        }
    }

    #[test]
    fn every_status_has_its_meaning() {
        for status in [200, 201, 202, 204] {
            assert_eq!(outcome(status, None, 1), "ack", "{status}");
        }
        for status in [301, 307, 400, 401, 404, 410, 415] {
            assert_eq!(outcome(status, Some("9"), 1), "reject", "{status}");
        }
        for status in [500, 502, 504] {
            assert_eq!(outcome(status, None, 3), "4 s", "{status}");
        }
        for status in [408, 425, 429, 503] {
            assert_eq!(outcome(status, Some("9"), 1), "9 s", "{status}");
            assert_eq!(outcome(status, Some("soon"), 2), "2 s", "{status}");
        }
    }

    #[test]
    fn waits_have_an_end() {
        assert_eq!(outcome(503, Some("999999999999"), 1), "3600 s");
        assert_eq!(outcome(500, None, 1_000), "300 s");
        assert_eq!(backoff(1, 1.0), BACKOFF_FIRST / 2);
    }
}
