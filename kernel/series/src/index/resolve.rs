//! From matchers to series.

use roaring::RoaringBitmap;

use super::{Index, Postings, Values};
use crate::{Labels, MatchOp, Matcher};

/// Looking at a series' own labels costs about as much as this many values of a dictionary.
const LABELS_COST: usize = 2;

impl Index {
    /// The slots whose labels satisfy every matcher; `labels` gives those of a slot.
    pub(crate) fn select<'a>(
        &self,
        matchers: &[Matcher],
        labels: impl Fn(u32) -> Option<&'a Labels>,
    ) -> RoaringBitmap {
        let mut rest: Vec<&Matcher> = Vec::with_capacity(matchers.len());
        let mut found: Option<RoaringBitmap> = None;
        // What names one value comes first: it makes the set small for what is dear.
        for matcher in matchers {
            if matcher.op() != MatchOp::Equal || matcher.value().is_empty() {
                rest.push(matcher);
                continue;
            }
            let Some(postings) = self.postings(matcher.name(), matcher.value()) else {
                return RoaringBitmap::new();
            };
            found = Some(narrow(found, postings));
        }
        rest.sort_by_key(|matcher| (matcher.matches_empty(), self.dictionary(matcher)));
        for matcher in rest {
            let is_small =
                |set: &RoaringBitmap| set.len() as usize * LABELS_COST < self.dictionary(matcher);
            found = Some(match found {
                Some(set) if is_small(&set) => filter(set, matcher, &labels),
                found => self.apply(found, matcher),
            });
        }
        found.unwrap_or_else(|| self.all.clone())
    }

    fn apply(&self, found: Option<RoaringBitmap>, matcher: &Matcher) -> RoaringBitmap {
        let values = self.labels.get(matcher.name());
        if matcher.matches_empty() {
            let mut set = found.unwrap_or_else(|| self.all.clone());
            if let Some(values) = values {
                set -= values.matching(matcher, false);
            }
            return set;
        }
        let matching = values.map(|values| values.matching(matcher, true));
        match (found, matching) {
            (_, None) => RoaringBitmap::new(),
            (None, Some(matching)) => matching,
            (Some(set), Some(matching)) => set & matching,
        }
    }

    fn postings(&self, name: &str, value: &str) -> Option<&Postings> {
        self.labels.get(name)?.by_value.get(value)
    }

    fn dictionary(&self, matcher: &Matcher) -> usize {
        let values = self.labels.get(matcher.name());
        values.map_or(0, |values| values.by_value.len())
    }
}

impl Values {
    /// The slots of the values that match, or of those that do not.
    fn matching(&self, matcher: &Matcher, wanted: bool) -> RoaringBitmap {
        let names_wanted = matches!(matcher.op(), MatchOp::Equal | MatchOp::Regex) == wanted;
        if is_regex(matcher) && matches!(matcher.value(), ".*" | ".+") {
            return if names_wanted {
                self.any.clone()
            } else {
                RoaringBitmap::new()
            };
        }
        let mut set = RoaringBitmap::new();
        if let Some(literals) = literals(matcher) {
            for literal in literals {
                if let Some(postings) = self.by_value.get(literal) {
                    postings.add_to(&mut set);
                }
            }
            return if names_wanted { set } else { &self.any - set };
        }
        for (value, postings) in &self.by_value {
            if matcher.matches(value) == wanted {
                postings.add_to(&mut set);
            }
        }
        set
    }
}

/// The values that the matcher names, when they can be told without running it.
fn literals(matcher: &Matcher) -> Option<impl Iterator<Item = &str>> {
    let is_regex = is_regex(matcher);
    let is_plain =
        |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | ':' | '/' | ' ' | ',' | '=');
    let pattern = matcher.value();
    if is_regex && !pattern.chars().all(|c| c == '|' || is_plain(c)) {
        return None;
    }
    let whole = (!is_regex).then_some(pattern);
    let parts = is_regex.then(|| pattern.split('|')).into_iter().flatten();
    Some(whole.into_iter().chain(parts))
}

fn is_regex(matcher: &Matcher) -> bool {
    matches!(matcher.op(), MatchOp::Regex | MatchOp::NotRegex)
}

fn narrow(found: Option<RoaringBitmap>, postings: &Postings) -> RoaringBitmap {
    match found {
        Some(mut set) => {
            postings.keep_in(&mut set);
            set
        }
        None => {
            let mut set = RoaringBitmap::new();
            postings.add_to(&mut set);
            set
        }
    }
}

fn filter<'a>(
    set: RoaringBitmap,
    matcher: &Matcher,
    labels: &impl Fn(u32) -> Option<&'a Labels>,
) -> RoaringBitmap {
    let matches = |slot: &u32| {
        labels(*slot).is_some_and(|l| matcher.matches(l.get(matcher.name()).unwrap_or("")))
    };
    set.into_iter().filter(matches).collect()
}
