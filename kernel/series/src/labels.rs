//! A series' labels in one allocation.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::METRIC_NAME;

/// Names and values of a series, sorted by name; a name occurs once and no value is empty.
///
/// Packed into one string: each name and each value follows a `char` whose code point stands for its
/// length in bytes, so a clone is one count and equality is one comparison of bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Labels(Arc<str>);

/// The first code point after the surrogates, which no `char` can be.
const AFTER_SURROGATES: u32 = 0xE000;
const FIRST_SURROGATE: u32 = 0xD800;

impl Labels {
    /// A set without labels.
    pub fn empty() -> Self {
        Self(Arc::from(""))
    }

    /// Sorts the pairs by name; of one name the last counts, and an empty value means no label.
    ///
    /// # Panics
    /// When a name or value is longer than a mebibyte: readers of outside bytes refuse those.
    pub fn from_pairs<N: Into<String>, V: Into<String>>(
        pairs: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let mut builder = LabelsBuilder::default();
        for (name, value) in pairs {
            builder.set(name, value);
        }
        builder.build()
    }

    /// The value under a name; `None` when there is no such label.
    pub fn get(&self, name: &str) -> Option<&str> {
        for (found, value) in self.iter() {
            match found.cmp(name) {
                Ordering::Less => {}
                Ordering::Equal => return Some(value),
                Ordering::Greater => return None,
            }
        }
        None
    }

    /// The metric's name, or an empty string.
    pub fn metric(&self) -> &str {
        self.get(METRIC_NAME).unwrap_or("")
    }

    /// Names and values, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        Pairs { rest: &self.0 }
    }

    /// How many labels there are.
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// Whether there is no label.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The labels as one text, which no other labels have: as [`BatchSeries::key`](crate::BatchSeries::key).
    pub fn key(&self) -> &str {
        &self.0
    }

    /// Bytes that the packed form takes.
    pub fn packed_bytes(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn packed(&self) -> &str {
        &self.0
    }

    /// Takes over what [`pack`] wrote: names and values by turns, sorted by name, each once.
    pub(crate) fn from_packed(packed: &str) -> Self {
        Self(Arc::from(packed))
    }

    /// Takes over bytes that may be anything; `None` when they are not as [`pack`] writes them.
    pub(crate) fn parse_packed(packed: &str) -> Option<Self> {
        let mut pairs = Pairs { rest: packed };
        let mut last = None;
        while !pairs.rest.is_empty() {
            let (name, value) = (pairs.text()?, pairs.text()?);
            if name.is_empty() || value.is_empty() || last.is_some_and(|last| last >= name) {
                return None;
            }
            last = Some(name);
        }
        Some(Self::from_packed(packed))
    }

    /// The labels whose name is wanted.
    pub fn only(&self, mut wanted: impl FnMut(&str) -> bool) -> Self {
        let mut kept = String::with_capacity(self.0.len());
        let mut pairs = Pairs { rest: &self.0 };
        let mut before = pairs.rest;
        while let Some((name, _)) = pairs.next() {
            if wanted(name) {
                kept.push_str(&before[..before.len() - pairs.rest.len()]);
            }
            before = pairs.rest;
        }
        match kept.len() == self.0.len() {
            true => self.clone(),
            false => Self(Arc::from(kept)),
        }
    }

    /// A builder that begins with these labels.
    pub fn to_builder(&self) -> LabelsBuilder {
        let pairs = self.iter().map(|(n, v)| (n.to_owned(), v.to_owned()));
        LabelsBuilder {
            pairs: pairs.collect(),
        }
    }
}

impl Hash for Labels {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl PartialOrd for Labels {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// By name, then value, pair after pair; the shorter of two equal beginnings is first.
impl Ord for Labels {
    fn cmp(&self, other: &Self) -> Ordering {
        // Series of one metric begin alike: what is the same is passed over without a look at its labels.
        let common = common_bytes(self.0.as_bytes(), other.0.as_bytes());
        let mut ours = Pairs { rest: &self.0 };
        let mut done = 0;
        while ours.text().is_some() {
            let end = self.0.len() - ours.rest.len();
            if end > common {
                break;
            }
            done = end;
        }
        let [mut ours, mut theirs] = [&self.0, &other.0].map(|packed| Pairs {
            rest: &packed[done..],
        });
        ours.text().cmp(&theirs.text())
    }
}

/// How many bytes two strings begin with in common.
fn common_bytes(one: &[u8], other: &[u8]) -> usize {
    let (ours, _) = one.as_chunks::<8>();
    let (theirs, _) = other.as_chunks::<8>();
    let chunks = ours.iter().zip(theirs).take_while(|(a, b)| a == b);
    let begin = 8 * chunks.count();
    let rest = one[begin..].iter().zip(&other[begin..]);
    begin + rest.take_while(|(a, b)| a == b).count()
}

/// As PromQL writes a series: `name{a="b"}`.
impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.metric())?;
        let mut separator = '{';
        for (name, value) in self.iter().filter(|(name, _)| *name != METRIC_NAME) {
            write!(f, "{separator}{name}={value:?}")?;
            separator = ',';
        }
        match (separator, self.metric()) {
            (',', _) => f.write_str("}"),
            (_, "") => f.write_str("{}"),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Longest name or value, so that its length fits a `char`.
pub(crate) const LABEL_BYTES_MAX: usize = 1 << 20;

/// The pairs of packed labels.
pub(crate) fn unpack(packed: &str) -> impl Iterator<Item = (&str, &str)> {
    Pairs { rest: packed }
}

/// Adds a name or a value.
///
/// # Panics
/// When it is longer than [`LABEL_BYTES_MAX`].
pub(crate) fn pack(packed: &mut String, text: &str) {
    packed.push(length_char(text.len()));
    packed.push_str(text);
}

struct Pairs<'a> {
    rest: &'a str,
}

impl<'a> Pairs<'a> {
    fn text(&mut self) -> Option<&'a str> {
        let mut chars = self.rest.chars();
        let length = chars.next()? as u32;
        let length = match length {
            AFTER_SURROGATES.. => length - AFTER_SURROGATES + FIRST_SURROGATE,
            _ => length,
        };
        let (text, rest) = chars.as_str().split_at_checked(length as usize)?;
        self.rest = rest;
        Some(text)
    }
}

impl<'a> Iterator for Pairs<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        Some((self.text()?, self.text()?))
    }
}

/// Collects labels in any order.
#[derive(Debug, Clone, Default)]
pub struct LabelsBuilder {
    pairs: Vec<(String, String)>,
}

impl LabelsBuilder {
    /// Sets a label, replacing what it was; an empty value removes it.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<String>) -> &mut Self {
        let (name, value) = (name.into(), value.into());
        self.remove(&name);
        if !value.is_empty() {
            self.pairs.push((name, value));
        }
        self
    }

    /// Removes a label, if it is there.
    pub fn remove(&mut self, name: &str) -> &mut Self {
        self.pairs.retain(|(n, _)| n != name);
        self
    }

    /// The value under a name so far.
    pub fn value(&self, name: &str) -> Option<&str> {
        let found = self.pairs.iter().find(|(n, _)| n == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Keeps the labels whose name is wanted.
    pub fn keep(&mut self, mut wanted: impl FnMut(&str) -> bool) -> &mut Self {
        self.pairs.retain(|(name, _)| wanted(name));
        self
    }

    /// The labels, sorted.
    ///
    /// # Panics
    /// When a name or value is longer than a mebibyte.
    pub fn build(mut self) -> Labels {
        self.pairs.sort_unstable();
        let mut packed = String::new();
        for (name, value) in &self.pairs {
            for text in [name, value] {
                pack(&mut packed, text);
            }
        }
        Labels(Arc::from(packed))
    }
}

fn length_char(length: usize) -> char {
    let length = u32::try_from(length).expect("readers refuse labels this long");
    let point = match length {
        FIRST_SURROGATE.. => length - FIRST_SURROGATE + AFTER_SURROGATES,
        _ => length,
    };
    char::from_u32(point).expect("readers refuse labels over a mebibyte")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_come_back_sorted_and_the_last_of_a_name_counts() {
        let labels = Labels::from_pairs([("b", "1"), ("a", "é"), ("b", "2"), ("c", "")]);
        assert_eq!(labels.iter().collect::<Vec<_>>(), [("a", "é"), ("b", "2")]);
        assert_eq!(labels.get("b"), Some("2"));
        assert_eq!(labels.get("c"), None);
    }

    #[test]
    fn only_wanted_labels_stay() {
        let labels = Labels::from_pairs([("a", "1"), ("b", "é"), ("c", "3")]);
        let kept = labels.only(|name| name != "b");
        assert_eq!(kept, Labels::from_pairs([("a", "1"), ("c", "3")]));
        assert_eq!(labels.only(|_| true), labels);
        assert_eq!(labels.only(|_| false), Labels::empty());
    }

    #[test]
    fn lengths_around_the_surrogates_are_kept() {
        for length in [0xD7FF, 0xD800, 0xDFFF, 0xE000, 1 << 20] {
            let labels = Labels::from_pairs([("a", "x".repeat(length)), ("b", "y".to_owned())]);
            assert_eq!(labels.get("a").map(str::len), Some(length));
            assert_eq!(labels.get("b"), Some("y"));
        }
    }

    #[test]
    fn order_is_by_name_then_value_then_length() {
        let of = |pairs: &[(&str, &str)]| Labels::from_pairs(pairs.iter().copied());
        assert!(of(&[("a", "10")]) < of(&[("a", "9")]));
        assert!(of(&[("a", "1")]) < of(&[("a", "1"), ("b", "1")]));
        assert!(of(&[("aa", "1")]) < of(&[("b", "1")]));
    }

    #[test]
    fn order_is_that_of_the_pairs_whatever_they_have_in_common() {
        let values = [
            "",
            "1",
            "12",
            "13",
            "é",
            "è",
            "123456789",
            "123456780",
            "12345678",
        ];
        let all: Vec<Labels> = values
            .iter()
            .flat_map(|a| {
                values
                    .iter()
                    .map(move |b| [("a", *a), ("ab", *b), ("b", *a)])
            })
            .map(Labels::from_pairs)
            .collect();
        for (one, other) in all
            .iter()
            .flat_map(|one| all.iter().map(move |other| (one, other)))
        {
            assert_eq!(
                one.cmp(other),
                one.iter().cmp(other.iter()),
                "{one} {other}"
            );
        }
    }

    #[test]
    fn shown_as_promql_writes_it() {
        let labels = Labels::from_pairs([(METRIC_NAME, "up"), ("job", "a\"b")]);
        assert_eq!(labels.to_string(), r#"up{job="a\"b"}"#);
        assert_eq!(Labels::empty().to_string(), "{}");
        assert_eq!(Labels::from_pairs([(METRIC_NAME, "up")]).to_string(), "up");
    }
}
