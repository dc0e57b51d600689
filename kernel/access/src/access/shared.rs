use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use portique_clock::{Clock, Timestamp};
use tokio::sync::Semaphore;

use super::Options;
use crate::audit::{Entry, Head};
use crate::limiter::Limiter;
use crate::session::Sessions;
use crate::{Book, Change, Cost, Digest, Error, Holder, PasswordHash, Secret};

/// Passwords that are hashed at once: each takes 19 MiB and a whole core.
const HASHES_MAX: usize = 2;
/// Passwords that wait to be hashed; whoever comes then is told to come again.
const HASHES_WAITING_MAX: usize = 32;
/// How long the one-time link of a hub without users opens something.
const INVITATION_LIFETIME: Duration = Duration::from_secs(3600);
/// Refusals written down in a minute; of more, it is written how many they were.
const REFUSALS_PER_MINUTE_MAX: u32 = 120;
const MINUTE: Duration = Duration::from_secs(60);

/// What handles and the one who writes know together.
pub(crate) struct Shared {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) cost: Cost,
    pub(crate) sessions: Sessions,
    pub(crate) limiter: Limiter,
    pub(crate) hashing: Hashing,
    /// What names that nobody has are checked against, so that they take as long as others.
    pub(crate) dummy: PasswordHash,
    book: RwLock<Arc<Book>>,
    /// Deeds that are not in the audit journal.
    lost: AtomicU64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    head: Head,
    anchor: Head,
    /// When a use of a token was last written.
    used: HashMap<String, Timestamp>,
    refusals: Refusals,
    invitation: Option<(Secret, Duration)>,
}

/// Refusals within a minute of the monotonic clock.
#[derive(Default)]
struct Refusals {
    since: Duration,
    written: u32,
    left_out: u64,
}

impl Shared {
    pub(crate) fn new(
        options: &Options,
        book: Book,
        head: Head,
        anchor: Head,
    ) -> Result<Self, Error> {
        let hashing = Hashing::new();
        let dummy = PasswordHash::nobodys(options.cost)?;
        let state = State {
            head,
            anchor,
            ..State::default()
        };
        Ok(Self {
            clock: options.clock.clone(),
            cost: options.cost,
            sessions: Sessions::default(),
            limiter: Limiter::default(),
            hashing,
            dummy,
            book: RwLock::new(Arc::new(book)),
            lost: AtomicU64::new(0),
            state: Mutex::new(state),
        })
    }

    pub(crate) fn book(&self) -> Arc<Book> {
        self.book
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Has changes hold. Who may not any more, or has another password, is signed out.
    pub(crate) fn apply(&self, changes: Vec<Change>) {
        let before = self.book();
        let mut ended = Vec::new();
        for change in &changes {
            let Change::User(user) = change else { continue };
            let same = |old: &crate::User| old.is_known_as(user);
            if user.disabled || !before.user(&user.name).is_some_and(same) {
                ended.push(Holder::User(user.name.clone()));
            }
        }
        let mut book = Book::clone(&before);
        book.apply(changes);
        *self.book.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(book);
        for holder in ended {
            self.sessions.close_all(&holder);
        }
    }

    /// Whether this use of a token is to be written: the last that was is long ago.
    pub(crate) fn is_first_use(&self, id: &str, at: Timestamp, every: Duration) -> bool {
        let mut state = self.state();
        let last = state.used.get(id);
        if last.is_some_and(|last| at < last.plus(every) && *last <= at) {
            return false;
        }
        if last.is_none() {
            // As many as there are tokens, and a few that were dropped.
            let book = self.book();
            state.used.retain(|id, _| book.token(id).is_some());
        }
        state.used.insert(id.to_owned(), at);
        true
    }

    /// A refusal to be written down, behind how many were not; nothing when it is only counted.
    pub(crate) fn refusal(&self, entry: Entry) -> Vec<Entry> {
        match self.room_for_refusal() {
            None => Vec::new(),
            Some(0) => vec![entry],
            Some(left_out) => {
                let reason =
                    format!("{left_out} more refusals came in one minute than are written down");
                vec![Entry::left_out(String::new(), &reason), entry]
            }
        }
    }

    /// How many refusals were only counted before one that is to be written; none when it is counted too.
    fn room_for_refusal(&self) -> Option<u64> {
        let now = self.clock.monotonic();
        let refusals = &mut self.state().refusals;
        if now >= refusals.since + MINUTE {
            let left_out = refusals.left_out;
            *refusals = Refusals {
                since: now,
                written: 1,
                left_out: 0,
            };
            return Some(left_out);
        }
        if refusals.written >= REFUSALS_PER_MINUTE_MAX {
            refusals.left_out += 1;
            return None;
        }
        refusals.written += 1;
        Some(0)
    }

    /// Makes the one-time secret by which the first user is made; the one before opens nothing.
    ///
    /// # Errors
    /// [`Error::NoRandomness`].
    pub(crate) fn invite(&self) -> Result<Secret, Error> {
        let secret = Secret::generate()?;
        let until = self.clock.monotonic() + INVITATION_LIFETIME;
        self.state().invitation = Some((secret.clone(), until));
        Ok(secret)
    }

    /// Whether this is the one-time secret, and in time.
    pub(crate) fn is_invited(&self, shown: &str) -> bool {
        let now = self.clock.monotonic();
        let state = self.state();
        let open = state.invitation.as_ref().filter(|(_, until)| now < *until);
        open.is_some_and(|(secret, _)| secret.digest() == Digest::of(shown))
    }

    /// The one-time secret is used up.
    pub(crate) fn uninvite(&self) {
        self.state().invitation = None;
    }

    /// So many more deeds are not written down; returns how many they are by now.
    pub(crate) fn lose(&self, more: u64) -> u64 {
        self.lost.fetch_add(more, Ordering::Relaxed) + more
    }

    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    pub(crate) fn ends(&self) -> (Head, Head) {
        let state = self.state();
        (state.anchor, state.head)
    }

    pub(crate) fn set_head(&self, head: Head) {
        self.state().head = head;
    }

    pub(crate) fn set_anchor(&self, anchor: Head) {
        self.state().anchor = anchor;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A few threads for slow hashes, and a short line before them.
pub(crate) struct Hashing {
    line: Arc<Semaphore>,
    at_work: Arc<Semaphore>,
}

impl Hashing {
    fn new() -> Self {
        Self {
            line: Arc::new(Semaphore::new(HASHES_MAX + HASHES_WAITING_MAX)),
            at_work: Arc::new(Semaphore::new(HASHES_MAX)),
        }
    }

    /// What the work comes to.
    ///
    /// # Errors
    /// [`Error::Busy`] when the line is full.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let place = self.line.clone().try_acquire_owned();
        let place = place.map_err(|_| Error::Busy)?;
        let turn = self.at_work.clone().acquire_owned().await;
        let turn = turn.map_err(|_| Error::Closed)?;
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            // Held by the work and not by whoever waits: they may leave before it ends.
            drop((place, turn));
            done
        });
        done.await.map_err(|_| Error::Closed)
    }
}
