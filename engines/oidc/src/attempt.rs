use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use portique_access::{Digest, Name, Secret};
use subtle::ConstantTimeEq;

use crate::Error;

/// Long enough to find a telephone for the second factor.
pub(crate) const AGE_MAX: Duration = Duration::from_secs(600);
/// Sign-ins that are under way; the oldest goes for a new one.
const ATTEMPTS_MAX: usize = 1_024;
/// Sign-ins that one address has under way, so that it does not push out those of others.
const ATTEMPTS_OF_ADDRESS_MAX: usize = 64;

/// A sign-in that somebody began: what the answer has to show, and what it is exchanged with.
pub struct Attempt {
    /// With which provider.
    pub provider: Name,
    pub(crate) state: Secret,
    pub(crate) nonce: Secret,
    /// PKCE's; only its digest went out.
    pub(crate) verifier: Secret,
}

impl Attempt {
    /// # Errors
    /// [`Error::Access`] when there is no randomness.
    pub(crate) fn new(provider: Name) -> Result<Self, Error> {
        Ok(Self {
            provider,
            state: Secret::generate()?,
            nonce: Secret::generate()?,
            verifier: Secret::generate()?,
        })
    }

    pub(crate) fn has_state(&self, shown: &str) -> bool {
        let state = self.state.as_str().as_bytes();
        state.ct_eq(shown.as_bytes()).into()
    }
}

impl fmt::Debug for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Attempt({})", self.provider)
    }
}

/// Sign-ins that are under way, in memory only, by the digest of the secret that the browser has. Times are on the
/// monotonic clock.
#[derive(Debug, Default)]
pub struct Attempts(Mutex<HashMap<Digest, Kept>>);

#[derive(Debug)]
struct Kept {
    attempt: Attempt,
    from: String,
    until: Duration,
}

impl Attempts {
    /// Keeps one that came from this address; returns the secret for the browser's cookie, which is good for ten
    /// minutes.
    ///
    /// # Errors
    /// [`Error::Access`] when there is no randomness.
    pub fn keep(&self, attempt: Attempt, from: &str, now: Duration) -> Result<Secret, Error> {
        let id = Secret::generate()?;
        let kept = Kept {
            attempt,
            from: from.to_owned(),
            until: now.saturating_add(AGE_MAX),
        };
        self.with(|attempts| {
            attempts.retain(|_, kept| now < kept.until);
            let is_own = |kept: &Kept| kept.from == from;
            make_room(attempts, ATTEMPTS_OF_ADDRESS_MAX, is_own);
            make_room(attempts, ATTEMPTS_MAX, |_| true);
            attempts.insert(id.digest(), kept);
        });
        Ok(id)
    }

    /// Gives one out, once: whatever becomes of it, it is not there any more.
    pub fn take(&self, id: &str, now: Duration) -> Option<Attempt> {
        let kept = self.with(|attempts| attempts.remove(&Digest::of(id)))?;
        (now < kept.until).then_some(kept.attempt)
    }

    fn with<T>(&self, act: impl FnOnce(&mut HashMap<Digest, Kept>) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Forgets the oldest of those counted, where there are as many as may be.
fn make_room(attempts: &mut HashMap<Digest, Kept>, limit: usize, counts: impl Fn(&Kept) -> bool) {
    let counted = || attempts.iter().filter(|(_, kept)| counts(kept));
    if counted().count() < limit {
        return;
    }
    let oldest = counted().min_by_key(|(_, kept)| kept.until);
    if let Some(digest) = oldest.map(|(digest, _)| *digest) {
        attempts.remove(&digest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(1_000);

    fn attempt() -> Attempt {
        Attempt::new("club".parse().unwrap()).unwrap()
    }

    #[test]
    fn an_attempt_is_given_out_once_and_in_time() {
        let attempts = Attempts::default();
        let [id, late] = [0; 2].map(|_| attempts.keep(attempt(), "here", NOW).unwrap());
        assert!(attempts.take("", NOW).is_none());
        assert!(attempts.take(&"0".repeat(64), NOW).is_none());
        let in_time = NOW + AGE_MAX - Duration::from_millis(1);
        assert!(attempts.take(id.as_str(), in_time).is_some());
        assert!(attempts.take(id.as_str(), in_time).is_none(), "used");
        assert!(attempts.take(late.as_str(), NOW + AGE_MAX).is_none());
        assert!(attempts.take(late.as_str(), NOW).is_none(), "gone for good");
    }

    #[test]
    fn one_address_does_not_push_out_others_and_all_are_bounded() {
        let attempts = Attempts::default();
        let mine = attempts.keep(attempt(), "mine", NOW).unwrap();
        for index in 0..ATTEMPTS_OF_ADDRESS_MAX as u64 * 3 {
            let now = NOW + Duration::from_millis(index);
            attempts.keep(attempt(), "flood", now).unwrap();
        }
        let count = || attempts.with(|attempts| attempts.len());
        assert_eq!(count(), ATTEMPTS_OF_ADDRESS_MAX + 1);
        assert!(attempts.take(mine.as_str(), NOW).is_some());
        for index in 0..ATTEMPTS_MAX * 2 {
            let from = format!("address {index}");
            attempts.keep(attempt(), &from, NOW).unwrap();
        }
        assert_eq!(count(), ATTEMPTS_MAX);
    }

    #[test]
    fn only_the_state_is_the_state_and_nothing_is_printed() {
        let attempt = attempt();
        let state = attempt.state.as_str().to_owned();
        assert!(attempt.has_state(&state));
        for wrong in ["", &state[1..], &"0".repeat(64)] {
            assert!(!attempt.has_state(wrong), "{wrong}");
        }
        assert_eq!(format!("{attempt:?}"), "Attempt(club)");
    }
}
