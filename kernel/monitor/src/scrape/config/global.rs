use std::time::Duration;

use portique_series::{Labels, METRIC_NAME};

use super::job::{LIMIT_KEYS, Protocol, ScrapeLimits, read_limits, read_protocols};
use crate::yaml::{Node, Reader};

/// As in Prometheus.
const INTERVAL: Duration = Duration::from_mins(1);
/// As in Prometheus.
const TIMEOUT: Duration = Duration::from_secs(10);

const KEYS: [&str; 7] = [
    "scrape_interval",
    "scrape_timeout",
    "scrape_protocols",
    "evaluation_interval",
    "rule_query_offset",
    "external_labels",
    "scrape_native_histograms",
];
pub(super) const UNSUPPORTED: [(&str, &str); 8] = [
    ("query_log_file", "queries are not logged to a file"),
    (
        "scrape_failure_log_file",
        "see `portique targets --down`, the API and the hub's log for scrapes that failed",
    ),
    (
        "keep_dropped_targets",
        "a fixed number of dropped targets is kept for the API",
    ),
    (
        "metric_name_validation_scheme",
        "every name in UTF-8 is taken",
    ),
    (
        "metric_name_escaping_scheme",
        "targets are asked for names in UTF-8",
    ),
    (
        "convert_classic_histograms_to_nhcb",
        "histograms are kept as the target sends them",
    ),
    (
        "always_scrape_classic_histograms",
        "of a histogram that is sent both ways the native one is kept",
    ),
    ("runtime", "there is no garbage collector to tune"),
];

/// What holds for jobs and rules that say nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Global {
    /// How often targets are asked; default 1 min.
    pub scrape_interval: Duration,
    /// How long they may take to answer; default 10 s.
    pub scrape_timeout: Duration,
    /// How often rules are evaluated; default 1 min.
    pub evaluation_interval: Duration,
    /// How far before their time rules look; default 0.
    pub rule_query_offset: Duration,
    /// Labels that samples get when they are sent elsewhere.
    pub external_labels: Labels,
    /// What targets are asked for, best first; none for the defaults.
    pub protocols: Option<Vec<Protocol>>,
    /// Whether native histograms are kept; they are not by default.
    pub native_histograms: bool,
    /// What answers are refused for.
    pub limits: ScrapeLimits,
}

impl Default for Global {
    fn default() -> Self {
        Self {
            scrape_interval: INTERVAL,
            scrape_timeout: TIMEOUT,
            evaluation_interval: INTERVAL,
            rule_query_offset: Duration::ZERO,
            external_labels: Labels::empty(),
            protocols: None,
            native_histograms: false,
            limits: ScrapeLimits::default(),
        }
    }
}

pub(super) fn read(reader: &mut Reader, node: Option<&Node>) -> Global {
    let mut global = Global::default();
    let Some(node) = node else {
        return global;
    };
    let known: Vec<&str> = KEYS.iter().chain(&LIMIT_KEYS).copied().collect();
    let Some(fields) = reader.fields_without(node, "global", &known, &UNSUPPORTED) else {
        return global;
    };
    let mut duration = |key: &str, default: Duration| {
        let read = reader.duration(fields.get(key), key);
        read.filter(|read| !read.is_zero()).unwrap_or(default)
    };
    global.scrape_interval = duration("scrape_interval", INTERVAL);
    // An interval that is shorter than the default timeout brings the timeout down with it.
    let timeout = TIMEOUT.min(global.scrape_interval);
    global.scrape_timeout = duration("scrape_timeout", timeout);
    global.evaluation_interval = duration("evaluation_interval", INTERVAL);
    global.rule_query_offset = duration("rule_query_offset", Duration::ZERO);
    if global.scrape_timeout > global.scrape_interval {
        let message = "scrape_timeout is longer than scrape_interval: make it shorter";
        reader.problem(fields.get("scrape_timeout").unwrap_or(node), message);
    }
    global.external_labels = external_labels(reader, fields.get("external_labels"));
    global.protocols = read_protocols(reader, fields.get("scrape_protocols"));
    let key = "scrape_native_histograms";
    global.native_histograms = reader.flag(fields.get(key), key).unwrap_or(false);
    global.limits = read_limits(reader, &fields, &ScrapeLimits::default());
    global
}

fn external_labels(reader: &mut Reader, node: Option<&Node>) -> Labels {
    let mut pairs = Vec::new();
    for (key, name, value) in reader.pairs(node, "external_labels") {
        if name.is_empty() || name == METRIC_NAME {
            let message = format!("{name:?} is no name of an external label");
            reader.problem(key, message);
        } else if value.contains('$') {
            let message =
                "variables of the environment are not put in here: write the value itself";
            reader.problem(key, message);
        } else {
            pairs.push((name, value));
        }
    }
    Labels::from_pairs(pairs)
}
