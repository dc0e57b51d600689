//! The handle that everybody asks: who is this, and please change that.

mod approvals;
mod arrive;
mod journal;
mod shared;
mod sign_in;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use portique_clock::{Clock, Timestamp};
use portique_records::Records;
use tokio::sync::{mpsc, oneshot};

pub use approvals::ApprovalRequest;
pub use journal::AuditQuery;
pub(crate) use shared::Shared;
pub use sign_in::SignedIn;

use crate::audit::Entry;
use crate::store::Store;
use crate::worker::Input;
use crate::{
    ApiToken, Book, BuiltInToken, Caller, Catalogue, Command, Cost, Digest, Error, Holder, Name,
    NewToken, PasswordHash, Permissions, Secret, Session, Who, Worker, password, secret,
};

/// Changes and records that wait to be written; past it whoever asks is told to come again.
const INPUTS_MAX: usize = 256;
/// Things that were done and wait to be written down; past it they are counted. Apart from the inputs above, so that
/// a program that orders much keeps nobody from signing in.
const DEEDS_MAX: usize = 1_024;
/// How exactly the last use of a token is known: one write for so long, however often it is shown.
const USED_EVERY: Duration = Duration::from_secs(60);

/// What the access control stands on.
pub struct Options {
    /// Where everything is kept.
    pub records: Arc<dyn Records>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What there is to be permitted.
    pub catalogue: Catalogue,
    /// Tokens of the hub's data folder.
    pub built_in: Vec<BuiltInToken>,
    /// What a guess of a password costs: [`Cost::OWASP`], but in tests.
    pub cost: Cost,
}

/// Knows who somebody is and has things changed; a cheap handle.
#[derive(Clone)]
pub struct Access {
    shared: Arc<Shared>,
    inputs: mpsc::Sender<Input>,
    deeds: mpsc::Sender<Entry>,
    store: Store,
}

impl Access {
    /// Reads everything that was kept. Nothing is changed or written down until the [`Worker`] runs.
    ///
    /// # Errors
    /// [`Error::Records`], [`Error::Damaged`], [`Error::NoRandomness`].
    pub async fn open(options: Options) -> Result<(Self, Worker), Error> {
        let store = Store::open(options.records.clone()).await?;
        store.sweep().await?;
        let found = store.load().await?;
        let catalogue = Arc::new(options.catalogue.clone());
        let book = Book::new(catalogue, options.built_in.clone())?.with(found.changes);
        let shared = Shared::new(&options, book, found.head, found.anchor)?;
        let shared = Arc::new(shared);
        let (inputs, received) = mpsc::channel(INPUTS_MAX);
        let (deeds, deeds_received) = mpsc::channel(DEEDS_MAX);
        let worker = Worker {
            inputs: received,
            deeds: deeds_received,
            lost_said: 0,
            shared: shared.clone(),
            store: store.clone(),
            head: found.head,
            anchor: found.anchor,
        };
        let access = Self {
            shared,
            inputs,
            deeds,
            store,
        };
        Ok((access, worker))
    }

    /// Everybody and everything that is known now.
    pub fn book(&self) -> Arc<Book> {
        self.shared.book()
    }

    /// Who shows this token; none when it opens nothing.
    pub fn by_token(&self, shown: &str) -> Option<Caller> {
        let at = self.shared.clock.now();
        let caller = self.book().by_token(Digest::of(shown), at)?;
        if let Who::Token { id, .. } = &caller.who
            && self.shared.is_first_use(id, at, USED_EVERY)
        {
            // When it was used is of no weight: a full queue leaves it out.
            let id = id.clone();
            let _ = self.inputs.try_send(Input::Used { id, at });
        }
        Some(caller)
    }

    /// Whose session this cookie names; none when there is no such session, or its holder may not any more.
    pub fn by_session(&self, id: &str) -> Option<(Session, Caller)> {
        let session = self.shared.sessions.of(id, self.shared.clock.monotonic())?;
        let caller = self.book().by_holder(&session.holder)?;
        Some((session, caller))
    }

    /// The time by which approvals and tokens are judged.
    pub fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    /// Whose session this cookie names, likewise; it does not last longer for being looked at.
    pub fn look_at_session(&self, id: &str) -> Option<Caller> {
        let holder = self
            .shared
            .sessions
            .holder(id, self.shared.clock.monotonic())?;
        self.book().by_holder(&holder)
    }

    /// How long a session lasts.
    pub fn left(&self, session: &Session) -> Duration {
        session.left(self.shared.clock.monotonic())
    }

    /// Ends a session.
    pub fn sign_out(&self, id: &str) {
        self.shared.sessions.close(id);
    }

    /// Has something changed, if this caller may; it holds once this returns.
    ///
    /// # Errors
    /// What the [book](Book::decide) says, [`Error::Records`], [`Error::Busy`], [`Error::Closed`].
    ///
    /// # Cancel safety
    /// Dropped while it waits, the change may or may not happen, wholly either way.
    pub async fn change(&self, by: &Caller, from: &str, command: Command) -> Result<(), Error> {
        let (reply, answer) = oneshot::channel();
        let input = Input::Change {
            by: by.clone(),
            from: from.to_owned(),
            command,
            reply,
        };
        self.send(input)?;
        answer.await.map_err(|_| Error::Closed)?
    }

    /// The hash of a new password.
    ///
    /// # Errors
    /// [`Error::Invalid`] for one that is too weak, [`Error::Busy`].
    pub async fn hash(&self, name: &Name, password: String) -> Result<PasswordHash, Error> {
        password::check(name, &password)?;
        let cost = self.shared.cost;
        let work = move || PasswordHash::new(&password, cost);
        self.shared.hashing.run(work).await?
    }

    /// Makes a token for an owner. Returns what its holder shows, which nobody can say again, and its id.
    ///
    /// # Errors
    /// As [`Access::change`], and [`Error::NoRandomness`].
    pub async fn create_token(
        &self,
        by: &Caller,
        from: &str,
        asked: TokenRequest,
    ) -> Result<(Secret, ApiToken), Error> {
        let (shown, id) = (Secret::generate()?, secret::random_id()?);
        let command = Command::CreateToken(NewToken {
            id: id.clone(),
            owner: asked.owner,
            label: asked.label,
            digest: shown.digest(),
            scopes: asked.scopes,
            lifetime: asked.lifetime,
        });
        self.change(by, from, command).await?;
        let token = self.book().token(&id).cloned().ok_or(Error::Closed)?;
        Ok((shown, token))
    }

    fn send(&self, input: Input) -> Result<(), Error> {
        self.inputs.try_send(input).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Error::Busy,
            mpsc::error::TrySendError::Closed(_) => Error::Closed,
        })
    }
}

/// A token that somebody asks for.
#[derive(Debug, Clone)]
pub struct TokenRequest {
    /// Whose it shall be.
    pub owner: Name,
    /// What it is for.
    pub label: String,
    /// What it shall open.
    pub scopes: Permissions,
    /// How long.
    pub lifetime: Duration,
}

/// The holder of whoever signs in with a built-in token.
fn holder_of(who: &Who) -> Option<Holder> {
    match who {
        Who::BuiltIn(name) => Some(Holder::BuiltIn(name.clone())),
        _ => None,
    }
}
