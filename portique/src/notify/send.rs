//! One attempt to tell somebody: over HTTP, by e-mail, or by a call into a system.

mod action;
mod http;
mod mail;
mod secrets;
mod tls;
mod verdict;

use std::sync::Arc;

use portique_clock::Timestamp;
use portique_monitor::Actions;
use portique_monitor::notify::{NotificationJob, Payload};

pub(super) use http::Clients;
use secrets::Secrets;
pub(super) use verdict::Verdict;

use super::setup::Setup;

/// What every attempt needs.
#[derive(Clone)]
pub(super) struct Sender {
    pub(super) actions: Actions,
}

impl Sender {
    /// Tells somebody, and says what is to become of the notification. No secret is in what it says.
    pub(super) async fn send(
        &self,
        setup: &Arc<Setup>,
        job: &NotificationJob,
        now: Timestamp,
    ) -> Verdict {
        let payload = match setup.render(job, now) {
            Ok(payload) => payload,
            Err(error) => return Verdict::Reject(portique_fault::chain(&error)),
        };
        let mut secrets = Secrets::new(&setup.folder);
        let verdict = match &payload {
            Payload::Http(post) => {
                let is_slack = Setup::kind_of(&job.integration) == "slack";
                http::post(&setup.clients, post, job, is_slack, &mut secrets).await
            }
            Payload::Mail(mail) => mail::send(mail, job, &mut secrets).await,
            Payload::Action { action, params } => {
                action::call(&self.actions, action, params, job).await
            }
        };
        verdict.without(&secrets)
    }
}
