use std::time::Duration;

use super::Global;
use super::discovery::{self, FileDiscovery, HttpDiscovery};
use super::endpoint;
use super::relabel;
use crate::notify::HttpConfig;
use crate::scrape::size::parse_size;
use crate::scrape::{RelabelRule, TargetGroup};
use crate::yaml::{Fields, Node, Reader};

/// The limits of `global` and of a job.
pub(super) const LIMIT_KEYS: [&str; 6] = [
    "body_size_limit",
    "sample_limit",
    "label_limit",
    "label_name_length_limit",
    "label_value_length_limit",
    "target_limit",
];
const KEYS: [&str; 19] = [
    "job_name",
    "scrape_interval",
    "scrape_timeout",
    "scrape_protocols",
    "fallback_scrape_protocol",
    "scrape_native_histograms",
    "metrics_path",
    "scheme",
    "params",
    "honor_labels",
    "honor_timestamps",
    "track_timestamps_staleness",
    "enable_compression",
    "static_configs",
    "file_sd_configs",
    "http_sd_configs",
    "relabel_configs",
    "metric_relabel_configs",
    // Read and of no effect: buckets of native histograms are limited by the store.
    "native_histogram_bucket_limit",
];
const UNSUPPORTED: [(&str, &str); 7] = [
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
    (
        "native_histogram_min_bucket_factor",
        "native histograms are kept as the target sends them",
    ),
];
/// What replaces discovery of other kinds.
const OTHER_DISCOVERY: &str = "write static_configs, or have its targets written to a file (file_sd_configs) or served over HTTP \
     (http_sd_configs)";
/// Kinds of discovery that Prometheus has beside those here.
const DISCOVERIES: [&str; 31] = [
    "aws_sd_configs",
    "azure_sd_configs",
    "consul_sd_configs",
    "digitalocean_sd_configs",
    "dns_sd_configs",
    "docker_sd_configs",
    "dockerswarm_sd_configs",
    "ec2_sd_configs",
    "ecs_sd_configs",
    "eureka_sd_configs",
    "gce_sd_configs",
    "hetzner_sd_configs",
    "ionos_sd_configs",
    "kubernetes_sd_configs",
    "kuma_sd_configs",
    "lightsail_sd_configs",
    "linode_sd_configs",
    "marathon_sd_configs",
    "nerve_sd_configs",
    "nomad_sd_configs",
    "openstack_sd_configs",
    "ovhcloud_sd_configs",
    "puppetdb_sd_configs",
    "rds_sd_configs",
    "msk_sd_configs",
    "scaleway_sd_configs",
    "serverset_sd_configs",
    "stackit_sd_configs",
    "triton_sd_configs",
    "uyuni_sd_configs",
    "vultr_sd_configs",
];

/// A format that a target may be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// Delimited protobuf, the only one with native histograms.
    Protobuf,
    /// OpenMetrics 0.0.1.
    OpenMetrics0,
    /// OpenMetrics 1.0.0.
    OpenMetrics1,
    /// Prometheus' text 0.0.4.
    Text0,
    /// Prometheus' text 1.0.0.
    Text1,
}

impl Protocol {
    const WORDS: [(&str, Self); 5] = [
        ("PrometheusProto", Self::Protobuf),
        ("OpenMetricsText0.0.1", Self::OpenMetrics0),
        ("OpenMetricsText1.0.0", Self::OpenMetrics1),
        ("PrometheusText0.0.4", Self::Text0),
        ("PrometheusText1.0.0", Self::Text1),
    ];
    /// What targets are asked for when nothing is said.
    const DEFAULT: [Self; 4] = [
        Self::OpenMetrics1,
        Self::OpenMetrics0,
        Self::Text1,
        Self::Text0,
    ];

    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Protobuf => {
                "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"
            }
            Self::OpenMetrics0 => "application/openmetrics-text;version=0.0.1",
            Self::OpenMetrics1 => "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8",
            Self::Text0 => "text/plain;version=0.0.4",
            Self::Text1 => "text/plain;version=1.0.0;escaping=allow-utf-8",
        }
    }
}

/// What an answer is refused for as a whole; 0 means no limit but the hub's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ScrapeLimits {
    /// Bytes of the answer, decompressed.
    pub body_bytes: u64,
    /// Samples after relabelling.
    pub samples: usize,
    /// Labels of a sample, its name among them.
    pub labels: usize,
    /// Bytes of a label's name.
    pub label_name_bytes: usize,
    /// Bytes of a label's value.
    pub label_value_bytes: usize,
    /// Targets of the job.
    pub targets: usize,
}

/// Who is asked for samples, how, and what becomes of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobConfig {
    /// The label `job` of its series, when nothing else sets it; the scrape pool's name.
    pub name: String,
    /// How often its targets are asked.
    pub interval: Duration,
    /// How long they may take to answer.
    pub timeout: Duration,
    /// Where they are asked; `/metrics` by default.
    pub path: String,
    /// `http` or `https`.
    pub scheme: String,
    /// What the address is followed by.
    pub params: Vec<(String, Vec<String>)>,
    /// Whether labels of samples win over those of the target.
    pub honors_labels: bool,
    /// Whether timestamps of samples count.
    pub honors_timestamps: bool,
    /// Whether series with timestamps of their own go stale when they are gone.
    pub tracks_timestamps_staleness: bool,
    /// Whether answers may be compressed.
    pub compresses: bool,
    /// Whether native histograms are kept.
    pub native_histograms: bool,
    /// What targets are asked for, best first.
    pub protocols: Vec<Protocol>,
    /// What an answer is taken for that does not say what it is.
    pub fallback: Option<Protocol>,
    /// How targets are asked.
    pub endpoint: HttpConfig,
    /// What answers are refused for.
    pub limits: ScrapeLimits,
    /// Targets that are written down.
    pub static_groups: Vec<TargetGroup>,
    /// Files with targets.
    pub files: Vec<FileDiscovery>,
    /// Addresses that know targets.
    pub urls: Vec<HttpDiscovery>,
    /// What becomes of a target's labels.
    pub relabel: Vec<RelabelRule>,
    /// What becomes of a sample's labels.
    pub metric_relabel: Vec<RelabelRule>,
}

impl JobConfig {
    /// The header that says what targets are asked for.
    pub fn accept(&self) -> String {
        let weights = (1..=self.protocols.len() + 1).rev();
        let asked = self.protocols.iter().zip(weights);
        let mut accept: Vec<String> = asked
            .map(|(protocol, weight)| format!("{};q=0.{weight}", protocol.media_type()))
            .collect();
        accept.push("*/*;q=0.1".to_owned());
        accept.join(",")
    }
}

pub(super) fn read(reader: &mut Reader, node: &Node, global: &Global) -> Option<JobConfig> {
    let mut own: Vec<&str> = KEYS.to_vec();
    own.extend(LIMIT_KEYS);
    let known = endpoint::keys(&own);
    let mut unsupported = endpoint::unsupported(&UNSUPPORTED);
    unsupported.extend(DISCOVERIES.map(|key| (key, OTHER_DISCOVERY)));
    let fields = reader.fields_without(node, "a job", &known, &unsupported)?;
    let name = reader.text(fields.get("job_name"), "job_name");
    if name.as_deref().unwrap_or("").is_empty() {
        reader.problem(node, "a job needs job_name");
    }
    let (interval, timeout) = times(reader, node, &fields, global);
    let mut flag = |key: &str, default: bool| {
        let read = reader.flag(fields.get(key), key);
        read.unwrap_or(default)
    };
    let native_histograms = flag("scrape_native_histograms", global.native_histograms);
    let honors_labels = flag("honor_labels", false);
    let honors_timestamps = flag("honor_timestamps", true);
    let tracks_timestamps_staleness = flag("track_timestamps_staleness", false);
    let compresses = flag("enable_compression", true);
    let path = reader.text(fields.get("metrics_path"), "metrics_path");
    let schemes = [("http", "http"), ("https", "https")];
    let scheme = reader.word(fields.get("scheme"), "scheme", &schemes);
    let fallback = "fallback_scrape_protocol";
    Some(JobConfig {
        name: name?,
        interval,
        timeout,
        path: path.unwrap_or_else(|| "/metrics".to_owned()),
        scheme: scheme.unwrap_or("http").to_owned(),
        params: params(reader, &fields),
        honors_labels,
        honors_timestamps,
        tracks_timestamps_staleness,
        compresses,
        native_histograms,
        protocols: protocols(reader, &fields, global, native_histograms),
        fallback: reader.word(fields.get(fallback), fallback, &Protocol::WORDS),
        endpoint: endpoint::read(reader, node, &fields),
        limits: read_limits(reader, &fields, &global.limits),
        static_groups: discovery::static_groups(reader, &fields),
        files: discovery::files(reader, &fields),
        urls: discovery::urls(reader, &fields),
        relabel: relabel::read(reader, &fields, "relabel_configs"),
        metric_relabel: relabel::read(reader, &fields, "metric_relabel_configs"),
    })
}

fn times(
    reader: &mut Reader,
    node: &Node,
    fields: &Fields<'_>,
    global: &Global,
) -> (Duration, Duration) {
    let mut duration = |key: &str| {
        let read = reader.duration(fields.get(key), key);
        read.filter(|read| !read.is_zero())
    };
    let interval = duration("scrape_interval").unwrap_or(global.scrape_interval);
    let written = duration("scrape_timeout");
    if let Some(timeout) = written.filter(|timeout| *timeout > interval) {
        let message = format!(
            "scrape_timeout of {timeout:?} is longer than the interval of {interval:?}: make it shorter"
        );
        reader.problem(fields.get("scrape_timeout").unwrap_or(node), message);
    }
    (
        interval,
        written.unwrap_or(global.scrape_timeout.min(interval)),
    )
}

fn params(reader: &mut Reader, fields: &Fields<'_>) -> Vec<(String, Vec<String>)> {
    let mut params = Vec::new();
    for (_, name, node) in reader.entries(fields.get("params"), "params") {
        let items = reader.items(Some(node), "the values of a parameter");
        let values = items
            .iter()
            .filter_map(|node| reader.text(Some(node), "a value of params"));
        params.push((name, values.collect()));
    }
    params
}

fn protocols(
    reader: &mut Reader,
    fields: &Fields<'_>,
    global: &Global,
    native_histograms: bool,
) -> Vec<Protocol> {
    let written = read_protocols(reader, fields.get("scrape_protocols"));
    match written.or_else(|| global.protocols.clone()) {
        Some(protocols) => protocols,
        None if native_histograms => {
            let others = Protocol::DEFAULT;
            std::iter::once(Protocol::Protobuf).chain(others).collect()
        }
        None => Protocol::DEFAULT.to_vec(),
    }
}

pub(super) fn read_protocols(reader: &mut Reader, node: Option<&Node>) -> Option<Vec<Protocol>> {
    let node = node?;
    let mut protocols = Vec::new();
    for item in reader.items(Some(node), "scrape_protocols") {
        let read = reader.word(Some(item), "a protocol", &Protocol::WORDS);
        match read {
            Some(protocol) if protocols.contains(&protocol) => {
                reader.problem(item, "the protocol is there twice: keep one");
            }
            read => protocols.extend(read),
        }
    }
    if protocols.is_empty() {
        reader.problem(node, "scrape_protocols has one protocol at least");
    }
    Some(protocols)
}

pub(super) fn read_limits(
    reader: &mut Reader,
    fields: &Fields<'_>,
    default: &ScrapeLimits,
) -> ScrapeLimits {
    let body = fields.get("body_size_limit");
    let body_bytes = body.and_then(|node| {
        let size = node.scalar().and_then(parse_size);
        if size.is_none() {
            reader.problem(node, "body_size_limit is a size such as 10MB");
        }
        size
    });
    let mut count = |key: &str, default: usize| {
        let read = reader.count(fields.get(key), key);
        read.unwrap_or(default)
    };
    ScrapeLimits {
        body_bytes: body_bytes.unwrap_or(default.body_bytes),
        samples: count("sample_limit", default.samples),
        labels: count("label_limit", default.labels),
        label_name_bytes: count("label_name_length_limit", default.label_name_bytes),
        label_value_bytes: count("label_value_length_limit", default.label_value_bytes),
        targets: count("target_limit", default.targets),
    }
}
