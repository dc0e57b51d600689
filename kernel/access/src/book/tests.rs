use std::time::Duration;

use portique_clock::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::{Caller, Cost, Declared, Grade, Holder, PasswordHash, Permission, Secret, Who};

const AT: Timestamp = Timestamp::from_millis(1_000_000);
const NAMES: [&str; 4] = ["alice", "bob", "carol", "dave"];
const ROLES: [&str; 6] = [
    "viewer",
    "operator",
    "administrator",
    "desk",
    "own-one",
    "own-two",
];
const PERMISSIONS: [&str; 6] = [
    "jobs:read",
    "jobs:write",
    "pad:command",
    "pad:destroy",
    "access:admin",
    "access:read",
];

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn permissions(texts: &[&str]) -> Permissions {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn hash() -> PasswordHash {
    let cost = Cost {
        memory_kib: 8,
        passes: 1,
    };
    PasswordHash::new("a password for tests", cost).unwrap()
}

fn book() -> Book {
    let declared = |permission: &str, least| Declared {
        permission: permission.parse().unwrap(),
        least,
        about: "",
    };
    let catalogue = Catalogue::new(vec![
        declared("jobs:read", Grade::Viewer),
        declared("jobs:write", Grade::Operator),
        declared("pad:command", Grade::Administrator),
        declared("pad:destroy", Grade::Administrator),
    ]);
    let desk = permissions(&["jobs:read", "pad:command"]);
    let catalogue = catalogue.unwrap().with_role(name("desk"), desk).unwrap();
    let commander = BuiltInToken {
        name: name("commander"),
        digest: Digest::of("the commander's"),
        role: name("administrator"),
    };
    Book::new(Arc::new(catalogue), vec![commander]).unwrap()
}

fn commander(book: &Book) -> Caller {
    book.by_token(Digest::of("the commander's"), AT).unwrap()
}

fn user(book: &Book, who: &str) -> Caller {
    book.by_holder(&Holder::User(name(who))).unwrap()
}

fn token(id: &str, owner: &str, scopes: &[&str]) -> NewToken {
    NewToken {
        id: id.into(),
        owner: name(owner),
        label: "a program".into(),
        digest: Digest::of(id),
        scopes: permissions(scopes),
        lifetime: Duration::from_secs(3600),
    }
}

#[track_caller]
fn done(book: &mut Book, by: &Caller, command: Command) {
    let changes = book.decide(by, command, AT).unwrap();
    book.apply(changes);
}

/// A user who has chosen their password.
fn add_user(book: &mut Book, who: &str, roles: &[&str]) -> Caller {
    let create = Command::CreateUser {
        name: name(who),
        password: hash(),
        roles: roles.iter().map(|role| name(role)).collect(),
    };
    let by = commander(book);
    done(book, &by, create);
    let given = user(book, who);
    assert!(
        !given.holds("jobs:read"),
        "nothing before the password is changed"
    );
    let own = Command::SetPassword {
        name: name(who),
        password: hash(),
    };
    done(book, &given, own);
    user(book, who)
}

#[test]
fn the_hubs_roles_hold_what_was_declared_for_them() {
    let mut book = book();
    let viewer = add_user(&mut book, "alice", &["viewer"]);
    viewer.check("jobs:read").unwrap();
    let refused = viewer.check("jobs:write").unwrap_err().to_string();
    assert_eq!(
        refused,
        "this needs the permission jobs:write, which user:alice lacks"
    );
    let both = add_user(&mut book, "bob", &["operator", "desk"]);
    for held in ["jobs:read", "jobs:write", "pad:command"] {
        both.check(held).unwrap();
    }
    both.check("pad:destroy").unwrap_err();
    let nobody = Caller::nobody(Arc::default());
    assert!(matches!(
        nobody.check("jobs:read"),
        Err(Error::Unauthenticated { .. })
    ));
}

#[test]
fn only_the_first_user_makes_themselves() {
    let mut book = book();
    let nobody = Caller::nobody(Arc::default());
    let first = |who| Command::CreateFirst {
        name: name(who),
        password: hash(),
    };
    done(&mut book, &nobody, first("alice"));
    user(&book, "alice").check("access:admin").unwrap();
    let again = book.decide(&nobody, first("mallory"), AT).unwrap_err();
    assert!(matches!(again, Error::NotNow { .. }), "{again}");
}

#[test]
fn an_administrator_of_people_gives_nothing_of_their_own_making() {
    let mut book = book();
    let by = commander(&book);
    let permissions = permissions(&["access:admin", "access:own", "jobs:read"]);
    let create = Command::CreateRole {
        name: name("people"),
        permissions,
    };
    done(&mut book, &by, create);
    let people = add_user(&mut book, "alice", &["people"]);
    add_user(&mut book, "bob", &["administrator"]);
    let roles = |who, role| Command::SetRoles {
        name: name(who),
        roles: [name(role)].into(),
    };
    let password = Command::SetPassword {
        name: name("bob"),
        password: hash(),
    };
    let refused = [
        roles("alice", "administrator"),
        roles("bob", "viewer"),
        password,
    ];
    for command in refused {
        let error = book.decide(&people, command.clone(), AT).unwrap_err();
        assert!(
            matches!(error, Error::Denied { .. }),
            "{command:?}: {error}"
        );
    }
    book.decide(&people, roles("alice", "viewer"), AT).unwrap();
}

#[test]
fn a_token_opens_less_than_its_owner_and_stops_when_it_should() {
    let mut book = book();
    let alice = add_user(&mut book, "alice", &["operator"]);
    let more = Command::CreateToken(token("t0", "alice", &["pad:destroy"]));
    assert!(matches!(
        book.decide(&alice, more, AT),
        Err(Error::Denied { .. })
    ));
    let foreign = Command::CreateToken(token("t0", "commander", &["jobs:read"]));
    assert!(book.decide(&alice, foreign, AT).is_err());
    done(
        &mut book,
        &alice,
        Command::CreateToken(token("t1", "alice", &["jobs:write"])),
    );
    let shows = |book: &Book, at| book.by_token(Digest::of("t1"), at);
    let program = shows(&book, AT).unwrap();
    assert_eq!(program.who.to_string(), "user:alice/token:t1");
    program.check("jobs:write").unwrap();
    program.check("jobs:read").unwrap_err();
    let sibling = Command::CreateToken(token("t2", "alice", &["jobs:write"]));
    assert!(
        book.decide(&program, sibling, AT).is_err(),
        "no token makes another"
    );
    assert!(
        shows(&book, AT.plus(Duration::from_secs(3600))).is_none(),
        "expired"
    );

    let by = commander(&book);
    let roles = |role| Command::SetRoles {
        name: name("alice"),
        roles: [name(role)].into(),
    };
    done(&mut book, &by, roles("viewer"));
    shows(&book, AT).unwrap().check("jobs:write").unwrap_err();
    done(&mut book, &by, roles("operator"));
    let disabled = |disabled| Command::SetDisabled {
        name: name("alice"),
        disabled,
    };
    done(&mut book, &by, disabled(true));
    assert!(shows(&book, AT).is_none() && book.by_holder(&Holder::User(name("alice"))).is_none());
    done(&mut book, &by, disabled(false));
    done(&mut book, &by, Command::RevokeToken { id: "t1".into() });
    assert!(shows(&book, AT).is_none());
}

#[test]
fn roles_that_somebody_has_or_that_the_hub_brings_stay() {
    let mut book = book();
    let by = commander(&book);
    let create = |held: &[&str]| Command::CreateRole {
        name: name("own"),
        permissions: permissions(held),
    };
    let unknown = book.decide(&by, create(&["pad:fly"]), AT).unwrap_err();
    assert!(matches!(unknown, Error::Unknown { .. }), "{unknown}");
    done(&mut book, &by, create(&["jobs:read"]));
    add_user(&mut book, "alice", &["own"]);
    let drop_it = |who: &str| Command::DropRole { name: name(who) };
    for stays in ["own", "viewer", "desk"] {
        let error = book.decide(&by, drop_it(stays), AT).unwrap_err();
        assert!(matches!(error, Error::NotNow { .. }), "{stays}: {error}");
    }
    let none = Command::SetRoles {
        name: name("alice"),
        roles: [].into(),
    };
    done(&mut book, &by, none);
    done(&mut book, &by, drop_it("own"));
    assert!(book.role(&name("own")).is_none());
}

#[test]
fn a_full_owner_gets_room_from_tokens_that_open_nothing() {
    let mut book = book();
    let alice = add_user(&mut book, "alice", &["viewer"]);
    for index in 0..TOKENS_OF_OWNER_MAX {
        let new = token(&format!("t{index}"), "alice", &["jobs:read"]);
        done(&mut book, &alice, Command::CreateToken(new));
    }
    let another = || Command::CreateToken(token("another", "alice", &["jobs:read"]));
    assert!(matches!(
        book.decide(&alice, another(), AT),
        Err(Error::Full { .. })
    ));
    done(&mut book, &alice, Command::RevokeToken { id: "t3".into() });
    done(&mut book, &alice, another());
    assert!(book.token("t3").is_none() && book.token("t4").is_some());
}

#[test]
fn tokens_without_bounds_are_refused() {
    let mut book = book();
    let alice = add_user(&mut book, "alice", &["viewer"]);
    let good = token("t", "alice", &["jobs:read"]);
    let bad = [
        NewToken {
            lifetime: Duration::ZERO,
            ..good.clone()
        },
        NewToken {
            lifetime: crate::LIFETIME_MAX + Duration::from_secs(1),
            ..good.clone()
        },
        NewToken {
            scopes: Permissions::new(),
            ..good.clone()
        },
        NewToken {
            label: "x".repeat(LABEL_BYTES_MAX + 1),
            ..good.clone()
        },
        NewToken {
            label: "two\nlines".into(),
            ..good
        },
    ];
    for new in bad {
        let error = book
            .decide(&alice, Command::CreateToken(new), AT)
            .unwrap_err();
        assert!(matches!(error, Error::Invalid { .. }), "{error}");
    }
}

/// One step of somebody's life with the hub.
#[derive(Debug, Clone)]
struct Step {
    by: usize,
    kind: u8,
    who: usize,
    roles: Vec<usize>,
    held: Vec<usize>,
    token: u8,
    minutes: u64,
}

fn step() -> impl Strategy<Value = Step> {
    let roles = proptest::collection::vec(0..ROLES.len(), 0..3);
    let held = proptest::collection::vec(0..PERMISSIONS.len(), 0..4);
    (
        0..6_usize,
        0..8_u8,
        0..NAMES.len(),
        roles,
        held,
        0..6_u8,
        0..90_u64,
    )
        .prop_map(|(by, kind, who, roles, held, token, minutes)| Step {
            by,
            kind,
            who,
            roles,
            held,
            token,
            minutes,
        })
}

fn command(step: &Step, password: &PasswordHash) -> Command {
    let who = name(NAMES[step.who]);
    let password = password.clone();
    let roles = step.roles.iter().map(|index| name(ROLES[*index])).collect();
    let held: Vec<&str> = step.held.iter().map(|index| PERMISSIONS[*index]).collect();
    let own = name(ROLES[4 + usize::from(step.token % 2)]);
    let id = format!("t{}", step.token);
    match step.kind {
        0 => Command::CreateUser {
            name: who,
            password,
            roles,
        },
        1 => Command::SetRoles { name: who, roles },
        2 => Command::SetDisabled {
            name: who,
            disabled: step.token.is_multiple_of(2),
        },
        3 => Command::SetPassword {
            name: who,
            password,
        },
        4 => Command::CreateRole {
            name: own,
            permissions: permissions(&held),
        },
        5 => Command::DropRole { name: own },
        6 => Command::CreateToken(token(&id, NAMES[step.who], &held)),
        _ => Command::RevokeToken { id },
    }
}

/// Everybody who can come in, with what they hold.
fn everybody(book: &Book, at: Timestamp) -> Vec<Caller> {
    let users = NAMES
        .iter()
        .filter_map(|who| book.by_holder(&Holder::User(name(who))));
    let tokens = (0..6).filter_map(|index| book.by_token(Digest::of(&format!("t{index}")), at));
    users.chain(tokens).collect()
}

fn caller(book: &Book, step: &Step, at: Timestamp) -> Option<Caller> {
    match step.by {
        0 => Some(commander(book)),
        1..=4 => book.by_holder(&Holder::User(name(NAMES[step.by - 1]))),
        _ => book.by_token(Digest::of(&format!("t{}", step.token)), at),
    }
}

fn held_by(all: &[Caller], who: &Who) -> Permissions {
    let known = all.iter().find(|caller| caller.who == *who);
    known
        .map(|caller| caller.permissions.as_ref().clone())
        .unwrap_or_default()
}

proptest! {
    #[test]
    fn no_permission_appears_from_nowhere_and_what_is_revoked_stays_so(
        steps in proptest::collection::vec(step(), 1..60),
    ) {
        let (mut book, password) = (book(), hash());
        let mut at = AT;
        let mut revoked: Vec<String> = Vec::new();
        for step in &steps {
            at = at.plus(Duration::from_secs(60 * step.minutes));
            let Some(by) = caller(&book, step, at) else { continue };
            let before = everybody(&book, at);
            let command = command(step, &password);
            // What is disabled holds its roles still, and enabling it is not giving.
            let is_enabling = matches!(command, Command::SetDisabled { disabled: false, .. });
            let revokes = match &command {
                Command::RevokeToken { id } => Some(id.clone()),
                _ => None,
            };
            let Ok(changes) = book.decide(&by, command, at) else {
                continue;
            };
            book.apply(changes);
            revoked.extend(revokes);
            for caller in everybody(&book, at) {
                let had = held_by(&before, &caller.who);
                let gained: Vec<&Permission> = caller.permissions.difference(&had).collect();
                let given = |one: &&Permission| by.holds(one.as_str());
                prop_assert!(gained.iter().all(given), "{} gained {gained:?} from {}", caller.who, by.who);
                prop_assert!(is_enabling || caller.permissions.iter().all(|one| book.catalogue().has(one.as_str())));
                if let Who::Token { owner, .. } = &caller.who {
                    let owner = book.by_holder(&Holder::User(owner.clone())).unwrap();
                    prop_assert!(caller.permissions.is_subset(&owner.permissions));
                    prop_assert!(!revoked.contains(&caller.who.to_string().rsplit_once(':').unwrap().1.to_owned()));
                }
            }
        }
    }
}

#[test]
fn secrets_do_not_show_in_what_is_printed() {
    let secret = Secret::generate().unwrap();
    let mut new = token("t", "alice", &["jobs:read"]);
    new.digest = secret.digest();
    let printed = format!(
        "{secret:?} {new:?} {:?}",
        Command::CreateToken(new.clone()).target()
    );
    assert!(!printed.contains(secret.as_str()), "{printed}");
}
