//! Whether a counter began anew between two samples.

use super::bounds::reduced_index;
use super::sum::{Slot, intersection, rebase, slots};
use super::zero::{absorb, uncut};
use super::{Compensated, CounterReset, Histogram};

impl Histogram {
    /// Whether its counts began anew since an earlier sample of the same series: its hint says so, or, without a hint,
    /// any count fell, a bucket that counted something is gone, or the layout changed in a way that only a restart
    /// explains (finer buckets, a narrower zero bucket).
    pub fn is_reset_after(&self, previous: &Self) -> bool {
        match self.counter_reset {
            CounterReset::Reset => return true,
            CounterReset::NotReset => return false,
            CounterReset::Unknown | CounterReset::Gauge => {}
        }
        if self.count < previous.count {
            return true;
        }
        if self.same_layout(previous) {
            return self.any_fell(previous);
        }
        if self.uses_custom_bounds() {
            return !previous.uses_custom_bounds() || self.custom_fell(previous);
        }
        if self.schema > previous.schema || self.zero_threshold < previous.zero_threshold {
            return true;
        }
        self.exponential_fell(previous)
    }

    /// As the rest, for layouts that are the same: no bucket has to be looked for.
    fn any_fell(&self, previous: &Self) -> bool {
        let fell = |now: &[f64], then: &[f64]| now.iter().zip(then).any(|(now, then)| now < then);
        self.zero_count < previous.zero_count
            || fell(&self.positive_buckets, &previous.positive_buckets)
            || fell(&self.negative_buckets, &previous.negative_buckets)
    }

    fn custom_fell(&self, previous: &Self) -> bool {
        let mut now = slots(&self.positive_spans, &self.positive_buckets, 1.0);
        let mut then = slots(&previous.positive_spans, &previous.positive_buckets, 1.0);
        if self.custom_bounds != previous.custom_bounds {
            let common = intersection(&self.custom_bounds, &previous.custom_bounds);
            rebase(&mut now, &self.custom_bounds, &common);
            rebase(&mut then, &previous.custom_bounds, &common);
        }
        fell(&now, &then)
    }

    fn exponential_fell(&self, previous: &Self) -> bool {
        let threshold = self.zero_threshold;
        let mut zero = Compensated::new(previous.zero_count);
        let mut then_positive = slots(&previous.positive_spans, &previous.positive_buckets, 1.0);
        let mut then_negative = slots(&previous.negative_spans, &previous.negative_buckets, 1.0);
        if threshold != previous.zero_threshold {
            for side in [&mut then_positive, &mut then_negative] {
                if uncut(side, previous.schema, threshold) > threshold {
                    return true;
                }
                absorb(side, previous.schema, threshold, &mut zero);
            }
        }
        if self.zero_count < zero.total() {
            return true;
        }
        if self.schema < previous.schema {
            for side in [&mut then_positive, &mut then_negative] {
                for slot in side.iter_mut() {
                    slot.index = reduced_index(slot.index, previous.schema, self.schema);
                }
                super::sum::join_equal(side);
            }
        }
        let now_positive = slots(&self.positive_spans, &self.positive_buckets, 1.0);
        let now_negative = slots(&self.negative_spans, &self.negative_buckets, 1.0);
        fell(&now_positive, &then_positive) || fell(&now_negative, &then_negative)
    }
}

/// Whether a bucket counts less now than it did then; both ascend by index.
fn fell(now: &[Slot], then: &[Slot]) -> bool {
    let mut rest = now.iter().peekable();
    then.iter().any(|before| {
        while rest.next_if(|slot| slot.index < before.index).is_some() {}
        let found = rest.peek().filter(|slot| slot.index == before.index);
        found.map_or(0.0, |slot| slot.count.total()) < before.count.total()
    })
}
