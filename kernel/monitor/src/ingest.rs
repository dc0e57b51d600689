//! Which rules a sample concerns.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use portique_series::{BatchSeries, Labels, METRIC_NAME, MatchOp, Matcher};

/// So many series are remembered with their rules; of more, the rules are looked for at each sample.
const WATCHED_MAX: usize = 1 << 20;

/// From series to the rules that read them, by the rules' ordinals.
#[derive(Default)]
pub(crate) struct Index {
    /// Selectors that ask for one metric.
    by_metric: HashMap<Box<str>, Vec<Reader>>,
    /// Selectors that may match any.
    any: Vec<Reader>,
    /// What has been found out so far.
    watched: HashMap<Labels, Watched>,
    /// Equal lists are kept once: a million series of one metric have the same readers.
    lists: HashSet<Arc<[usize]>>,
}

/// Which series concern rules that are triggered by samples: more than those that do, never fewer.
#[derive(Debug, Default)]
pub struct Interest {
    metrics: HashSet<Box<str>>,
    /// Selectors that may match any metric.
    any: Vec<Vec<Matcher>>,
}

impl Interest {
    /// Whether nothing concerns any rule.
    pub fn is_empty(&self) -> bool {
        self.metrics.is_empty() && self.any.is_empty()
    }

    /// Whether a series may concern a rule.
    pub fn has(&self, series: &BatchSeries<'_>) -> bool {
        let value = |name: &str| {
            let mut labels = series.labels();
            labels
                .find(|(known, _)| *known == name)
                .map_or("", |(_, value)| value)
        };
        if self.metrics.contains(value(METRIC_NAME)) {
            return true;
        }
        let mut any = self.any.iter();
        any.any(|matchers| matchers.iter().all(|m| m.matches(value(m.name()))))
    }
}

struct Reader {
    rule: usize,
    matchers: Vec<Matcher>,
}

struct Watched {
    rules: Arc<[usize]>,
    newest_ms: i64,
}

impl Index {
    /// Adds a rule with its selectors; what was found out is forgotten.
    pub(crate) fn add(&mut self, rule: usize, selectors: &[Vec<Matcher>]) {
        self.watched.clear();
        for matchers in selectors {
            let reader = Reader {
                rule,
                matchers: matchers.clone(),
            };
            let named = matchers
                .iter()
                .find(|m| m.name() == METRIC_NAME && m.op() == MatchOp::Equal);
            match named {
                Some(name) => {
                    let readers = self.by_metric.entry(Box::from(name.value())).or_default();
                    readers.push(reader);
                }
                None => self.any.push(reader),
            }
        }
    }

    /// The rules that read a series, when the sample is its newest up to `until_ms`; none when it is not.
    pub(crate) fn readers(
        &mut self,
        labels: &Labels,
        at_ms: i64,
        until_ms: i64,
    ) -> Option<Arc<[usize]>> {
        if self.any.is_empty() && !self.by_metric.contains_key(labels.metric()) {
            return None;
        }
        if let Some(watched) = self.watched.get_mut(labels) {
            // A newest sample of the future is from before the clock was set back.
            if at_ms < watched.newest_ms && watched.newest_ms <= until_ms {
                return None;
            }
            watched.newest_ms = at_ms;
            return Some(Arc::clone(&watched.rules));
        }
        let rules = self.find(labels);
        if self.watched.len() < WATCHED_MAX {
            let watched = Watched {
                rules: Arc::clone(&rules),
                newest_ms: at_ms,
            };
            self.watched.insert(labels.clone(), watched);
        }
        Some(rules)
    }

    /// What a series has to be like to have readers.
    pub(crate) fn interest(&self) -> Interest {
        Interest {
            metrics: self.by_metric.keys().cloned().collect(),
            any: self.any.iter().map(|r| r.matchers.clone()).collect(),
        }
    }

    /// Forgets a series that is gone.
    pub(crate) fn remove(&mut self, labels: &Labels) {
        self.watched.remove(labels);
    }

    fn find(&mut self, labels: &Labels) -> Arc<[usize]> {
        let named = self.by_metric.get(labels.metric());
        let readers = named.into_iter().flatten().chain(&self.any);
        let matching = readers.filter(|reader| {
            let mut matchers = reader.matchers.iter();
            matchers.all(|m| m.matches(labels.get(m.name()).unwrap_or("")))
        });
        let mut rules: Vec<usize> = matching.map(|reader| reader.rule).collect();
        rules.sort_unstable();
        rules.dedup();
        if let Some(known) = self.lists.get(rules.as_slice()) {
            return Arc::clone(known);
        }
        let rules: Arc<[usize]> = Arc::from(rules);
        self.lists.insert(Arc::clone(&rules));
        rules
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(metric: &str, job: &str) -> Labels {
        Labels::from_pairs([(METRIC_NAME, metric), ("job", job)])
    }

    fn named(metric: &str) -> Matcher {
        Matcher::equal(METRIC_NAME, metric)
    }

    #[test]
    fn a_series_finds_the_rules_that_select_it() {
        let mut index = Index::default();
        index.add(0, &[vec![named("up"), Matcher::equal("job", "a")]]);
        index.add(1, &[vec![named("down")], vec![named("up")]]);
        let all = Matcher::new(METRIC_NAME, MatchOp::Regex, "u.*").unwrap();
        index.add(2, &[vec![all]]);
        let mut of = |labels: &Labels| index.readers(labels, 1, 99).map(|r| r.to_vec());
        assert_eq!(of(&labels("up", "a")), Some(vec![0, 1, 2]));
        assert_eq!(of(&labels("up", "b")), Some(vec![1, 2]));
        assert_eq!(of(&labels("down", "a")), Some(vec![1]));
        assert_eq!(of(&labels("other", "a")), Some(Vec::new()));
    }

    #[test]
    fn an_older_sample_concerns_nobody() {
        let mut index = Index::default();
        index.add(0, &[vec![named("up")]]);
        assert!(index.readers(&labels("up", "a"), 10, 99).is_some());
        assert!(index.readers(&labels("up", "a"), 9, 99).is_none());
        assert!(index.readers(&labels("up", "a"), 11, 99).is_some());
        assert!(index.readers(&labels("down", "a"), 11, 99).is_none());
        assert!(index.readers(&labels("up", "a"), 5, 7).is_some());
    }
}
