//! Every key of the configuration file, and the nearest one to a key that is none.

use super::oidc::OIDC_KEYS;
use super::pools::POOL_KEYS;
use super::raw::{RawConfig, RawTable, Written};

/// How a key's value is kept, by the kind of value it takes.
#[derive(Clone, Copy)]
pub(super) enum Keep {
    Text(fn(&mut RawConfig, Written<String>)),
    Boolean(fn(&mut RawConfig, Written<bool>)),
    Number(fn(&mut RawConfig, Written<f64>)),
    Texts(fn(&mut RawConfig, Written<Vec<String>>)),
    Tables(&'static [TableKey], fn(&mut RawConfig, Vec<RawTable>)),
}

/// A key of a table in a list of tables.
#[derive(Clone, Copy)]
pub(super) struct TableKey {
    pub(super) name: &'static str,
    pub(super) kind: TableKind,
}

/// What such a key takes.
#[derive(Clone, Copy)]
pub(super) enum TableKind {
    Text,
    Texts,
    Number,
    /// A table with keys of one's own, each with a list of texts.
    Lists,
    Tables(&'static [TableKey]),
}

impl Keep {
    /// What to write as the value.
    pub(super) fn expected(self) -> &'static str {
        match self {
            Self::Text(_) => "a text in quotes",
            Self::Boolean(_) => "true or false",
            Self::Number(_) => "a decimal number",
            Self::Texts(_) => "a list of texts in quotes",
            Self::Tables(..) => "a list of tables",
        }
    }
}

/// The keys of a downsampled tier.
const TIER_KEYS: &[TableKey] = &[
    TableKey {
        name: "resolution_s",
        kind: TableKind::Number,
    },
    TableKey {
        name: "retain_age_s",
        kind: TableKind::Number,
    },
];

/// The keys of a class of retention.
const CLASS_KEYS: &[TableKey] = &[
    TableKey {
        name: "name",
        kind: TableKind::Text,
    },
    TableKey {
        name: "selectors",
        kind: TableKind::Texts,
    },
    TableKey {
        name: "retain_age_s",
        kind: TableKind::Number,
    },
    TableKey {
        name: "retain_bytes",
        kind: TableKind::Number,
    },
    TableKey {
        name: "out_of_order_window_s",
        kind: TableKind::Number,
    },
    TableKey {
        name: "tiers",
        kind: TableKind::Tables(TIER_KEYS),
    },
];

/// Every key with its table, as the file spells them.
const KEYS: &[(&str, Keep)] = &[
    (
        "access.oidc",
        Keep::Tables(OIDC_KEYS, |raw, tables| raw.oidc = tables),
    ),
    (
        "access.open_reads",
        Keep::Boolean(|raw, written| raw.open_reads = Some(written)),
    ),
    (
        "allow_remote_without_tls",
        Keep::Boolean(|raw, written| raw.allow_remote_without_tls = Some(written)),
    ),
    (
        "connections_max",
        Keep::Number(|raw, written| raw.connections_max = Some(written)),
    ),
    ("data", Keep::Text(|raw, written| raw.data = Some(written))),
    (
        "events.replay_bytes_per_s",
        Keep::Number(|raw, written| raw.replay_bytes_per_s = Some(written)),
    ),
    (
        "events.retain_age_s",
        Keep::Number(|raw, written| raw.retain_age_s = Some(written)),
    ),
    (
        "events.retain_bytes",
        Keep::Number(|raw, written| raw.retain_bytes = Some(written)),
    ),
    (
        "grpc_listen",
        Keep::Text(|raw, written| raw.grpc_listen = Some(written)),
    ),
    (
        "listen",
        Keep::Text(|raw, written| raw.listen = Some(written)),
    ),
    (
        "log.filter",
        Keep::Text(|raw, written| raw.log_filter = Some(written)),
    ),
    (
        "log.format",
        Keep::Text(|raw, written| raw.log_format = Some(written)),
    ),
    (
        "notifications.defaults",
        Keep::Text(|raw, written| raw.notifications.defaults = Some(written)),
    ),
    (
        "notifications.external_url",
        Keep::Text(|raw, written| raw.notifications.external_url = Some(written)),
    ),
    (
        "notifications.file",
        Keep::Text(|raw, written| raw.notifications.file = Some(written)),
    ),
    (
        "payments.workers",
        Keep::Text(|raw, written| raw.payment_workers = Some(written)),
    ),
    (
        "pools",
        Keep::Tables(POOL_KEYS, |raw, tables| raw.pools = tables),
    ),
    (
        "prometheus.file",
        Keep::Text(|raw, written| raw.telemetry.prometheus_file = Some(written)),
    ),
    (
        "prometheus_listen",
        Keep::Text(|raw, written| raw.prometheus_listen = Some(written)),
    ),
    (
        "query.experimental",
        Keep::Boolean(|raw, written| raw.telemetry.experimental = Some(written)),
    ),
    (
        "query.samples_max",
        Keep::Number(|raw, written| raw.telemetry.query_samples_max = Some(written)),
    ),
    (
        "query.timeout_s",
        Keep::Number(|raw, written| raw.telemetry.query_timeout_s = Some(written)),
    ),
    (
        "rules.files",
        Keep::Texts(|raw, written| raw.rule_files = Some(written)),
    ),
    (
        "rules.hub",
        Keep::Boolean(|raw, written| raw.hub_rules = Some(written)),
    ),
    (
        "stop_grace_s",
        Keep::Number(|raw, written| raw.stop_grace_s = Some(written)),
    ),
    (
        "telemetry.classes",
        Keep::Tables(CLASS_KEYS, |raw, tables| raw.telemetry.classes = tables),
    ),
    (
        "telemetry.graphite_listen",
        Keep::Text(|raw, written| raw.telemetry.graphite_listen = Some(written)),
    ),
    (
        "telemetry.label_bytes_max",
        Keep::Number(|raw, written| raw.telemetry.label_bytes_max = Some(written)),
    ),
    (
        "telemetry.labels_max",
        Keep::Number(|raw, written| raw.telemetry.labels_max = Some(written)),
    ),
    (
        "telemetry.open_writes",
        Keep::Boolean(|raw, written| raw.telemetry.open_writes = Some(written)),
    ),
    (
        "telemetry.out_of_order_window_s",
        Keep::Number(|raw, written| raw.telemetry.out_of_order_window_s = Some(written)),
    ),
    (
        "telemetry.own_figures_every_s",
        Keep::Number(|raw, written| raw.telemetry.own_figures_every_s = Some(written)),
    ),
    (
        "telemetry.retain_age_s",
        Keep::Number(|raw, written| raw.telemetry.retain_age_s = Some(written)),
    ),
    (
        "telemetry.retain_bytes",
        Keep::Number(|raw, written| raw.telemetry.retain_bytes = Some(written)),
    ),
    (
        "telemetry.series_max",
        Keep::Number(|raw, written| raw.telemetry.series_max = Some(written)),
    ),
    (
        "telemetry.series_per_job_max",
        Keep::Number(|raw, written| raw.telemetry.series_per_job_max = Some(written)),
    ),
    (
        "telemetry.series_per_metric_max",
        Keep::Number(|raw, written| raw.telemetry.series_per_metric_max = Some(written)),
    ),
    (
        "telemetry.tiers",
        Keep::Tables(TIER_KEYS, |raw, tables| raw.telemetry.tiers = tables),
    ),
    (
        "tls.certificate",
        Keep::Text(|raw, written| raw.tls.certificate = Some(written)),
    ),
    (
        "tls.key",
        Keep::Text(|raw, written| raw.tls.key = Some(written)),
    ),
    (
        "tls.names",
        Keep::Texts(|raw, written| raw.tls.names = Some(written)),
    ),
    (
        "tls.self_signed",
        Keep::Boolean(|raw, written| raw.tls.self_signed = Some(written)),
    ),
];

/// Under this similarity (Jaro-Winkler, 0 to 1) a suggestion misleads more than it helps.
const SIMILARITY_MIN: f64 = 0.8;

pub(super) fn find(key: &str) -> Option<Keep> {
    KEYS.iter()
        .find(|(known, _)| *known == key)
        .map(|(_, keep)| *keep)
}

/// Whether some key lies in this table.
pub(super) fn is_table(name: &str) -> bool {
    KEYS.iter().any(|(known, _)| {
        known
            .strip_prefix(name)
            .is_some_and(|rest| rest.starts_with('.'))
    })
}

/// What a key that is none was probably meant to be, or the list of what there is.
pub(super) fn remedy(key: &str) -> String {
    let nearest = KEYS
        .iter()
        .map(|(known, _)| (similarity(key, known), *known))
        .max_by(|(a, _), (b, _)| a.total_cmp(b));
    match nearest {
        Some((similarity, known)) if similarity >= SIMILARITY_MIN => {
            format!("did you mean {known:?}?")
        }
        _ => {
            let known: Vec<&str> = KEYS.iter().map(|(known, _)| *known).collect();
            format!("the keys are {}", known.join(", "))
        }
    }
}

/// A key in the wrong table is as near as its own name is.
fn similarity(key: &str, known: &str) -> f64 {
    let own = |path: &str| path.rsplit('.').next().unwrap_or_default().to_owned();
    strsim::jaro_winkler(key, known).max(strsim::jaro_winkler(&own(key), &own(known)))
}
