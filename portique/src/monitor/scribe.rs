//! The scribe: keeps what was decided, in the order decided, then tells whoever is to know.

use std::sync::Arc;
use std::time::Duration;

use portique_jobs::Transaction;
use portique_monitor::{Alert, Fact};
use tokio::sync::oneshot;

use super::keeper::{FACT_BYTES_MAX, Keeper};
use super::{Shared, Tell};

/// How often it sees whether a checkpoint is due, and tries again what could not be kept.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What was decided at once: facts that are true in memory already, and who is to be told once they are kept.
pub(super) struct Decided {
    pub(super) facts: Vec<Fact>,
    pub(super) alerts: Vec<Alert>,
    /// Told whether the facts are kept.
    pub(super) reply: Option<oneshot::Sender<Result<(), String>>>,
}

/// Owns the keeper of facts.
pub(super) struct Scribe {
    shared: Arc<Shared>,
    keeper: Keeper<Fact>,
    tell: Tell,
    /// Whether something that is true in memory is not kept.
    owes: bool,
}

impl Scribe {
    pub(super) fn new(shared: Arc<Shared>, keeper: Keeper<Fact>, tell: Tell) -> Self {
        Self {
            shared,
            keeper,
            tell,
            owes: false,
        }
    }

    /// Keeps and tells until the hub ends.
    pub(super) async fn run(mut self) {
        // Whoever tells people may have heard less before a crash than was kept. What was decided since the start is
        // not kept yet: taken together, none of it is told before.
        let (decided, known) = {
            let now = self.shared.now();
            let mut core = self.shared.core();
            (std::mem::take(&mut core.decided), core.engine.alerts(now))
        };
        self.keep_all(decided).await;
        (self.tell)(known);
        let mut looks = tokio::time::interval(LOOK_EVERY);
        let mut is_look = false;
        loop {
            let is_ending = self.shared.stop.is_cancelled();
            let is_due = is_look && (self.owes || self.keeper.is_checkpoint_due());
            // Taken together: what is in the checkpoint is on the bus before it.
            let (decided, book) = {
                let mut core = self.shared.core();
                let decided = std::mem::take(&mut core.decided);
                (decided, is_due.then(|| core.engine.book().checkpoint()))
            };
            self.keep_all(decided).await;
            if let Some(book) = book {
                self.keep_checkpoint(book).await;
            }
            if is_ending {
                return;
            }
            is_look = tokio::select! {
                () = self.shared.stop.cancelled() => false,
                () = self.shared.decided.notified() => false,
                _ = looks.tick() => true,
            };
        }
    }

    async fn keep_all(&mut self, decided: Vec<Decided>) {
        if decided.is_empty() {
            return;
        }
        let (mut facts, mut alerts, mut replies) = (Vec::new(), Vec::new(), Vec::new());
        for one in decided {
            facts.extend(one.facts);
            alerts.extend(one.alerts);
            replies.extend(one.reply);
        }
        let kept = self.keep(&facts).await;
        for reply in replies {
            // Who asked may be gone.
            let _ = reply.send(kept.clone());
        }
        if !alerts.is_empty() {
            (self.tell)(alerts);
        }
    }

    /// Keeps facts; what cannot be kept stays true in memory, and is in the next checkpoint.
    async fn keep(&mut self, facts: &[Fact]) -> Result<(), String> {
        let is_small = |fact: &&Fact| fact.encode().len() <= FACT_BYTES_MAX;
        let small: Vec<Fact> = facts.iter().filter(is_small).cloned().collect();
        if small.len() < facts.len() {
            self.owes = true;
        }
        let kept = self.keeper.keep(&small, Transaction::default()).await;
        let Err(error) = kept else {
            self.shared.figures.kept(true);
            return Ok(());
        };
        self.owes = true;
        self.shared.figures.kept(false);
        let problem = portique_fault::chain(&error);
        tracing::error!(
            problem,
            "what was decided about alerts is not kept: it counts until the next start"
        );
        Err(problem)
    }

    async fn keep_checkpoint(&mut self, book: Vec<Fact>) {
        if self.owes {
            self.keeper.owe();
        }
        match self.keeper.checkpoint(book).await {
            Ok(()) => {
                self.owes = false;
                self.shared.figures.kept(true);
            }
            Err(error) => {
                let problem = portique_fault::chain(&error);
                tracing::warn!(problem, "no checkpoint of the alerts: it is tried again");
            }
        }
    }
}
