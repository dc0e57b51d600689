use std::time::Duration;

use clap::Args;
use portique_clock::{Clock, Timestamp, WallClock};
use portique_monitor::notify::{Matchers, TimeInterval};
use portique_monitor::parse_duration;
use portique_series::{MatchOp, Matcher};
use reqwest::Method;
use serde_json::{Value, json};

use super::super::output::{Output, write_line, write_result};
use super::super::visitor::{Content, Visitor};
use super::schedule::every;
use crate::error::Error;

pub(super) const EXAMPLES: &str = "\
Examples:
  portique alerts silence alertname=Hot 'tank=~\"lox|rp1\"' --for 2h --comment 'tanking test'
  portique alerts silence team=pad --for 30d --every 'mon-fri 22:00-24:00 Europe/Paris' --notice 1d

The alert SilenceEnding is raised --notice before the end; a route can take it to whom it concerns.";

/// A silence that is forgotten is as bad as an alert: it ends by itself.
const FOR_DEFAULT: &str = "1h";

/// Nobody is told of alerts that match.
#[derive(Debug, Args)]
pub(super) struct Silence {
    /// Which alerts: NAME=VALUE, or with != =~ !~; all of them hold.
    #[arg(required = true, value_name = "MATCHER")]
    matchers: Vec<String>,
    /// For how long.
    #[arg(long = "for", value_name = "DURATION", default_value = FOR_DEFAULT,
        value_parser = duration, conflicts_with = "until")]
    length: Duration,
    /// Until when, in RFC 3339.
    #[arg(long, value_name = "TIME")]
    until: Option<Timestamp>,
    /// From when, in RFC 3339 [default: now].
    #[arg(long, value_name = "TIME")]
    start: Option<Timestamp>,
    /// Why.
    #[arg(long, value_name = "TEXT", default_value = "")]
    comment: String,
    /// Whose it is [default: the variable USER].
    #[arg(long, value_name = "NAME", env = "USER", default_value = "somebody")]
    by: String,
    /// It mutes only then, such as 'sat,sun' or 'mon-fri 22:00-06:00 Europe/Paris'; may be given again.
    #[arg(long, value_name = "SPAN", value_parser = every)]
    every: Vec<Spans>,
    /// Tell so long before its end.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    notice: Option<Duration>,
    /// Change the silence with this id.
    #[arg(long, value_name = "ID")]
    id: Option<String>,
}

/// What one span of a schedule comes to: two, when it is over midnight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spans(pub(super) Vec<TimeInterval>);

pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let parsed = parse_duration(text).filter(|duration| !duration.is_zero());
    parsed.ok_or_else(|| "write a duration such as 30m, 2h or 7d".to_owned())
}

impl Silence {
    pub(super) async fn run(self, visitor: &Visitor, output: Output) -> Result<(), Error> {
        let body = Content::json(&self.body()?);
        let answer = visitor
            .alerting(Method::POST, &["silences"], &[], body)
            .await?;
        match output {
            Output::Json => write_result(output, &answer, |_| Vec::new()),
            Output::Table => write_line(answer["silenceID"].as_str().unwrap_or_default()),
        }
    }

    fn body(&self) -> Result<Value, Error> {
        let start = self.start.unwrap_or_else(|| WallClock::new().now());
        let end = self.until.unwrap_or_else(|| start.plus(self.length));
        let schedule: Vec<&TimeInterval> = self.every.iter().flat_map(|spans| &spans.0).collect();
        let mut body = json!({
            "matchers": matchers(&self.matchers)?.iter().map(view).collect::<Vec<_>>(),
            "startsAt": start,
            "endsAt": end,
            "createdBy": self.by,
            "comment": self.comment,
            "schedule": schedule,
        });
        if let Some(notice) = self.notice {
            body["noticeSeconds"] = notice.as_secs().into();
        }
        if let Some(id) = &self.id {
            body["id"] = id.as_str().into();
        }
        Ok(body)
    }
}

/// All conditions.
///
/// # Errors
/// [`Error::Usage`] for what is none.
pub(super) fn matchers(texts: &[String]) -> Result<Matchers, Error> {
    let mut all = Matchers::default();
    for text in texts {
        let read = Matchers::parse(text);
        all.extend(read.map_err(|message| Error::Usage { message })?);
    }
    Ok(all)
}

fn view(matcher: &Matcher) -> Value {
    json!({
        "name": matcher.name(),
        "value": matcher.value(),
        "isRegex": matches!(matcher.op(), MatchOp::Regex | MatchOp::NotRegex),
        "isEqual": matches!(matcher.op(), MatchOp::Equal | MatchOp::Regex),
    })
}
