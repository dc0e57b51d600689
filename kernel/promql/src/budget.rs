//! How many samples a query holds in memory.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::error::Error;

/// Counts samples against a limit.
#[derive(Debug)]
pub(crate) struct Budget {
    used: AtomicUsize,
    samples_max: usize,
}

impl Budget {
    /// With nothing used.
    pub(crate) fn new(samples_max: usize) -> Self {
        Self {
            used: AtomicUsize::new(0),
            samples_max,
        }
    }

    /// Takes samples into account.
    ///
    /// # Errors
    /// When there are more than allowed.
    pub(crate) fn charge(&self, samples: usize) -> Result<(), Error> {
        let before = self.used.fetch_add(samples, Ordering::Relaxed);
        match before.saturating_add(samples) <= self.samples_max {
            true => Ok(()),
            false => Err(Error::TooManySamples {
                samples_max: self.samples_max,
            }),
        }
    }

    /// Gives samples back; what was never taken counts as given back too, because columns that were merged may take
    /// more room than they did apart.
    pub(crate) fn release(&self, samples: usize) {
        let released = |used: usize| Some(used.saturating_sub(samples));
        let order = Ordering::Relaxed;
        self.used
            .fetch_update(order, order, released)
            .expect("there is always a difference");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_holds_whatever_is_given_back() {
        let budget = Budget::new(10);
        assert!(budget.charge(10).is_ok());
        assert!(budget.charge(1).is_err());
        budget.release(100);
        assert!(budget.charge(10).is_ok());
        assert!(budget.charge(1).is_err());
    }
}
