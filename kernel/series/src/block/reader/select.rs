//! Which series match.

use super::super::contents::SectionKind;
use super::super::postings::{self, intersect, subtract};
use super::{Block, Name};
use crate::{Error, MatchOp, Matcher};

/// When there are so many times more values than series left, each series' value is looked at instead of each value.
const VALUES_PER_SERIES: usize = 4;

impl Block {
    /// The ids of the series that all matchers match and that have, or may have, a sample that is not deleted from
    /// `from_ms` to `to_ms`, both inclusive; ascending, which is the order of their labels.
    ///
    /// # Errors
    /// [`Error::DamagedFile`] when its index makes no sense.
    pub fn select(
        &self,
        matchers: &[Matcher],
        from_ms: i64,
        to_ms: i64,
    ) -> Result<Vec<u32>, Error> {
        if from_ms > self.meta.last_ms || to_ms < self.meta.first_ms {
            return Ok(Vec::new());
        }
        let mut ids = self.matching(matchers)?;
        let is_whole = from_ms <= self.meta.first_ms && to_ms >= self.meta.last_ms;
        let deleted = self.deleted();
        if is_whole && deleted.is_empty() {
            return Ok(ids);
        }
        let mut kept = Vec::with_capacity(ids.len());
        for id in ids.drain(..) {
            let mut pages = self.entry(id, |_, _| {})?;
            while let Some(place) = pages.next()? {
                let (first, last) = (
                    place.time.first_ms.max(from_ms),
                    place.time.last_ms.min(to_ms),
                );
                if first <= last && !deleted.covers(id, first, last) {
                    kept.push(id);
                    break;
                }
            }
        }
        Ok(kept)
    }

    fn matching(&self, matchers: &[Matcher]) -> Result<Vec<u32>, Error> {
        // What leaves the fewest with the least work comes first: one value, then several, then exceptions.
        let mut ordered: Vec<&Matcher> = matchers.iter().collect();
        ordered.sort_by_key(|matcher| (matcher.matches_empty(), matcher.op() != MatchOp::Equal));
        let mut left: Option<Vec<u32>> = None;
        for matcher in ordered {
            let Some((place, name)) = self.name(matcher.name()) else {
                match matcher.matches_empty() {
                    true => continue,
                    false => return Ok(Vec::new()),
                }
            };
            let is_exception = matcher.matches_empty();
            left = Some(match left {
                Some(left) if left.is_empty() => return Ok(left),
                Some(left) if left.len() * VALUES_PER_SERIES < name.values => {
                    self.filter(left, place, name, matcher)?
                }
                Some(left) if is_exception => {
                    subtract(&left, &self.with_value(name, matcher, false)?)
                }
                Some(left) => intersect(&left, &self.with_value(name, matcher, true)?),
                None if is_exception => {
                    subtract(&self.all(), &self.with_value(name, matcher, false)?)
                }
                None => self.with_value(name, matcher, true)?,
            });
        }
        Ok(left.unwrap_or_else(|| self.all()))
    }

    fn all(&self) -> Vec<u32> {
        (0..self.meta.series).collect()
    }

    /// The series that have the label with a value that matches, or one that does not.
    fn with_value(&self, name: &Name, matcher: &Matcher, wanted: bool) -> Result<Vec<u32>, Error> {
        let dictionary = self.dictionary(name)?;
        let bad = |reason| self.damaged_in(SectionKind::Values, name.at, reason);
        let is_one = match matcher.op() {
            MatchOp::Equal => wanted,
            MatchOp::NotEqual => !wanted,
            MatchOp::Regex | MatchOp::NotRegex => false,
        };
        let mut values = Vec::new();
        if is_one {
            values.extend(dictionary.find(matcher.value()).map_err(bad)?);
        } else {
            let each = |id, value: &str| {
                if matcher.matches(value) == wanted {
                    values.push(id);
                }
            };
            dictionary.for_each(each).map_err(bad)?;
        }
        let section = self.section(SectionKind::Postings);
        let mut ids = Vec::new();
        for value in &values {
            let range = dictionary.postings(*value);
            let at = range.start;
            let bytes = section
                .get(range)
                .ok_or("postings are beyond their section");
            bytes
                .and_then(|bytes| postings::read(bytes, self.meta.series, &mut ids))
                .map_err(|reason| self.damaged_in(SectionKind::Postings, at, reason))?;
        }
        if values.len() > 1 {
            // A series has one value of a label, so no id comes twice.
            ids.sort_unstable();
        }
        Ok(ids)
    }

    /// Those of the series whose own value matches.
    fn filter(
        &self,
        ids: Vec<u32>,
        place: usize,
        name: &Name,
        matcher: &Matcher,
    ) -> Result<Vec<u32>, Error> {
        let mut buffer = Vec::new();
        let mut kept = Vec::with_capacity(ids.len());
        for id in ids {
            let mut found = None;
            self.entry(id, |name, value| {
                if name == place {
                    found = Some(value);
                }
            })?;
            let is_match = match found {
                None => matcher.matches_empty(),
                Some(value) => matcher.matches(&self.value(name, value, &mut buffer)?),
            };
            if is_match {
                kept.push(id);
            }
        }
        Ok(kept)
    }
}
