//! From what discovery found to what is asked.

use std::time::Duration;

use portique_series::{Labels, LabelsBuilder, METRIC_NAME};

use super::config::JobConfig;
use super::relabel::relabel;
use crate::{Fingerprint, format_duration, parse_duration};

const ADDRESS: &str = "__address__";
const SCHEME: &str = "__scheme__";
const PATH: &str = "__metrics_path__";
const INTERVAL: &str = "__scrape_interval__";
const TIMEOUT: &str = "__scrape_timeout__";
const PARAM: &str = "__param_";
const META: &str = "__meta_";

/// Targets that were found together, with the labels that all of them have.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TargetGroup {
    /// Addresses: a host and, as a rule, a port.
    pub addresses: Vec<String>,
    /// Labels of each of them, such as `__meta_url`.
    pub labels: Vec<(String, String)>,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// What its series get: no name begins with two underscores.
    pub labels: Labels,
    /// What was known of it before relabelling.
    pub discovered: Labels,
    /// Where it is asked.
    pub url: String,
    /// How often.
    pub interval: Duration,
    /// How long it may take to answer.
    pub timeout: Duration,
}

/// What becomes of an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Built {
    /// It is asked.
    Active(Box<Target>),
    /// The rules drop it; what was known of it.
    Dropped(Labels),
}

/// Why an address makes no target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetFault {
    /// Relabelling took the address away.
    #[error("the target has no address: a rule removes __address__")]
    NoAddress,
    /// The address holds more than host and port.
    #[error("{address:?} is no address: write a host and a port, without scheme and path")]
    Address {
        /// What there is.
        address: String,
    },
    /// The scheme is another one.
    #[error("the scheme {scheme:?} is not known: it is http or https")]
    Scheme {
        /// What there is.
        scheme: String,
    },
    /// An interval or timeout is none.
    #[error("{label} is {value:?}: it is a duration above 0 such as 15s")]
    Duration {
        /// Which label.
        label: &'static str,
        /// What there is.
        value: String,
    },
    /// The timeout is longer than the interval.
    #[error("the timeout of {timeout} is longer than the interval of {interval}")]
    Timeout {
        /// The timeout.
        timeout: String,
        /// The interval.
        interval: String,
    },
}

impl Target {
    /// Makes a target of an address of a group, by the rules of its job.
    ///
    /// # Errors
    /// Why it makes none.
    pub fn build(
        job: &JobConfig,
        group: &TargetGroup,
        address: &str,
    ) -> Result<Built, TargetFault> {
        let discovered = discovered(job, group, address);
        let mut labels = discovered.to_builder();
        if !relabel(&job.relabel, &mut labels) {
            return Ok(Built::Dropped(discovered));
        }
        let value = |name: &str| labels.value(name).unwrap_or("").to_owned();
        let address = value(ADDRESS);
        check_address(&address)?;
        let scheme = value(SCHEME);
        if scheme != "http" && scheme != "https" {
            return Err(TargetFault::Scheme { scheme });
        }
        let interval = duration(INTERVAL, value(INTERVAL))?;
        let timeout = duration(TIMEOUT, value(TIMEOUT))?;
        if timeout > interval {
            return Err(TargetFault::Timeout {
                timeout: format_duration(timeout),
                interval: format_duration(interval),
            });
        }
        let url = url(job, &labels, &scheme, &address);
        if labels.value("instance").is_none() {
            labels.set("instance", address);
        }
        let own = labels.keep(|name| !name.starts_with("__")).clone().build();
        Ok(Built::Active(Box::new(Self {
            labels: own,
            discovered,
            url,
            interval,
            timeout,
        })))
    }

    /// What tells it from others, and spreads targets over their interval.
    pub fn hash(&self) -> u64 {
        let mut all = self.labels.to_builder();
        all.set("\u{1}url", self.url.clone());
        all.set("\u{1}interval", format_duration(self.interval));
        all.set("\u{1}timeout", format_duration(self.timeout));
        Fingerprint::of(&all.build()).0
    }
}

/// What is known of an address: its own labels, those of its group, and what the job says.
fn discovered(job: &JobConfig, group: &TargetGroup, address: &str) -> Labels {
    let mut labels = LabelsBuilder::default();
    let of_job = [
        ("job", job.name.clone()),
        (INTERVAL, format_duration(job.interval)),
        (TIMEOUT, format_duration(job.timeout)),
        (PATH, job.path.clone()),
        (SCHEME, job.scheme.clone()),
    ];
    for (name, value) in of_job {
        labels.set(name, value);
    }
    for (name, values) in &job.params {
        if let Some(first) = values.first() {
            labels.set(format!("{PARAM}{name}"), first.clone());
        }
    }
    for (name, value) in &group.labels {
        labels.set(name.clone(), value.clone());
    }
    labels.set(ADDRESS, address);
    labels.remove(METRIC_NAME);
    labels.build()
}

fn check_address(address: &str) -> Result<(), TargetFault> {
    if address.is_empty() {
        return Err(TargetFault::NoAddress);
    }
    let is_plain = |c: char| !c.is_whitespace() && !c.is_control() && !"/?#@\\".contains(c);
    match address.chars().all(is_plain) {
        true => Ok(()),
        false => Err(TargetFault::Address {
            address: address.to_owned(),
        }),
    }
}

fn duration(label: &'static str, value: String) -> Result<Duration, TargetFault> {
    match parse_duration(&value).filter(|duration| !duration.is_zero()) {
        Some(duration) => Ok(duration),
        None => Err(TargetFault::Duration { label, value }),
    }
}

fn url(job: &JobConfig, labels: &LabelsBuilder, scheme: &str, address: &str) -> String {
    let path = labels.value(PATH).unwrap_or("");
    let slash = if path.starts_with('/') { "" } else { "/" };
    let mut url = format!("{scheme}://{address}{slash}{}", escaped(path));
    let query = query(job, labels);
    if !query.is_empty() {
        url.push('?');
        url.push_str(&query);
    }
    url
}

/// The job's parameters; labels `__param_…` replace the first value of theirs, or add one.
fn query(job: &JobConfig, labels: &LabelsBuilder) -> String {
    let mut params = job.params.clone();
    for (name, value) in labels.clone().build().iter() {
        let Some(name) = name.strip_prefix(PARAM) else {
            continue;
        };
        match params.iter_mut().find(|(known, _)| known == name) {
            Some((_, values)) if !values.is_empty() => value.clone_into(&mut values[0]),
            Some((_, values)) => values.push(value.to_owned()),
            None => params.push((name.to_owned(), vec![value.to_owned()])),
        }
    }
    params.sort();
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, values) in &params {
        for value in values {
            query.append_pair(name, value);
        }
    }
    query.finish()
}

/// A path with what a path cannot hold as `%` and two digits.
fn escaped(path: &str) -> String {
    let mut text = String::new();
    for byte in path.bytes() {
        match byte.is_ascii_alphanumeric() || b"/-_.~!$&'()*+,;=:@".contains(&byte) {
            true => text.push(char::from(byte)),
            false => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}

impl TargetGroup {
    /// Adds a label that discovery knows, such as where it found the group.
    #[must_use]
    pub fn with_meta(mut self, name: &str, value: &str) -> Self {
        self.labels
            .push((format!("{META}{name}"), value.to_owned()));
        self
    }
}
