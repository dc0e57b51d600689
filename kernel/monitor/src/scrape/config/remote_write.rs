use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use portique_exposition::WriteVersion;

use super::discovery::read_url;
use super::endpoint::{self, check_header};
use super::relabel;
use crate::notify::{HttpConfig, Secret, SecretSource};
use crate::scrape::RelabelRule;
use crate::yaml::{Fields, Node, Reader};

const KEYS: [&str; 11] = [
    "url",
    "name",
    "remote_timeout",
    "headers",
    "write_relabel_configs",
    "send_exemplars",
    "send_native_histograms",
    "protobuf_message",
    "queue_config",
    "metadata_config",
    "round_robin_dns",
];
const UNSUPPORTED: [(&str, &str); 3] = [
    (
        "sigv4",
        "write authorization, or send through a proxy that signs",
    ),
    (
        "azuread",
        "write authorization, or send through a proxy that signs",
    ),
    (
        "google_iam",
        "write authorization, or send through a proxy that signs",
    ),
];
const QUEUE_KEYS: [&str; 9] = [
    "capacity",
    "max_shards",
    "min_shards",
    "max_samples_per_send",
    "batch_send_deadline",
    "min_backoff",
    "max_backoff",
    "retry_on_http_429",
    "sample_age_limit",
];
/// As in Prometheus.
const TIMEOUT: Duration = Duration::from_secs(30);
/// As in Prometheus 3: a request of some hundred kilobytes.
const SAMPLES_PER_SEND: usize = 2_000;
/// A minute of a thousand series at five seconds, some ten megabytes: what does not fit is read from the store.
const CAPACITY: usize = 200_000;
/// As in Prometheus.
const BATCH_DEADLINE: Duration = Duration::from_secs(5);
/// As in Prometheus.
const MIN_BACKOFF: Duration = Duration::from_millis(30);
/// As in Prometheus.
const MAX_BACKOFF: Duration = Duration::from_secs(5);
/// A request with more is larger than receivers take.
const SAMPLES_PER_SEND_MAX: usize = 100_000;
/// Some hundred bytes each.
const CAPACITY_MAX: usize = 10_000_000;
/// Each has a queue of its own.
const REMOTES_MAX: usize = 16;

/// Where samples are sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteWriteConfig {
    /// What people call it; its address when nothing is written.
    pub name: String,
    /// The receiver.
    pub url: String,
    /// How long it may take to answer.
    pub timeout: Duration,
    /// How it is asked.
    pub endpoint: HttpConfig,
    /// What becomes of a series' labels, and which are sent.
    pub relabel: Vec<RelabelRule>,
    /// Which message it takes.
    pub version: WriteVersion,
    /// Whether exemplars are sent.
    pub sends_exemplars: bool,
    /// Whether native histograms are sent.
    pub sends_native_histograms: bool,
    /// Whether it is told what metrics are.
    pub sends_metadata: bool,
    /// How much waits, and how long.
    pub queue: QueueConfig,
}

/// How much waits for a receiver, and how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueConfig {
    /// Samples that wait in memory; what does not fit is read from the store later.
    pub capacity: usize,
    /// Samples of a request.
    pub samples_per_send: usize,
    /// How long a request that is not full waits for more.
    pub batch_deadline: Duration,
    /// How long a failed request waits first; twice as long each time.
    pub min_backoff: Duration,
    /// How long it waits at most.
    pub max_backoff: Duration,
    /// Whether a receiver that has too much to do is asked again; default true.
    pub retries_on_429: bool,
    /// Samples that are older are not sent; zero for all.
    pub age_limit: Duration,
}

impl Default for QueueConfig {
    fn default() -> Self {
        Self {
            capacity: CAPACITY,
            samples_per_send: SAMPLES_PER_SEND,
            batch_deadline: BATCH_DEADLINE,
            min_backoff: MIN_BACKOFF,
            max_backoff: MAX_BACKOFF,
            retries_on_429: true,
            age_limit: Duration::ZERO,
        }
    }
}

pub(super) fn read(reader: &mut Reader, node: Option<&Node>) -> Vec<Arc<RemoteWriteConfig>> {
    let mut names = HashSet::new();
    let mut remotes = Vec::new();
    for node in reader.items(node, "remote_write") {
        let Some(remote) = remote(reader, node) else {
            continue;
        };
        if !names.insert(remote.name.clone()) {
            let message = format!(
                "there are two receivers called {:?}: give each a name of its own",
                remote.name
            );
            reader.problem(node, message);
        } else if remotes.len() == REMOTES_MAX {
            reader.problem(node, format!("there are more than {REMOTES_MAX} receivers"));
        } else {
            remotes.push(Arc::new(remote));
        }
    }
    remotes
}

fn remote(reader: &mut Reader, node: &Node) -> Option<RemoteWriteConfig> {
    let known = endpoint::keys(&KEYS);
    let unsupported = endpoint::unsupported(&UNSUPPORTED);
    let fields = reader.fields_without(node, "remote_write", &known, &unsupported)?;
    let url = read_url(reader, node, &fields, "remote_write");
    let name = reader.text(fields.get("name"), "name");
    let timeout = reader.duration(fields.get("remote_timeout"), "remote_timeout");
    let versions = [WriteVersion::V1, WriteVersion::V2].map(|version| (version.message(), version));
    let version = reader.word(
        fields.get("protobuf_message"),
        "protobuf_message",
        &versions,
    );
    let mut flag = |key: &str| reader.flag(fields.get(key), key).unwrap_or(false);
    let sends_exemplars = flag("send_exemplars");
    let sends_native_histograms = flag("send_native_histograms");
    flag("round_robin_dns");
    let mut endpoint = endpoint::read(reader, node, &fields);
    endpoint.headers.extend(headers(reader, &fields));
    let url = url?;
    Some(RemoteWriteConfig {
        name: name
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| url.clone()),
        url,
        timeout: timeout
            .filter(|timeout| !timeout.is_zero())
            .unwrap_or(TIMEOUT),
        endpoint,
        relabel: relabel::read(reader, &fields, "write_relabel_configs"),
        version: version.unwrap_or(WriteVersion::V1),
        sends_exemplars,
        sends_native_histograms,
        sends_metadata: metadata(reader, &fields),
        queue: queue(reader, &fields),
    })
}

fn headers(reader: &mut Reader, fields: &Fields<'_>) -> Vec<(String, SecretSource)> {
    let mut headers = Vec::new();
    for (key, name, value) in reader.pairs(fields.get("headers"), "headers") {
        let is_name = name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if name.is_empty() || !is_name || name.eq_ignore_ascii_case("authorization") {
            reader.problem(key, format!("{name:?} is no header that can be set here"));
        } else if check_header(reader, key, &name) {
            headers.push((name, SecretSource::Inline(Secret::new(value))));
        }
    }
    headers
}

fn metadata(reader: &mut Reader, fields: &Fields<'_>) -> bool {
    let known = ["send", "send_interval", "max_samples_per_send"];
    let Some(node) = fields.get("metadata_config") else {
        return true;
    };
    let Some(fields) = reader.fields(node, "metadata_config", &known) else {
        return true;
    };
    reader.duration(fields.get("send_interval"), "send_interval");
    reader.count(fields.get("max_samples_per_send"), "max_samples_per_send");
    reader.flag(fields.get("send"), "send").unwrap_or(true)
}

fn queue(reader: &mut Reader, fields: &Fields<'_>) -> QueueConfig {
    let mut queue = QueueConfig::default();
    let Some(node) = fields.get("queue_config") else {
        return queue;
    };
    let Some(fields) = reader.fields(node, "queue_config", &QUEUE_KEYS) else {
        return queue;
    };
    let mut count = |key: &str, default: usize, max: usize| {
        let node = fields.get(key);
        let read = reader.count(node, key);
        match (read, node) {
            (Some(read), Some(node)) if read > max => {
                reader.problem(node, format!("{key} is {max} at most"));
                default
            }
            (read, _) => read.filter(|read| *read > 0).unwrap_or(default),
        }
    };
    queue.capacity = count("capacity", CAPACITY, CAPACITY_MAX);
    queue.samples_per_send = count(
        "max_samples_per_send",
        SAMPLES_PER_SEND,
        SAMPLES_PER_SEND_MAX,
    );
    // One sender keeps the order; as many as are allowed at most.
    count("max_shards", 1, usize::MAX);
    let least = "min_shards";
    if count(least, 1, usize::MAX) > 1
        && let Some(node) = fields.get(least)
    {
        reader.problem(
            node,
            "min_shards is 1: samples go out one request after the other",
        );
    }
    let mut duration = |key: &str, default: Duration| {
        let read = reader.duration(fields.get(key), key);
        read.filter(|read| !read.is_zero()).unwrap_or(default)
    };
    queue.batch_deadline = duration("batch_send_deadline", BATCH_DEADLINE);
    queue.min_backoff = duration("min_backoff", MIN_BACKOFF);
    queue.max_backoff = duration("max_backoff", MAX_BACKOFF).max(queue.min_backoff);
    queue.age_limit = duration("sample_age_limit", Duration::ZERO);
    let retries = reader.flag(fields.get("retry_on_http_429"), "retry_on_http_429");
    queue.retries_on_429 = retries.unwrap_or(true);
    queue
}
