use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use subtle::ConstantTimeEq;

use crate::{Digest, Error, Name, Secret};

/// A long shift; then one signs in again.
const AGE_MAX: Duration = Duration::from_secs(12 * 3600);
/// Without a request for so long, nobody sits there any more. A page that is open asks now and then.
const IDLE_MAX: Duration = Duration::from_secs(4 * 3600);
/// Browsers of one person, or of those who share a built-in token; the oldest session goes for a new one.
const SESSIONS_OF_HOLDER_MAX: usize = 16;
/// Sessions of a hub; the oldest goes for a new one, which needs a password or token all the same.
const SESSIONS_MAX: usize = 1_024;

/// Whose a session is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Holder {
    /// Of whoever showed a token of the hub's data folder.
    BuiltIn(Name),
    /// Of a user.
    User(Name),
}

/// Somebody who is signed in. Times are on the monotonic clock.
#[derive(Debug, Clone)]
pub struct Session {
    /// Who.
    pub holder: Holder,
    /// Shown in a header with every change.
    csrf: Secret,
    expires: Duration,
    seen: Duration,
}

impl Session {
    /// Whether a request shows the session's second secret.
    pub fn is_meant(&self, shown: Option<&str>) -> bool {
        let shown = shown.unwrap_or_default();
        self.csrf.as_str().as_bytes().ct_eq(shown.as_bytes()).into()
    }

    /// The second secret.
    pub fn csrf(&self) -> &Secret {
        &self.csrf
    }

    /// How long it lasts, if somebody goes on asking.
    pub fn left(&self, now: Duration) -> Duration {
        self.expires.saturating_sub(now)
    }

    fn lasts(&self, now: Duration) -> bool {
        now < self.expires && now < self.seen.saturating_add(IDLE_MAX)
    }
}

/// Who is signed in, in memory only.
///
/// Kept by the digest of the cookie's value: whoever reads this memory has no cookie.
#[derive(Debug, Default)]
pub(crate) struct Sessions(Mutex<HashMap<Digest, Session>>);

impl Sessions {
    /// Whose cookie this is; none for one that is made up or over.
    pub(crate) fn of(&self, id: &str, now: Duration) -> Option<Session> {
        self.with(|sessions| {
            let digest = Digest::of(id);
            let session = sessions.get_mut(&digest)?;
            if session.lasts(now) {
                session.seen = now;
                return Some(session.clone());
            }
            sessions.remove(&digest);
            None
        })
    }

    /// Whose cookie this is, without a word that they were there.
    pub(crate) fn holder(&self, id: &str, now: Duration) -> Option<Holder> {
        self.with(|sessions| {
            let session = sessions.get(&Digest::of(id))?;
            session.lasts(now).then(|| session.holder.clone())
        })
    }

    /// Begins a session under new secrets: what the browser came with opens nothing. Returns the cookie's value.
    ///
    /// # Errors
    /// [`Error::NoRandomness`].
    pub(crate) fn open(&self, holder: Holder, now: Duration) -> Result<(Secret, Session), Error> {
        let (id, csrf) = (Secret::generate()?, Secret::generate()?);
        let session = Session {
            holder,
            csrf,
            expires: now.saturating_add(AGE_MAX),
            seen: now,
        };
        self.with(|sessions| {
            sessions.retain(|_, session| session.lasts(now));
            let is_own = |other: &Session| other.holder == session.holder;
            make_room(sessions, SESSIONS_OF_HOLDER_MAX, is_own);
            make_room(sessions, SESSIONS_MAX, |_| true);
            sessions.insert(id.digest(), session.clone());
        });
        Ok((id, session))
    }

    /// Ends one.
    pub(crate) fn close(&self, id: &str) {
        self.with(|sessions| sessions.remove(&Digest::of(id)));
    }

    /// Ends all of somebody's.
    pub(crate) fn close_all(&self, holder: &Holder) {
        self.with(|sessions| sessions.retain(|_, session| session.holder != *holder));
    }

    fn with<T>(&self, act: impl FnOnce(&mut HashMap<Digest, Session>) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Ends the oldest of those counted, where there are as many as may be.
fn make_room(
    sessions: &mut HashMap<Digest, Session>,
    limit: usize,
    counts: impl Fn(&Session) -> bool,
) {
    let counted = || sessions.iter().filter(|(_, session)| counts(session));
    if counted().count() < limit {
        return;
    }
    let oldest = counted().min_by_key(|(_, session)| session.expires);
    if let Some(digest) = oldest.map(|(digest, _)| *digest) {
        sessions.remove(&digest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alice() -> Holder {
        Holder::User("alice".parse().unwrap())
    }

    #[test]
    fn a_session_ends_idle_or_old_or_closed() {
        let sessions = Sessions::default();
        let start = Duration::from_secs(5);
        let second = Duration::from_secs(1);
        let open = || sessions.open(alice(), start).unwrap().0;
        let (idle, busy, closed) = (open(), open(), open());
        sessions.close(closed.as_str());
        assert!(sessions.of(closed.as_str(), start).is_none());
        let mut now = start;
        while now + IDLE_MAX - second < start + AGE_MAX {
            now += IDLE_MAX - second;
            assert!(sessions.of(busy.as_str(), now).is_some(), "{now:?}");
        }
        // Who only follows a stream is not there.
        assert!(
            sessions
                .holder(idle.as_str(), start + IDLE_MAX - second)
                .is_some()
        );
        assert!(sessions.holder(idle.as_str(), start + IDLE_MAX).is_none());
        assert!(sessions.of(idle.as_str(), start + IDLE_MAX).is_none());
        assert!(sessions.of(busy.as_str(), start + AGE_MAX).is_none());
        assert!(sessions.of(busy.as_str(), start).is_none(), "gone for good");
    }

    #[test]
    fn made_up_ids_open_nothing_and_each_sign_in_has_another() {
        let sessions = Sessions::default();
        let now = Duration::ZERO;
        let (first, _) = sessions.open(alice(), now).unwrap();
        let (second, session) = sessions.open(alice(), now).unwrap();
        assert_ne!(first, second);
        for wrong in ["", &"0".repeat(64), &first.as_str()[1..]] {
            assert!(sessions.of(wrong, now).is_none(), "{wrong}");
        }
        let other = sessions.of(first.as_str(), now).unwrap();
        assert!(session.is_meant(Some(session.csrf().as_str())));
        assert!(!session.is_meant(Some(other.csrf().as_str())));
        assert!(!session.is_meant(Some("")) && !session.is_meant(None));
    }

    #[test]
    fn one_persons_sessions_are_limited_and_leave_others_alone() {
        let sessions = Sessions::default();
        let bob = Holder::User("bob".parse().unwrap());
        let (bobs, _) = sessions.open(bob, Duration::ZERO).unwrap();
        let seconds = (1..=SESSIONS_OF_HOLDER_MAX as u64 + 1).map(Duration::from_secs);
        let ids: Vec<Secret> = seconds
            .map(|now| sessions.open(alice(), now).unwrap().0)
            .collect();
        let now = Duration::from_secs(100);
        assert!(sessions.of(ids[0].as_str(), now).is_none());
        assert!(
            ids[1..]
                .iter()
                .all(|id| sessions.of(id.as_str(), now).is_some())
        );
        assert!(sessions.of(bobs.as_str(), now).is_some());
        sessions.close_all(&alice());
        assert!(ids.iter().all(|id| sessions.of(id.as_str(), now).is_none()));
        assert!(sessions.of(bobs.as_str(), now).is_some());
    }
}
