use std::collections::BTreeMap;
use std::fs;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use portique_clock::Clock;

/// How long a reading of the memory counts: it changes as fast as workers start.
const READ_EVERY: Duration = Duration::from_millis(500);
/// Parts of the memory, of which one is left to the hub and everybody else.
const RESERVE_PARTS: u64 = 20;
/// What a worker takes whose limit nobody wrote: its own process, and a small program.
const WORKER_BYTES: u64 = 48 << 20;
/// What thirds and tenths of processors lose in a float.
const ROUNDING: f64 = 1e-9;
/// A line of these files is in KiB.
const KIB: u64 = 1024;

/// What the machine has left for workers, shared by all pools.
///
/// Memory is what the kernel says is available, or what is left of the control group's limit if that is less. A pool
/// that says how many processors a worker takes is held to those there are, together with all others that say so.
pub(super) struct Machine {
    clock: Arc<dyn Clock>,
    processors: f64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// When the memory was read, and what was left; none where the machine does not say.
    read: Option<(Duration, Option<u64>)>,
    /// What each pool has taken.
    taken: BTreeMap<String, Taken>,
}

/// What a pool has taken of what is reckoned with.
#[derive(Clone, Copy, Default)]
struct Taken {
    processors: f64,
    /// Memory of workers that were started, or are to be, and do not have it yet.
    bytes_to_come: u64,
}

/// What one worker of a pool needs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Need {
    /// Bytes that it may take.
    pub(super) memory_bytes: Option<u64>,
    /// Processors that it is reckoned with.
    pub(super) cpus: Option<f64>,
}

impl Need {
    fn bytes(self) -> u64 {
        self.memory_bytes.unwrap_or(WORKER_BYTES).max(1)
    }
}

impl Machine {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            clock,
            processors: processors as f64,
            state: Mutex::default(),
        }
    }

    /// Workers that there is room for in a pool that has so many, these included; [`take`](Self::take) is to follow.
    pub(super) fn room(&self, pool: &str, there: u32, need: Need) -> u32 {
        let now = self.clock.monotonic();
        let mut state = self.state();
        let available = match state.read {
            Some((at, available)) if now.saturating_sub(at) < READ_EVERY => available,
            _ => {
                let available = available();
                state.read = Some((now, available));
                available
            }
        };
        let all = state.taken.values();
        let to_come: u64 = all.map(|taken| taken.bytes_to_come).sum();
        let by_memory = available.map_or(u32::MAX, |bytes| {
            let more = bytes.saturating_sub(to_come) / need.bytes();
            there.saturating_add(u32::try_from(more).unwrap_or(u32::MAX))
        });
        let by_processors = need.cpus.map_or(u32::MAX, |cpus| {
            let others = state.taken.iter().filter(|(name, _)| *name != pool);
            let left = self.processors - others.map(|(_, taken)| taken.processors).sum::<f64>();
            // A float goes to the nearest whole number of its type: less than none is none.
            (left / cpus + ROUNDING) as u32
        });
        by_memory.min(by_processors)
    }

    /// A pool is to have so many workers, of which so many do not have their memory yet.
    pub(super) fn take(&self, pool: &str, workers: u32, to_come: u32, need: Need) {
        let taken = Taken {
            processors: need.cpus.unwrap_or_default() * f64::from(workers),
            bytes_to_come: need.bytes().saturating_mul(to_come.into()),
        };
        self.state().taken.insert(pool.to_owned(), taken);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Bytes that workers may take; none where the machine does not say.
fn available() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let free = free_of(&text)?;
    let group = |file| fs::read_to_string(format!("/sys/fs/cgroup/memory.{file}")).ok();
    let number = |text: Option<String>| text?.trim().parse::<u64>().ok();
    let (limit, used) = (number(group("max")), number(group("current")));
    let left = limit
        .zip(used)
        .map(|(limit, used)| limit.saturating_sub(used));
    Some(free.min(left.unwrap_or(u64::MAX)))
}

fn free_of(meminfo: &str) -> Option<u64> {
    let amount = |name: &str| {
        let line = meminfo.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse::<u64>().ok()
    };
    let (total, available) = (amount("MemTotal:")?, amount("MemAvailable:")?);
    Some(available.saturating_sub(total / RESERVE_PARTS) * KIB)
}

#[cfg(test)]
mod tests {
    use portique_clock::{SimulatedClock, Timestamp};

    use super::*;

    fn machine(processors: f64, available: u64) -> Machine {
        let clock = Arc::new(SimulatedClock::new(Timestamp::EPOCH));
        let machine = Machine {
            processors,
            ..Machine::new(clock)
        };
        machine.state().read = Some((Duration::ZERO, Some(available)));
        machine
    }

    #[test]
    fn memory_is_for_those_that_come() {
        let free = free_of("MemTotal: 1000 kB\nMemFree: 1 kB\nMemAvailable: 250 kB\n");
        assert_eq!(free, Some(200 * 1024));
        assert_eq!(free_of("MemTotal: 1000 kB\n"), None);

        let need = Need {
            memory_bytes: Some(100),
            cpus: None,
        };
        let machine = machine(4.0, 1_000);
        assert_eq!(machine.room("a", 2, need), 12);
        machine.take("a", 9, 7, need);
        assert_eq!(machine.room("b", 0, need), 3);
        machine.take("b", 3, 3, need);
        assert_eq!(
            machine.room("b", 3, need),
            3,
            "those there are not taken back"
        );
    }

    #[test]
    fn pools_share_the_processors() {
        let need = |cpus| Need {
            memory_bytes: Some(1),
            cpus: Some(cpus),
        };
        let machine = machine(4.0, 1 << 40);
        assert_eq!(machine.room("a", 0, need(1.0)), 4);
        machine.take("a", 3, 0, need(1.0));
        assert_eq!(machine.room("b", 0, need(0.5)), 2);
        machine.take("b", 2, 0, need(0.5));
        assert_eq!(machine.room("c", 0, need(2.0)), 0);
        assert_eq!(machine.room("a", 3, need(1.0)), 3);
        machine.take("a", 0, 0, need(1.0));
        assert_eq!(machine.room("b", 2, need(0.5)), 8);
    }
}
