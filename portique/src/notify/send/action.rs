//! A call into a system of this installation.

use std::collections::BTreeMap;
use std::time::Duration;

use portique_monitor::notify::{AlertStatus, MessageAlert, NotificationJob};
use portique_monitor::{ActionError, ActionRequest, Actions, Alert, AlertState, Fingerprint};

use super::verdict::Verdict;

/// Longest call: a system that needs longer answers that it began.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);

pub(super) async fn call(
    actions: &Actions,
    name: &str,
    params: &BTreeMap<String, String>,
    job: &NotificationJob,
) -> Verdict {
    let Some(action) = actions.find(name) else {
        return Verdict::Reject(format!("there is no action {name:?} in this hub"));
    };
    let request = ActionRequest {
        id: job.idempotency_key(),
        at: job.at,
        params: params.clone(),
        alerts: job.message.alerts.iter().map(alert).collect(),
    };
    match tokio::time::timeout(CALL_TIMEOUT, action.call(request)).await {
        Ok(Ok(done)) => {
            tracing::info!(action = name, done, "an action was done for a notification");
            Verdict::Delivered
        }
        Ok(Err(error @ ActionError::Refused { .. })) => Verdict::Reject(error.to_string()),
        Ok(Err(error)) => Verdict::retry(error.to_string()),
        Err(_) => Verdict::retry(format!(
            "the action did not end within {} s",
            CALL_TIMEOUT.as_secs()
        )),
    }
}

fn alert(told: &MessageAlert) -> Alert {
    Alert {
        labels: told.labels.clone(),
        annotations: told.annotations.clone(),
        starts_at: told.starts_at,
        ends_at: told.ends_at,
        generator: told.generator_url.clone(),
        fingerprint: Fingerprint::of(&told.labels),
        state: match told.status {
            AlertStatus::Firing => AlertState::Firing,
            AlertStatus::Resolved => AlertState::Resolved,
        },
        value: f64::NAN,
        shelved_until: None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use async_trait::async_trait;
    use portique_clock::Timestamp;
    use portique_monitor::Action;
    use portique_monitor::notify::{GroupId, Message, Reason};
    use portique_series::Labels;

    use super::*;

    /// Answers in turn with what it is told to, and keeps what it was asked.
    struct Valve {
        answers: Mutex<Vec<Result<String, ActionError>>>,
        asked: Mutex<Vec<ActionRequest>>,
    }

    #[async_trait]
    impl Action for Valve {
        fn name(&self) -> &str {
            "valve.close"
        }

        fn check(&self, _: &BTreeMap<String, String>) -> Result<(), String> {
            Ok(())
        }

        async fn call(&self, request: ActionRequest) -> Result<String, ActionError> {
            self.asked.lock().unwrap().push(request);
            self.answers.lock().unwrap().remove(0)
        }
    }

    fn job() -> NotificationJob {
        let receiver = Arc::from("pad");
        let group = GroupId {
            route: Arc::from("{}"),
            labels: Labels::empty(),
        };
        let alert = MessageAlert {
            status: AlertStatus::Firing,
            labels: Labels::from_pairs([("alertname", "Hot")]),
            annotations: Labels::empty(),
            starts_at: Timestamp::EPOCH,
            ends_at: None,
            generator_url: Arc::from(""),
            fingerprint: String::new(),
        };
        NotificationJob {
            id: 7,
            at: Timestamp::EPOCH,
            message: Message::new(&receiver, &group, vec![alert], ""),
            receiver,
            integration: Arc::from("action[0]"),
            reason: Reason::First,
        }
    }

    #[tokio::test]
    async fn a_system_is_called_under_one_key_until_it_says_yes_or_no() {
        let away = ActionError::Unavailable {
            reason: "away".into(),
        };
        let no = ActionError::Refused {
            reason: "in flight".into(),
        };
        let valve = Arc::new(Valve {
            answers: Mutex::new(vec![Err(away), Ok("closed".into()), Err(no)]),
            asked: Mutex::default(),
        });
        let actions = Actions::new([Arc::clone(&valve) as Arc<dyn Action>]);
        let params = BTreeMap::from([("tank".to_owned(), "lox".to_owned())]);
        let call = async || call(&actions, "valve.close", &params, &job()).await;
        assert!(matches!(call().await, Verdict::Retry { .. }));
        assert_eq!(call().await, Verdict::Delivered);
        assert!(matches!(call().await, Verdict::Reject(reason) if reason.contains("in flight")));
        let unknown = super::call(&actions, "valve.open", &params, &job()).await;
        assert!(matches!(unknown, Verdict::Reject(_)));
        let asked = valve.asked.lock().unwrap();
        assert!(asked.iter().all(|request| request.id == asked[0].id));
        assert_eq!(asked[0].params["tank"], "lox");
        assert_eq!(asked[0].alerts[0].state, AlertState::Firing);
    }
}
