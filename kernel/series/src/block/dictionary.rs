//! The values of one label: sorted, front-coded in groups, each with its postings.

use std::ops::Range;

use crate::chunk::{ByteReader, Damage, put_varint};

/// Values of a group: finding one decodes at most so many.
const GROUP: usize = 16;

/// Longest value, as labels have it.
const VALUE_BYTES_MAX: usize = crate::labels::LABEL_BYTES_MAX;

/// Appends a dictionary of sorted values, `ends` being where each one's postings end, after `begin`.
pub(super) fn put(into: &mut Vec<u8>, values: &[&str], begin: u32, ends: &[u32]) {
    for end in std::iter::once(&begin).chain(ends) {
        into.extend_from_slice(&end.to_le_bytes());
    }
    let mut texts = Vec::new();
    let mut last = "";
    for (index, value) in values.iter().enumerate() {
        if index % GROUP == 0 {
            into.extend_from_slice(&(texts.len() as u32).to_le_bytes());
        } else {
            let shared = shared_bytes(last, value);
            put_varint(&mut texts, shared as u64);
            put_text(&mut texts, &value.as_bytes()[shared..]);
            last = value;
            continue;
        }
        put_text(&mut texts, value.as_bytes());
        last = value;
    }
    into.extend_from_slice(&texts);
}

fn put_text(into: &mut Vec<u8>, text: &[u8]) {
    put_varint(into, text.len() as u64);
    into.extend_from_slice(text);
}

fn shared_bytes(a: &str, b: &str) -> usize {
    a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count()
}

/// A dictionary in a map.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dictionary<'a> {
    count: usize,
    ends: &'a [u8],
    groups: &'a [u8],
    texts: &'a [u8],
}

impl<'a> Dictionary<'a> {
    /// The dictionary of `count` values at the beginning of the bytes; what follows it may be more.
    pub(super) fn open(bytes: &'a [u8], count: usize) -> Result<Self, Damage> {
        let mut reader = ByteReader::new(bytes);
        let ends = reader.take((count + 1) * 4)?;
        let groups = reader.take(count.div_ceil(GROUP) * 4)?;
        Ok(Self {
            count,
            ends,
            groups,
            texts: &bytes[reader.at()..],
        })
    }

    /// Where the postings of a value are.
    pub(super) fn postings(&self, id: usize) -> Range<usize> {
        entry(self.ends, id)..entry(self.ends, id + 1)
    }

    /// The value of an id, decoded into `buffer`.
    pub(super) fn value<'b>(&self, id: usize, buffer: &'b mut Vec<u8>) -> Result<&'b str, Damage> {
        if id >= self.count {
            return Err("a value is not in its dictionary");
        }
        let mut texts = self.group(id / GROUP)?;
        for place in 0..=id % GROUP {
            next(&mut texts, place == 0, buffer)?;
        }
        std::str::from_utf8(buffer).map_err(|_| "a value is no UTF-8")
    }

    /// The id of a value.
    pub(super) fn find(&self, value: &str) -> Result<Option<usize>, Damage> {
        let mut buffer = Vec::new();
        let (mut low, mut high) = (0, self.count.div_ceil(GROUP));
        while low < high {
            let middle = low.midpoint(high);
            next(&mut self.group(middle)?, true, &mut buffer)?;
            match buffer.as_slice() <= value.as_bytes() {
                true => low = middle + 1,
                false => high = middle,
            }
        }
        let Some(group) = low.checked_sub(1) else {
            return Ok(None);
        };
        let mut texts = self.group(group)?;
        for id in group * GROUP..self.count.min((group + 1) * GROUP) {
            next(&mut texts, id % GROUP == 0, &mut buffer)?;
            if buffer == value.as_bytes() {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }

    /// Hands out each id with its value, in order.
    pub(super) fn for_each(&self, mut each: impl FnMut(usize, &str)) -> Result<(), Damage> {
        let mut buffer = Vec::new();
        let mut texts = ByteReader::new(self.texts);
        for id in 0..self.count {
            next(&mut texts, id % GROUP == 0, &mut buffer)?;
            each(
                id,
                std::str::from_utf8(&buffer).map_err(|_| "a value is no UTF-8")?,
            );
        }
        Ok(())
    }

    fn group(&self, group: usize) -> Result<ByteReader<'a>, Damage> {
        let at = entry(self.groups, group);
        let texts = self
            .texts
            .get(at..)
            .ok_or("a group is beyond its dictionary")?;
        Ok(ByteReader::new(texts))
    }
}

fn entry(entries: &[u8], index: usize) -> usize {
    let (entries, _) = entries.as_chunks::<4>();
    entries
        .get(index)
        .map_or(0, |four| u32::from_le_bytes(*four) as usize)
}

/// Turns the value in `buffer` into the one after it.
fn next(texts: &mut ByteReader<'_>, is_first: bool, buffer: &mut Vec<u8>) -> Result<(), Damage> {
    let shared = match is_first {
        true => 0,
        false => texts.count(buffer.len())?,
    };
    let bytes = texts.count(VALUE_BYTES_MAX - shared.min(VALUE_BYTES_MAX))?;
    buffer.truncate(shared);
    buffer.extend_from_slice(texts.take(bytes)?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_value_is_found_and_no_other(values in prop::collection::btree_set("[ab\u{e9}]{0,6}", 1..80), other in "[ab]{0,6}") {
            check(&values, &other);
        }
    }

    fn check(values: &BTreeSet<String>, other: &str) {
        let sorted: Vec<&str> = values.iter().map(String::as_str).collect();
        let ends: Vec<u32> = (1..=sorted.len() as u32).map(|n| 5 + n * 3).collect();
        let mut bytes = Vec::new();
        put(&mut bytes, &sorted, 5, &ends);
        bytes.push(9);
        let dictionary = Dictionary::open(&bytes, sorted.len()).unwrap();
        let mut all = Vec::new();
        dictionary
            .for_each(|_, value| all.push(value.to_owned()))
            .unwrap();
        assert_eq!(all, sorted);
        for (id, value) in sorted.iter().enumerate() {
            assert_eq!(dictionary.find(value), Ok(Some(id)));
            assert_eq!(dictionary.value(id, &mut Vec::new()), Ok(*value));
            assert_eq!(dictionary.postings(id), 5 + id * 3..8 + id * 3);
        }
        let expected = sorted.iter().position(|value| *value == other);
        assert_eq!(dictionary.find(other), Ok(expected));
    }
}
