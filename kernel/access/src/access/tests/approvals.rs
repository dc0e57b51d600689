use super::*;
use crate::approval::{Order, State};

const MINUTE: Duration = Duration::from_secs(60);

fn request(command: &str) -> ApprovalRequest {
    ApprovalRequest {
        order: Order {
            action: "queue.clear".into(),
            permission: "jobs:write".parse().unwrap(),
            command: command.into(),
            summary: format!("clear the queue {command}"),
        },
        reason: "it is full of nonsense".into(),
        lifetime: MINUTE,
    }
}

impl Rig {
    /// Alice, the first administrator, and bob, another; each as they are after signing in.
    pub(super) async fn two_people(&self) -> [Caller; 2] {
        let first = self.first().await.caller;
        let bob: Name = "bob".parse().unwrap();
        let given = self.access.hash(&bob, "a given password".into()).await;
        let create = Command::CreateUser {
            name: bob.clone(),
            password: given.unwrap(),
            roles: [Grade::Administrator.role()].into(),
        };
        self.access.change(&first, HERE, create).await.unwrap();
        let signed_in = self
            .access
            .sign_in("bob", "a given password".into(), HERE)
            .await;
        let passwords = ["a given password".to_owned(), PASSWORD.to_owned()];
        let caller = signed_in.unwrap().caller;
        let own = self
            .access
            .change_own_password(&caller, &bob, passwords, HERE);
        [first, own.await.unwrap().caller]
    }
}

async fn targets(access: &Access, of: &str) -> Vec<String> {
    let query = AuditQuery {
        action: Some(of.into()),
        limit: 1_000,
        ..AuditQuery::default()
    };
    let records = access.audit(query).await.unwrap();
    records.into_iter().map(|record| record.target).collect()
}

#[tokio::test]
async fn an_approval_outlives_the_hub_and_is_used_once() {
    let records = records();
    let rig = Rig::open(&records).await;
    let [alice, bob] = rig.two_people().await;
    let asked = rig.access.request_approval(&alice, HERE, request("one"));
    let asked = asked.await.unwrap();
    let unseconded = rig
        .access
        .use_approval(&alice, HERE, &asked.id, asked.digest);
    assert!(matches!(unseconded.await, Err(Error::NotNow { .. })));
    assert!(matches!(
        rig.access.approve(&alice, HERE, &asked.id).await,
        Err(Error::Denied { .. })
    ));
    rig.close().await;

    let rig = Rig::open(&records).await;
    rig.access.approve(&bob, HERE, &asked.id).await.unwrap();
    rig.close().await;

    let rig = Rig::open(&records).await;
    let use_it = || rig.access.use_approval(&bob, HERE, &asked.id, asked.digest);
    let (first, second) = tokio::join!(use_it(), use_it());
    assert_eq!(first.unwrap().state, State::Used);
    assert!(matches!(second, Err(Error::NotNow { .. })));
    rig.close().await;

    let rig = Rig::open(&records).await;
    let again = rig.access.use_approval(&bob, HERE, &asked.id, asked.digest);
    assert!(matches!(again.await, Err(Error::NotNow { .. })));
    let steps = actions(&rig.access).await;
    let steps: Vec<&String> = steps
        .iter()
        .filter(|line| line.contains("approval."))
        .collect();
    assert_eq!(
        steps,
        [
            "user:alice approval.request done",
            "user:alice approval.use refused",
            "user:alice approval.approve refused",
            "user:bob approval.approve done",
            "user:bob approval.use done",
            "user:bob approval.use refused",
            "user:bob approval.use refused",
        ]
    );
    for target in targets(&rig.access, "approval.use").await {
        assert!(target.contains(&asked.digest.to_string()), "{target}");
        assert!(target.ends_with("clear the queue one"), "{target}");
    }
    assert_eq!(rig.access.verify().await.unwrap().broken, None);
    rig.close().await;
}

#[tokio::test(start_paused = true)]
async fn that_nobody_answered_in_time_is_written_down() {
    let records = records();
    let rig = Rig::open(&records).await;
    let [alice, bob] = rig.two_people().await;
    let asked = rig.access.request_approval(&alice, HERE, request("one"));
    let asked = asked.await.unwrap();
    rig.clock.advance(MINUTE);
    let late = rig.access.approve(&bob, HERE, &asked.id).await;
    assert!(matches!(late, Err(Error::NotNow { .. })));

    let asked = rig.access.request_approval(&alice, HERE, request("one"));
    let asked = asked.await.unwrap();
    rig.clock.advance(MINUTE);
    // Nobody comes any more, and it is written all the same.
    while rig.access.book().approval(&asked.id).unwrap().state != State::Expired {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(targets(&rig.access, "approval.expire").await.len(), 2);
    rig.close().await;
}
