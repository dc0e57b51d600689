use std::sync::Mutex;

use async_trait::async_trait;
use portique_fault::{Code, Report, Retry};
use serde_json::{Value, json};

use super::*;
use crate::Visit;
use crate::approval::{Approval, Asked, Desk, Guarded, Prepared, State};

const CLEAR: &str = "queue.clear";

/// Queues that take two people to clear, and where they are in it.
#[derive(Default)]
struct Queues {
    cleared: Mutex<Vec<String>>,
    /// Written into each command.
    phase: Mutex<u32>,
    is_broken: Mutex<bool>,
}

fn refusal(message: &str) -> Report {
    Report {
        code: Code::FailedPrecondition,
        message: message.into(),
        retry: Retry::No,
    }
}

#[async_trait]
impl Guarded for Arc<Queues> {
    fn action(&self) -> &str {
        CLEAR
    }

    fn permission(&self) -> &str {
        "jobs:write"
    }

    fn lifetime(&self) -> Duration {
        Duration::from_secs(60)
    }

    fn prepare(&self, asked: &Value) -> Result<Prepared, Report> {
        let queue = asked["queue"].as_str();
        let queue = queue.ok_or_else(|| refusal("say the queue"))?;
        let phase = *self.phase.lock().unwrap();
        Ok(Prepared {
            command: json!({ "queue": queue, "phase": phase }).to_string(),
            summary: format!("clear {queue} in phase {phase}"),
        })
    }

    async fn give(&self, approval: &Approval) -> Result<Value, Report> {
        tokio::task::yield_now().await;
        if *self.is_broken.lock().unwrap() {
            return Err(refusal("the queue is on fire"));
        }
        let command = approval.order.command.clone();
        self.cleared.lock().unwrap().push(command);
        Ok(json!({ "cleared": true }))
    }
}

/// An access control with a desk, and the queues behind it.
struct Office {
    rig: Rig,
    desk: Desk,
    queues: Arc<Queues>,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

impl Office {
    async fn open(records: &Arc<SqliteRecords>) -> Self {
        let rig = Rig::open(records).await;
        let queues = Arc::new(Queues::default());
        let guarded: Vec<Arc<dyn Guarded>> = vec![Arc::new(queues.clone())];
        let (desk, worker) = Desk::new(rig.access.clone(), guarded);
        let (stop, mut tasks) = (CancellationToken::new(), JoinSet::new());
        tasks.spawn(worker.run(stop.clone()));
        Self {
            rig,
            desk,
            queues,
            stop,
            tasks,
        }
    }

    /// What is under way is done before whoever writes goes. Returns what was cleared.
    async fn close(mut self) -> Vec<String> {
        self.stop.cancel();
        while self.tasks.join_next().await.is_some() {}
        self.rig.close().await;
        self.queues.cleared.lock().unwrap().clone()
    }

    async fn ask(&self, by: &Caller) -> Result<Asked, Report> {
        let asked = json!({ "queue": "mail" });
        let reason = String::new();
        self.desk.ask(&visit(by), CLEAR, &asked, reason).await
    }

    async fn waiting(&self, by: &Caller) -> Approval {
        match self.ask(by).await.unwrap() {
            Asked::Waits(approval) => approval,
            other => panic!("{other:?}"),
        }
    }

    fn cleared(&self) -> usize {
        self.queues.cleared.lock().unwrap().len()
    }
}

/// The audit journal of a hub that has stopped: nobody waits for all of it to be written.
async fn written(records: &Arc<SqliteRecords>) -> Vec<String> {
    let rig = Rig::open(records).await;
    let lines = actions(&rig.access).await;
    rig.close().await;
    lines
}

fn visit(by: &Caller) -> Visit {
    Visit {
        caller: by.clone(),
        from: HERE.into(),
    }
}

/// As when records could not be written between the two.
#[tokio::test]
async fn what_was_approved_and_not_given_is_given_when_the_same_person_approves_again() {
    let records = records();
    let office = Office::open(&records).await;
    let [alice, bob] = office.rig.two_people().await;
    let asked = office.waiting(&alice).await;
    let approved = office.rig.access.approve(&bob, HERE, &asked.id).await;
    assert_eq!(approved.unwrap().state, State::Approved);
    assert!(
        office.desk.can_approve(&bob, &asked.id),
        "it is his to go on with"
    );
    assert!(!office.desk.can_approve(&alice, &asked.id));
    let own = office.desk.approve(&visit(&alice), &asked.id).await;
    assert!(own.is_err(), "who asked approves nothing, then as before");
    *office.queues.phase.lock().unwrap() = 1;
    let other = office
        .desk
        .approve(&visit(&bob), &asked.id)
        .await
        .unwrap_err();
    assert!(
        other.message.contains("another command by now"),
        "{other:?}"
    );
    *office.queues.phase.lock().unwrap() = 0;
    let given = office.desk.approve(&visit(&bob), &asked.id).await.unwrap();
    assert_eq!(given.approval.state, State::Used);
    let again = office
        .desk
        .approve(&visit(&bob), &asked.id)
        .await
        .unwrap_err();
    assert!(again.message.contains("was used"), "{again:?}");
    assert_eq!(office.close().await.len(), 1, "and once");
}

#[tokio::test]
async fn a_command_is_given_once_when_somebody_else_approves() {
    let records = records();
    let office = Office::open(&records).await;
    let [alice, bob] = office.rig.two_people().await;
    let asked = office.waiting(&alice).await;
    assert_eq!(office.waiting(&alice).await.id, asked.id, "the same again");
    let other = office.ask(&bob).await.unwrap_err();
    assert_eq!(other.code, Code::Conflict);
    assert!(other.message.contains(&asked.id), "{other:?}");
    let own = office.desk.approve(&visit(&alice), &asked.id).await;
    assert_eq!(own.unwrap_err().code, Code::PermissionDenied);
    assert_eq!(office.cleared(), 0);

    let bobs = visit(&bob);
    let approve = || office.desk.approve(&bobs, &asked.id);
    let (first, second) = tokio::join!(approve(), approve());
    assert!(first.is_ok() != second.is_ok());
    assert_eq!(office.cleared(), 1);
    let anew = office.waiting(&alice).await;
    assert_ne!(anew.id, asked.id, "asked for anew");
    office.close().await;
    let lines = written(&records).await;
    let line = "user:bob queue.clear done";
    assert!(lines.iter().any(|one| one == line), "{lines:?}");
}

#[tokio::test]
async fn who_approves_and_hangs_up_has_approved() {
    let office = Office::open(&records()).await;
    let [alice, bob] = office.rig.two_people().await;
    let asked = office.waiting(&alice).await;
    {
        let bobs = visit(&bob);
        let approve = office.desk.approve(&bobs, &asked.id);
        let mut approve = std::pin::pin!(approve);
        // Sent, and gone before there is an answer.
        assert!(futures_util::poll!(approve.as_mut()).is_pending());
    }
    assert_eq!(office.close().await.len(), 1);
}

#[tokio::test]
async fn what_would_be_another_command_by_now_is_not_given() {
    let office = Office::open(&records()).await;
    let [alice, bob] = office.rig.two_people().await;
    let asked = office.waiting(&alice).await;
    *office.queues.phase.lock().unwrap() += 1;
    let refused = office.desk.approve(&visit(&bob), &asked.id).await;
    let message = refused.unwrap_err().message;
    assert!(message.contains("clear mail in phase 1"), "{message}");
    let book = office.rig.access.book();
    assert_eq!(book.approval(&asked.id).unwrap().state, State::Requested);
    assert_eq!(office.cleared(), 0);
    office.close().await;
}

#[tokio::test]
async fn what_was_approved_before_a_restart_is_given_when_it_is_asked_for_again() {
    let records = records();
    let office = Office::open(&records).await;
    let [alice, bob] = office.rig.two_people().await;
    let asked = office.waiting(&alice).await;
    let approved = office.rig.access.approve(&bob, HERE, &asked.id).await;
    approved.unwrap();
    office.close().await;

    let office = Office::open(&records).await;
    assert_eq!(office.cleared(), 0, "nothing happens by itself");
    let again = office.ask(&alice).await.unwrap();
    assert!(matches!(again, Asked::Given(_)), "{again:?}");
    assert_eq!(office.cleared(), 1);
    assert!(office.desk.approve(&visit(&bob), &asked.id).await.is_err());
    assert_eq!(office.cleared(), 1);
    office.close().await;
}

#[tokio::test]
async fn what_could_not_be_done_says_so_and_is_used_up() {
    let office = Office::open(&records()).await;
    let [alice, bob] = office.rig.two_people().await;
    let asked = office.waiting(&alice).await;
    *office.queues.is_broken.lock().unwrap() = true;
    let failed = office.desk.approve(&visit(&bob), &asked.id).await;
    let message = failed.unwrap_err().message;
    assert!(message.contains("used up"), "{message}");
    assert!(message.contains("on fire"), "{message}");
    *office.queues.is_broken.lock().unwrap() = false;
    assert!(office.desk.approve(&visit(&bob), &asked.id).await.is_err());
    assert_eq!(office.cleared(), 0);
    office.close().await;
}

#[tokio::test]
async fn where_there_is_one_person_it_is_theirs_alone_and_written_down() {
    let records = records();
    let office = Office::open(&records).await;
    let commander = office.rig.commander();
    assert!(matches!(office.ask(&commander).await, Ok(Asked::Alone)));
    let alice = office.rig.first().await.caller;
    assert!(matches!(office.ask(&alice).await, Ok(Asked::Alone)));
    assert!(matches!(office.ask(&commander).await, Ok(Asked::Alone)));
    let nobody = Caller::nobody(Arc::default());
    let refused = office.ask(&nobody).await.unwrap_err();
    assert_eq!(refused.code, Code::Unauthenticated);
    office.close().await;
    let lines = written(&records).await;
    for line in [
        "token:commander queue.clear done",
        "user:alice queue.clear done",
        "nobody queue.clear refused",
    ] {
        assert!(lines.iter().any(|one| one == line), "{line} in {lines:?}");
    }
}

#[tokio::test]
async fn where_there_are_two_people_a_token_of_nobodys_is_refused() {
    let office = Office::open(&records()).await;
    office.rig.two_people().await;
    let refused = office.ask(&office.rig.commander()).await.unwrap_err();
    assert_eq!(refused.code, Code::PermissionDenied);
    assert!(
        refused.message.contains("sign in as yourself"),
        "{refused:?}"
    );
    office.close().await;
}
