use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::stream::{FuturesUnordered, StreamExt};
use portique_clock::Timestamp;
use portique_fault::{Code, Report, Retry};
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::{Approval, OPEN_MAX, Order, State, Step};
use crate::{Access, ApprovalRequest, Caller, Command, Error, Name, Visit};

/// Releases that wait to be begun; past it whoever approves is told to come again.
const RELEASES_MAX: usize = 16;

/// A command of a system that one person alone must not give.
#[async_trait]
pub trait Guarded: Send + Sync + 'static {
    /// Its name, such as `pad.destroy`.
    fn action(&self) -> &str;

    /// What both people must hold.
    fn permission(&self) -> &str;

    /// How long somebody has to approve it.
    fn lifetime(&self) -> Duration;

    /// The one command that is meant, if it can be given now. Asked again with the command itself before it is
    /// released: what it says then must be the same to the byte, so that a command in which the situation is
    /// written is refused in another one.
    ///
    /// # Errors
    /// What is malformed, or why it cannot be given now.
    fn prepare(&self, asked: &Value) -> Result<Prepared, Report>;

    /// Gives the command of an approval that was used for it just now; called once.
    ///
    /// # Errors
    /// Why it was not done.
    async fn give(&self, approval: &Approval) -> Result<Value, Report>;
}

/// A command as it would be given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// JSON, written in one way only.
    pub command: String,
    /// What it would do, for people.
    pub summary: String,
}

/// What comes of asking for a guarded command.
#[derive(Debug)]
pub enum Asked {
    /// Fewer than two people could give it: it is the caller's to give, and that is in the audit journal.
    Alone,
    /// Somebody else has to approve it.
    Waits(Approval),
    /// It was approved already, and is given.
    Given(Given),
}

/// A command that two people gave.
#[derive(Debug, Clone)]
pub struct Given {
    /// By which approval.
    pub approval: Approval,
    /// What the system says of it.
    pub result: Value,
}

/// Where guarded commands are asked for and approved; a cheap handle.
#[derive(Clone)]
pub struct Desk {
    access: Access,
    guarded: Arc<BTreeMap<String, Arc<dyn Guarded>>>,
    releases: mpsc::Sender<Release>,
}

/// Somebody who approves, or comes back for what was approved.
struct Release {
    visit: Visit,
    id: String,
    approves: bool,
    reply: oneshot::Sender<Result<Given, Report>>,
}

/// The one who gives commands that were approved: whoever approves may hang up.
pub struct DeskWorker {
    desk: Desk,
    releases: mpsc::Receiver<Release>,
}

impl Desk {
    /// For these commands. Nothing is released until the [`DeskWorker`] runs.
    pub fn new(access: Access, guarded: Vec<Arc<dyn Guarded>>) -> (Self, DeskWorker) {
        let named = guarded
            .into_iter()
            .map(|one| (one.action().to_owned(), one));
        let (releases, received) = mpsc::channel(RELEASES_MAX);
        let desk = Self {
            access,
            guarded: Arc::new(named.collect()),
            releases,
        };
        let worker = DeskWorker {
            desk: desk.clone(),
            releases: received,
        };
        (desk, worker)
    }

    /// Who knows everybody, and every approval.
    pub fn access(&self) -> &Access {
        &self.access
    }

    /// Whether somebody else could approve what needs this permission, so that this caller may not give it alone.
    pub fn takes_two(&self, by: &Caller, permission: &str) -> bool {
        let at = self.access.now();
        self.access.book().takes_two(by, permission, at)
    }

    /// Who could approve this: everybody who holds what it takes, but whoever asked.
    pub fn approvers(&self, approval: &Approval) -> Vec<Name> {
        let book = self.access.book();
        let all = book.approvers(approval.order.permission.as_str(), self.access.now());
        let others = all.filter(|name| **name != approval.requester);
        others.cloned().collect()
    }

    /// Whether this caller may approve it now, whatever the command says to that.
    pub fn can_approve(&self, caller: &Caller, id: &str) -> bool {
        let step = Command::Approval(Step::Approve { id: id.to_owned() });
        let (book, at) = (self.access.book(), self.access.now());
        let is_begun = book
            .approval(id)
            .is_some_and(|one| is_begun_by(caller, one, at));
        is_begun || book.decide(caller, step, at).is_ok()
    }

    /// What a guarded command needs.
    ///
    /// # Errors
    /// Not found, for an action that is none.
    pub fn permission(&self, action: &str) -> Result<&str, Report> {
        Ok(self.guarded(action)?.permission())
    }

    /// Asks for a guarded command. Asked again by the same person it is the same approval; once that is given,
    /// the command is.
    ///
    /// # Errors
    /// What the command says, or [`Access::request_approval`]; a conflict when somebody else asks for the same.
    pub async fn ask(
        &self,
        visit: &Visit,
        action: &str,
        asked: &Value,
        reason: String,
    ) -> Result<Asked, Report> {
        let guarded = self.guarded(action)?;
        let permission = guarded.permission();
        let refused = |report: Report| {
            self.refused(visit, action, &report);
            report
        };
        let held = visit.caller.check(permission);
        held.map_err(|error| refused(Report::from(&error)))?;
        let order = self.order(guarded.as_ref(), asked).map_err(refused)?;
        if !self.takes_two(&visit.caller, permission) {
            let target = format!("nobody else could approve: {}", order.summary);
            self.access.told(visit, action, &target, Ok(()));
            return Ok(Asked::Alone);
        }
        let at = self.access.now();
        let known = self.access.book();
        if let Some(open) = known.open_approval(order.digest(), at) {
            if visit.caller.who.person() != Some(&open.requester) {
                return Err(refused(is_asked_for(open)));
            }
            if open.state == State::Approved {
                return Ok(Asked::Given(self.release(visit, &open.id, false).await?));
            }
            return Ok(Asked::Waits(open.clone()));
        }
        let request = ApprovalRequest {
            order,
            reason,
            lifetime: guarded.lifetime(),
        };
        let made = self
            .access
            .request_approval(&visit.caller, &visit.from, request);
        made.await
            .map(Asked::Waits)
            .map_err(|error| Report::from(&error))
    }

    /// Approves it and has the command given; returns once it is, or is not.
    ///
    /// # Errors
    /// As [`Access::approve`]; failed precondition when the command cannot be given any more, and nothing is
    /// approved then; and what the command itself says, by which time the approval is used up. Where it was approved
    /// and not used, as when records could not be written, the same person approves again and it goes on from there.
    ///
    /// # Cancel safety
    /// Dropped while it waits, it is done all the same.
    pub async fn approve(&self, visit: &Visit, id: &str) -> Result<Given, Report> {
        self.release(visit, id, true).await
    }

    async fn release(&self, visit: &Visit, id: &str, approves: bool) -> Result<Given, Report> {
        let (reply, answer) = oneshot::channel();
        let release = Release {
            visit: visit.clone(),
            id: id.to_owned(),
            approves,
            reply,
        };
        let sent = self.releases.try_send(release);
        sent.map_err(|error| {
            Report::from(&match error {
                mpsc::error::TrySendError::Full(_) => Error::Busy,
                mpsc::error::TrySendError::Closed(_) => Error::Closed,
            })
        })?;
        let closed = |_| Report::from(&Error::Closed);
        answer.await.map_err(closed)?
    }

    fn guarded(&self, action: &str) -> Result<&Arc<dyn Guarded>, Report> {
        self.guarded.get(action).ok_or_else(|| {
            let known: Vec<&str> = self.guarded.keys().map(String::as_str).collect();
            Report {
                code: Code::NotFound,
                message: format!(
                    "no command {action:?} takes two people; those that do: {}",
                    known.join(", ")
                ),
                retry: Retry::No,
            }
        })
    }

    fn order(&self, guarded: &dyn Guarded, asked: &Value) -> Result<Order, Report> {
        let prepared = guarded.prepare(asked)?;
        let permission = guarded.permission().parse();
        Ok(Order {
            action: guarded.action().to_owned(),
            permission: permission.map_err(|error: Error| Report::from(&error))?,
            command: prepared.command,
            summary: prepared.summary,
        })
    }

    fn refused(&self, visit: &Visit, action: &str, report: &Report) {
        let (caller, from) = (&visit.caller, &visit.from);
        self.access.refused(caller, from, action, &report.message);
    }

    /// Whether what was asked for can still be given, and is still the same.
    fn check_still(&self, approval: &Approval) -> Result<(), Report> {
        let order = &approval.order;
        let guarded = self.guarded(&order.action)?;
        let asked = serde_json::from_str(&order.command).unwrap_or(Value::Null);
        let now = self.order(guarded.as_ref(), &asked)?;
        if now.digest() == approval.digest {
            return Ok(());
        }
        Err(not_now(format!(
            "what was asked for would be another command by now: {}",
            now.summary
        )))
    }

    /// Has it approved, unless this person did so already and it was not used.
    async fn approved(&self, visit: &Visit, id: &str) -> Result<(), Report> {
        let book = self.access.book();
        let (caller, from) = (&visit.caller, &visit.from);
        // Whoever may not is told that, and nothing of the command.
        let may = self.can_approve(caller, id);
        if let Some(approval) = book.approval(id).filter(|_| may)
            && let Err(report) = self.check_still(approval)
        {
            self.refused(visit, "approval.approve", &report);
            return Err(report);
        }
        let at = self.access.now();
        if book
            .approval(id)
            .is_some_and(|one| is_begun_by(caller, one, at))
        {
            return Ok(());
        }
        let approved = self.access.approve(caller, from, id).await;
        approved.map(drop).map_err(|error| Report::from(&error))
    }

    async fn carry_out(&self, visit: &Visit, id: &str, approves: bool) -> Result<Given, Report> {
        if approves {
            self.approved(visit, id).await?;
        }
        let book = self.access.book();
        let digest = book.approval(id).map(|approval| approval.order.digest());
        let digest = digest.ok_or_else(|| not_now(format!("there is no approval {id}")))?;
        let (caller, from) = (&visit.caller, &visit.from);
        let used = self.access.use_approval(caller, from, id, digest).await;
        let approval = used.map_err(|error| Report::from(&error))?;
        let guarded = self.guarded(&approval.order.action)?;
        let given = guarded.give(&approval).await;
        let (action, target) = (&approval.order.action, approval.target());
        let outcome = given.as_ref().map(drop);
        let outcome = outcome.map_err(|report| report.message.as_str());
        self.access.told(visit, action, &target, outcome);
        match given {
            Ok(result) => Ok(Given { approval, result }),
            Err(report) => {
                let fate = match is_in_doubt(report.code) {
                    true => "and nobody knows whether it was done: look before you ask again",
                    false => "and it was not done",
                };
                Err(Report {
                    message: format!("approval {id} is used up, {fate}: {}", report.message),
                    ..report
                })
            }
        }
    }
}

/// Whether this person approved it, and it is not used: what is between the two could not be written.
fn is_begun_by(caller: &Caller, approval: &Approval, at: Timestamp) -> bool {
    let person = caller.who.person();
    let is_theirs = person.is_some() && person == approval.approver.as_ref();
    is_theirs && approval.state_at(at) == State::Approved
}

/// Whether something may have been done although it failed.
fn is_in_doubt(code: Code) -> bool {
    matches!(
        code,
        Code::Unavailable | Code::DeadlineExceeded | Code::Internal | Code::DataLoss
    )
}

impl DeskWorker {
    /// Works until it is told to stop, and has given what was approved until then.
    pub async fn run(mut self, stop: CancellationToken) {
        let desk = self.desk;
        let mut under_way = FuturesUnordered::new();
        loop {
            tokio::select! {
                Some(()) = under_way.next() => {}
                received = self.releases.recv(), if under_way.len() < OPEN_MAX => {
                    let Some(release) = received else { break };
                    let desk = desk.clone();
                    under_way.push(Box::pin(async move {
                        let Release { visit, id, approves, reply } = release;
                        // Whoever asked may have gone.
                        let _ = reply.send(desk.carry_out(&visit, &id, approves).await);
                    }));
                }
                () = stop.cancelled(), if !self.releases.is_closed() => self.releases.close(),
            }
        }
        while under_way.next().await.is_some() {}
    }
}

fn is_asked_for(open: &Approval) -> Report {
    let (id, requester) = (&open.id, &open.requester);
    let message = match open.state {
        State::Approved => format!("{requester} asked for exactly this, and {id} is approved"),
        _ => format!(
            "{requester} asks for exactly this already: approve it instead, with `portique approvals approve \
             {id}` or POST /api/v1/access/approvals/{id}/approve"
        ),
    };
    Report {
        code: Code::Conflict,
        message,
        retry: Retry::No,
    }
}

fn not_now(message: String) -> Report {
    Report {
        code: Code::FailedPrecondition,
        message,
        retry: Retry::No,
    }
}
