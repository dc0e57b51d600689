use std::path::{Path, PathBuf};

use super::problem::Problem;
use super::raw::RawConfig;

/// Longest address that messages carry.
const URL_BYTES_MAX: usize = 2_048;

/// Who is told of alerts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NotificationsConfig {
    /// An `alertmanager.yml`, a relative path from the configuration's folder; without one, alerts and silences
    /// are kept and nobody is told.
    pub file: Option<PathBuf>,
    /// Whose defaults count where the file says nothing.
    pub defaults: NotificationDefaults,
    /// Where people find the hub; messages carry it. The address it listens on by default.
    pub external_url: Option<String>,
}

/// Whose defaults count where a file of notifications says nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum NotificationDefaults {
    /// Alertmanager's.
    #[default]
    Alertmanager,
    /// The hub's own: critical alerts wait for nobody, and alerts that join a group wait for 10 s.
    Portique,
}

pub(super) fn resolve(raw: &RawConfig, problems: &mut Vec<Problem>) -> NotificationsConfig {
    let raw = &raw.notifications;
    let file = raw.file.as_ref().map(|written| {
        let folder = written.place.path.parent().unwrap_or(Path::new(""));
        folder.join(&written.value)
    });
    let mut defaults = NotificationDefaults::default();
    if let Some(written) = &raw.defaults {
        match written.value.as_str() {
            "alertmanager" => {}
            "portique" => defaults = NotificationDefaults::Portique,
            other => problems.push(Problem::at(
                &written.place,
                format!("notifications.defaults = {other:?} is unknown"),
                "write \"alertmanager\" or \"portique\"".into(),
            )),
        }
    }
    if let Some(written) = &raw.external_url {
        let is_http = ["http://", "https://"]
            .iter()
            .any(|scheme| written.value.starts_with(scheme));
        if !is_http || written.value.len() > URL_BYTES_MAX {
            problems.push(Problem::at(
                &written.place,
                format!(
                    "notifications.external_url = {:?} is no address",
                    written.value
                ),
                "write one that begins with http:// or https://".into(),
            ));
        }
    }
    NotificationsConfig {
        file,
        defaults,
        external_url: raw
            .external_url
            .as_ref()
            .map(|written| written.value.clone()),
    }
}
