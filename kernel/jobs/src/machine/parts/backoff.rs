//! How long a failed job waits.

use std::time::Duration;

use portique_clock::Random;

use crate::Backoff;

/// The wait after the job's `failures`th failure (counted from 1): `first * factor^(failures - 1)`, at most
/// `max`, less a random part of up to the share `jitter` of it.
pub(crate) fn backoff(policy: &Backoff, failures: u32, random: &mut dyn Random) -> Duration {
    let exponent = i32::try_from(failures.saturating_sub(1)).unwrap_or(i32::MAX);
    let grown_s = policy.first.as_secs_f64() * policy.factor.max(1.0).powi(exponent);
    let full = Duration::try_from_secs_f64(grown_s).map_or(policy.max, |wait| wait.min(policy.max));
    let taken_off = random.unit() * policy.jitter.clamp(0.0, 1.0);
    full.mul_f64(1.0 - taken_off)
}

#[cfg(test)]
mod tests {
    use portique_clock::Seeded;
    use proptest::prelude::*;

    use super::*;

    fn policy(first_ms: u64, factor: f64, max_ms: u64, jitter: f64) -> Backoff {
        Backoff {
            first: Duration::from_millis(first_ms),
            factor,
            max: Duration::from_millis(max_ms),
            jitter,
        }
    }

    #[test]
    fn without_jitter_it_doubles_up_to_the_most() {
        let doubling = policy(1_000, 2.0, 5_000, 0.0);
        let waits: Vec<_> = (1..=5)
            .map(|failures| backoff(&doubling, failures, &mut Seeded::new(1)).as_millis())
            .collect();
        assert_eq!(waits, [1_000, 2_000, 4_000, 5_000, 5_000]);
    }

    #[test]
    fn jobs_that_failed_together_do_not_come_back_together() {
        let half = policy(10_000, 1.0, 10_000, 0.5);
        let mut random = Seeded::new(3);
        let waits: std::collections::BTreeSet<_> = (0..100)
            .map(|_| backoff(&half, 1, &mut random).as_millis())
            .collect();
        assert!(waits.len() > 90);
        assert!(waits.iter().all(|wait| (5_000..=10_000).contains(wait)));
    }

    proptest! {
        #[test]
        fn it_stays_within_its_policy(
            first_ms in 0_u64..40_000_000_000,
            factor in 1.0_f64..=10.0,
            max_ms in 0_u64..31_600_000_000,
            jitter in 0.0_f64..=1.0,
            failures: u32,
            seed: u64,
        ) {
            let policy = policy(first_ms, factor, max_ms, jitter);
            let wait = backoff(&policy, failures, &mut Seeded::new(seed));
            prop_assert!(wait <= policy.max);
            let least = policy.first.min(policy.max).mul_f64(1.0 - jitter);
            prop_assert!(wait + Duration::from_micros(1) >= least.mul_f64(0.999_999));
        }
    }
}
