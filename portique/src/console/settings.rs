use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::config::{
    Config, Data, LogFormat, NotificationDefaults, Origin, PaymentWorkers, TelemetryConfig,
    TlsConfig,
};
use crate::places::Places;

/// The configuration that is in effect, as people may see it.
///
/// Only what is named here gets out: a new key stays inside until somebody adds it, so a secret does not
/// come to be seen by having been forgotten.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(crate) struct Settings {
    /// The file that was read; none when nothing of it came from a file.
    file: Option<String>,
    /// All of it, in the order of the keys.
    settings: Vec<Setting>,
}

/// One value of the configuration.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
struct Setting {
    /// Its key, as the file has it.
    key: &'static str,
    /// What counts, as the file would have it; none is no limit, nowhere, or nothing.
    value: Option<String>,
    /// Who said so.
    origin: OriginName,
    /// The line of the file, from 1, when it stands there.
    line: Option<usize>,
}

/// Who said a value.
#[derive(Debug, Clone, Copy, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
enum OriginName {
    /// Nobody.
    Default,
    /// The configuration's file.
    File,
    /// A flag of the command line, or its variable in the environment.
    CommandLine,
}

pub(super) fn router(settings: Arc<Settings>) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(show))
        .with_state(settings)
}

/// The configuration that is in effect, each value with its origin, without secrets.
#[utoipa::path(get, path = "/api/v1/settings", tag = "console",
    responses((status = OK, body = Settings)))]
pub(crate) async fn show(State(settings): State<Arc<Settings>>) -> Json<Settings> {
    Json(settings.as_ref().clone())
}

impl Settings {
    /// What a hub with this configuration tells of it.
    pub(crate) fn of(config: &Config, places: Places) -> Self {
        let values = own(config, places)
            .into_iter()
            .chain(events(config))
            .chain(telemetry(&config.telemetry))
            .chain(alerts(config));
        let mut settings: Vec<_> = values
            .map(|(key, value)| {
                let (origin, line) = match config.origins.of(key) {
                    Origin::Default => (OriginName::Default, None),
                    Origin::File(place) => (OriginName::File, Some(place.line)),
                    Origin::CommandLine => (OriginName::CommandLine, None),
                };
                Setting {
                    key,
                    value,
                    origin,
                    line,
                }
            })
            .collect();
        settings.sort_by_key(|setting| setting.key);
        let file = config.origins.file();
        Self {
            file: file.map(|path| path.display().to_string()),
            settings,
        }
    }
}

type Value = (&'static str, Option<String>);

fn own(config: &Config, places: Places) -> Vec<Value> {
    let data = match &config.data {
        Data::Folder(path) => Some(path.display().to_string()),
        Data::Ephemeral => None,
    };
    let format = match config.log.format {
        LogFormat::Text => "text",
        LogFormat::Json => "json",
    };
    let is_self_signed = matches!(config.tls, TlsConfig::SelfSigned { .. });
    // Where the key is, never what it is.
    let (certificate, key) = match &config.tls {
        TlsConfig::Files { certificate, key } => (Some(certificate.display()), Some(key.display())),
        _ => (None, None),
    };
    let names: &[String] = match &config.tls {
        TlsConfig::SelfSigned { names } => names,
        _ => &[],
    };
    let pools: Vec<_> = (config.pools.iter())
        .map(|pool| pool.name.as_str())
        .collect();
    let providers: Vec<_> = (config.access.oidc.iter())
        .map(|provider| provider.name.as_str())
        .collect();
    let payment_workers = match config.payments.workers {
        PaymentWorkers::Inside => "inside",
        PaymentWorkers::Pools => "pools",
    };
    vec![
        ("listen", text(config.listen)),
        ("grpc_listen", text(config.grpc_listen)),
        ("prometheus_listen", config.prometheus_listen.and_then(text)),
        ("connections_max", text(places.http)),
        ("tls.self_signed", text(is_self_signed)),
        ("tls.certificate", certificate.and_then(text)),
        ("tls.key", key.and_then(text)),
        ("tls.names", list(names)),
        ("data", data),
        ("stop_grace_s", seconds(Some(config.stop_grace))),
        ("log.format", text(format)),
        ("log.filter", text(&config.log.filter)),
        // Their names only: the arguments of a program may hold what is not for everybody.
        ("pools", list(&pools)),
        ("payments.workers", text(payment_workers)),
        // Their names only: the rest says who may get in by which group.
        ("access.oidc", list(&providers)),
        ("access.open_reads", text(config.access.open_reads)),
    ]
}

fn events(config: &Config) -> Vec<Value> {
    let events = &config.events;
    vec![
        ("events.retain_age_s", seconds(events.retain_age)),
        ("events.retain_bytes", events.retain_bytes.and_then(text)),
        (
            "events.replay_bytes_per_s",
            text(events.replay_bytes_per_second),
        ),
    ]
}

fn telemetry(config: &TelemetryConfig) -> Vec<Value> {
    let store = portique_series::Config::default();
    let limits = store.limits;
    let or = |said: Option<usize>, default: usize| text(said.unwrap_or(default));
    let window = config
        .out_of_order_window
        .unwrap_or(store.out_of_order_window);
    let classes: Vec<_> = (config.classes.iter())
        .map(|class| class.name.as_str())
        .collect();
    let file = config.prometheus_file.as_ref();
    let samples_max = portique_promql::Config::default().samples_max;
    vec![
        ("telemetry.retain_age_s", seconds(config.retain_age)),
        ("telemetry.retain_bytes", config.retain_bytes.and_then(text)),
        (
            "telemetry.series_max",
            or(config.series_max, limits.series_max),
        ),
        (
            "telemetry.series_per_metric_max",
            or(config.series_per_metric_max, limits.series_per_metric_max),
        ),
        (
            "telemetry.series_per_job_max",
            or(config.series_per_job_max, limits.series_per_job_max),
        ),
        (
            "telemetry.labels_max",
            or(config.labels_max, limits.labels_max),
        ),
        (
            "telemetry.label_bytes_max",
            or(config.label_bytes_max, limits.label_bytes_max),
        ),
        ("telemetry.out_of_order_window_s", seconds(Some(window))),
        ("telemetry.classes", list(&classes)),
        ("telemetry.open_writes", text(config.open_writes)),
        (
            "telemetry.graphite_listen",
            config.graphite_listen.and_then(text),
        ),
        (
            "telemetry.own_figures_every_s",
            seconds(Some(config.own_figures_every.unwrap_or_default())),
        ),
        (
            "prometheus.file",
            file.map(|path| path.display().to_string()),
        ),
        ("query.timeout_s", seconds(Some(config.query_timeout))),
        (
            "query.samples_max",
            or(config.query_samples_max, samples_max),
        ),
        ("query.experimental", text(config.experimental_queries)),
    ]
}

fn alerts(config: &Config) -> Vec<Value> {
    let notifications = &config.notifications;
    let defaults = match notifications.defaults {
        NotificationDefaults::Alertmanager => "alertmanager",
        NotificationDefaults::Portique => "portique",
    };
    let file = notifications.file.as_ref();
    let url = notifications.external_url.as_deref();
    vec![
        (
            "notifications.file",
            file.map(|path| path.display().to_string()),
        ),
        ("notifications.defaults", text(defaults)),
        ("notifications.external_url", url.map(without_user)),
        ("rules.files", list(&config.rules.files)),
        ("rules.hub", text(config.rules.hub)),
    ]
}

fn text(value: impl ToString) -> Option<String> {
    Some(value.to_string())
}

fn seconds(span: Option<Duration>) -> Option<String> {
    span.map(|span| span.as_secs_f64().to_string())
}

fn list(names: &[impl AsRef<str>]) -> Option<String> {
    let names: Vec<_> = names.iter().map(AsRef::as_ref).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

/// An address without the name and the password that may stand in it.
fn without_user(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    // What follows a question mark may be a token.
    let path = path.split(['?', '#']).next().unwrap_or_default();
    format!("{scheme}://{host}{path}")
}
