use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// For how long a failed attempt counts.
const WINDOW: Duration = Duration::from_secs(60);
/// Failed attempts of one name from one address within the window.
const OF_PAIR_MAX: u32 = 10;
/// Failed attempts from one address, whatever the names: an office behind one address has typing errors too.
const OF_ADDRESS_MAX: u32 = 30;
/// Failed attempts for one name, from wherever: less than what a list of passwords needs, and more than what
/// one forgetful colleague takes.
const OF_NAME_MAX: u32 = 60;
/// Counters at once; the oldest goes for a new one.
const COUNTERS_MAX: usize = 4_096;

/// What is counted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Pair(String, String),
    Address(String),
    Name(String),
}

#[derive(Debug, Clone, Copy)]
struct Counter {
    since: Duration,
    failures: u32,
}

/// How often signing in failed lately. Times are on the monotonic clock.
#[derive(Debug, Default)]
pub(crate) struct Limiter(Mutex<HashMap<Key, Counter>>);

impl Limiter {
    /// Counts an attempt, before it is looked at; so a thousand at once are as few as a thousand in a row. None
    /// when it may be looked at, or else how long to wait.
    pub(crate) fn try_now(&self, name: &str, from: &str, now: Duration) -> Option<Duration> {
        self.with(|counters| {
            let waits = keys(name, from).into_iter().filter_map(|(key, limit)| {
                let counter = counters.get(&key)?;
                let is_shut = counter.failures >= limit && now < counter.since + WINDOW;
                is_shut.then(|| (counter.since + WINDOW).saturating_sub(now))
            });
            let wait = waits.max();
            if wait.is_none() {
                for (key, _) in keys(name, from) {
                    count(counters, key, now);
                }
            }
            wait
        })
    }

    /// The attempt was right: what it counted is taken back, and the pair begins anew.
    pub(crate) fn succeeded(&self, name: &str, from: &str) {
        self.with(|counters| {
            for (key, _) in keys(name, from) {
                match key {
                    Key::Pair(..) => drop(counters.remove(&key)),
                    _ => {
                        if let Some(counter) = counters.get_mut(&key) {
                            counter.failures = counter.failures.saturating_sub(1);
                        }
                    }
                }
            }
        });
    }

    fn with<T>(&self, act: impl FnOnce(&mut HashMap<Key, Counter>) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn keys(name: &str, from: &str) -> [(Key, u32); 3] {
    [
        (Key::Pair(name.into(), from.into()), OF_PAIR_MAX),
        (Key::Address(from.into()), OF_ADDRESS_MAX),
        (Key::Name(name.into()), OF_NAME_MAX),
    ]
}

fn count(counters: &mut HashMap<Key, Counter>, key: Key, now: Duration) {
    if !counters.contains_key(&key) && counters.len() >= COUNTERS_MAX {
        counters.retain(|_, counter| now < counter.since + WINDOW);
    }
    if !counters.contains_key(&key) && counters.len() >= COUNTERS_MAX {
        let oldest = counters.iter().min_by_key(|(_, counter)| counter.since);
        let oldest = oldest.map(|(key, _)| key.clone());
        oldest.map(|key| counters.remove(&key));
    }
    let fresh = Counter {
        since: now,
        failures: 0,
    };
    let counter = counters.entry(key).or_insert(fresh);
    if now >= counter.since + WINDOW {
        *counter = fresh;
    }
    counter.failures += 1;
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(1_000);

    #[test]
    fn wrong_passwords_shut_the_door_for_one_name_from_one_address() {
        let limiter = Limiter::default();
        for _ in 0..OF_PAIR_MAX {
            assert_eq!(limiter.try_now("alice", "10.0.0.1", NOW), None);
        }
        let wait = limiter.try_now("alice", "10.0.0.1", NOW + Duration::from_secs(20));
        assert_eq!(wait, Some(WINDOW - Duration::from_secs(20)));
        assert_eq!(limiter.try_now("alice", "10.0.0.2", NOW), None);
        assert_eq!(limiter.try_now("bob", "10.0.0.1", NOW), None);
        assert_eq!(limiter.try_now("alice", "10.0.0.1", NOW + WINDOW), None);
    }

    #[test]
    fn who_goes_through_names_or_addresses_is_stopped_too() {
        let limiter = Limiter::default();
        for index in 0..OF_ADDRESS_MAX {
            assert_eq!(
                limiter.try_now(&format!("name{index}"), "10.0.0.1", NOW),
                None
            );
        }
        assert!(limiter.try_now("another", "10.0.0.1", NOW).is_some());
        for index in 0..OF_NAME_MAX {
            assert_eq!(
                limiter.try_now("alice", &format!("10.1.0.{index}"), NOW),
                None
            );
        }
        assert!(limiter.try_now("alice", "10.2.0.1", NOW).is_some());
    }

    #[test]
    fn who_gets_it_right_begins_anew() {
        let limiter = Limiter::default();
        for _ in 0..OF_NAME_MAX * 2 {
            assert_eq!(limiter.try_now("alice", "10.0.0.1", NOW), None);
            limiter.succeeded("alice", "10.0.0.1");
        }
    }

    #[test]
    fn the_memory_of_it_is_bounded() {
        let limiter = Limiter::default();
        for index in 0..COUNTERS_MAX {
            limiter.try_now(&format!("n{index}"), &format!("a{index}"), NOW);
        }
        assert_eq!(limiter.with(|counters| counters.len()), COUNTERS_MAX);
    }
}
