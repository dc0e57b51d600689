use std::sync::Arc;

use super::sign_in::sign_in_entry;
use super::{Access, SignedIn};
use crate::audit::Outcome;
use crate::{Arrival, Caller, Command, Error, Holder, Name, User};

impl Access {
    /// Counts an attempt to come by a provider, before it is looked at; [`Access::sign_in_by_provider`] takes it back.
    ///
    /// # Errors
    /// [`Error::TooManyTries`].
    pub fn check_provider_tries(&self, from: &str) -> Result<(), Error> {
        self.check_tries(&by_provider(from), from)
    }

    /// Opens a session for somebody whom a provider sends, whose word is verified: a user who is made when they come
    /// for the first time. What they are from now on is what they arrive with; with nothing they are not let in, and
    /// what they were is over.
    ///
    /// # Errors
    /// [`Error::Denied`] for whoever is nothing here, is disabled, or has the name of somebody else; [`Error::Full`],
    /// [`Error::Busy`], [`Error::Records`]. It is in the audit journal then.
    pub async fn sign_in_by_provider(
        &self,
        arrival: Arrival,
        from: &str,
    ) -> Result<SignedIn, Error> {
        let identity = arrival.identity.clone();
        let arrived = match self.admit(arrival, from).await {
            Ok(user) => {
                self.begin(Holder::User(user.name.clone()), from, Some(&user))
                    .await
            }
            Err(error) => Err(error),
        };
        match &arrived {
            Ok(_) => {
                let limiter = &self.shared.limiter;
                limiter.succeeded(&by_provider(from), from);
            }
            Err(error) => {
                let reason = error.to_string();
                let mut entry =
                    sign_in_entry(who(&identity.provider), from, Outcome::Refused, reason);
                entry.target = identity.to_string();
                self.write_refusal(entry);
            }
        }
        arrived
    }

    /// Has it written down that somebody did not come in by a provider.
    pub fn provider_refused(&self, provider: &Name, from: &str, reason: &str) {
        let reason = reason.to_owned();
        self.write_refusal(sign_in_entry(who(provider), from, Outcome::Refused, reason));
    }

    /// The user, as they are from now on.
    async fn admit(&self, mut arrival: Arrival, from: &str) -> Result<User, Error> {
        let book = self.book();
        arrival.roles.retain(|name| book.role(name).is_some());
        let known = book.user_of(&arrival.identity);
        if let Some(user) = known {
            arrival.name = user.name.clone();
        }
        let (is_nothing, identity) = (arrival.roles.is_empty(), arrival.identity.clone());
        let is_unchanged = match known {
            Some(user) => user.roles == arrival.roles && !user.disabled,
            None => is_nothing,
        };
        if !is_unchanged {
            let nobody = Caller::nobody(Arc::default());
            let command = Command::Admit(arrival);
            // What is refused is written down once, by whoever called.
            book.decide(&nobody, command.clone(), self.shared.clock.now())?;
            self.change(&nobody, from, command).await?;
        }
        let user = self.book().user_of(&identity).cloned();
        if is_nothing {
            if let Some(user) = user {
                self.shared.sessions.close_all(&Holder::User(user.name));
            }
            let provider = &identity.provider;
            let reason = format!("no group that {provider} has them in gives a role here");
            return Err(Error::Denied { reason });
        }
        user.ok_or(Error::Closed)
    }
}

/// As the audit journal writes it.
fn who(provider: &Name) -> String {
    format!("provider:{provider}")
}

/// What attempts are counted as: by address only, so that nobody shuts the provider for all others.
fn by_provider(from: &str) -> String {
    format!(":provider {from}")
}
