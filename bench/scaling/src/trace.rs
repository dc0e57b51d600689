//! The loads: when jobs come, and what they take.

use std::time::Duration;

use portique_clock::{Random, Seeded};

/// One load, and the pool that is to carry it.
pub(crate) struct Trace {
    pub(crate) name: &'static str,
    /// Its name in the JSON.
    pub(crate) key: &'static str,
    /// When jobs come, in order.
    pub(crate) arrivals: Vec<Duration>,
    /// What a job takes on average; each takes an exponentially distributed time.
    pub(crate) service: Duration,
    /// When the look at it ends.
    pub(crate) horizon: Duration,
    /// What the start of a worker takes.
    pub(crate) start: Duration,
    pub(crate) min: u32,
    pub(crate) max: u32,
    /// In what time ours is to catch up.
    pub(crate) catch_up: Duration,
}

/// What the start of a pod takes.
const POD_START: Duration = Duration::from_secs(10);
const SHORT_JOB: Duration = Duration::from_millis(500);
const LONG_JOB: Duration = Duration::from_mins(2);
const CATCH_UP: Duration = Duration::from_secs(5);

/// The five loads.
pub(crate) fn all() -> Vec<Trace> {
    vec![burst(), wave(), spikes(), long_jobs(), step()]
}

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

fn burst() -> Trace {
    let mut random = Seeded::new(7);
    let mut arrivals: Vec<_> = (0..1_000)
        .map(|_| seconds(61.0 + random.unit() * 0.5))
        .collect();
    arrivals.sort_unstable();
    Trace {
        name: "A: 1,000 jobs at once, from zero",
        key: "burst",
        arrivals,
        service: SHORT_JOB,
        horizon: Duration::from_mins(20),
        start: POD_START,
        min: 0,
        max: 50,
        catch_up: CATCH_UP,
    }
}

fn wave() -> Trace {
    let turn = std::f64::consts::TAU / 600.0;
    Trace {
        name: "B: 10 to 70 jobs/s and back in 10 min",
        key: "wave",
        arrivals: poisson(1_800.0, 70.0, 3, |at| 40.0 + 30.0 * (turn * at).sin()),
        service: SHORT_JOB,
        horizon: seconds(1_900.0),
        start: POD_START,
        min: 1,
        max: 60,
        catch_up: CATCH_UP,
    }
}

fn spikes() -> Trace {
    let mut random = Seeded::new(7);
    let spike = |number: i32| f64::from(number) * 240.0 + 30.0;
    let spikes = (0..8).flat_map(|number| std::iter::repeat_n(spike(number), 200));
    let mut arrivals: Vec<_> = spikes.map(|at| seconds(at + random.unit())).collect();
    arrivals.sort_unstable();
    Trace {
        name: "C: 200 jobs every 4 min",
        key: "spikes",
        arrivals,
        service: SHORT_JOB,
        horizon: seconds(2_000.0),
        start: POD_START,
        min: 0,
        max: 50,
        catch_up: CATCH_UP,
    }
}

fn long_jobs() -> Trace {
    Trace {
        name: "D: jobs of 2 min, one in 20 s",
        key: "long_jobs",
        arrivals: poisson(1_800.0, 0.05, 5, |_| 0.05),
        service: LONG_JOB,
        horizon: seconds(6_000.0),
        start: POD_START,
        min: 0,
        max: 20,
        catch_up: Duration::from_mins(1),
    }
}

fn step() -> Trace {
    Trace {
        name: "E: 100 jobs/s, then 108",
        key: "step",
        arrivals: poisson(
            1_200.0,
            108.0,
            9,
            |at| if at < 600.0 { 100.0 } else { 108.0 },
        ),
        service: SHORT_JOB,
        horizon: seconds(1_300.0),
        start: POD_START,
        min: 1,
        max: 100,
        catch_up: CATCH_UP,
    }
}

/// Arrivals that know nothing of each other, by thinning those of the highest rate.
fn poisson(until: f64, rate_max: f64, seed: u64, rate: impl Fn(f64) -> f64) -> Vec<Duration> {
    let mut random = Seeded::new(seed);
    let mut arrivals = Vec::new();
    let mut at = 0.0;
    loop {
        at += exponential(1.0 / rate_max, &mut random);
        if at >= until {
            return arrivals;
        }
        if random.unit() < rate(at) / rate_max {
            arrivals.push(seconds(at));
        }
    }
}

/// A time with this mean, in seconds.
pub(crate) fn exponential(mean_s: f64, random: &mut dyn Random) -> f64 {
    -mean_s * (1.0 - random.unit()).ln()
}
