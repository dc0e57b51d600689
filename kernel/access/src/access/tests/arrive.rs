use super::*;
use crate::{Arrival, Identity, Origin};

fn identity(subject: &str) -> Identity {
    Identity {
        provider: "club".parse().unwrap(),
        subject: subject.into(),
    }
}

fn arrival(subject: &str, name: &str, roles: &[&str]) -> Arrival {
    Arrival {
        identity: identity(subject),
        name: name.parse().unwrap(),
        roles: roles.iter().map(|role| role.parse().unwrap()).collect(),
    }
}

impl Rig {
    async fn arrive(&self, subject: &str, name: &str, roles: &[&str]) -> Result<SignedIn, String> {
        let arrived = self
            .access
            .sign_in_by_provider(arrival(subject, name, roles), HERE);
        arrived.await.map_err(|error| error.to_string())
    }

    fn is_in(&self, signed_in: &SignedIn, permission: &str) -> bool {
        let session = self.access.by_session(signed_in.id.as_str());
        session.is_some_and(|(_, caller)| caller.holds(permission))
    }
}

#[track_caller]
fn refused(outcome: Result<SignedIn, String>, said: &str) {
    let error = outcome.err().unwrap();
    assert!(error.contains(said), "{error}");
}

#[tokio::test]
async fn who_comes_by_a_provider_is_made_once_and_is_what_its_groups_say() {
    let records = records();
    let rig = Rig::open(&records).await;
    let first = rig.arrive("7", "bob", &["operator"]).await.unwrap();
    assert_eq!(first.caller.who.to_string(), "user:bob");
    assert!(rig.is_in(&first, "jobs:write"));
    // Another name there is the same person here.
    let again = rig
        .arrive("7", "robert", &["operator", "viewer"])
        .await
        .unwrap();
    assert_eq!(again.caller.who.to_string(), "user:bob");
    assert_ne!(first.id, again.id, "each sign-in has a session of its own");
    let lost = rig.arrive("7", "bob", &["viewer"]).await.unwrap();
    assert!(!rig.is_in(&lost, "jobs:write"));
    assert!(
        !rig.is_in(&first, "jobs:write"),
        "sessions that there were lose it too"
    );
    rig.close().await;

    let rig = Rig::open(&records).await;
    let book = rig.access.book();
    let bob = book.user_of(&identity("7")).unwrap();
    assert!(matches!(bob.origin, Origin::Provider(_)) && bob.password().is_none());
    assert_eq!(book.users().count(), 1);
    assert_eq!(
        actions(&rig.access).await,
        [
            "nobody user.admit done",
            "user:bob session.begin done",
            "nobody user.admit done",
            "user:bob session.begin done",
            "nobody user.admit done",
            "user:bob session.begin done",
        ]
    );
    rig.close().await;
}

#[tokio::test]
async fn whoever_has_no_role_is_not_let_in_and_what_they_were_is_over() {
    let records = records();
    let rig = Rig::open(&records).await;
    refused(
        rig.arrive("7", "bob", &[]).await,
        "no group that club has them in",
    );
    refused(
        rig.arrive("7", "bob", &["made-up"]).await,
        "no group that club has them in",
    );
    assert_eq!(
        rig.access.book().users().count(),
        0,
        "nobody is made for nothing"
    );
    let before = rig.arrive("7", "bob", &["operator"]).await.unwrap();
    refused(
        rig.arrive("7", "bob", &[]).await,
        "no group that club has them in",
    );
    assert!(rig.access.by_session(before.id.as_str()).is_none());
    let book = rig.access.book();
    assert!(book.user_of(&identity("7")).unwrap().roles.is_empty());
    rig.close().await;
    let rig = Rig::open(&records).await;
    let said = actions(&rig.access).await;
    assert_eq!(said.last().unwrap(), "provider:club session.begin refused");
    rig.close().await;
}

#[tokio::test]
async fn a_name_that_somebody_has_is_not_taken_over() {
    let rig = Rig::open(&records()).await;
    let alice = rig.first().await;
    refused(
        rig.arrive("1", "alice", &["administrator"]).await,
        "the name alice is taken here",
    );
    rig.arrive("7", "bob", &["viewer"]).await.unwrap();
    refused(
        rig.arrive("8", "bob", &["operator"]).await,
        "the name bob is taken here",
    );
    let other = Arrival {
        identity: Identity {
            provider: "other".parse().unwrap(),
            subject: "7".into(),
        },
        ..arrival("7", "bob", &["operator"])
    };
    let other = rig.access.sign_in_by_provider(other, HERE).await;
    assert!(
        other.is_err(),
        "the same subject of another provider is somebody else"
    );
    assert!(
        rig.is_in(&alice, "access:admin"),
        "and nothing happened to her"
    );
    assert_eq!(rig.access.book().users().count(), 2);
    rig.close().await;
}

#[tokio::test]
async fn they_have_no_password_and_no_token_and_can_be_disabled() {
    let rig = Rig::open(&records()).await;
    let bob = rig.arrive("7", "bob", &["operator"]).await.unwrap();
    let name: Name = "bob".parse().unwrap();
    for password in ["", PASSWORD] {
        let tried = rig.access.sign_in("bob", password.into(), HERE).await;
        assert!(matches!(tried, Err(Error::Unauthenticated { .. })));
    }
    let commander = rig.commander();
    let change = |by: &Caller, command| {
        let (by, access) = (by.clone(), rig.access.clone());
        async move {
            access
                .change(&by, HERE, command)
                .await
                .map_err(|error| error.to_string())
        }
    };
    let password = rig.access.hash(&name, PASSWORD.into()).await.unwrap();
    let set = Command::SetPassword {
        name: name.clone(),
        password,
    };
    for by in [&bob.caller, &commander] {
        let error = change(by, set.clone()).await.unwrap_err();
        assert!(error.contains("they have no password here"), "{error}");
    }
    let roles = |roles: &[&str]| Command::SetRoles {
        name: name.clone(),
        roles: roles.iter().map(|role| role.parse().unwrap()).collect(),
    };
    let error = change(&commander, roles(&["administrator"]))
        .await
        .unwrap_err();
    assert!(error.contains("their roles are its groups"), "{error}");
    for by in [&bob.caller, &commander] {
        let token = rig
            .access
            .create_token(by, HERE, token_of(name.clone()))
            .await;
        let error = token.unwrap_err().to_string();
        assert!(error.contains("ends with their session"), "{error}");
    }
    change(&commander, roles(&[])).await.unwrap();
    assert!(!rig.is_in(&bob, "jobs:write"), "roles can be taken away");

    let disabled = |disabled| Command::SetDisabled {
        name: name.clone(),
        disabled,
    };
    change(&commander, disabled(true)).await.unwrap();
    assert!(rig.access.by_session(bob.id.as_str()).is_none());
    refused(
        rig.arrive("7", "bob", &["operator"]).await,
        "the user bob is disabled",
    );
    change(&commander, disabled(false)).await.unwrap();
    let back = rig.arrive("7", "bob", &["operator"]).await.unwrap();
    assert!(rig.is_in(&back, "jobs:write"));
    rig.close().await;
}

#[tokio::test]
async fn one_address_that_fails_does_not_shut_the_provider_for_others() {
    let rig = Rig::open(&records()).await;
    let tries = |from: &str| rig.access.check_provider_tries(from);
    let tried = (0..100).take_while(|_| tries("10.0.0.9").is_ok()).count();
    assert_eq!(tried, 10);
    assert!(tries("10.0.0.8").is_ok());
    for _ in 0..100 {
        tries(HERE).unwrap();
        rig.arrive("7", "bob", &["viewer"]).await.unwrap();
    }
    rig.close().await;
}

/// Somebody who left the provider is not disabled here, and does not come any more.
#[tokio::test]
async fn who_has_not_come_by_the_provider_for_a_week_is_no_second_person() {
    const DAY: Duration = Duration::from_secs(24 * 3600);
    let records = records();
    let rig = Rig::open(&records).await;
    let alice = rig.first().await.caller;
    rig.arrive("7", "bob", &["operator"]).await.unwrap();
    let takes_two = |rig: &Rig| {
        let (book, now) = (rig.access.book(), rig.access.now());
        book.takes_two(&alice, "jobs:write", now)
    };
    rig.clock.advance(6 * DAY);
    assert!(takes_two(&rig));
    rig.arrive("7", "bob", &["operator"]).await.unwrap();
    rig.clock.advance(6 * DAY);
    assert!(takes_two(&rig), "he came in between");
    rig.clock.advance(DAY);
    assert!(!takes_two(&rig), "he is gone, or on leave");
    rig.arrive("7", "bob", &["operator"]).await.unwrap();
    assert!(takes_two(&rig), "he is back");
    rig.close().await;
    let rig = Rig::open(&records).await;
    rig.clock.advance(19 * DAY);
    assert!(takes_two(&rig), "a start forgets nobody");
    rig.close().await;
}

/// Or a hub whose provider lets a viewer in first would have no administrator.
#[tokio::test]
async fn the_first_administrator_is_still_made_when_somebody_came_by_a_provider() {
    let records = records();
    let rig = Rig::open(&records).await;
    let link = rig.access.invite().unwrap().unwrap();
    rig.arrive("7", "bob", &["viewer"]).await.unwrap();
    let create = |link: &str, name: &str| {
        let name = name.parse().unwrap();
        let (access, link) = (rig.access.clone(), link.to_owned());
        async move {
            access
                .create_first(&link, name, PASSWORD.into(), HERE)
                .await
        }
    };
    let taken = create(link.as_str(), "bob").await.err().unwrap();
    assert!(taken.to_string().contains("bob"), "{taken}");
    let first = create(link.as_str(), "alice").await.unwrap();
    assert!(first.caller.holds(crate::ADMIN));
    assert!(
        rig.access.invite().unwrap().is_none(),
        "there is an administrator"
    );
    rig.close().await;

    let other = self::records();
    let rig = Rig::open(&other).await;
    let link = rig.access.invite().unwrap().unwrap();
    rig.arrive("8", "carol", &["administrator"]).await.unwrap();
    let name = "alice".parse().unwrap();
    let late = rig
        .access
        .create_first(link.as_str(), name, PASSWORD.into(), HERE);
    let late = late.await.err().unwrap().to_string();
    assert!(late.contains("there is an administrator already"), "{late}");
    rig.close().await;
}
