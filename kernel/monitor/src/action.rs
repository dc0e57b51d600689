//! What a system can do about an alert: calls that rules and receivers name.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use portique_clock::Timestamp;
use portique_fault::{Code, Fault, Retry};

use crate::Alert;

/// Something a system does when an alert begins to fire, or when a receiver is told of alerts.
///
/// A rule's action is called at once, before anything about the alert is durable: a safety reflex does not
/// wait for a disk. A receiver's is called by a job, again and again until it succeeds or is refused.
#[async_trait]
pub trait Action: Send + Sync + 'static {
    /// The name that rules and receivers use: words of `a-z 0-9 _` joined by dots, the system first, such
    /// as `pump.stop`.
    fn name(&self) -> &str;

    /// Whether it can be called with these parameters, whose values may still be templates; asked when a
    /// file that names it is loaded.
    ///
    /// # Errors
    /// What is wrong, and what would be right.
    fn check(&self, params: &BTreeMap<String, String>) -> Result<(), String>;

    /// Does it; says in a sentence what was done. A request with the [id](ActionRequest::id) of an earlier
    /// one is a repetition, and must not do it twice.
    ///
    /// # Errors
    /// [`ActionError`].
    async fn call(&self, request: ActionRequest) -> Result<String, ActionError>;
}

/// One call of an action.
#[derive(Debug, Clone, PartialEq)]
pub struct ActionRequest {
    /// Names the call: the same when it is repeated.
    pub id: String,
    /// When it was decided.
    pub at: Timestamp,
    /// With what; templates are expanded.
    pub params: BTreeMap<String, String>,
    /// Why: the alert that began to fire, or those that a receiver is told of.
    pub alerts: Vec<Alert>,
}

/// Why an action was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ActionError {
    /// The system says no; asking again cannot help.
    #[error("the action was refused: {reason}")]
    Refused {
        /// In the system's words.
        reason: String,
    },
    /// It could not be done now.
    #[error("the action could not be done now: {reason}")]
    Unavailable {
        /// In the system's words.
        reason: String,
    },
}

/// An action that could not be done is worth another try after this: a module that was away is back within
/// a second.
const RETRY_AFTER: Duration = Duration::from_secs(1);

impl Fault for ActionError {
    fn code(&self) -> Code {
        match self {
            Self::Refused { .. } => Code::FailedPrecondition,
            Self::Unavailable { .. } => Code::Unavailable,
        }
    }

    fn retry(&self) -> Retry {
        match self {
            Self::Refused { .. } => Retry::No,
            Self::Unavailable { .. } => Retry::After(RETRY_AFTER),
        }
    }
}

/// All actions there are, by name; a clone is cheap.
#[derive(Clone, Default)]
pub struct Actions {
    by_name: Arc<BTreeMap<String, Arc<dyn Action>>>,
}

impl Actions {
    /// These; of two with the same name the later one.
    pub fn new(actions: impl IntoIterator<Item = Arc<dyn Action>>) -> Self {
        let named = actions.into_iter().map(|a| (a.name().to_owned(), a));
        Self {
            by_name: Arc::new(named.collect()),
        }
    }

    /// The one with this name.
    pub fn find(&self, name: &str) -> Option<&Arc<dyn Action>> {
        self.by_name.get(name)
    }

    /// Their names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    /// Whether there is such an action that takes these parameters.
    ///
    /// # Errors
    /// What is wrong, with the names that are known.
    pub fn check(&self, name: &str, params: &BTreeMap<String, String>) -> Result<(), String> {
        match self.find(name) {
            Some(action) => action
                .check(params)
                .map_err(|problem| format!("action {name}: {problem}")),
            None if self.by_name.is_empty() => Err(format!(
                "there is no action {name:?}: no system of this hub has any"
            )),
            None => {
                let known: Vec<&str> = self.names().collect();
                let known = known.join(", ");
                Err(format!("there is no action {name:?}: there are {known}"))
            }
        }
    }
}

impl fmt::Debug for Actions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}
