//! Who may do what: people, roles, API tokens, sessions, and the journal of what was changed and refused.
//!
//! A request comes with a secret: a session's, a token's, or none. [`Access`] makes a [`Caller`] of it, who
//! holds [`Permissions`]; [`Caller::check`] is the only place where something is allowed. What there is to
//! be permitted is [declared](Catalogue) by whoever composes the hub: nothing here knows a route or a system.
//!
//! State changes in one way: a [`Command`] is judged by the pure [`Book`], which gives changes or an error;
//! the [`Worker`] writes the changes and their [audit record](audit::Record) in one transaction of the records,
//! and only then do they hold. Refusals are written too, as many as [`Access::refused`] has room for.
//!
//! Invariants: nobody gives what they do not hold; a token never opens more than its owner; what was revoked,
//! disabled or expired opens nothing from the next request on. Secrets are kept as digests only, and are never
//! in the audit journal. Sessions live in memory: a hub that starts again has everybody sign in again.
//!
//! Who comes by a provider of identities has no password and no token here, and their roles are the provider's groups
//! at their last sign-in. A command that one person alone must not give is given by [two](approval).
//!
//! It deliberately speaks to no provider itself, and knows no encryption of the wire.

mod access;
pub mod approval;
pub mod audit;
mod book;
mod caller;
mod catalogue;
mod error;
mod hex;
mod limiter;
mod name;
mod password;
mod permission;
mod secret;
mod session;
mod store;
mod token;
mod user;
mod worker;

pub use access::{Access, ApprovalRequest, AuditQuery, Options, SignedIn, TokenRequest};
pub use approval::Approval;
pub use book::{Book, Change, Command, NewToken};
pub use caller::{Caller, Visit, Who};
pub use catalogue::{Catalogue, Declared, Grade};
pub use error::Error;
pub use name::Name;
pub use password::{Cost, PasswordHash};
pub use permission::{ADMIN, Permission, Permissions, READ};
pub use secret::{Digest, Secret};
pub use session::{Holder, Session};
pub use token::{ApiToken, BuiltInToken, LIFETIME_MAX};
pub use user::{Arrival, Identity, Origin, User};
pub use worker::Worker;
