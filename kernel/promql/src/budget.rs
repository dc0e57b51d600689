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

    /// Gives samples back.
    pub(crate) fn release(&self, samples: usize) {
        self.used.fetch_sub(samples, Ordering::Relaxed);
    }
}
