//! What systems do about alerts that begin to fire: called at once, beside everything else.

use std::sync::Arc;
use std::time::Duration;

use portique_fault::{Fault, Retry};
use portique_monitor::{Action, ActionRequest, Call};
use tokio::task::JoinSet;

use super::Shared;

/// A system that has not answered by then is asked again: a module is reached in milliseconds, or it is away.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// A call that cannot be made is tried so often: a system that was away is back within seconds, or it is for
/// people.
const TRIES_MAX: u32 = 10;

/// Calls until the hub ends.
pub(super) async fn run(shared: &Arc<Shared>) {
    let mut calls = JoinSet::new();
    loop {
        for call in std::mem::take(&mut shared.core().calls) {
            begin(shared, call, &mut calls);
        }
        tokio::select! {
            () = shared.stop.cancelled() => return,
            () = shared.called.notified() => {}
            Some(_) = calls.join_next() => {}
        }
    }
}

fn begin(shared: &Arc<Shared>, call: Call, calls: &mut JoinSet<()>) {
    let Call { action, request } = call;
    shared.figures.called();
    match shared.actions.find(&action) {
        Some(found) => {
            let (shared, found) = (Arc::clone(shared), Arc::clone(found));
            calls.spawn(async move { make(&shared, &*found, request).await });
        }
        None => {
            shared.figures.call_failed();
            tracing::error!(%action, "a rule calls an action that no system of this hub has");
        }
    }
}

async fn make(shared: &Shared, action: &dyn Action, request: ActionRequest) {
    let (name, call) = (action.name(), &request.id);
    let alert = request.alerts.first().map(|alert| alert.labels.to_string());
    let alert = alert.unwrap_or_default();
    for number in 1..=TRIES_MAX {
        let tried = tokio::time::timeout(CALL_TIMEOUT, action.call(request.clone())).await;
        let (problem, retry) = match tried {
            Ok(Ok(done)) => {
                tracing::warn!(action = name, %call, alert, "an alert had a system act: {done}");
                return;
            }
            Ok(Err(error)) => (portique_fault::chain(&error), error.retry()),
            Err(_) => ("no answer in time".to_owned(), Retry::After(Duration::ZERO)),
        };
        tracing::error!(action = name, %call, alert, number, problem, "an action was not done");
        match retry {
            Retry::After(wait) if number < TRIES_MAX => tokio::time::sleep(wait).await,
            _ => break,
        }
    }
    shared.figures.call_failed();
}
