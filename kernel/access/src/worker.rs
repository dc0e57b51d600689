use std::sync::Arc;
use std::time::Duration;

use portique_clock::Timestamp;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::access::Shared;
use crate::approval::{Approval, State};
use crate::audit::{Entry, Head, Outcome};
use crate::store::Store;
use crate::{Caller, Change, Command, Error, Name};

/// Inputs taken at a time: entries among them are one write.
const BATCH_MAX: usize = 64;
/// Records of the audit journal, about 200 MB; the oldest go for new ones.
const AUDIT_RECORDS_MAX: u64 = 500_000;
/// Records that go at a time.
const AUDIT_TRIM: u64 = 5_000;
/// How long an approval may be over before that is written; it releases nothing from the moment on.
const EXPIRY_CHECK: Duration = Duration::from_secs(1);

/// What the one who writes is asked for.
pub(crate) enum Input {
    /// A change, to be judged, written and applied.
    Change {
        by: Caller,
        from: String,
        command: Command,
        reply: oneshot::Sender<Result<(), Error>>,
    },
    /// Something to be written down.
    Tell {
        entry: Entry,
        /// Where somebody waits for it to be durable.
        reply: Option<oneshot::Sender<Result<(), Error>>>,
    },
    /// A token was shown.
    Used { id: String, at: Timestamp },
    /// Somebody came by a provider.
    Arrived { name: Name, at: Timestamp },
}

/// An entry, and where somebody waits for it.
type Told = (Entry, Option<oneshot::Sender<Result<(), Error>>>);

/// The one who writes: every change passes here, one after the other.
pub struct Worker {
    pub(crate) inputs: mpsc::Receiver<Input>,
    /// What was done, for which nobody waits.
    pub(crate) deeds: mpsc::Receiver<Entry>,
    /// How many deeds were lost when that was last written.
    pub(crate) lost_said: u64,
    pub(crate) shared: Arc<Shared>,
    pub(crate) store: Store,
    pub(crate) head: Head,
    pub(crate) anchor: Head,
}

impl Worker {
    /// Works until it is told to stop, and has written what it was asked for until then.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut batch = Vec::with_capacity(BATCH_MAX);
        let mut deeds = Vec::with_capacity(BATCH_MAX);
        loop {
            let received = tokio::select! {
                biased;
                received = self.inputs.recv_many(&mut batch, BATCH_MAX) => received,
                _ = self.deeds.recv_many(&mut deeds, BATCH_MAX) => 0,
                () = stop.cancelled(), if !self.inputs.is_closed() => {
                    self.inputs.close();
                    self.deeds.close();
                    continue;
                }
                () = tokio::time::sleep(EXPIRY_CHECK), if self.has_open_approvals() => 0,
            };
            let is_over = received == 0 && self.inputs.is_closed();
            self.take(&mut batch).await;
            self.write_deeds(&mut deeds).await;
            if is_over {
                return;
            }
            self.trim().await;
        }
    }

    /// In order; entries that come together are one write.
    async fn take(&mut self, batch: &mut Vec<Input>) {
        self.expire().await;
        let mut told = Vec::new();
        for input in batch.drain(..) {
            match input {
                Input::Tell { entry, reply } => told.push((entry, reply)),
                Input::Used { id, at } => self.used(&id, at).await,
                Input::Arrived { name, at } => self.arrived(&name, at).await,
                Input::Change {
                    by,
                    from,
                    command,
                    reply,
                } => {
                    self.tell(std::mem::take(&mut told)).await;
                    // Whoever asked may have gone; the change holds all the same.
                    let _ = reply.send(self.change(&by, from, command).await);
                }
            }
        }
        self.tell(told).await;
    }

    /// What was done, and what came while that was written; when it closes, all of it.
    async fn write_deeds(&mut self, deeds: &mut Vec<Entry>) {
        loop {
            while deeds.len() < BATCH_MAX
                && let Ok(deed) = self.deeds.try_recv()
            {
                deeds.push(deed);
            }
            let (lost, count) = (self.shared.lost(), deeds.len());
            if lost > self.lost_said {
                let target = format!("{} things that were done", lost - self.lost_said);
                let reason = "more was done at once than could be written down";
                deeds.push(Entry::left_out(target, reason));
            }
            let told = deeds.drain(..).map(|deed| (deed, None)).collect();
            match self.tell(told).await {
                true => self.lost_said = lost,
                false => drop(self.shared.lose(count as u64)),
            }
            let is_full = count >= BATCH_MAX;
            // Otherwise whoever waits for a change has a turn.
            if !(is_full && self.deeds.is_closed()) {
                return;
            }
        }
    }

    /// Approvals whose time is over are so from now on, in the journal too.
    async fn expire(&mut self) {
        let at = self.shared.clock.now();
        let overdue = self.shared.book().overdue_approvals(at);
        if overdue.is_empty() {
            return;
        }
        let (mut head, mut records) = (self.head, Vec::with_capacity(overdue.len()));
        for approval in &overdue {
            let target = approval.target();
            let entry = Entry::of_the_hub("approval.expire", target, Outcome::Done, "");
            let record = head.next(entry, at);
            head = record.head();
            records.push(record);
        }
        let changes: Vec<Change> = overdue.into_iter().map(Change::Approval).collect();
        match self.store.write(&changes, &records).await {
            Ok(()) => {
                self.reached(head);
                self.shared.apply(changes);
            }
            // They open nothing all the same, and are looked at again.
            Err(error) => tracing::warn!(%error, "that approvals expired is not written"),
        }
    }

    fn has_open_approvals(&self) -> bool {
        let book = self.shared.book();
        let is_open = |one: &Approval| matches!(one.state, State::Requested | State::Approved);
        book.approvals().any(is_open)
    }

    async fn change(&mut self, by: &Caller, from: String, command: Command) -> Result<(), Error> {
        let at = self.shared.clock.now();
        let mut entry = Entry {
            who: by.who.to_string(),
            from,
            action: command.action().into(),
            target: self.shared.book().target(&command),
            outcome: Outcome::Done,
            reason: String::new(),
        };
        let changes = match self.shared.book().decide(by, command, at) {
            Ok(changes) => changes,
            Err(error) => {
                entry.outcome = Outcome::Refused;
                entry.reason = error.to_string();
                let refused = self.shared.refusal(entry).into_iter();
                self.tell(refused.map(|entry| (entry, None)).collect())
                    .await;
                return Err(error);
            }
        };
        let record = self.head.next(entry, at);
        let head = record.head();
        self.store.write(&changes, &[record]).await?;
        self.reached(head);
        let has_dropped = changes.iter().any(is_drop);
        self.shared.apply(changes);
        if has_dropped && let Err(error) = self.store.sweep().await {
            tracing::warn!(%error, "what was dropped is forgotten at the next start");
        }
        Ok(())
    }

    /// Writes entries down; says whether they are.
    async fn tell(&mut self, told: Vec<Told>) -> bool {
        if told.is_empty() {
            return true;
        }
        let at = self.shared.clock.now();
        let (mut head, mut records) = (self.head, Vec::with_capacity(told.len()));
        let mut replies = Vec::new();
        for (entry, reply) in told {
            let record = head.next(entry, at);
            head = record.head();
            records.push(record);
            replies.extend(reply);
        }
        let written = self.store.write(&[], &records).await;
        match &written {
            Ok(()) => self.reached(head),
            Err(error) => {
                let problem = portique_fault::chain(error);
                tracing::error!(
                    problem,
                    records = records.len(),
                    "the audit journal is not written"
                );
            }
        }
        for reply in replies {
            let answer = match &written {
                Ok(()) => Ok(()),
                Err(Error::Records(error)) => Err(Error::Records(error.clone())),
                Err(_) => Err(Error::Closed),
            };
            let _ = reply.send(answer);
        }
        written.is_ok()
    }

    /// Notes when a token was shown; of no weight, so that a failure is only logged.
    async fn used(&mut self, id: &str, at: Timestamp) {
        let Some(mut token) = self.shared.book().token(id).cloned() else {
            return;
        };
        token.last_used_at = Some(at);
        let changes = vec![Change::Token(token)];
        match self.store.write(&changes, &[]).await {
            Ok(()) => self.shared.apply(changes),
            Err(error) => tracing::warn!(%error, id, "when the token was used is not written"),
        }
    }

    /// Notes when somebody came by their provider, likewise: what stands there goes on to count.
    async fn arrived(&mut self, name: &Name, at: Timestamp) {
        let Some(mut user) = self.shared.book().user(name).cloned() else {
            return;
        };
        user.arrived_at = Some(at);
        let changes = vec![Change::User(user)];
        match self.store.write(&changes, &[]).await {
            Ok(()) => self.shared.apply(changes),
            Err(error) => tracing::warn!(%error, %name, "when they came is not written"),
        }
    }

    /// Lets the oldest records go.
    async fn trim(&mut self) {
        if self.head.sequence - self.anchor.sequence < AUDIT_RECORDS_MAX + AUDIT_TRIM {
            return;
        }
        match self.store.trim(self.anchor.sequence + AUDIT_TRIM).await {
            Ok(anchor) => {
                self.anchor = anchor;
                self.shared.set_anchor(anchor);
            }
            Err(error) => tracing::warn!(%error, "old audit records stay"),
        }
    }

    fn reached(&mut self, head: Head) {
        self.head = head;
        self.shared.set_head(head);
    }
}

fn is_drop(change: &Change) -> bool {
    matches!(
        change,
        Change::RoleDropped(_) | Change::TokenDropped(_) | Change::ApprovalDropped(_)
    )
}
