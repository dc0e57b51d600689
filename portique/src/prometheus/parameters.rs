//! What a request says, in its address and in the form it sends.

use std::time::Duration;

use axum::extract::{FromRequest, Request};
use axum::http::header;
use bytes::Bytes;
use portique_clock::Timestamp;
use portique_promql::syntax::{ParseErrors, duration_ms, parse_selector};
use portique_series::Matcher;

use super::answer::Refusal;

/// A form's media type.
const FORM: &str = "application/x-www-form-urlencoded";
/// The times that stand for "from the first sample" and "to the last"; clients send them back as they got them.
const FIRST_TIME: &str = "-292273086-05-16T16:47:06Z";
const LAST_TIME: &str = "292277025-08-18T07:12:54.999999999Z";
/// Beyond this, milliseconds are no time any more.
const TIME_MS_MAX: f64 = 9.2e18;

/// Names and values, those of the form before those of the address.
pub(super) struct Parameters(Vec<(String, String)>);

impl<S: Send + Sync> FromRequest<S> for Parameters {
    type Rejection = axum::response::Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        let query = request.uri().query().unwrap_or_default().to_owned();
        let media_type = request.headers().get(header::CONTENT_TYPE);
        let is_form = media_type.is_some_and(|value| value.as_bytes().starts_with(FORM.as_bytes()));
        let mut pairs = Vec::new();
        if is_form {
            let body = Bytes::from_request(request, state).await;
            let body = body.map_err(axum::response::IntoResponse::into_response)?;
            pairs.extend(form_urlencoded::parse(&body).into_owned());
        }
        pairs.extend(form_urlencoded::parse(query.as_bytes()).into_owned());
        Ok(Self(pairs))
    }
}

impl Parameters {
    /// The first value of a name; empty counts as absent.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(found, _)| found == name);
        found
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    /// The first value of a name, or an empty text.
    pub(super) fn required(&self, name: &str) -> &str {
        self.text(name).unwrap_or_default()
    }

    /// All values of a name.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let found = self.0.iter().filter(move |(found, _)| found == name);
        found.map(|(_, value)| value.as_str())
    }

    /// A time in Unix milliseconds.
    ///
    /// # Errors
    /// When it is none.
    pub(super) fn time_ms(&self, name: &str, default_ms: i64) -> Result<i64, Refusal> {
        match self.text(name) {
            None => Ok(default_ms),
            Some(text) => time_ms(text).map_err(|reason| Refusal::parameter(name, reason)),
        }
    }

    /// A time that has to be there.
    ///
    /// # Errors
    /// When it is absent or none.
    pub(super) fn required_time_ms(&self, name: &str) -> Result<i64, Refusal> {
        let text = self.required(name);
        time_ms(text).map_err(|reason| Refusal::parameter(name, reason))
    }

    /// A duration in milliseconds.
    ///
    /// # Errors
    /// When it is none.
    pub(super) fn span_ms(&self, name: &str) -> Result<Option<i64>, Refusal> {
        let span = self.text(name).map(span_ms).transpose();
        span.map_err(|reason| Refusal::parameter(name, reason))
    }

    /// How long a query may take: what is asked for, within what is allowed.
    ///
    /// # Errors
    /// When it is no duration.
    pub(super) fn timeout(&self, timeout_max: Duration) -> Result<Duration, Refusal> {
        let asked = self.span_ms("timeout")?;
        let asked = asked.map(|ms| Duration::from_millis(u64::try_from(ms).unwrap_or(0)));
        Ok(asked.map_or(timeout_max, |asked| asked.min(timeout_max)))
    }

    /// How many entries are wanted; 0 and absent mean all.
    ///
    /// # Errors
    /// When it is no number, or negative.
    pub(super) fn limit(&self) -> Result<usize, Refusal> {
        let Some(text) = self.text("limit") else {
            return Ok(usize::MAX);
        };
        let refuse = |reason: &str| Refusal::parameter("limit", reason);
        let limit: i64 = text
            .parse()
            .map_err(|_| refuse(&format!("strconv.Atoi: parsing {text:?}: invalid syntax")))?;
        match usize::try_from(limit) {
            Ok(0) => Ok(usize::MAX),
            Ok(limit) => Ok(limit),
            Err(_) => Err(refuse("limit must be non-negative")),
        }
    }

    /// The selectors under `match[]`.
    ///
    /// # Errors
    /// When one is none, or selects everything.
    pub(super) fn selectors(&self) -> Result<Vec<Vec<Matcher>>, Refusal> {
        let texts = self.all("match[]");
        let parsed: Result<Vec<_>, ParseErrors> = texts.map(parse_selector).collect();
        let parsed = parsed.map_err(|error| Refusal::parameter("match[]", error))?;
        let selects_all = |matchers: &Vec<Matcher>| matchers.iter().all(Matcher::matches_empty);
        if parsed.iter().any(selects_all) {
            let reason = "match[] must contain at least one non-empty matcher";
            return Err(Refusal::parameter("match[]", reason));
        }
        Ok(parsed)
    }
}

/// Seconds since 1970, or RFC 3339.
fn time_ms(text: &str) -> Result<i64, String> {
    if let Some(seconds) = float(text) {
        let ms = (seconds * 1000.0).round();
        return match ms.abs() < TIME_MS_MAX {
            true => Ok(ms as i64),
            false => Err(no_time(text)),
        };
    }
    match text {
        FIRST_TIME => Ok(i64::MIN),
        LAST_TIME => Ok(i64::MAX),
        _ => {
            let time: Result<Timestamp, _> = text.parse();
            time.map(Timestamp::as_millis).map_err(|_| no_time(text))
        }
    }
}

fn no_time(text: &str) -> String {
    format!("cannot parse {text:?} to a valid timestamp")
}

/// Seconds, or a duration such as `5m`.
fn span_ms(text: &str) -> Result<i64, String> {
    if let Some(seconds) = float(text) {
        let ms = seconds * 1000.0;
        return match ms.abs() < TIME_MS_MAX / 1e6 {
            true => Ok(ms as i64),
            false => Err(format!(
                "cannot parse {text:?} to a valid duration. It overflows int64"
            )),
        };
    }
    duration_ms(text).map_err(|_| format!("cannot parse {text:?} to a valid duration"))
}

/// A number as Go reads it: a hexadecimal or a sign alone is none.
fn float(text: &str) -> Option<f64> {
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(query: &str) -> Parameters {
        Parameters(
            form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect(),
        )
    }

    #[test]
    fn times_are_seconds_or_dates() {
        for (text, ms) in [
            ("0", 0),
            ("1435781430.781", 1_435_781_430_781),
            ("-1.5", -1500),
            ("2015-07-01T20:10:51.781Z", 1_435_781_451_781),
            (FIRST_TIME, i64::MIN),
            (LAST_TIME, i64::MAX),
        ] {
            assert_eq!(time_ms(text), Ok(ms), "{text}");
        }
        for text in ["", "foo", "2015-07-01", "1e300", "NaN"] {
            assert_eq!(time_ms(text).unwrap_err(), no_time(text));
        }
    }

    #[test]
    fn spans_are_seconds_or_durations() {
        for (text, ms) in [
            ("5", 5000),
            ("0.25", 250),
            ("1h5m", 3_900_000),
            ("-1", -1000),
        ] {
            assert_eq!(span_ms(text), Ok(ms), "{text}");
        }
        for text in ["", "5x", "1e300"] {
            assert!(span_ms(text).is_err(), "{text}");
        }
    }

    #[test]
    fn refusals_name_the_parameter() {
        let refused = parameters("time=foo").time_ms("time", 0).unwrap_err();
        let expected = "invalid parameter \"time\": cannot parse \"foo\" to a valid timestamp";
        assert_eq!(refused.message, expected);
        let refused = parameters("match[]={a%3D%22%22}").selectors().unwrap_err();
        assert!(
            refused.message.ends_with("at least one non-empty matcher"),
            "{refused:?}"
        );
        let refused = parameters("limit=-1").limit().unwrap_err();
        assert_eq!(
            refused.message,
            "invalid parameter \"limit\": limit must be non-negative"
        );
        assert_eq!(parameters("limit=0").limit().unwrap(), usize::MAX);
    }

    #[test]
    fn a_timeout_is_never_longer_than_allowed() {
        let allowed = Duration::from_secs(10);
        let timeout = |query: &str| parameters(query).timeout(allowed).unwrap();
        assert_eq!(timeout("timeout=30s"), allowed);
        assert_eq!(timeout("timeout=0.5"), Duration::from_millis(500));
        assert_eq!(timeout(""), allowed);
    }
}
