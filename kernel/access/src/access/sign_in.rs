use std::time::Duration;

use tokio::sync::oneshot;

use super::{Access, holder_of};
use crate::audit::{Entry, Outcome};
use crate::password::PASSWORD_BYTES_MAX;
use crate::worker::Input;
use crate::{Caller, Command, Error, Holder, Name, PasswordHash, Secret, Session, User};

/// What is said of every name and password that do not belong together: nobody learns which names there are.
const WRONG: &str = "this name and password do not belong together, or the user is disabled";
/// What is said of every token that is none.
const NO_TOKEN: &str =
    "this token opens no session: show the commander's or the services' of the hub's data folder";
/// What is said of every one-time link that is none.
const NO_LINK: &str = "this link is used, or too old: have the hub started again for another, or use \
                       `portique user create --first`";
/// What tokens and links are counted as, beside names; no name has a colon.
const BY_TOKEN: &str = ":token";
const BY_LINK: &str = ":link";
/// How exactly it is known when somebody last came by a provider: one write for so long.
const NOTED_EVERY: Duration = Duration::from_secs(3600);
/// Longest name that is looked at.
const NAME_BYTES_MAX: usize = 64;

/// Somebody who has just signed in.
pub struct SignedIn {
    /// The cookie's value, under which the session is found.
    pub id: Secret,
    /// The session.
    pub session: Session,
    /// Who it is.
    pub caller: Caller,
}

impl Access {
    /// Opens a session for a name and password, from an address. Takes as long for names that nobody has.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`], [`Error::TooManyTries`], [`Error::Busy`].
    pub async fn sign_in(
        &self,
        name: &str,
        password: String,
        from: &str,
    ) -> Result<SignedIn, Error> {
        let shown: String = name.chars().take(NAME_BYTES_MAX).collect();
        self.check_tries(&shown, from)?;
        match self.known(name, password).await {
            Ok(user) => {
                self.shared.limiter.succeeded(&shown, from);
                self.begin(Holder::User(user.name.clone()), from, Some(&user))
                    .await
            }
            Err(error) => {
                self.sign_in_refused(&format!("user:{shown}"), from, &error);
                Err(error)
            }
        }
    }

    /// Opens a session for a token of the hub's data folder.
    ///
    /// # Errors
    /// As [`Access::sign_in`].
    pub async fn sign_in_by_token(&self, shown: &str, from: &str) -> Result<SignedIn, Error> {
        self.check_tries(BY_TOKEN, from)?;
        let caller = self.by_token(shown);
        let Some(holder) = caller.as_ref().and_then(|caller| holder_of(&caller.who)) else {
            let error = Error::Unauthenticated { reason: NO_TOKEN };
            self.sign_in_refused("token", from, &error);
            return Err(error);
        };
        self.shared.limiter.succeeded(BY_TOKEN, from);
        self.begin(holder, from, None).await
    }

    /// Has a user choose another password, who shows the one there is; all their sessions end.
    ///
    /// # Errors
    /// As [`Access::sign_in`] and [`Access::change`], and [`Error::Invalid`] for a weak one or the same.
    pub async fn change_own_password(
        &self,
        caller: &Caller,
        name: &Name,
        passwords: [String; 2],
        from: &str,
    ) -> Result<SignedIn, Error> {
        let [old, new] = passwords;
        if old == new {
            return Err(Error::Invalid {
                what: "password",
                given: String::new(),
                rule: "it is the one there is: choose another".into(),
            });
        }
        self.check_tries(name.as_str(), from)?;
        if let Err(error) = self.known(name.as_str(), old).await {
            self.sign_in_refused(&caller.who.to_string(), from, &error);
            return Err(error);
        }
        self.shared.limiter.succeeded(name.as_str(), from);
        let password = self.hash(name, new).await?;
        let command = Command::SetPassword {
            name: name.clone(),
            password,
        };
        self.change(caller, from, command).await?;
        self.begin(Holder::User(name.clone()), from, None).await
    }

    /// The one-time secret by which the first administrator is made; none when there is one. Another secret makes the
    /// one before worthless.
    ///
    /// # Errors
    /// [`Error::NoRandomness`].
    pub fn invite(&self) -> Result<Option<Secret>, Error> {
        match self.book().has_administrator() {
            true => Ok(None),
            false => self.shared.invite().map(Some),
        }
    }

    /// Makes the first administrator, and signs them in.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] for a link that is none, [`Error::NotNow`] when there is an administrator already,
    /// [`Error::Exists`] for a name that is taken, and those of [`Access::hash`].
    pub async fn create_first(
        &self,
        link: &str,
        name: Name,
        password: String,
        from: &str,
    ) -> Result<SignedIn, Error> {
        self.check_tries(BY_LINK, from)?;
        if !self.shared.is_invited(link) {
            let error = Error::Unauthenticated { reason: NO_LINK };
            self.sign_in_refused("link", from, &error);
            return Err(error);
        }
        self.shared.limiter.succeeded(BY_LINK, from);
        let password = self.hash(&name, password).await?;
        let nobody = Caller::nobody(std::sync::Arc::default());
        let command = Command::CreateFirst {
            name: name.clone(),
            password,
        };
        self.change(&nobody, from, command).await?;
        self.shared.uninvite();
        self.begin(Holder::User(name), from, None).await
    }

    pub(super) fn check_tries(&self, name: &str, from: &str) -> Result<(), Error> {
        let now = self.shared.clock.monotonic();
        match self.shared.limiter.try_now(name, from, now) {
            None => Ok(()),
            Some(wait) => Err(Error::TooManyTries { wait }),
        }
    }

    /// Whose name and password these are. One password is hashed, whatever is wrong.
    async fn known(&self, name: &str, password: String) -> Result<User, Error> {
        let wrong = || Error::Unauthenticated { reason: WRONG };
        if password.len() > PASSWORD_BYTES_MAX {
            return Err(wrong());
        }
        let user = name.parse::<Name>().ok();
        let user = user.and_then(|name| self.book().user(&name).cloned());
        let own = user.as_ref().and_then(User::password);
        let has_password = own.is_some();
        let kept: PasswordHash = own.unwrap_or(&self.shared.dummy).clone();
        let is_right = self.shared.hashing.run(move || kept.is(&password)).await?;
        user.filter(|user| is_right && has_password && !user.disabled)
            .ok_or_else(wrong)
    }

    pub(super) async fn begin(
        &self,
        holder: Holder,
        from: &str,
        user: Option<&User>,
    ) -> Result<SignedIn, Error> {
        let now = self.shared.clock.monotonic();
        let (id, session) = self.shared.sessions.open(holder.clone(), now)?;
        self.note_arrival(user);
        // Whoever was disabled or got another password meanwhile was signed out before this session was there.
        let is_same = user.is_none_or(|user| {
            let book = self.book();
            let known = book.user(&user.name);
            known.is_some_and(|known| known.is_known_as(user))
        });
        let caller = self.book().by_holder(&holder).filter(|_| is_same);
        let Some(caller) = caller else {
            self.shared.sessions.close(id.as_str());
            return Err(Error::Unauthenticated { reason: WRONG });
        };
        let (reply, answer) = oneshot::channel();
        let mut entry = sign_in_entry(caller.who.to_string(), from, Outcome::Done, String::new());
        let identity = user.and_then(User::identity);
        entry.target = identity.map(ToString::to_string).unwrap_or_default();
        let reply = Some(reply);
        let written = match self.send(Input::Tell { entry, reply }) {
            Ok(()) => answer.await.unwrap_or(Err(Error::Closed)),
            Err(error) => Err(error),
        };
        if let Err(error) = written {
            // Nobody comes in unseen.
            self.shared.sessions.close(id.as_str());
            return Err(error);
        }
        Ok(SignedIn {
            id,
            session,
            caller,
        })
    }

    /// Has it written when somebody came by their provider, before the sign-in itself.
    fn note_arrival(&self, user: Option<&User>) {
        let at = self.shared.clock.now();
        let came = user.filter(|user| user.identity().is_some());
        let is_noted = |user: &&User| {
            user.arrived_at
                .is_some_and(|last| at < last.plus(NOTED_EVERY))
        };
        if let Some(user) = came.filter(|user| !is_noted(user)) {
            let name = user.name.clone();
            // A full queue keeps them out, just below.
            let _ = self.send(Input::Arrived { name, at });
        }
    }

    fn sign_in_refused(&self, who: &str, from: &str, error: &Error) {
        let entry = sign_in_entry(who.to_owned(), from, Outcome::Refused, error.to_string());
        self.write_refusal(entry);
    }
}

pub(super) fn sign_in_entry(who: String, from: &str, outcome: Outcome, reason: String) -> Entry {
    Entry {
        who,
        from: from.to_owned(),
        action: "session.begin".into(),
        target: String::new(),
        outcome,
        reason,
    }
}
