//! Two people for one command: who asks for it, and somebody else who lets it through.
//!
//! ```text
//!  request -> requested -- approve, by another person --> approved -- use, once --> used
//!                 |                                          |
//!                 +-- deny, by another person                +-- deny, cancel, expiry
//!                 +-- cancel, by whoever asked
//!                 '-- expiry
//! ```
//!
//! An approval is bound to the bytes of one command by their digest, which is computed anew when it is used. A
//! person is a user: what a user's tokens do, the user does, and a token of the data folder is nobody's, so that
//! it neither asks nor approves. Both people must hold the permission when the command is released, not only when
//! they spoke. Who approves needs `access:own` beside it, and only who has it is counted as somebody who could. Using it is durable before the command is given: a hub that dies between the two has not given it,
//! and never will by that approval.
//!
//! Pure, as the [book](crate::Book) of which it is a part; what a command means is known to whoever asks.

mod decide;
mod desk;
#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Duration;

use portique_clock::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

pub use desk::{Asked, Desk, DeskWorker, Given, Guarded, Prepared};

use crate::{Name, Permission, hex};

/// Approvals that wait for somebody or to be used, of all people.
pub const OPEN_MAX: usize = 64;
/// Of one person.
pub const OPEN_OF_PERSON_MAX: usize = 8;
/// Approvals that are kept, with those that are over; the audit journal has all of them.
pub const KEPT_MAX: usize = 192;
/// Longest that one waits: who lets something dangerous through means now.
pub const LIFETIME_MAX: Duration = Duration::from_secs(3600);
/// Longest command.
pub const COMMAND_BYTES_MAX: usize = 2_048;
/// Longest name of an action.
const ACTION_BYTES_MAX: usize = 64;
/// Longest summary.
const SUMMARY_BYTES_MAX: usize = 256;
/// Longest reason.
const REASON_BYTES_MAX: usize = 512;
/// What each digest begins with, so that no other bytes of the house have the same.
const DOMAIN: &[u8] = b"portique-approval-1\0";

/// A command that needs two people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// What does it, such as `pad.destroy`: words of `a-z 0-9 _` joined by dots, at most 64 bytes.
    pub action: String,
    /// What both people must hold.
    pub permission: Permission,
    /// The exact command, written in one way only; at most 2,048 bytes.
    pub command: String,
    /// What it would do, for people: one line of 1 to 256 bytes.
    pub summary: String,
}

/// The SHA-256 of what is done, by what, and of the permission it needs.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CommandDigest(#[serde(with = "hex")] [u8; 32]);

/// One command that one person asks for and another lets through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// 16 hexadecimal digits.
    pub id: String,
    /// What is asked for.
    pub order: Order,
    /// Of the order when it was asked for.
    pub digest: CommandDigest,
    /// Why, in the words of whoever asks; at most 512 bytes.
    pub reason: String,
    /// Who asks.
    pub requester: Name,
    /// When.
    pub requested_at: Timestamp,
    /// From when on it releases nothing.
    pub expires_at: Timestamp,
    /// How far it is. Past its time it is expired, whatever stands here: see [`Approval::state_at`].
    pub state: State,
    /// Who let it through; nobody yet, or nobody ever.
    pub approver: Option<Name>,
    /// Who used, denied or cancelled it.
    pub ended_by: Option<Name>,
    /// When it was last answered, used or ended.
    pub changed_at: Timestamp,
    /// What was said with the denial.
    pub answer: String,
}

/// How far an approval is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Somebody else has to look at it.
    Requested,
    /// The command may be given, once.
    Approved,
    /// The command was released.
    Used,
    /// Somebody else said no.
    Denied,
    /// Whoever asked does not want it any more.
    Cancelled,
    /// It took too long.
    Expired,
}

/// Something that somebody does about an approval.
#[derive(Debug, Clone)]
pub enum Step {
    /// Asks for one.
    Request {
        /// An id that no approval has.
        id: String,
        /// What is to be done.
        order: Order,
        /// Why.
        reason: String,
        /// How long it waits; at most [`LIFETIME_MAX`].
        lifetime: Duration,
    },
    /// Lets it through, as another person.
    Approve {
        /// Which.
        id: String,
    },
    /// Says no, as another person.
    Deny {
        /// Which.
        id: String,
        /// Why; may be empty.
        reason: String,
    },
    /// Takes it back, as whoever asked.
    Cancel {
        /// Which.
        id: String,
    },
    /// Releases the command, for one of the two.
    Use {
        /// Which.
        id: String,
        /// Of the command that is about to be given.
        digest: CommandDigest,
    },
}

impl Order {
    /// The digest to which an approval is bound.
    pub fn digest(&self) -> CommandDigest {
        let mut hash = Sha256::new();
        hash.update(DOMAIN);
        let fields = [&self.action, self.permission.as_str(), &self.command];
        for field in fields {
            // With its length, so that no byte can move from one field to the next.
            hash.update((field.len() as u64).to_be_bytes());
            hash.update(field.as_bytes());
        }
        CommandDigest(hash.finalize().into())
    }
}

impl Approval {
    /// How far it is at this time.
    pub fn state_at(&self, at: Timestamp) -> State {
        match self.state {
            State::Requested | State::Approved if at >= self.expires_at => State::Expired,
            state => state,
        }
    }

    /// Whether it waits for somebody, or to be used.
    pub fn is_open(&self, at: Timestamp) -> bool {
        matches!(self.state_at(at), State::Requested | State::Approved)
    }

    /// Whether its time is over and that is not written yet.
    pub(crate) fn is_overdue(&self, at: Timestamp) -> bool {
        self.state_at(at) == State::Expired && self.state != State::Expired
    }

    /// What the audit journal says of it.
    pub(crate) fn target(&self) -> String {
        let order = &self.order;
        format!(
            "approval:{} {} sha256={} by={} {}",
            self.id, order.action, self.digest, self.requester, order.summary
        )
    }
}

impl State {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Approved => "approved",
            Self::Used => "used",
            Self::Denied => "denied",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }
}

impl Step {
    /// What the audit journal calls it.
    pub(crate) fn action(&self) -> &'static str {
        match self {
            Self::Request { .. } => "approval.request",
            Self::Approve { .. } => "approval.approve",
            Self::Deny { .. } => "approval.deny",
            Self::Cancel { .. } => "approval.cancel",
            Self::Use { .. } => "approval.use",
        }
    }

    /// About which approval.
    pub(crate) fn id(&self) -> &str {
        match self {
            Self::Request { id, .. }
            | Self::Approve { id }
            | Self::Deny { id, .. }
            | Self::Cancel { id }
            | Self::Use { id, .. } => id,
        }
    }

    /// What it is done to, as far as the step says it.
    pub(crate) fn target(&self) -> String {
        match self {
            Self::Request { id, order, .. } => {
                let (action, digest) = (&order.action, order.digest());
                format!("approval:{id} {action} sha256={digest} {}", order.summary)
            }
            Self::Use { id, digest } => format!("approval:{id} sha256={digest}"),
            _ => format!("approval:{}", self.id()),
        }
    }
}

impl fmt::Display for CommandDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.0))
    }
}

impl fmt::Debug for CommandDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CommandDigest({self})")
    }
}
