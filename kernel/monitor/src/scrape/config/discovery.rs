use std::time::Duration;

use portique_series::METRIC_NAME;

use super::endpoint;
use super::{Problem, finish};
use crate::notify::HttpConfig;
use crate::scrape::TargetGroup;
use crate::yaml::{Fields, Node, Reader};

/// A list of targets has at most this many bytes: a hundred thousand addresses fit.
pub const TARGETS_FILE_BYTES_MAX: usize = 8 << 20;
/// As in Prometheus.
const FILE_REFRESH: Duration = Duration::from_mins(5);
/// As in Prometheus.
const HTTP_REFRESH: Duration = Duration::from_mins(1);
/// More often than this, discovery costs more than scraping.
const REFRESH_MIN: Duration = Duration::from_millis(100);
/// What files of targets may end with, as in Prometheus.
const ENDINGS: [&str; 3] = [".json", ".yml", ".yaml"];

/// Files with lists of targets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileDiscovery {
    /// Patterns; the last part may hold `*`.
    pub patterns: Vec<String>,
    /// How often they are read at least; a change is seen earlier.
    pub refresh_interval: Duration,
}

/// An address that answers with a list of targets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpDiscovery {
    /// Where it is asked.
    pub url: String,
    /// How often.
    pub refresh_interval: Duration,
    /// How.
    pub endpoint: HttpConfig,
}

pub(super) fn files(reader: &mut Reader, fields: &Fields<'_>) -> Vec<FileDiscovery> {
    let key = "file_sd_configs";
    let items = reader.items(fields.get(key), key);
    items.iter().filter_map(|node| file(reader, node)).collect()
}

fn file(reader: &mut Reader, node: &Node) -> Option<FileDiscovery> {
    let fields = reader.fields(node, "file_sd_configs", &["files", "refresh_interval"])?;
    let mut patterns = Vec::new();
    for node in reader.items(fields.get("files"), "files") {
        let Some(pattern) = reader.text(Some(node), "files") else {
            continue;
        };
        let last = pattern.rsplit('/').next().unwrap_or("");
        let before = &pattern[..pattern.len() - last.len()];
        let ends_well = ENDINGS.iter().any(|ending| last.ends_with(ending));
        if !ends_well || before.contains('*') {
            let message = format!(
                "{pattern:?} is no pattern of files with targets: it ends with {}, and only its last \
                 part may hold *",
                ENDINGS.join(" or ")
            );
            reader.problem(node, message);
        } else {
            patterns.push(pattern);
        }
    }
    if fields.get("files").is_none() {
        reader.problem(node, "file_sd_configs needs files");
    }
    let refresh_interval = refresh(reader, &fields, FILE_REFRESH);
    Some(FileDiscovery {
        patterns,
        refresh_interval,
    })
}

pub(super) fn urls(reader: &mut Reader, fields: &Fields<'_>) -> Vec<HttpDiscovery> {
    let key = "http_sd_configs";
    let items = reader.items(fields.get(key), key);
    items.iter().filter_map(|node| url(reader, node)).collect()
}

fn url(reader: &mut Reader, node: &Node) -> Option<HttpDiscovery> {
    let known = endpoint::keys(&["url", "refresh_interval"]);
    let unsupported = endpoint::unsupported(&[]);
    let fields = reader.fields_without(node, "http_sd_configs", &known, &unsupported)?;
    let url = read_url(reader, node, &fields, "http_sd_configs");
    let refresh_interval = refresh(reader, &fields, HTTP_REFRESH);
    Some(HttpDiscovery {
        url: url?,
        refresh_interval,
        endpoint: endpoint::read(reader, node, &fields),
    })
}

/// The field `url`, which is needed.
pub(super) fn read_url(
    reader: &mut Reader,
    node: &Node,
    fields: &Fields<'_>,
    what: &str,
) -> Option<String> {
    let Some(url) = reader.text(fields.get("url"), "url") else {
        reader.problem(node, format!("{what} needs url"));
        return None;
    };
    let rest = ["http://", "https://"]
        .iter()
        .find_map(|scheme| url.strip_prefix(scheme));
    let host = rest.map(|rest| rest.split(['/', '?', '#']).next().unwrap_or(""));
    let place = fields.get("url").unwrap_or(node);
    match host {
        Some(host) if host.contains('@') => {
            let message = "a user in the address is not sent: write basic_auth";
            reader.problem(place, message);
            None
        }
        Some(host) if !host.is_empty() && !url.chars().any(char::is_whitespace) => Some(url),
        _ => {
            reader.problem(
                place,
                "url is an address that begins with http:// or https://",
            );
            None
        }
    }
}

fn refresh(reader: &mut Reader, fields: &Fields<'_>, default: Duration) -> Duration {
    let node = fields.get("refresh_interval");
    let interval = reader.duration(node, "refresh_interval");
    match (interval, node) {
        (Some(interval), Some(node)) if interval < REFRESH_MIN => {
            reader.problem(node, "refresh_interval is 100ms at least");
            default
        }
        (interval, _) => interval.unwrap_or(default),
    }
}

pub(super) fn static_groups(reader: &mut Reader, fields: &Fields<'_>) -> Vec<TargetGroup> {
    let key = "static_configs";
    let items = reader.items(fields.get(key), key);
    items
        .iter()
        .filter_map(|node| group(reader, node))
        .collect()
}

fn group(reader: &mut Reader, node: &Node) -> Option<TargetGroup> {
    let fields = reader.fields(node, "a group of targets", &["targets", "labels"])?;
    let targets = reader.items(fields.get("targets"), "targets");
    let mut addresses = Vec::new();
    for node in targets {
        let Some(address) = reader.text(Some(node), "a target") else {
            continue;
        };
        match address.contains('/') {
            true => {
                let message = format!(
                    "{address:?} is no address: write host and port; scheme and metrics_path have keys \
                     of their own"
                );
                reader.problem(node, message);
            }
            false => addresses.push(address),
        }
    }
    let mut labels = Vec::new();
    for (key, name, value) in reader.pairs(fields.get("labels"), "labels") {
        match name.is_empty() || name == METRIC_NAME {
            true => reader.problem(key, format!("{name:?} is no label of a target")),
            false => labels.push((name, value)),
        }
    }
    Some(TargetGroup { addresses, labels })
}

/// Reads a list of groups of targets, in YAML or JSON, as files and addresses of discovery hold it; `file` names it
/// in messages.
///
/// # Errors
/// All that is wrong with it, by place: nothing of it is used then.
pub fn read_target_groups(file: &str, text: &str) -> Result<Vec<TargetGroup>, Vec<Problem>> {
    let mut reader = Reader::new(file);
    if text.len() > TARGETS_FILE_BYTES_MAX {
        let message = format!("there are more than {TARGETS_FILE_BYTES_MAX} bytes: split the list");
        reader.problem_at_start(message);
        return finish(reader, Vec::new());
    }
    let root = reader.document(text).filter(|node| !node.is_null());
    let items = reader.items(root.as_ref(), "a list of targets");
    let groups = items.iter().filter_map(|node| group(&mut reader, node));
    let groups = groups.collect();
    finish(reader, groups)
}
