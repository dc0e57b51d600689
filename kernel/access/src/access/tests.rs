//! The access control at work on records that outlive it; who comes by a provider is in `arrive`.

mod arrive;

use portique_clock::{SimulatedClock, Timestamp};
use portique_records::{Document, OnConflict, SqliteConfig, SqliteRecords};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::audit::Outcome;
use crate::{Declared, Grade};

const PASSWORD: &str = "correct horse battery";
const HERE: &str = "127.0.0.1";

/// An access control at work on records that outlive it.
struct Rig {
    access: Access,
    clock: Arc<SimulatedClock>,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

impl Rig {
    async fn open(records: &Arc<SqliteRecords>) -> Self {
        let clock = Arc::new(SimulatedClock::new(Timestamp::from_millis(1_000_000)));
        let declared = Declared {
            permission: "jobs:write".parse().unwrap(),
            least: Grade::Operator,
            about: "",
        };
        let commander = BuiltInToken {
            name: "commander".parse().unwrap(),
            digest: Digest::of("the commander's"),
            role: Grade::Administrator.role(),
        };
        let options = Options {
            records: records.clone(),
            clock: clock.clone(),
            catalogue: Catalogue::new(vec![declared]).unwrap(),
            built_in: vec![commander],
            cost: Cost {
                memory_kib: 8,
                passes: 1,
            },
        };
        let (access, worker) = Access::open(options).await.unwrap();
        let (stop, mut tasks) = (CancellationToken::new(), JoinSet::new());
        tasks.spawn(worker.run(stop.clone()));
        Self {
            access,
            clock,
            stop,
            tasks,
        }
    }

    async fn close(mut self) {
        self.stop.cancel();
        while self.tasks.join_next().await.is_some() {}
    }

    fn commander(&self) -> Caller {
        self.access.by_token("the commander's").unwrap()
    }

    async fn first(&self) -> SignedIn {
        let link = self.access.invite().unwrap().unwrap();
        let first = self
            .access
            .create_first(link.as_str(), alice(), PASSWORD.into(), HERE);
        first.await.unwrap()
    }
}

fn records() -> Arc<SqliteRecords> {
    Arc::new(SqliteRecords::open(SqliteConfig::in_memory()).unwrap())
}

fn alice() -> Name {
    "alice".parse().unwrap()
}

fn token_of(owner: Name) -> TokenRequest {
    TokenRequest {
        owner,
        label: "a program".into(),
        scopes: ["jobs:write".parse().unwrap()].into(),
        lifetime: Duration::from_secs(3600),
    }
}

async fn actions(access: &Access) -> Vec<String> {
    let query = AuditQuery {
        limit: 1_000,
        ..AuditQuery::default()
    };
    let records = access.audit(query).await.unwrap();
    let line = |record: &crate::audit::Record| {
        format!(
            "{} {} {}",
            record.who,
            record.action,
            record.outcome.as_str()
        )
    };
    records.iter().rev().map(line).collect()
}

#[tokio::test]
async fn what_was_done_outlives_the_hub_and_is_written_down() {
    let records = records();
    let rig = Rig::open(&records).await;
    let admin = rig.first().await;
    admin.caller.check("access:admin").unwrap();
    let (shown, token) = rig
        .access
        .create_token(&admin.caller, HERE, token_of(alice()))
        .await
        .unwrap();
    assert!(rig.access.by_token(shown.as_str()).is_some());
    let refused = rig.access.by_token(shown.as_str()).unwrap();
    rig.access.refused(
        &refused,
        HERE,
        "POST /api/v1/people",
        "it lacks access:admin",
    );
    rig.close().await;

    let rig = Rig::open(&records).await;
    assert!(rig.access.invite().unwrap().is_none(), "there is a user");
    assert!(
        rig.access.by_session(admin.id.as_str()).is_none(),
        "sessions do not last"
    );
    rig.access
        .sign_in("alice", PASSWORD.into(), HERE)
        .await
        .unwrap();
    let program = rig.access.by_token(shown.as_str()).unwrap();
    program.check("jobs:write").unwrap();
    let revoke = Command::RevokeToken {
        id: token.id.clone(),
    };
    rig.access
        .change(&rig.commander(), HERE, revoke)
        .await
        .unwrap();
    assert!(rig.access.by_token(shown.as_str()).is_none());
    assert_eq!(
        actions(&rig.access).await,
        [
            "nobody user.create_first done",
            "user:alice session.begin done",
            "user:alice token.create done",
            &format!("user:alice/token:{} POST /api/v1/people refused", token.id),
            "user:alice session.begin done",
            "token:commander token.revoke done",
        ]
    );
    let verdict = rig.access.verify().await.unwrap();
    assert_eq!((verdict.records, verdict.broken), (6, None));
    rig.close().await;
    let rig = Rig::open(&records).await;
    assert!(
        rig.access.by_token(shown.as_str()).is_none(),
        "revoked for good"
    );
    rig.close().await;
}

#[tokio::test]
async fn no_secret_is_kept_or_written_down() {
    let records = records();
    let rig = Rig::open(&records).await;
    let admin = rig.first().await;
    let created = rig
        .access
        .create_token(&admin.caller, HERE, token_of(alice()))
        .await;
    let (shown, _) = created.unwrap();
    let wrong = rig
        .access
        .sign_in("alice", "a wrong password".into(), HERE)
        .await;
    assert!(wrong.is_err());
    rig.close().await;
    let all = portique_records::Query {
        limit: 1_000,
        ..Default::default()
    };
    let documents = records.query("access", all).await.unwrap().documents;
    let kept: Vec<String> = documents.iter().map(|one| one.body.to_string()).collect();
    let kept = kept.join("\n");
    let secrets = [
        shown.as_str(),
        PASSWORD,
        "wrong password",
        admin.id.as_str(),
    ];
    for secret in secrets {
        assert!(!kept.contains(secret), "{secret} in {kept}");
    }
}

#[tokio::test]
async fn wrong_names_and_passwords_are_told_apart_by_nobody() {
    let rig = Rig::open(&records()).await;
    rig.first().await;
    let long = "x".repeat(1_000);
    for (name, password) in [
        ("alice", "wrong"),
        ("nobody", PASSWORD),
        ("Ålice\n", PASSWORD),
        ("alice", &long),
    ] {
        let refused = rig.access.sign_in(name, password.into(), HERE).await;
        let error = refused.err().unwrap();
        assert!(
            matches!(error, Error::Unauthenticated { .. }),
            "{name}: {error}"
        );
        assert!(!error.to_string().contains(name));
    }
    let disable = Command::SetDisabled {
        name: alice(),
        disabled: true,
    };
    rig.access
        .change(&rig.commander(), HERE, disable)
        .await
        .unwrap();
    let refused = rig.access.sign_in("alice", PASSWORD.into(), HERE).await;
    assert!(matches!(refused, Err(Error::Unauthenticated { .. })));
    rig.close().await;
}

#[tokio::test]
async fn guessing_is_stopped_and_the_right_password_waits_too() {
    let rig = Rig::open(&records()).await;
    rig.first().await;
    let try_it = |password: &str| rig.access.sign_in("alice", password.to_owned(), "10.0.0.9");
    let wait = loop {
        match try_it("a wrong password").await {
            Err(Error::TooManyTries { wait }) => break wait,
            Err(Error::Unauthenticated { .. }) => {}
            other => panic!("{:?}", other.err()),
        }
    };
    assert!(matches!(
        try_it(PASSWORD).await,
        Err(Error::TooManyTries { .. })
    ));
    rig.access
        .sign_in("alice", PASSWORD.into(), HERE)
        .await
        .unwrap();
    rig.clock.advance(wait);
    try_it(PASSWORD).await.unwrap();
    rig.close().await;
}

#[tokio::test]
async fn another_password_ends_the_sessions_there_were() {
    let rig = Rig::open(&records()).await;
    let first = rig.first().await;
    let second = rig
        .access
        .sign_in("alice", PASSWORD.into(), HERE)
        .await
        .unwrap();
    let passwords = |old: &str, new: &str| [old.to_owned(), new.to_owned()];
    let name = alice();
    let change = |old: &str, new: &str| {
        rig.access
            .change_own_password(&first.caller, &name, passwords(old, new), HERE)
    };
    assert!(
        change("a wrong password", "another password")
            .await
            .is_err()
    );
    assert!(change(PASSWORD, "short").await.is_err());
    assert!(change(PASSWORD, PASSWORD).await.is_err());
    assert!(rig.access.by_session(second.id.as_str()).is_some());
    let anew = change(PASSWORD, "another password").await.unwrap();
    assert!(rig.access.by_session(first.id.as_str()).is_none());
    assert!(rig.access.by_session(second.id.as_str()).is_none());
    assert!(rig.access.by_session(anew.id.as_str()).is_some());
    assert!(
        rig.access
            .sign_in("alice", PASSWORD.into(), HERE)
            .await
            .is_err()
    );
    rig.close().await;
}

#[tokio::test]
async fn the_one_time_link_is_one_time_and_ends() {
    let rig = Rig::open(&records()).await;
    let old = rig.access.invite().unwrap().unwrap();
    let link = rig.access.invite().unwrap().unwrap();
    let use_it = |link: &Secret| {
        let link = link.as_str().to_owned();
        let access = rig.access.clone();
        async move {
            access
                .create_first(&link, alice(), PASSWORD.into(), HERE)
                .await
        }
    };
    assert!(use_it(&old).await.is_err(), "there is a newer one");
    rig.clock.advance(Duration::from_secs(3600));
    assert!(use_it(&link).await.is_err(), "too old");
    let link = rig.access.invite().unwrap().unwrap();
    let (one, two) = tokio::join!(use_it(&link), use_it(&link));
    assert_eq!(
        usize::from(one.is_ok()) + usize::from(two.is_ok()),
        1,
        "once"
    );
    assert!(use_it(&link).await.is_err());
    assert_eq!(rig.access.book().users().count(), 1);
    rig.close().await;
}

#[tokio::test]
async fn a_flood_of_refusals_is_bounded_and_said() {
    let rig = Rig::open(&records()).await;
    let nobody = Caller::nobody(Arc::default());
    for _ in 0..100_000 {
        rig.access
            .refused(&nobody, HERE, "GET /api/v1/jobs", "sign in");
    }
    rig.clock.advance(Duration::from_secs(60));
    rig.access
        .refused(&nobody, HERE, "GET /api/v1/jobs", "sign in");
    let access = rig.access.clone();
    rig.close().await;
    let written = actions(&access).await;
    assert_eq!(written.len(), 122);
    assert_eq!(written[120], "hub audit.left_out refused");
}

#[tokio::test]
async fn a_record_that_was_changed_or_taken_is_named() {
    let records = records();
    let rig = Rig::open(&records).await;
    let nobody = Caller::nobody(Arc::default());
    for _ in 0..5 {
        rig.access
            .refused(&nobody, HERE, "GET /api/v1/jobs", "sign in");
    }
    rig.close().await;
    let rig = Rig::open(&records).await;
    let id = "audit:00000000000000000003";
    let kept = records.find("access", id).await.unwrap().unwrap();
    let mut body = kept.body.clone();
    body["who"] = "user:alice".into();
    let put = |body| {
        let document = Document {
            id: id.into(),
            body,
        };
        records.insert("access", vec![document], OnConflict::Replace)
    };
    put(body).await.unwrap();
    let broken = rig.access.verify().await.unwrap().broken.unwrap();
    assert_eq!(
        (broken.sequence, broken.reason),
        (3, "it was changed: its hash is another")
    );
    put(serde_json::json!({"kind": "audit", "sequence": 3}))
        .await
        .unwrap();
    assert!(
        rig.access.verify().await.unwrap().broken.is_some(),
        "unreadable"
    );
    put(kept.body).await.unwrap();
    assert_eq!(rig.access.verify().await.unwrap().broken, None);
    let last = portique_records::Condition {
        field: "sequence".into(),
        comparison: portique_records::Comparison::Equal,
        value: serde_json::json!(5),
    };
    let audit = portique_records::Condition {
        field: "kind".into(),
        comparison: portique_records::Comparison::Equal,
        value: serde_json::json!("audit"),
    };
    assert_eq!(
        records.remove("access", vec![last, audit]).await.unwrap(),
        1
    );
    let broken = rig.access.verify().await.unwrap().broken.unwrap();
    assert_eq!((broken.sequence, broken.reason), (5, "it is missing"));
    rig.close().await;
}

#[tokio::test]
async fn whoever_shows_a_built_in_token_signs_in_and_a_token_of_a_user_does_not() {
    let rig = Rig::open(&records()).await;
    let admin = rig.first().await;
    let created = rig
        .access
        .create_token(&admin.caller, HERE, token_of(alice()))
        .await;
    let (shown, _) = created.unwrap();
    let signed_in = rig
        .access
        .sign_in_by_token("the commander's", HERE)
        .await
        .unwrap();
    assert_eq!(signed_in.caller.who.to_string(), "token:commander");
    assert!(
        rig.access
            .sign_in_by_token(shown.as_str(), HERE)
            .await
            .is_err()
    );
    rig.access.sign_out(signed_in.id.as_str());
    assert!(rig.access.by_session(signed_in.id.as_str()).is_none());
    let access = rig.access.clone();
    // What is refused is written beside the answer; a hub that has stopped has written it.
    rig.close().await;
    let query = AuditQuery {
        outcome: Some(Outcome::Refused),
        limit: 10,
        ..Default::default()
    };
    assert_eq!(access.audit(query).await.unwrap().len(), 1);
}
