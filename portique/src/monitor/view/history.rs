use std::collections::BTreeMap;

use portique_clock::Timestamp;
use portique_monitor::{Act, Engine, Entry, EntryKind, Episode, Input, Transition};
use portique_series::{METRIC_NAME, MatchOp, Matcher, Value};
use serde::Serialize;

use super::{AlertView, RuleView, pairs};

/// An alert and what happened to it.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(crate) struct AlertHistory {
    #[serde(flatten)]
    pub(crate) alert: AlertView,
    /// Oldest first, the newest 200.
    pub(crate) history: Vec<EntryView>,
}

/// One thing that happened to an alert.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(crate) struct EntryView {
    /// When.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// `pending`, `firing`, `lingering`, `recovered`, `resolved`, `dropped`, `postponed`; or what somebody did:
    /// `acknowledge`, `unacknowledge`, `comment`, `shelve`, `unshelve`, `assign`.
    what: &'static str,
    /// The value then.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    /// Who did it.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    /// What was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
    /// Until when it was put aside.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
    /// To whom it was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<String>,
}

/// Why there is an alert.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(crate) struct AlertExplained {
    #[serde(flatten)]
    pub(crate) alert: AlertHistory,
    /// Where its rule is written, such as `tanks.yml:12`; absent when the rule is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) place: Option<String>,
    /// Its rule, its alerts left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<RuleView>)]
    pub(crate) definition: Option<RuleView>,
    /// What the rule reads of it, a selector each.
    pub(crate) inputs: Vec<InputView>,
}

/// The samples of a selector.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(crate) struct InputView {
    /// In PromQL.
    selector: String,
    /// At most 20, each with its newest 100 samples.
    series: Vec<SeriesView>,
    /// How many series more there are.
    left_out: usize,
}

/// A series and some of its samples.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(crate) struct SeriesView {
    /// Who it is.
    labels: BTreeMap<String, String>,
    /// Times in Unix milliseconds with values, oldest first.
    samples: Vec<(i64, String)>,
}

impl AlertHistory {
    pub(in crate::monitor) fn of(episode: &Episode, engine: &Engine, now: Timestamp) -> Self {
        Self {
            alert: AlertView::of(episode, engine, now),
            history: episode.history.iter().map(EntryView::from).collect(),
        }
    }
}

impl From<&Entry> for EntryView {
    fn from(entry: &Entry) -> Self {
        let mut view = Self {
            at: entry.at,
            what: "",
            value: None,
            by: None,
            comment: None,
            until: None,
            to: None,
        };
        match &entry.what {
            EntryKind::Changed { to, value } => {
                view.what = transition(*to);
                view.value = Some(value.to_string());
            }
            EntryKind::Acted { by, act } => {
                view.by = Some(by.to_string());
                view.act(act);
            }
        }
        view
    }
}

impl EntryView {
    fn act(&mut self, act: &Act) {
        let (what, comment) = match act {
            Act::Acknowledge { comment } => ("acknowledge", Some(comment)),
            Act::Unacknowledge => ("unacknowledge", None),
            Act::Comment { comment } => ("comment", Some(comment)),
            Act::Shelve { until, comment } => {
                self.until = Some(*until);
                ("shelve", Some(comment))
            }
            Act::Unshelve => ("unshelve", None),
            Act::Assign { to } => {
                self.to = to.as_deref().map(str::to_owned);
                ("assign", None)
            }
        };
        self.what = what;
        let comment = comment.filter(|comment| !comment.is_empty());
        self.comment = comment.map(ToString::to_string);
    }
}

fn transition(to: Transition) -> &'static str {
    match to {
        Transition::Pending => "pending",
        Transition::Firing => "firing",
        Transition::Lingering => "lingering",
        Transition::Recovered => "recovered",
        Transition::Resolved => "resolved",
        Transition::Dropped => "dropped",
        Transition::Postponed => "postponed",
    }
}

impl From<Input> for InputView {
    fn from(input: Input) -> Self {
        let series = input
            .series
            .into_iter()
            .map(|(labels, samples)| SeriesView {
                labels: pairs(&labels),
                samples: samples
                    .iter()
                    .map(|(at_ms, value)| (*at_ms, number(value)))
                    .collect(),
            });
        Self {
            selector: selector(&input.matchers),
            series: series.collect(),
            left_out: input.left_out,
        }
    }
}

/// Matchers as PromQL writes them, the metric's name first.
fn selector(matchers: &[Matcher]) -> String {
    let is_metric = |m: &&Matcher| m.name() == METRIC_NAME && m.op() == MatchOp::Equal;
    let metric = matchers.iter().find(is_metric).map_or("", Matcher::value);
    let others = matchers.iter().filter(|m| !is_metric(m));
    let others: Vec<String> = others
        .map(|m| format!("{}{}{:?}", m.name(), m.op().as_str(), m.value()))
        .collect();
    match others.is_empty() {
        true => metric.to_owned(),
        false => format!("{metric}{{{}}}", others.join(",")),
    }
}

fn number(value: &Value) -> String {
    match value {
        value if value.is_stale() => "stale".to_owned(),
        Value::Float(value) => value.to_string(),
        Value::Histogram(histogram) => format!(
            "a histogram of {} with the sum {}",
            histogram.count, histogram.sum
        ),
    }
}
