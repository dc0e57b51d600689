use std::time::Duration;

use portique_clock::Timestamp;

use super::{
    ACTION_BYTES_MAX, Approval, COMMAND_BYTES_MAX, CommandDigest, KEPT_MAX, LIFETIME_MAX, OPEN_MAX,
    OPEN_OF_PERSON_MAX, Order, REASON_BYTES_MAX, SUMMARY_BYTES_MAX, State, Step,
};
use crate::permission::OWN;
use crate::{Book, Caller, Change, Command, Error, Name};

impl Book {
    /// Every approval that is kept, by id.
    pub fn approvals(&self) -> impl Iterator<Item = &Approval> {
        self.approvals.values()
    }

    /// One of them.
    pub fn approval(&self, id: &str) -> Option<&Approval> {
        self.approvals.get(id)
    }

    /// Whose approval of this order is open, if there is one.
    pub fn open_approval(&self, digest: CommandDigest, at: Timestamp) -> Option<&Approval> {
        let mut all = self.approvals.values();
        all.find(|one| one.digest == digest && one.is_open(at))
    }

    /// Everybody who could let through what needs this permission, by name: users who hold it and `access:own`, are not
    /// disabled, chose their password, and are [still here](crate::User::is_here).
    pub fn approvers(&self, permission: &str, at: Timestamp) -> impl Iterator<Item = &Name> {
        let names = self.users.keys();
        names.filter(move |name| self.can_answer(name, permission, at))
    }

    /// Whether what needs this permission takes a second person, when this caller wants it: somebody else could approve
    /// it. Of whoever is no person, when any two people could give it together.
    pub fn takes_two(&self, by: &Caller, permission: &str, at: Timestamp) -> bool {
        let mut approvers = self.approvers(permission, at);
        let Some(person) = by.who.person() else {
            let could_ask = |approver: &Name| {
                let mut all = self.users.keys();
                all.any(|name| name != approver && self.is_able(name, permission, at))
            };
            return approvers.any(could_ask);
        };
        approvers.any(|name| name != person)
    }

    /// What the audit journal says a command is done to: of an approval also what it is for.
    pub(crate) fn target(&self, command: &Command) -> String {
        let approval = match command {
            Command::Approval(step) => self.approvals.get(step.id()),
            _ => None,
        };
        approval.map_or_else(|| command.target(), Approval::target)
    }

    /// What comes of a step.
    ///
    /// # Errors
    /// As [`Book::decide`].
    pub(crate) fn decide_approval(
        &self,
        by: &Caller,
        step: Step,
        at: Timestamp,
    ) -> Result<Vec<Change>, Error> {
        let changed = match step {
            Step::Request {
                id,
                order,
                reason,
                lifetime,
            } => return self.request(by, id, order, (reason, lifetime), at),
            Step::Approve { id } => self.approve(by, &id, at)?,
            Step::Deny { id, reason } => self.deny(by, &id, reason, at)?,
            Step::Cancel { id } => self.cancel(by, &id, at)?,
            Step::Use { id, digest } => self.release(by, &id, digest, at)?,
        };
        Ok(vec![Change::Approval(changed)])
    }

    /// Those whose time is over, as they are from now on.
    pub(crate) fn overdue_approvals(&self, at: Timestamp) -> Vec<Approval> {
        let overdue = self.approvals.values().filter(|one| one.is_overdue(at));
        let expired = overdue.map(|one| Approval {
            state: State::Expired,
            changed_at: at,
            ..one.clone()
        });
        expired.collect()
    }

    fn request(
        &self,
        by: &Caller,
        id: String,
        order: Order,
        (reason, lifetime): (String, Duration),
        at: Timestamp,
    ) -> Result<Vec<Change>, Error> {
        let requester = self.able_person(by, order.permission.as_str(), at)?.clone();
        check_order(&order)?;
        check_line("reason", &reason, 0, REASON_BYTES_MAX)?;
        if lifetime.is_zero() || lifetime > LIFETIME_MAX {
            let given = format!("{} s", lifetime.as_secs());
            return Err(invalid("lifetime", given, "1 s to 1 h"));
        }
        let mut others = self.approvers(order.permission.as_str(), at);
        let has_other = others.any(|name| *name != requester);
        drop(others);
        if !has_other {
            let reason = format!(
                "nobody but {requester} holds {} and {OWN}, so that nobody could approve this: have an administrator \
                 give both to a second person",
                order.permission
            );
            return Err(Error::NotNow { reason });
        }
        let digest = order.digest();
        if let Some(same) = self.open_approval(digest, at) {
            let reason = format!(
                "{} asked for exactly this already, as approval {}",
                same.requester, same.id
            );
            return Err(Error::NotNow { reason });
        }
        if self.approvals.contains_key(&id) {
            let (kind, name) = ("approval", id);
            return Err(Error::Exists { kind, name });
        }
        let mut changes = self.room_for_approval(&requester, at)?;
        changes.push(Change::Approval(Approval {
            id,
            order,
            digest,
            reason,
            requester,
            requested_at: at,
            expires_at: at.plus(lifetime),
            state: State::Requested,
            approver: None,
            ended_by: None,
            changed_at: at,
            answer: String::new(),
        }));
        Ok(changes)
    }

    fn approve(&self, by: &Caller, id: &str, at: Timestamp) -> Result<Approval, Error> {
        let approval = self.known(id)?;
        let approver = self.second_person(by, approval, at)?.clone();
        self.check_requester(approval, at)?;
        expect(approval, &[State::Requested], at)?;
        Ok(Approval {
            state: State::Approved,
            approver: Some(approver),
            changed_at: at,
            ..approval.clone()
        })
    }

    fn deny(
        &self,
        by: &Caller,
        id: &str,
        answer: String,
        at: Timestamp,
    ) -> Result<Approval, Error> {
        let approval = self.known(id)?;
        let denier = self.second_person(by, approval, at)?.clone();
        check_line("reason", &answer, 0, REASON_BYTES_MAX)?;
        expect(approval, &[State::Requested, State::Approved], at)?;
        Ok(Approval {
            state: State::Denied,
            ended_by: Some(denier),
            changed_at: at,
            answer,
            ..approval.clone()
        })
    }

    /// Whoever asked may take it back with whatever they hold: less happens then.
    fn cancel(&self, by: &Caller, id: &str, at: Timestamp) -> Result<Approval, Error> {
        let approval = self.known(id)?;
        let person = person(by)?;
        if *person != approval.requester {
            let reason = format!(
                "{} asked for this and can cancel it: deny it instead",
                approval.requester
            );
            return Err(Error::Denied { reason });
        }
        expect(approval, &[State::Requested, State::Approved], at)?;
        Ok(Approval {
            state: State::Cancelled,
            ended_by: Some(person.clone()),
            changed_at: at,
            ..approval.clone()
        })
    }

    /// Everything that makes an approval one is looked at again: who, what, when, and how often.
    fn release(
        &self,
        by: &Caller,
        id: &str,
        digest: CommandDigest,
        at: Timestamp,
    ) -> Result<Approval, Error> {
        let approval = self.known(id)?;
        let permission = approval.order.permission.as_str();
        let user = self.able_person(by, permission, at)?;
        let approver = approval.approver.as_ref();
        if *user != approval.requester && Some(user) != approver {
            let reason = format!("{user} neither asked for nor approved this");
            return Err(Error::Denied { reason });
        }
        expect(approval, &[State::Approved], at)?;
        if digest != approval.digest || approval.order.digest() != approval.digest {
            let reason = format!(
                "approval {id} is for another command, of sha256 {}, and this one has {digest}: ask for an \
                 approval of this one",
                approval.digest
            );
            return Err(Error::Denied { reason });
        }
        self.check_requester(approval, at)?;
        let is_second = |name: &&Name| **name != approval.requester;
        if !approver
            .filter(is_second)
            .is_some_and(|name| self.can_answer(name, permission, at))
        {
            let reason = format!("whoever approved {id} may not any more: ask again");
            return Err(Error::NotNow { reason });
        }
        Ok(Approval {
            state: State::Used,
            ended_by: Some(user.clone()),
            changed_at: at,
            ..approval.clone()
        })
    }

    fn known(&self, id: &str) -> Result<&Approval, Error> {
        let unknown = || Error::Unknown {
            kind: "approval",
            name: id.chars().take(ACTION_BYTES_MAX).collect(),
        };
        self.approvals.get(id).ok_or_else(unknown)
    }

    /// Whether a user could take part at all.
    fn is_able(&self, name: &Name, permission: &str, at: Timestamp) -> bool {
        let user = self.users.get(name);
        user.is_some_and(|user| !user.disabled && !user.must_change && user.is_here(at))
            && self.has(name, permission)
    }

    /// Whether a user could answer for it too.
    fn can_answer(&self, name: &Name, permission: &str, at: Timestamp) -> bool {
        self.has(name, OWN) && self.is_able(name, permission, at)
    }

    fn has(&self, name: &Name, permission: &str) -> bool {
        let held = self.held_by_user.get(name);
        held.is_some_and(|held| held.contains(permission))
    }

    /// The person who calls, when both the caller and the person hold this.
    fn able_person<'a>(
        &self,
        by: &'a Caller,
        permission: &str,
        at: Timestamp,
    ) -> Result<&'a Name, Error> {
        by.check(permission)?;
        let person = person(by)?;
        if self.is_able(person, permission, at) {
            return Ok(person);
        }
        let reason = format!("this needs the permission {permission}, which {person} lacks by now");
        Err(Error::Denied { reason })
    }

    fn second_person<'a>(
        &self,
        by: &'a Caller,
        approval: &Approval,
        at: Timestamp,
    ) -> Result<&'a Name, Error> {
        by.check(OWN)?;
        let person = self.able_person(by, approval.order.permission.as_str(), at)?;
        if *person == approval.requester {
            let reason = format!(
                "{person} asked for this, and it takes somebody else who holds {}",
                approval.order.permission
            );
            return Err(Error::Denied { reason });
        }
        Ok(person)
    }

    fn check_requester(&self, approval: &Approval, at: Timestamp) -> Result<(), Error> {
        if self.is_able(&approval.requester, approval.order.permission.as_str(), at) {
            return Ok(());
        }
        let reason = format!(
            "{}, who asked for this, may not do it any more",
            approval.requester
        );
        Err(Error::NotNow { reason })
    }

    /// Forgets what is over where that makes the room.
    fn room_for_approval(&self, requester: &Name, at: Timestamp) -> Result<Vec<Change>, Error> {
        let open = || self.approvals.values().filter(|one| one.is_open(at));
        let full = |kind, limit| Err(Error::Full { kind, limit });
        if open().filter(|one| one.requester == *requester).count() >= OPEN_OF_PERSON_MAX {
            return full("open approvals of this person", OPEN_OF_PERSON_MAX);
        }
        if open().count() >= OPEN_MAX {
            return full("open approvals", OPEN_MAX);
        }
        let over = self.approvals.values().filter(|one| !one.is_open(at));
        let mut over: Vec<&Approval> = over.collect();
        over.sort_by_key(|one| one.changed_at);
        let dropped = (self.approvals.len() + 1).saturating_sub(KEPT_MAX);
        let oldest = over.into_iter().take(dropped);
        Ok(oldest
            .map(|one| Change::ApprovalDropped(one.id.clone()))
            .collect())
    }
}

/// The person behind a caller.
fn person(by: &Caller) -> Result<&Name, Error> {
    by.who.person().ok_or_else(|| Error::Denied {
        reason: format!(
            "this takes two people, and {} is nobody's own: sign in as yourself, or show a token of yours",
            by.who
        ),
    })
}

/// # Errors
/// When it is not where this step leads on from; says where it is.
fn expect(approval: &Approval, states: &[State], at: Timestamp) -> Result<(), Error> {
    let state = approval.state_at(at);
    if states.contains(&state) {
        return Ok(());
    }
    let (id, by) = (&approval.id, approval.ended_by.as_ref());
    let by = by.map_or_else(String::new, |name| format!(" by {name}"));
    let reason = match state {
        State::Requested => format!("nobody has approved {id} yet"),
        State::Approved => format!("approval {id} is given already"),
        State::Expired => format!("approval {id} has expired: ask again"),
        State::Used => format!("approval {id} was used, and serves once: ask again"),
        State::Denied | State::Cancelled => {
            format!("approval {id} was {}{by}: ask again", state.as_str())
        }
    };
    Err(Error::NotNow { reason })
}

fn check_order(order: &Order) -> Result<(), Error> {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let mut words = order.action.split('.');
    let is_action = order.action.len() <= ACTION_BYTES_MAX
        && words.all(|word| !word.is_empty() && word.bytes().all(is_plain));
    if !is_action {
        let given = order.action.chars().take(ACTION_BYTES_MAX).collect();
        let rule = "words of a-z 0-9 _ joined by dots, at most 64 bytes";
        return Err(invalid("action", given, rule));
    }
    if order.command.is_empty() || order.command.len() > COMMAND_BYTES_MAX {
        let given = format!("{} bytes", order.command.len());
        return Err(invalid("command", given, "1 to 2048 bytes"));
    }
    check_line("summary", &order.summary, 1, SUMMARY_BYTES_MAX)
}

fn check_line(what: &'static str, text: &str, least: usize, most: usize) -> Result<(), Error> {
    if (least..=most).contains(&text.len()) && !text.contains(char::is_control) {
        return Ok(());
    }
    let given = text.chars().take(ACTION_BYTES_MAX).collect();
    let rule = format!("{least} to {most} bytes in one line");
    Err(invalid(what, given, &rule))
}

fn invalid(what: &'static str, given: String, rule: &str) -> Error {
    let rule = rule.into();
    Error::Invalid { what, given, rule }
}
