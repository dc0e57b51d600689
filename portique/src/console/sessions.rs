use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::{HeaderMap, header};
use portique_clock::Clock;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// A long shift; then one signs in again.
pub(super) const SESSION_AGE_MAX: Duration = Duration::from_secs(12 * 3600);
/// Browsers of one hub. The oldest session goes for a new one, which needs a token all the same.
const SESSIONS_MAX: usize = 64;
/// Wrong tokens within [`TRIES_WINDOW`], by whomever; then nobody signs in until it is over.
const TRIES_MAX: usize = 10;
const TRIES_WINDOW: Duration = Duration::from_secs(60);
/// 256 bits: not to be guessed, whatever the rate.
const SECRET_BYTES: usize = 32;
/// Longest header of cookies that is looked through: browsers send no more.
const COOKIES_BYTES_MAX: usize = 8192;

/// What a session opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Everything.
    Commander,
    /// Queues, events and the ways in of telemetry.
    Service,
}

/// Somebody who is signed in.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) role: Role,
    /// Shown in a header with every change.
    csrf: String,
    /// On the monotonic clock.
    expires: Duration,
}

impl Session {
    /// Whether a request shows the session's second secret.
    pub(crate) fn is_meant(&self, shown: Option<&str>) -> bool {
        let shown = shown.unwrap_or_default();
        self.csrf.as_bytes().ct_eq(shown.as_bytes()).into()
    }

    pub(super) fn csrf(&self) -> &str {
        &self.csrf
    }
}

/// Who is signed in, in memory only: a hub that starts again has everybody sign in again.
pub(crate) struct Sessions {
    clock: Arc<dyn Clock>,
    cookie: String,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// By the digest of the cookie's value: whoever reads this memory has no cookie, and looking one up
    /// takes as long for a near miss as for a far one.
    sessions: HashMap<[u8; 32], Session>,
    /// When wrong tokens were shown lately.
    tries: Vec<Duration>,
}

/// A session's two secrets, which are not kept together anywhere else.
pub(super) struct Opened {
    pub(super) id: String,
    pub(super) session: Session,
}

impl Sessions {
    pub(super) fn new(clock: Arc<dyn Clock>, port: u16) -> Self {
        Self {
            clock,
            cookie: format!("portique_session_{port}"),
            state: Mutex::default(),
        }
    }

    /// The name of the cookie.
    pub(super) fn cookie(&self) -> &str {
        &self.cookie
    }

    /// Whose cookie this request carries; none when it has none, or one of a session that is over.
    pub(crate) fn of(&self, headers: &HeaderMap) -> Option<Session> {
        let id = self.id(headers)?;
        let now = self.clock.monotonic();
        self.with(|state| {
            let session = state.sessions.get(&digest(id))?;
            (now < session.expires).then(|| session.clone())
        })
    }

    /// How long the session lasts.
    pub(super) fn left(&self, session: &Session) -> Duration {
        session.expires.saturating_sub(self.clock.monotonic())
    }

    /// Begins a session, under new secrets.
    ///
    /// # Errors
    /// When the machine has no randomness.
    pub(super) fn open(&self, role: Role) -> Result<Opened, getrandom::Error> {
        let now = self.clock.monotonic();
        let (id, csrf) = (secret()?, secret()?);
        let expires = now.saturating_add(SESSION_AGE_MAX);
        let session = Session {
            role,
            csrf,
            expires,
        };
        self.with(|state| {
            state.sessions.retain(|_, session| now < session.expires);
            if state.sessions.len() >= SESSIONS_MAX {
                let oldest = state.sessions.iter().min_by_key(|(_, s)| s.expires);
                let oldest = oldest.map(|(key, _)| *key);
                oldest.and_then(|key| state.sessions.remove(&key));
            }
            state.sessions.insert(digest(&id), session.clone());
        });
        Ok(Opened { id, session })
    }

    /// Ends the session of this request.
    pub(super) fn close(&self, headers: &HeaderMap) {
        if let Some(id) = self.id(headers) {
            self.with(|state| state.sessions.remove(&digest(id)));
        }
    }

    /// How long nobody may try a token; none when one may.
    pub(super) fn shut_for(&self) -> Option<Duration> {
        let now = self.clock.monotonic();
        self.with(|state| {
            state.tries.retain(|at| now < *at + TRIES_WINDOW);
            let first = state.tries.first().copied()?;
            let is_full = state.tries.len() >= TRIES_MAX;
            is_full.then(|| (first + TRIES_WINDOW).saturating_sub(now))
        })
    }

    /// Counts a wrong token.
    pub(super) fn failed(&self) {
        let now = self.clock.monotonic();
        self.with(|state| {
            if state.tries.len() < TRIES_MAX {
                state.tries.push(now);
            }
        });
    }

    /// The cookie's value, among all cookies of the request.
    fn id<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        let all = headers.get_all(header::COOKIE).iter();
        let all = all.filter(|value| value.len() <= COOKIES_BYTES_MAX);
        all.filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(name, _)| *name == self.cookie)
            .map(|(_, value)| value)
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn digest(id: &str) -> [u8; 32] {
    Sha256::digest(id.as_bytes()).into()
}

fn secret() -> Result<String, getrandom::Error> {
    let mut bytes = [0_u8; SECRET_BYTES];
    getrandom::fill(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use portique_clock::{SimulatedClock, Timestamp};

    use super::*;

    fn sessions() -> (Arc<SimulatedClock>, Sessions) {
        let clock = Arc::new(SimulatedClock::new(Timestamp::from_millis(0)));
        (clock.clone(), Sessions::new(clock, 8080))
    }

    fn with_cookie(id: &str) -> HeaderMap {
        let cookie = format!("theme=dark; portique_session_8080={id}");
        HeaderMap::from_iter([(header::COOKIE, cookie.parse().unwrap())])
    }

    #[test]
    fn a_session_ends_with_its_time_or_when_it_is_closed() {
        let (clock, sessions) = sessions();
        let first = with_cookie(&sessions.open(Role::Commander).unwrap().id);
        let second = with_cookie(&sessions.open(Role::Service).unwrap().id);
        assert_eq!(sessions.of(&first).unwrap().role, Role::Commander);
        assert_eq!(sessions.of(&second).unwrap().role, Role::Service);
        sessions.close(&first);
        assert!(sessions.of(&first).is_none());
        clock.advance(SESSION_AGE_MAX - Duration::from_secs(1));
        assert!(sessions.of(&second).is_some());
        clock.advance(Duration::from_secs(1));
        assert!(sessions.of(&second).is_none());
    }

    #[test]
    fn made_up_ids_and_cookies_of_others_open_nothing() {
        let (_, sessions) = sessions();
        let id = sessions.open(Role::Commander).unwrap().id;
        assert!(sessions.of(&with_cookie("")).is_none());
        assert!(sessions.of(&with_cookie(&"0".repeat(64))).is_none());
        assert!(sessions.of(&with_cookie(&id[1..])).is_none());
        let other = format!("portique_session_9090={id}").parse().unwrap();
        let other = HeaderMap::from_iter([(header::COOKIE, other)]);
        assert!(sessions.of(&other).is_none());
    }

    #[test]
    fn the_oldest_session_goes_for_a_new_one() {
        let (clock, sessions) = sessions();
        let mut ids = Vec::new();
        for _ in 0..=SESSIONS_MAX {
            clock.advance(Duration::from_secs(1));
            ids.push(sessions.open(Role::Service).unwrap().id);
        }
        assert!(sessions.of(&with_cookie(&ids[0])).is_none());
        assert!(sessions.of(&with_cookie(&ids[1])).is_some());
        assert!(sessions.of(&with_cookie(&ids[SESSIONS_MAX])).is_some());
    }

    #[test]
    fn wrong_tokens_shut_the_door_for_a_while() {
        let (clock, sessions) = sessions();
        for _ in 0..TRIES_MAX {
            assert_eq!(sessions.shut_for(), None);
            sessions.failed();
        }
        assert_eq!(sessions.shut_for(), Some(TRIES_WINDOW));
        clock.advance(TRIES_WINDOW);
        assert_eq!(sessions.shut_for(), None);
    }

    #[test]
    fn a_change_is_meant_only_with_the_second_secret() {
        let (_, sessions) = sessions();
        let session = sessions.open(Role::Commander).unwrap().session;
        let other = sessions.open(Role::Commander).unwrap().session;
        assert!(session.is_meant(Some(session.csrf())));
        assert!(!session.is_meant(Some(other.csrf())));
        assert!(!session.is_meant(Some("")));
        assert!(!session.is_meant(None));
    }
}
