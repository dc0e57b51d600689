//! Sign-in by an OpenID Connect provider: the authorization code flow with PKCE, from the hub's side.
//!
//! [`Provider::start`] says where to send a browser and gives an [`Attempt`], which is kept in [`Attempts`] under a
//! secret that only this browser has. When the browser comes back, [`Attempts::take`] gives the attempt out, once, and
//! [`Provider::finish`] exchanges the code and verifies the ID token. What comes of it is [`Identified`]: the provider's
//! subject, a name and groups. What they may here is for others to say.
//!
//! Invariants: an attempt is good once, for ten minutes, for the browser that began it and for one provider; nothing of a
//! token is looked at before its signature, issuer, audience, nonce and expiry hold; what the provider says in words is
//! logged and never shown; every answer has a limit in bytes, every visit one in time.
//!
//! It deliberately keeps no token of the provider, asks no userinfo, sends no one to sign out there, and opens no
//! connection itself: whoever composes the hub gives it a [`Transport`].

mod attempt;
mod claims;
mod discovery;
mod error;
mod provider;
mod transport;

pub use attempt::{Attempt, Attempts};
pub use claims::Identified;
pub use error::Error;
pub use provider::{Callback, Provider, ProviderConfig, Started};
pub use transport::{ANSWER_BYTES_MAX, Answer, Ask, Transport, TransportFault};
