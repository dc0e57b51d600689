//! `portique alerts`: what fires, why, what people do about it, who is told, and what keeps it silent.

mod act;
mod explain;
mod list;
mod route;
mod schedule;
mod silence;
mod silences;

use clap::{Args, Subcommand};
use serde_json::Value;

use super::output::Output;
use super::page::given;
use super::visitor::{VisitArgs, Visitor};
use super::words::text;
use crate::error::Error;

/// What fires, why, what people do about it, who is told, and what keeps it silent.
#[derive(Debug, Args)]
pub(super) struct Alerts {
    #[command(flatten)]
    visit: VisitArgs,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List alerts, firing ones first.
    #[command(after_help = list::EXAMPLES)]
    List(list::List),
    /// Show an alert and what happened to it.
    #[command(after_help = "Example:\n  portique alerts show Hot")]
    Show(Named),
    /// Say why there is an alert: its rule, the samples that it reads, what happened, who is told.
    #[command(after_help = "Example:\n  portique alerts explain abeee0e67170c4cc")]
    Explain(Named),
    /// Take care of an alert, until it ends.
    #[command(after_help = "Example:\n  portique alerts ack Hot --comment 'on my way' --by ada")]
    Ack(act::Said),
    /// Take care of it no more.
    Unack(act::Done),
    /// Say something about an alert.
    #[command(after_help = "Example:\n  portique alerts comment Hot 'the valve sticks'")]
    Comment(act::Comment),
    /// Put an alert aside: nobody is told of it for a while, however often it comes and goes.
    #[command(after_help = "Example:\n  portique alerts shelve Hot --for 2h --comment filling")]
    Shelve(act::Shelve),
    /// Take an alert from the shelf.
    Unshelve(act::Done),
    /// Give an alert to somebody, until it ends.
    #[command(after_help = "Example:\n  portique alerts assign Hot grace")]
    Assign(act::Assign),
    /// Silence alerts: nobody is told of those that match.
    #[command(after_help = silence::EXAMPLES)]
    Silence(Box<silence::Silence>),
    /// Silences: list them, end some, see what one would mute.
    Silences(silences::Silences),
    /// Say which receivers are told of an alert with these labels.
    #[command(after_help = route::EXAMPLES)]
    Route(route::RouteArgs),
}

/// An alert.
#[derive(Debug, Args)]
struct Named {
    /// Its fingerprint, or its name when there is one such alert only.
    alert: String,
}

impl Alerts {
    pub(super) fn run(self, output: Output) -> Result<(), Error> {
        if let Verb::Route(route) = &self.verb
            && route.is_offline()
        {
            return route.offline(output);
        }
        let visitor = self.visit.visitor()?;
        super::runtime::for_a_visit()?.block_on(visit(self.verb, &visitor, output))
    }
}

async fn visit(verb: Verb, visitor: &Visitor, output: Output) -> Result<(), Error> {
    match verb {
        Verb::List(list) => list.run(visitor, output).await,
        Verb::Show(named) => explain::show(&named.alert, visitor, output).await,
        Verb::Explain(named) => explain::explain(&named.alert, visitor, output).await,
        Verb::Ack(said) => said.run("acknowledge", visitor, output).await,
        Verb::Unack(done) => done.run("unacknowledge", visitor, output).await,
        Verb::Comment(comment) => comment.run(visitor, output).await,
        Verb::Shelve(shelve) => shelve.run(visitor, output).await,
        Verb::Unshelve(done) => done.run("unshelve", visitor, output).await,
        Verb::Assign(assign) => assign.run(visitor, output).await,
        Verb::Silence(silence) => silence.run(visitor, output).await,
        Verb::Silences(silences) => silences.run(visitor, output).await,
        Verb::Route(route) => route.ask(visitor, output).await,
    }
}

/// The fingerprint that is meant by it or by a name.
///
/// # Errors
/// [`Error::Usage`] when none or several alerts have the name.
async fn fingerprint(alert: &str, visitor: &Visitor) -> Result<String, Error> {
    if portique_monitor::Fingerprint::parse(alert).is_some() {
        return Ok(alert.to_owned());
    }
    let selector = format!("{{alertname={alert:?}}}");
    let query = given([("match", Some(selector))]);
    let found = visitor.get(&["alerts"], &query).await?;
    let found = found["alerts"].as_array().cloned().unwrap_or_default();
    match found.as_slice() {
        [one] => Ok(text(one, "fingerprint")),
        [] => Err(Error::Usage {
            message: format!(
                "no alert has the name {alert}: `portique alerts list` shows those there are"
            ),
        }),
        several => Err(Error::Usage {
            message: format!(
                "several alerts have the name {alert}, say which by its fingerprint:\n{}",
                listed(several)
            ),
        }),
    }
}

fn listed(alerts: &[Value]) -> String {
    let lines = alerts.iter().map(|alert| {
        let (fingerprint, labels) = (text(alert, "fingerprint"), list::labels(alert));
        format!("  {fingerprint} {labels}")
    });
    lines.collect::<Vec<_>>().join("\n")
}
