//! Names, values, series and what is said about them, without a look at samples.

use std::collections::BTreeSet;

use roaring::RoaringBitmap;

use super::{State, Store};
use crate::{Error, Exemplar, Labels, Matcher, Metadata};

/// Which series a list is made of.
#[derive(Debug, Clone)]
pub struct Listing {
    /// Series that one of these sets of matchers accepts; none means every series.
    pub any_of: Vec<Vec<Matcher>>,
    /// With samples, or perhaps, from here, Unix milliseconds, inclusive.
    pub from_ms: i64,
    /// Up to here, inclusive.
    pub to_ms: i64,
    /// At most so many entries; the first in order.
    pub limit: usize,
}

impl Listing {
    /// Everything.
    pub fn all() -> Self {
        Self {
            any_of: Vec::new(),
            from_ms: i64::MIN,
            to_ms: i64::MAX,
            limit: usize::MAX,
        }
    }

    fn is_of_all(&self, state: &State) -> bool {
        self.any_of.is_empty() && self.from_ms == i64::MIN && self.to_ms >= state.head.newest_ms
    }
}

impl Store {
    /// The names of labels, sorted.
    ///
    /// # Errors
    /// When stored data is damaged.
    pub fn label_names(&self, listing: &Listing) -> Result<Vec<String>, Error> {
        let state = self.read_state();
        let mut names: BTreeSet<&str> = BTreeSet::new();
        if listing.is_of_all(&state) {
            names.extend(state.head.index.names());
        } else {
            for slot in state.slots(listing) {
                let series = state.head.table.series(slot);
                names.extend(
                    series
                        .iter()
                        .flat_map(|s| s.labels.iter())
                        .map(|(name, _)| name),
                );
            }
        }
        Ok(names
            .into_iter()
            .take(listing.limit)
            .map(str::to_owned)
            .collect())
    }

    /// The values of a label, sorted.
    ///
    /// # Errors
    /// When stored data is damaged.
    pub fn label_values(&self, name: &str, listing: &Listing) -> Result<Vec<String>, Error> {
        let state = self.read_state();
        let mut values: Vec<&str> = if listing.is_of_all(&state) {
            state.head.index.values(name).collect()
        } else {
            let slots = state.slots(listing).into_iter();
            slots
                .filter_map(|slot| state.head.table.series(slot)?.labels.get(name))
                .collect()
        };
        values.sort_unstable();
        values.dedup();
        values.truncate(listing.limit);
        Ok(values.into_iter().map(str::to_owned).collect())
    }

    /// The labels of series, sorted.
    ///
    /// # Errors
    /// When stored data is damaged.
    pub fn series(&self, listing: &Listing) -> Result<Vec<Labels>, Error> {
        let state = self.read_state();
        let slots = state.head.sort(&state.slots(listing)).into_iter();
        let labels = slots.filter_map(|slot| Some(state.head.table.series(slot)?.labels.clone()));
        Ok(labels.take(listing.limit).collect())
    }

    /// What metrics are said to be, by name; of all, or of one.
    pub fn metadata(&self, metric: Option<&str>, limit: usize) -> Vec<(String, Metadata)> {
        let state = self.read_state();
        let all = state.head.metadata.iter();
        let wanted = all.filter(|(name, _)| metric.is_none_or(|metric| metric == &***name));
        wanted
            .take(limit)
            .map(|(name, data)| (name.to_string(), data.clone()))
            .collect()
    }

    /// Exemplars of series that the matchers accept, from one time to another, both inclusive; by series and time.
    pub fn exemplars(&self, listing: &Listing) -> Vec<(Labels, Vec<Exemplar>)> {
        let state = self.read_state();
        let accepts = |labels: &Labels| {
            let all_match = |matchers: &Vec<Matcher>| {
                let value = |matcher: &Matcher| labels.get(matcher.name()).unwrap_or("");
                matchers
                    .iter()
                    .all(|matcher| matcher.matches(value(matcher)))
            };
            listing.any_of.is_empty() || listing.any_of.iter().any(all_match)
        };
        let range = listing.from_ms..=listing.to_ms;
        let mut found: std::collections::BTreeMap<Labels, Vec<Exemplar>> = Default::default();
        for (labels, exemplar) in state.head.exemplars.iter() {
            if range.contains(&exemplar.timestamp_ms) && accepts(labels) {
                found
                    .entry(labels.clone())
                    .or_default()
                    .push(exemplar.clone());
            }
        }
        let mut found: Vec<_> = found.into_iter().take(listing.limit).collect();
        for (_, exemplars) in &mut found {
            exemplars.sort_by_key(|exemplar| exemplar.timestamp_ms);
        }
        found
    }
}

impl State {
    fn slots(&self, listing: &Listing) -> RoaringBitmap {
        let mut slots = RoaringBitmap::new();
        for matchers in &listing.any_of {
            slots |= self.head.select(matchers);
        }
        if listing.any_of.is_empty() {
            slots = self.head.select(&[]);
        }
        if listing.is_of_all(self) {
            return slots;
        }
        let (from_ms, to_ms) = (listing.from_ms, listing.to_ms);
        let may_have = |slot: &u32| self.head.may_have(*slot, from_ms, to_ms);
        slots.into_iter().filter(may_have).collect()
    }
}
