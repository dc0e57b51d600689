use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::permission::OWN;
use crate::{
    Book, BuiltInToken, Caller, Catalogue, Change, Command, Cost, Declared, Digest, Error, Grade,
    Holder, NewToken, Origin, PasswordHash, Permissions, User,
};

const AT: Timestamp = Timestamp::from_millis(1_000_000);
const DESTROY: &str = "pad:destroy";
const MINUTE: Duration = Duration::from_secs(60);
/// The first three may destroy; dave may not.
const NAMES: [&str; 4] = ["alice", "bob", "carol", "dave"];

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn hash() -> PasswordHash {
    let cost = Cost {
        memory_kib: 8,
        passes: 1,
    };
    PasswordHash::new("a password for tests", cost).unwrap()
}

fn person(who: &str, password: PasswordHash) -> User {
    let role = if who == "dave" { "viewer" } else { "pad" };
    User {
        name: name(who),
        origin: Origin::Password(password),
        roles: [name(role)].into(),
        disabled: false,
        must_change: false,
        created_at: AT,
        arrived_at: None,
    }
}

fn scopes() -> Permissions {
    [DESTROY, OWN].map(|one| one.parse().unwrap()).into()
}

fn empty() -> Book {
    let declared = Declared {
        permission: DESTROY.parse().unwrap(),
        least: Grade::Administrator,
        about: "",
    };
    let commander = BuiltInToken {
        name: name("commander"),
        digest: Digest::of("the commander's"),
        role: name("administrator"),
    };
    let catalogue = Catalogue::new(vec![declared]).unwrap();
    let pad = scopes();
    let catalogue = catalogue.with_role(name("pad"), pad).unwrap();
    Book::new(Arc::new(catalogue), vec![commander]).unwrap()
}

/// Four people, each with a token that opens what they hold.
fn book() -> Book {
    let (mut book, password) = (empty(), hash());
    let users = NAMES.map(|who| Change::User(person(who, password.clone())));
    book.apply(users);
    for who in &NAMES[..3] {
        let new = Command::CreateToken(NewToken {
            id: format!("of-{who}"),
            owner: name(who),
            label: String::new(),
            digest: Digest::of(who),
            scopes: scopes(),
            lifetime: LIFETIME_MAX * 24,
        });
        let changes = book.decide(&user(&book, who), new, AT).unwrap();
        book.apply(changes);
    }
    book
}

fn user(book: &Book, who: &str) -> Caller {
    book.by_holder(&Holder::User(name(who))).unwrap()
}

fn token(book: &Book, who: &str) -> Caller {
    book.by_token(Digest::of(who), AT).unwrap()
}

fn order(command: &str) -> Order {
    Order {
        action: "pad.destroy".into(),
        permission: DESTROY.parse().unwrap(),
        command: command.into(),
        summary: format!("destroy {command}"),
    }
}

fn request(id: &str, command: &str) -> Step {
    Step::Request {
        id: id.into(),
        order: order(command),
        reason: "it flies to the town".into(),
        lifetime: MINUTE,
    }
}

fn approve(id: &str) -> Step {
    Step::Approve { id: id.into() }
}

fn deny(id: &str) -> Step {
    let reason = "not over the town".into();
    Step::Deny {
        id: id.into(),
        reason,
    }
}

fn cancel(id: &str) -> Step {
    Step::Cancel { id: id.into() }
}

fn use_up(id: &str, command: &str) -> Step {
    let digest = order(command).digest();
    Step::Use {
        id: id.into(),
        digest,
    }
}

fn step(book: &mut Book, by: &Caller, step: Step, at: Timestamp) -> Result<(), Error> {
    let changes = book.decide(by, Command::Approval(step), at)?;
    book.apply(changes);
    Ok(())
}

#[track_caller]
fn done(book: &mut Book, who: &str, what: Step) {
    let by = user(book, who);
    step(book, &by, what, AT).unwrap();
}

#[track_caller]
fn refused(book: &mut Book, by: &Caller, what: Step, words: &str) {
    refused_at(book, by, what, AT, words);
}

#[track_caller]
fn refused_at(book: &mut Book, by: &Caller, what: Step, at: Timestamp, words: &str) {
    let error = step(book, by, what, at).unwrap_err().to_string();
    assert!(error.contains(words), "{error:?} lacks {words:?}");
}

#[test]
fn two_people_release_a_command_once() {
    let mut book = book();
    let (alice, bob) = (user(&book, "alice"), user(&book, "bob"));
    done(&mut book, "alice", request("a", "booster"));
    refused(
        &mut book,
        &alice,
        use_up("a", "booster"),
        "nobody has approved",
    );
    done(&mut book, "bob", approve("a"));
    refused(&mut book, &bob, approve("a"), "given already");
    refused(&mut book, &bob, use_up("a", "payload"), "another command");
    done(&mut book, "bob", use_up("a", "booster"));
    refused(&mut book, &bob, use_up("a", "booster"), "serves once");
    let approval = book.approval("a").unwrap();
    assert_eq!(approval.state, State::Used);
    assert_eq!(approval.approver, Some(name("bob")));
    done(&mut book, "alice", request("b", "booster"));
}

#[test]
fn nobody_is_their_own_second_person_whatever_they_show() {
    let mut book = book();
    for by in [user(&book, "alice"), token(&book, "alice")] {
        for second in [user(&book, "alice"), token(&book, "alice")] {
            step(&mut book, &by, request("a", "booster"), AT).unwrap();
            refused(&mut book, &second, approve("a"), "somebody else");
            refused(&mut book, &second, deny("a"), "somebody else");
            step(&mut book, &second, cancel("a"), AT).unwrap();
            book.apply([Change::ApprovalDropped("a".into())]);
        }
    }
    let commander = book.by_token(Digest::of("the commander's"), AT).unwrap();
    refused(
        &mut book,
        &commander,
        request("a", "booster"),
        "nobody's own",
    );
    done(&mut book, "alice", request("a", "booster"));
    refused(&mut book, &commander, approve("a"), "nobody's own");
    let dave = user(&book, "dave");
    refused(&mut book, &dave, approve("a"), "lacks");
    refused(&mut book, &dave, request("b", "payload"), "lacks");
    let bob = user(&book, "bob");
    refused(&mut book, &bob, cancel("a"), "deny it instead");
    let tokens = token(&book, "bob");
    step(&mut book, &tokens, approve("a"), AT).unwrap();
    let carol = user(&book, "carol");
    refused(&mut book, &carol, use_up("a", "booster"), "neither asked");
}

#[test]
fn what_is_over_releases_nothing() {
    for end in [deny("a"), cancel("a")] {
        let mut book = book();
        let (alice, bob) = (user(&book, "alice"), user(&book, "bob"));
        done(&mut book, "alice", request("a", "booster"));
        done(&mut book, "bob", approve("a"));
        let by = if matches!(end, Step::Cancel { .. }) {
            "alice"
        } else {
            "bob"
        };
        done(&mut book, by, end);
        refused(&mut book, &bob, approve("a"), "ask again");
        refused(&mut book, &alice, use_up("a", "booster"), "ask again");
    }
    let mut book = book();
    let (alice, bob) = (user(&book, "alice"), user(&book, "bob"));
    done(&mut book, "alice", request("late", "payload"));
    done(&mut book, "alice", request("a", "booster"));
    done(&mut book, "bob", approve("a"));
    let over = AT.plus(MINUTE);
    refused_at(&mut book, &bob, approve("late"), over, "has expired");
    refused_at(
        &mut book,
        &alice,
        use_up("a", "booster"),
        over,
        "has expired",
    );
    refused_at(&mut book, &alice, cancel("a"), over, "has expired");
    let overdue = book.overdue_approvals(over);
    assert_eq!(overdue.len(), 2);
    book.apply(overdue.into_iter().map(Change::Approval));
    assert!(book.overdue_approvals(over).is_empty());
    // A clock that is set back revives nothing.
    refused_at(&mut book, &alice, use_up("a", "booster"), AT, "has expired");
}

#[test]
fn both_people_must_still_hold_it_when_it_is_released() {
    for gone in ["alice", "bob"] {
        let mut book = book();
        done(&mut book, "alice", request("a", "booster"));
        let before = [user(&book, "alice"), user(&book, "bob")];
        let demoted = User {
            roles: [name("viewer")].into(),
            ..book.user(&name(gone)).unwrap().clone()
        };
        if gone == "alice" {
            let mut unasked = book.clone();
            unasked.apply([Change::User(demoted.clone())]);
            refused(
                &mut unasked,
                &before[1],
                approve("a"),
                "may not do it any more",
            );
        }
        done(&mut book, "bob", approve("a"));
        book.apply([Change::User(demoted)]);
        for by in &before {
            let refused = step(&mut book, by, use_up("a", "booster"), AT);
            assert!(refused.is_err(), "{gone} is gone, {} uses it", by.who);
        }
    }
}

#[test]
fn who_is_alone_is_told_so_and_the_same_is_asked_for_once() {
    let mut book = book();
    let alice = user(&book, "alice");
    done(&mut book, "alice", request("a", "booster"));
    let bob = user(&book, "bob");
    refused(&mut book, &bob, request("b", "booster"), "as approval a");
    done(&mut book, "bob", request("b", "payload"));
    let disabled = ["bob", "carol"].map(|who| {
        Change::User(User {
            disabled: true,
            ..book.user(&name(who)).unwrap().clone()
        })
    });
    book.apply(disabled);
    let able: Vec<&Name> = book.approvers(DESTROY, AT).collect();
    assert_eq!(able, [&name("alice")]);
    refused(
        &mut book,
        &alice,
        request("c", "stage2"),
        "nobody but alice",
    );
}

#[test]
fn who_may_not_answer_asks_and_does_not_count_as_somebody_who_could_approve() {
    let mut book = book();
    let only = [DESTROY.parse().unwrap()].into();
    let changes = ["bob", "carol"].map(|who| {
        Change::User(User {
            roles: [name("asks")].into(),
            ..book.user(&name(who)).unwrap().clone()
        })
    });
    let role = Change::Role {
        name: name("asks"),
        permissions: only,
    };
    book.apply([role]);
    book.apply(changes);
    let (alice, bob) = (user(&book, "alice"), user(&book, "bob"));
    assert!(
        !book.takes_two(&alice, DESTROY, AT),
        "nobody could approve what she asks"
    );
    assert!(
        book.takes_two(&bob, DESTROY, AT),
        "she could approve what he asks"
    );
    refused(
        &mut book,
        &alice,
        request("a", "booster"),
        "nobody but alice",
    );
    done(&mut book, "bob", request("b", "booster"));
    let carol = user(&book, "carol");
    refused(&mut book, &carol, approve("b"), "access:own");
    done(&mut book, "alice", approve("b"));
}

#[test]
fn room_is_limited_and_what_is_over_makes_room() {
    let mut book = book();
    let alice = user(&book, "alice");
    let mut at = AT;
    for index in 0..OPEN_OF_PERSON_MAX {
        let asked = request(&format!("a{index}"), &format!("m{index}"));
        step(&mut book, &alice, asked, at).unwrap();
    }
    refused_at(&mut book, &alice, request("b", "more"), at, "all that fits");
    for index in 0..KEPT_MAX {
        at = at.plus(MINUTE);
        let asked = request(&format!("c{index}"), "booster");
        step(&mut book, &alice, asked, at).unwrap();
        assert!(book.approvals().count() <= KEPT_MAX);
    }
    assert!(book.approval("a0").is_none(), "the oldest goes first");
}

#[test]
fn what_is_malformed_is_refused() {
    let mut book = book();
    let alice = user(&book, "alice");
    let long = "x".repeat(COMMAND_BYTES_MAX + 1);
    let bad = |change: fn(&mut Order)| {
        let mut order = order("booster");
        change(&mut order);
        (order, MINUTE, String::new())
    };
    let mut asked = vec![
        bad(|order| order.action = "Pad.Destroy".into()),
        bad(|order| order.action = "pad..destroy".into()),
        bad(|order| order.summary = "two\nlines".into()),
        bad(|order| order.summary.clear()),
        bad(|order| order.command.clear()),
        (order(&long), MINUTE, String::new()),
        (order("booster"), Duration::ZERO, String::new()),
        (order("booster"), LIFETIME_MAX + MINUTE, String::new()),
        (order("booster"), MINUTE, "two\nlines".into()),
    ];
    for (order, lifetime, reason) in asked.drain(..) {
        let id = "a".into();
        let asked = Step::Request {
            id,
            order,
            reason,
            lifetime,
        };
        let error = step(&mut book, &alice, asked, AT).unwrap_err();
        assert!(matches!(error, Error::Invalid { .. }), "{error}");
    }
}

#[test]
fn a_stored_order_that_was_changed_is_not_released() {
    let mut book = book();
    let alice = user(&book, "alice");
    done(&mut book, "alice", request("a", "booster"));
    done(&mut book, "bob", approve("a"));
    let mut kept = book.approval("a").unwrap().clone();
    kept.order.command = "payload".into();
    book.apply([Change::Approval(kept)]);
    for command in ["booster", "payload"] {
        refused(&mut book, &alice, use_up("a", command), "another command");
    }
}

/// One step of somebody's, about one of four approvals.
#[derive(Debug, Clone)]
struct Move {
    by: usize,
    by_token: bool,
    kind: u8,
    id: u8,
    command: u8,
    seconds: u64,
}

fn a_move() -> impl Strategy<Value = Move> {
    let is_other = prop::bool::weighted(0.1);
    let fields = (
        0..4_usize,
        any::<bool>(),
        0..10_u8,
        0..4_u8,
        is_other,
        0..8_u64,
    );
    fields.prop_map(|(by, by_token, kind, id, is_other, seconds)| Move {
        by,
        by_token,
        kind,
        id,
        // Mostly the one that this approval is asked for.
        command: id + 4 * u8::from(is_other),
        seconds,
    })
}

/// What a naive reader of the audit journal knows of an approval.
#[derive(Debug, Clone, Default)]
struct Seen {
    command: String,
    asked_by: String,
    approved_by: BTreeSet<String>,
    ended: bool,
    expires_at: Timestamp,
}

/// The book as another hub finds it on the disk.
fn restarted(book: &Book) -> Book {
    let approvals = book.approvals().map(|one| {
        let kept = serde_json::to_string(one).unwrap();
        Change::Approval(serde_json::from_str(&kept).unwrap())
    });
    let users = book.users().cloned().map(Change::User);
    let tokens = book.tokens().cloned().map(Change::Token);
    empty().with(users.chain(tokens).chain(approvals))
}

proptest! {
    #[test]
    fn nothing_is_released_but_once_by_two_people_for_what_they_saw(
        moves in proptest::collection::vec(a_move(), 1..80),
    ) {
        let mut book = book();
        let mut at = AT;
        let mut seen: std::collections::BTreeMap<String, Seen> = Default::default();
        for one in moves {
            at = at.plus(Duration::from_secs(one.seconds));
            let who = NAMES[one.by];
            let by = match one.by_token && who != "dave" {
                true => token(&book, who),
                false => user(&book, who),
            };
            let (id, command) = (format!("a{}", one.id), format!("m{}", one.command));
            let what = match one.kind {
                0 | 1 => request(&id, &command),
                2 | 3 => approve(&id),
                4..=6 => use_up(&id, &command),
                7 => deny(&id),
                8 => cancel(&id),
                _ => {
                    book = restarted(&book);
                    continue;
                }
            };
            if step(&mut book, &by, what.clone(), at).is_err() {
                continue;
            }
            prop_assert!(who != "dave", "dave may nothing: {what:?}");
            match what {
                Step::Request { .. } => {
                    let new = Seen { command, asked_by: who.into(), expires_at: at.plus(MINUTE), ..Seen::default() };
                    prop_assert!(seen.insert(id, new).is_none(), "an id is one approval");
                }
                Step::Approve { .. } => drop(seen.get_mut(&id).unwrap().approved_by.insert(who.into())),
                Step::Deny { .. } | Step::Cancel { .. } => seen.get_mut(&id).unwrap().ended = true,
                Step::Use { .. } => {
                    let known = seen.get_mut(&id).unwrap();
                    prop_assert!(!known.ended, "used, denied or cancelled before");
                    prop_assert!(at < known.expires_at, "too late");
                    prop_assert_eq!(&known.command, &command);
                    prop_assert!(known.approved_by.iter().any(|name| *name != known.asked_by));
                    known.ended = true;
                }
            }
        }
    }
}
