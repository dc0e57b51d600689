//! Adding up many histograms.

use super::bounds::{reduced_index, upper_bound};
use super::bucket::{Indexed, indexed, packed};
use super::{Compensated, CounterReset, Histogram, Span};

/// What a reader of a sum should be told about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Merged {
    /// One of the two began anew since the sample before and the other did not.
    pub resets_collide: bool,
    /// Custom bounds differed: only those stay that both had.
    pub bounds_reconciled: bool,
}

/// The sum of any number of histograms, precise however many there are.
#[derive(Debug, Clone)]
pub struct HistogramSum {
    pub(super) schema: i32,
    pub(super) zero_threshold: f64,
    pub(super) zero_count: Compensated,
    count: Compensated,
    sum: Compensated,
    pub(super) positive: Vec<Slot>,
    pub(super) negative: Vec<Slot>,
    custom_bounds: Vec<f64>,
    counter_reset: CounterReset,
}

/// A bucket in the making.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slot {
    pub(super) index: i64,
    pub(super) count: Compensated,
}

impl HistogramSum {
    /// A sum that begins with a histogram.
    pub fn new(first: &Histogram) -> Self {
        Self {
            schema: first.schema,
            zero_threshold: first.zero_threshold,
            zero_count: Compensated::new(first.zero_count),
            count: Compensated::new(first.count),
            sum: Compensated::new(first.sum),
            positive: slots(&first.positive_spans, &first.positive_buckets, 1.0),
            negative: slots(&first.negative_spans, &first.negative_buckets, 1.0),
            custom_bounds: first.custom_bounds.clone(),
            counter_reset: first.counter_reset,
        }
    }

    /// Adds a histogram as [`Histogram::add`] does.
    ///
    /// `None`, and nothing changed, when one has custom bounds and the other has not.
    #[must_use = "the two may not go together"]
    pub fn add(&mut self, other: &Histogram) -> Option<Merged> {
        self.merge(other, 1.0)
    }

    /// Takes a histogram away as [`Histogram::subtract`] does.
    ///
    /// `None`, and nothing changed, when one has custom bounds and the other has not.
    #[must_use = "the two may not go together"]
    pub fn subtract(&mut self, other: &Histogram) -> Option<Merged> {
        self.merge(other, -1.0)
    }

    /// Multiplies every count and the sum.
    pub fn scale(&mut self, factor: f64) {
        for part in self.parts_mut() {
            part.scale(factor);
        }
    }

    /// Whether a count or the sum has become infinite.
    pub fn overflows(&self) -> bool {
        let slots = self.positive.iter().chain(&self.negative);
        let mut counts = slots.map(|slot| slot.count.value);
        [self.zero_count, self.count, self.sum]
            .iter()
            .any(|part| part.value.is_infinite())
            || counts.any(f64::is_infinite)
    }

    /// The sum so far.
    pub fn total(&self) -> Histogram {
        self.clone().into_total()
    }

    /// The sum.
    pub fn into_total(self) -> Histogram {
        let total = |slot: &Slot| (slot.index, slot.count.total());
        let (positive_spans, positive_buckets) = packed(self.positive.iter().map(total));
        let (negative_spans, negative_buckets) = packed(self.negative.iter().map(total));
        Histogram {
            schema: self.schema,
            zero_threshold: self.zero_threshold,
            zero_count: self.zero_count.total(),
            count: self.count.total(),
            sum: self.sum.total(),
            positive_spans,
            positive_buckets,
            negative_spans,
            negative_buckets,
            custom_bounds: self.custom_bounds,
            counter_reset: self.counter_reset,
        }
    }

    pub(super) fn merge(&mut self, other: &Histogram, sign: f64) -> Option<Merged> {
        if (self.schema == super::SCHEMA_CUSTOM) != other.uses_custom_bounds() {
            return None;
        }
        let (reset, resets_collide) = self.counter_reset.combine(other.counter_reset);
        self.counter_reset = reset;
        self.count.add(sign * other.count);
        self.sum.add(sign * other.sum);
        let bounds_reconciled = if other.uses_custom_bounds() {
            self.merge_custom(other, sign)
        } else {
            self.merge_exponential(other, sign);
            false
        };
        Some(Merged {
            resets_collide,
            bounds_reconciled,
        })
    }

    /// Merges buckets into those of a coarser exponential schema.
    pub(super) fn reduce(&mut self, schema: i32) {
        let (from, to) = (self.schema, schema);
        if to >= from {
            return;
        }
        for side in [&mut self.positive, &mut self.negative] {
            for slot in side.iter_mut() {
                slot.index = reduced_index(slot.index, from, to);
            }
            join_equal(side);
        }
        self.schema = schema;
    }

    fn merge_exponential(&mut self, other: &Histogram, sign: f64) {
        if self.zero_threshold != other.zero_threshold {
            return self.merge_other_zero(other, sign);
        }
        self.zero_count.add(sign * other.zero_count);
        self.reduce(self.schema.min(other.schema));
        let (from, to) = (other.schema, self.schema);
        let slot = |(index, count): Indexed| Slot {
            index: reduced_index(index, from, to),
            count: Compensated::new(sign * count),
        };
        let positive = indexed(&other.positive_spans, &other.positive_buckets);
        add_slots(&mut self.positive, positive.map(slot));
        let negative = indexed(&other.negative_spans, &other.negative_buckets);
        add_slots(&mut self.negative, negative.map(slot));
    }

    fn merge_other_zero(&mut self, other: &Histogram, sign: f64) {
        let mut positive = slots(&other.positive_spans, &other.positive_buckets, sign);
        let mut negative = slots(&other.negative_spans, &other.negative_buckets, sign);
        let mut other_zero = Compensated::new(sign * other.zero_count);
        let threshold = self.common_threshold(other);
        self.widen_zero(threshold);
        super::zero::absorb(&mut positive, other.schema, threshold, &mut other_zero);
        super::zero::absorb(&mut negative, other.schema, threshold, &mut other_zero);
        self.zero_count.add(other_zero.value);
        self.zero_count.add(other_zero.lost);
        self.reduce(self.schema.min(other.schema));
        for side in [&mut positive, &mut negative] {
            for slot in side.iter_mut() {
                slot.index = reduced_index(slot.index, other.schema, self.schema);
            }
        }
        add_slots(&mut self.positive, positive.into_iter());
        add_slots(&mut self.negative, negative.into_iter());
    }

    fn merge_custom(&mut self, other: &Histogram, sign: f64) -> bool {
        let mut slots = slots(&other.positive_spans, &other.positive_buckets, sign);
        let differ = self.custom_bounds != other.custom_bounds;
        if differ {
            let common = intersection(&self.custom_bounds, &other.custom_bounds);
            rebase(&mut self.positive, &self.custom_bounds, &common);
            rebase(&mut slots, &other.custom_bounds, &common);
            self.custom_bounds = common;
        }
        add_slots(&mut self.positive, slots.into_iter());
        differ
    }

    fn parts_mut(&mut self) -> impl Iterator<Item = &mut Compensated> {
        let sides = self.positive.iter_mut().chain(&mut self.negative);
        let whole = [&mut self.zero_count, &mut self.count, &mut self.sum];
        whole.into_iter().chain(sides.map(|slot| &mut slot.count))
    }
}

pub(super) fn slots(spans: &[Span], counts: &[f64], sign: f64) -> Vec<Slot> {
    indexed(spans, counts)
        .map(|(index, count)| Slot {
            index,
            count: Compensated::new(sign * count),
        })
        .collect()
}

/// Makes one slot of those in a row with the same index.
pub(super) fn join_equal(side: &mut Vec<Slot>) {
    side.dedup_by(|later, earlier| {
        let same = later.index == earlier.index;
        if same {
            earlier.count.add(later.count.value);
            earlier.count.add(later.count.lost);
        }
        same
    });
}

/// The bounds that both have.
pub(super) fn intersection(one: &[f64], other: &[f64]) -> Vec<f64> {
    let shared = |bound: &&f64| {
        other
            .binary_search_by(|found| found.total_cmp(bound))
            .is_ok()
    };
    one.iter().filter(shared).copied().collect()
}

/// Moves custom buckets into those of fewer bounds.
pub(super) fn rebase(side: &mut Vec<Slot>, from: &[f64], to: &[f64]) {
    for slot in side.iter_mut() {
        let upper = upper_bound(super::SCHEMA_CUSTOM, from, slot.index);
        let target = to.partition_point(|bound| *bound < upper);
        slot.index = i64::try_from(target).unwrap_or(i64::MAX);
    }
    join_equal(side);
}

/// Adds slots whose indexes ascend and may repeat; only for those that are not there yet is there something to move.
fn add_slots(into: &mut Vec<Slot>, from: impl Iterator<Item = Slot>) {
    let mut missing = Vec::new();
    let mut place = 0;
    for slot in from {
        while into
            .get(place)
            .is_some_and(|found| found.index < slot.index)
        {
            place += 1;
        }
        match into.get_mut(place) {
            Some(found) if found.index == slot.index => {
                found.count.add(slot.count.value);
                found.count.add(slot.count.lost);
            }
            _ => missing.push(slot),
        }
    }
    if !missing.is_empty() {
        insert_slots(into, &missing);
    }
}

fn insert_slots(into: &mut Vec<Slot>, from: &[Slot]) {
    let mut merged = Vec::with_capacity(into.len() + from.len());
    let mut left = into.iter().copied().peekable();
    for slot in from {
        while let Some(before) = left.next_if(|found| found.index <= slot.index) {
            merged.push(before);
        }
        merged.push(*slot);
    }
    merged.extend(left);
    join_equal(&mut merged);
    *into = merged;
}
