//! A timeline as text. First lines of options, then the configuration after `config:`, indented, then
//! `timeline:` with one line each:
//!
//! ```text
//! 1.0 post {alertname="x"} start=1 end=3 note=first     an alert; without an end it may time out
//! 2.5 silence s1 {alertname="x"} 2.5..4.5                a silence from when to when
//! 4.0 expire s1
//! 3.0 reload
//! hook webhook[0] fails until 4.5                        attempts before then fail
//! hook webhook[0] takes 1 until 3 timeout 0.5            attempts before then take so long
//! want webhook[0] 2..2.5 {alertname="x"} 1.. note=first  what must arrive: from when to when, then alerts
//! want webhook[0] 4..4.5 {alertname="x"} 1..3            … with start and end
//! ```
//! Nothing else may arrive. Times are seconds since the beginning. Alerts in a `want` are parted by `;`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use portique_clock::Timestamp;
use portique_series::Labels;

use super::hooks::Hook;
use super::simulation::Arrival;
use crate::notify::{Config, Flavour, Matchers};

#[derive(Debug, Clone, Default)]
pub(super) struct Script {
    config_text: String,
    /// Read once, since a timeline is run many times.
    pub(super) config: Option<Arc<Config>>,
    pub(super) start_delay: Duration,
    /// How long it goes on.
    pub(super) end: f64,
    pub(super) actions: Vec<(f64, Action)>,
    pub(super) hooks: BTreeMap<String, Hook>,
    wants: Vec<Want>,
}

#[derive(Debug, Clone)]
pub(super) enum Action {
    Post(Alert),
    Silence {
        name: String,
        matchers: Matchers,
        from: f64,
        to: f64,
    },
    Expire(String),
    Reload,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Alert {
    pub(super) labels: Labels,
    pub(super) start: Option<f64>,
    pub(super) end: Option<f64>,
    pub(super) note: String,
}

#[derive(Debug, Clone)]
struct Want {
    hook: String,
    from: f64,
    to: f64,
    alerts: Vec<Alert>,
}

/// The moment of a second.
pub(super) fn moment(seconds: f64) -> Timestamp {
    let begin = Timestamp::from_millis(1_767_225_600_000);
    begin.plus(Duration::from_secs_f64(
        (seconds * 1_000.0).round() / 1_000.0,
    ))
}

impl Script {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut script = Self {
            end: 12.0,
            ..Self::default()
        };
        let mut part = "";
        for line in text
            .lines()
            .filter(|l| !l.trim().is_empty() && !l.starts_with('#'))
        {
            match line.trim_end() {
                "config:" => part = "config",
                "timeline:" => part = "timeline",
                line if part == "config" => script.config_text += &format!("{line}\n"),
                line => {
                    let read = script.line(line.trim());
                    read.ok_or_else(|| format!("cannot read {line:?}"))?;
                }
            }
        }
        let config = Config::parse("timeline", &script.config_text, Flavour::Alertmanager);
        script.config = Some(Arc::new(
            config.map_err(|problems| format!("{problems:?}"))?,
        ));
        script.actions.sort_by(|a, b| a.0.total_cmp(&b.0));
        Ok(script)
    }

    fn line(&mut self, line: &str) -> Option<()> {
        let (first, rest) = line.split_once(' ')?;
        match first {
            "end" => self.end = rest.parse().ok()?,
            "start_delay" => self.start_delay = Duration::from_secs_f64(rest.parse().ok()?),
            "hook" => self.hook(rest)?,
            "want" => self.wants.push(want(rest)?),
            at => {
                let action = action(rest)?;
                self.actions.push((at.parse().ok()?, action));
            }
        }
        Some(())
    }

    fn hook(&mut self, text: &str) -> Option<()> {
        let words: Vec<&str> = text.split(' ').collect();
        let hook = match words.as_slice() {
            [_, "fails", "until", until] => Hook {
                fails_until: until.parse().ok()?,
                ..Hook::default()
            },
            [_, "takes", long, "until", until, "timeout", timeout] => Hook {
                slow_until: until.parse().ok()?,
                slow_seconds: long.parse().ok()?,
                timeout_seconds: timeout.parse().ok()?,
                ..Hook::default()
            },
            [_, "gives", "up", "until", until] => Hook {
                gives_up_until: until.parse().ok()?,
                ..Hook::default()
            },
            _ => return None,
        };
        self.hooks.insert((*words.first()?).to_owned(), hook);
        Some(())
    }

    /// What is wrong with what arrived; nothing when all is right.
    pub(super) fn compare(&self, name: &str, arrivals: &[Arrival]) -> String {
        let mut left: Vec<&Arrival> = arrivals.iter().collect();
        let mut wrong = String::new();
        for want in &self.wants {
            let found = left.iter().position(|arrival| want.is(arrival));
            match found {
                Some(place) => {
                    left.remove(place);
                }
                None => wrong += &format!("{name}: did not arrive: {want:?}\n"),
            }
        }
        for arrival in left {
            wrong += &format!("{name}: arrived unasked: {arrival:?}\n");
        }
        wrong
    }
}

impl Want {
    fn is(&self, arrival: &Arrival) -> bool {
        let is_in_time = self.from <= arrival.at && arrival.at <= self.to;
        let is_told = |want: &&Alert| !arrival.alerts.iter().any(|told| want.is(told));
        self.hook == arrival.hook
            && is_in_time
            && self.alerts.len() == arrival.alerts.len()
            && self.alerts.iter().find(is_told).is_none()
    }
}

impl Alert {
    fn is(&self, told: &Self) -> bool {
        let is_start = self.start.is_none() || self.start == told.start;
        self.labels == told.labels && is_start && self.end == told.end && self.note == told.note
    }
}

fn action(text: &str) -> Option<Action> {
    let (verb, rest) = text.split_once(' ').unwrap_or((text, ""));
    Some(match verb {
        "post" => Action::Post(posted(rest)?),
        "silence" => {
            let (name, rest) = rest.split_once(' ')?;
            let (matchers, range) = rest.rsplit_once(' ')?;
            let (from, to) = range.split_once("..")?;
            Action::Silence {
                name: name.to_owned(),
                matchers: Matchers::parse(matchers).ok()?,
                from: from.parse().ok()?,
                to: to.parse().ok()?,
            }
        }
        "expire" => Action::Expire(rest.to_owned()),
        "reload" => Action::Reload,
        _ => return None,
    })
}

/// Labels are written as matchers with `=`.
fn labels(text: &str) -> Option<(Labels, &str)> {
    let end = text.rfind('}')? + 1;
    let matchers = Matchers::parse(&text[..end]).ok()?;
    let pairs: Vec<_> = matchers
        .iter()
        .map(|m| (m.name().to_owned(), m.value().to_owned()))
        .collect();
    Some((Labels::from_pairs(pairs), text[end..].trim()))
}

fn posted(text: &str) -> Option<Alert> {
    let (labels, rest) = labels(text)?;
    let mut alert = Alert {
        labels,
        start: None,
        end: None,
        note: String::new(),
    };
    for word in rest.split_whitespace() {
        match word.split_once('=')? {
            ("start", at) => alert.start = Some(at.parse().ok()?),
            ("end", at) => alert.end = Some(at.parse().ok()?),
            ("note", note) => note.clone_into(&mut alert.note),
            _ => return None,
        }
    }
    Some(alert)
}

fn want(text: &str) -> Option<Want> {
    let (hook, rest) = text.split_once(' ')?;
    let (range, rest) = rest.split_once(' ')?;
    let (from, to) = range.split_once("..")?;
    let alerts: Option<Vec<Alert>> = rest.split(';').map(wanted).collect();
    Some(Want {
        hook: hook.to_owned(),
        from: from.parse().ok()?,
        to: to.parse().ok()?,
        alerts: alerts?,
    })
}

fn wanted(text: &str) -> Option<Alert> {
    let (labels, rest) = labels(text.trim())?;
    let mut alert = Alert {
        labels,
        start: None,
        end: None,
        note: String::new(),
    };
    for word in rest.split_whitespace() {
        if let Some(note) = word.strip_prefix("note=") {
            note.clone_into(&mut alert.note);
            continue;
        }
        let (start, end) = word.split_once("..")?;
        alert.start = (!start.is_empty()).then(|| start.parse().ok()).flatten();
        alert.end = (!end.is_empty()).then(|| end.parse().ok()).flatten();
    }
    Some(alert)
}
