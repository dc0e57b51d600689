//! What people do about alerts.

use portique_fault::{Code, Report, Retry};
use portique_monitor::{Act, Fact, Fingerprint};
use tokio::sync::oneshot;

use super::scribe::Decided;
use super::{AlertView, Monitor, view};

impl Monitor {
    /// Somebody does something about an alert; durable on return.
    ///
    /// # Errors
    /// When there is no such alert, it is over, or the act is out of range: nothing was changed. Unavailable when it
    /// counts but could not be kept: it may not outlive a restart.
    pub(crate) async fn act(
        &self,
        alert: Fingerprint,
        by: &str,
        act: Act,
    ) -> Result<Vec<AlertView>, Report> {
        let (reply, kept) = oneshot::channel();
        let shared = &self.shared;
        let views = {
            let mut core = shared.core();
            let now = shared.now();
            let fact = core.engine.book().decide(alert, by, act, now);
            let fact = fact.map_err(|error| Report::from(&error))?;
            core.engine.apply(&fact);
            // Whoever is put on a shelf must not be reminded of, and may begin to fire on it.
            let alerts = match &fact {
                Fact::Acted(acted) if is_of_shelf(&acted.act) => {
                    core.engine.firing(&acted.labels, now)
                }
                _ => Vec::new(),
            };
            core.decided.push(Decided {
                facts: vec![fact],
                alerts,
                reply: Some(reply),
            });
            shared.decided.notify_one();
            view::find(&core.engine, alert, now)
        };
        // The end of a shelf is something to wait for.
        shared.arrivals.ring();
        let unavailable = |message: String| Report {
            code: Code::Unavailable,
            message,
            retry: Retry::No,
        };
        match kept.await {
            Ok(Ok(())) => Ok(views),
            Ok(Err(problem)) => Err(unavailable(format!(
                "it counts, but may not outlive a restart: {problem}"
            ))),
            Err(_) => Err(unavailable("the hub is stopping".to_owned())),
        }
    }
}

fn is_of_shelf(act: &Act) -> bool {
    matches!(act, Act::Shelve { .. } | Act::Unshelve)
}
