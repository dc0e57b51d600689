//! Lists of series ids, ascending.

use crate::chunk::{ByteReader, Damage, put_varint};

/// A list while it is written.
#[derive(Debug, Default)]
pub(super) struct PostingsBuilder {
    bytes: Vec<u8>,
    next: u32,
}

impl PostingsBuilder {
    /// Appends an id, which is above the last.
    pub(super) fn push(&mut self, id: u32) {
        put_varint(&mut self.bytes, u64::from(id - self.next));
        // Distances count from the last id itself; the first from 0.
        self.next = id;
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// Appends the ids of a list, all below `series`.
pub(super) fn read(bytes: &[u8], series: u32, into: &mut Vec<u32>) -> Result<(), Damage> {
    let mut reader = ByteReader::new(bytes);
    let mut last = None;
    while !reader.is_at_end() {
        let distance = reader.varint()?;
        let id = u64::from(last.unwrap_or(0)).checked_add(distance);
        let id = id
            .and_then(|id| u32::try_from(id).ok())
            .filter(|id| *id < series);
        let id = id.filter(|id| last.is_none_or(|last| *id > last));
        let id = id.ok_or("postings are not ids of series, ascending")?;
        into.push(id);
        last = Some(id);
    }
    Ok(())
}

/// Those of both.
pub(super) fn intersect(a: &[u32], b: &[u32]) -> Vec<u32> {
    let (few, many) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    let mut rest = many;
    let mut both = Vec::with_capacity(few.len());
    for id in few {
        let before = gallop(rest, *id);
        rest = &rest[before..];
        if rest.first() == Some(id) {
            both.push(*id);
        }
    }
    both
}

/// Those of `a` that are not in `b`.
pub(super) fn subtract(a: &[u32], b: &[u32]) -> Vec<u32> {
    let mut rest = b;
    let mut left = Vec::with_capacity(a.len());
    for id in a {
        let before = gallop(rest, *id);
        rest = &rest[before..];
        if rest.first() != Some(id) {
            left.push(*id);
        }
    }
    left
}

/// How many ids are below `id`: near the front in few steps.
fn gallop(ids: &[u32], id: u32) -> usize {
    let mut reach = 1;
    while ids.get(reach).is_some_and(|found| *found < id) {
        reach *= 2;
    }
    let end = ids.len().min(reach + 1);
    ids[..end].partition_point(|found| *found < id)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn ids() -> impl Strategy<Value = BTreeSet<u32>> {
        prop::collection::btree_set(0u32..300, 0..120)
    }

    proptest! {
        #[test]
        fn sets_do_what_sets_do(a in ids(), b in ids()) {
            let (left, right): (Vec<_>, Vec<_>) = (a.iter().copied().collect(), b.iter().copied().collect());
            prop_assert_eq!(intersect(&left, &right), a.intersection(&b).copied().collect::<Vec<_>>());
            prop_assert_eq!(subtract(&left, &right), a.difference(&b).copied().collect::<Vec<_>>());
            let mut builder = PostingsBuilder::default();
            left.iter().for_each(|id| builder.push(*id));
            let mut found = Vec::new();
            read(builder.as_bytes(), 300, &mut found).unwrap();
            prop_assert_eq!(found, left);
        }
    }

    #[test]
    fn ids_that_repeat_or_are_no_series_are_refused() {
        assert!(read(&[3, 0], 300, &mut Vec::new()).is_err());
        assert!(read(&[3, 1], 4, &mut Vec::new()).is_err());
        assert!(read(&[0x80], 4, &mut Vec::new()).is_err());
    }
}
