//! Names, values, series and what is said about them, without a look at samples.

use std::collections::BTreeSet;

use roaring::RoaringBitmap;

use super::blocks::OpenBlock;
use super::select::select_in;
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

    /// Whether nothing narrows it, as far as this span of time goes.
    fn is_of_all(&self, first_ms: i64, last_ms: i64) -> bool {
        self.any_of.is_empty() && self.from_ms <= first_ms && self.to_ms >= last_ms
    }

    /// The sets of matchers; one that is empty accepts everything.
    fn sets(&self) -> Vec<Vec<Matcher>> {
        match self.any_of.is_empty() {
            true => vec![Vec::new()],
            false => self.any_of.clone(),
        }
    }
}

impl Store {
    /// The names of labels, sorted.
    ///
    /// # Errors
    /// When stored data is damaged.
    pub fn label_names(&self, listing: &Listing) -> Result<Vec<String>, Error> {
        let mut names = BTreeSet::new();
        let blocks = {
            let state = self.read_state();
            state.add_names(listing, &mut names);
            self.listed_blocks(&state, listing)
        };
        for block in blocks {
            let ids = ids_in(&block, listing)?;
            block.block.label_names(ids.as_deref(), &mut names)?;
        }
        Ok(names.into_iter().take(listing.limit).collect())
    }

    /// The values of a label, sorted.
    ///
    /// # Errors
    /// When stored data is damaged.
    pub fn label_values(&self, name: &str, listing: &Listing) -> Result<Vec<String>, Error> {
        let (mut values, blocks) = {
            let state = self.read_state();
            (
                state.values(name, listing),
                self.listed_blocks(&state, listing),
            )
        };
        if !blocks.is_empty() {
            let mut all: BTreeSet<String> = values.drain(..).collect();
            for block in blocks {
                let ids = ids_in(&block, listing)?;
                block.block.label_values(name, ids.as_deref(), &mut all)?;
            }
            values.extend(all);
        }
        values.truncate(listing.limit);
        Ok(values)
    }

    /// The labels of series, sorted.
    ///
    /// # Errors
    /// When stored data is damaged.
    pub fn series(&self, listing: &Listing) -> Result<Vec<Labels>, Error> {
        let found = self.find(&listing.sets(), listing.from_ms, listing.to_ms)?;
        let labels = found.series.into_iter().map(|series| series.labels);
        Ok(labels.take(listing.limit).collect())
    }

    /// The blocks that may have samples in the time wanted.
    fn listed_blocks(&self, state: &State, listing: &Listing) -> Vec<OpenBlock> {
        let is_listed = |block: &&OpenBlock| {
            let oldest_ms = self.oldest_of(block, state.head.newest_ms);
            block.first_ms <= listing.to_ms && block.last_ms >= listing.from_ms.max(oldest_ms)
        };
        state.blocks.iter().filter(is_listed).cloned().collect()
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
    fn add_names(&self, listing: &Listing, names: &mut BTreeSet<String>) {
        if self.is_whole(listing) {
            names.extend(self.head.index.names().map(str::to_owned));
            return;
        }
        for slot in self.slots(listing) {
            let labels = self
                .head
                .table
                .series(slot)
                .into_iter()
                .flat_map(|s| s.labels.iter());
            for (name, _) in labels {
                if !names.contains(name) {
                    names.insert(name.to_owned());
                }
            }
        }
    }

    /// Sorted, each once.
    fn values(&self, name: &str, listing: &Listing) -> Vec<String> {
        let mut values: Vec<&str> = if self.is_whole(listing) {
            self.head.index.values(name).collect()
        } else {
            let slots = self.slots(listing).into_iter();
            slots
                .filter_map(|slot| self.head.table.series(slot)?.labels.get(name))
                .collect()
        };
        values.sort_unstable();
        values.dedup();
        values.into_iter().map(str::to_owned).collect()
    }

    fn is_whole(&self, listing: &Listing) -> bool {
        listing.is_of_all(self.head.oldest_ms, self.head.newest_ms)
    }

    fn slots(&self, listing: &Listing) -> RoaringBitmap {
        let mut slots = RoaringBitmap::new();
        for matchers in listing.sets() {
            slots |= self.head.select(&matchers);
        }
        let (from_ms, to_ms) = (listing.from_ms, listing.to_ms);
        let may_have = |slot: &u32| self.head.may_have(*slot, from_ms, to_ms);
        slots.into_iter().filter(may_have).collect()
    }
}

/// The series of a block that are listed; `None` for all of them.
fn ids_in(block: &OpenBlock, listing: &Listing) -> Result<Option<Vec<u32>>, Error> {
    let is_whole = listing.is_of_all(block.first_ms, block.last_ms);
    if is_whole && !block.block.meta().has_deleted {
        return Ok(None);
    }
    let sets = listing.sets();
    select_in(block, &sets, listing.from_ms, listing.to_ms).map(Some)
}
