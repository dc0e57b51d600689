use std::collections::BTreeMap;

use portique_jobs::{Label, NewJob};
use serde::Serialize;

use super::request::RetrySettings;
use crate::api::content::Content;

/// What a schedule or a binding queues, as it was asked for.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(crate) struct JobTemplate {
    /// Where to.
    queue: String,
    /// What kind of work.
    kind: String,
    /// What it is about.
    payload: Content,
    /// Higher first.
    priority: i16,
    /// Whose fair share it is taken from.
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    /// Jobs with the same key share limits.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// When it is tried again, instead of the queue's policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry: Option<RetrySettings>,
    /// Carried to the worker.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    headers: BTreeMap<String, String>,
}

impl JobTemplate {
    pub(in crate::api) fn of(job: &NewJob) -> Self {
        let options = &job.options;
        Self {
            queue: job.queue.to_string(),
            kind: job.kind.to_string(),
            payload: Content::of(&job.payload),
            priority: options.priority,
            group: options.group.as_ref().map(Label::to_string),
            key: options.key.as_ref().map(Label::to_string),
            retry: options.retry.as_ref().map(RetrySettings::of),
            headers: options.headers.clone(),
        }
    }
}
