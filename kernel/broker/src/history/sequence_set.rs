use std::collections::HashMap;

/// Sequences of one block: as many bits as fit in a few cache lines.
const BLOCK_BITS: u64 = 4_096;
const BLOCK_WORDS: usize = (BLOCK_BITS / 64) as usize;

/// A set of sequences that costs about a bit each where they are dense, so that the ends of millions of
/// jobs are remembered in little memory.
#[derive(Debug, Default)]
pub(super) struct SequenceSet {
    blocks: HashMap<u64, Box<[u64; BLOCK_WORDS]>>,
}

impl SequenceSet {
    /// Puts one in; false when it was there.
    pub(super) fn insert(&mut self, sequence: u64) -> bool {
        let (block, word, bit) = place(sequence);
        let words = self
            .blocks
            .entry(block)
            .or_insert_with(|| Box::new([0; BLOCK_WORDS]));
        let was_there = words[word] & bit != 0;
        words[word] |= bit;
        !was_there
    }

    pub(super) fn contains(&self, sequence: u64) -> bool {
        let (block, word, bit) = place(sequence);
        self.blocks
            .get(&block)
            .is_some_and(|words| words[word] & bit != 0)
    }
}

fn place(sequence: u64) -> (u64, usize, u64) {
    let within = (sequence % BLOCK_BITS) as usize;
    (sequence / BLOCK_BITS, within / 64, 1 << (within % 64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_in_is_there_and_nothing_else() {
        let mut set = SequenceSet::default();
        let members = [1, 2, 63, 64, 4_095, 4_096, u64::MAX];
        for member in members {
            assert!(set.insert(member), "{member} is new");
            assert!(!set.insert(member), "{member} is there");
        }
        for other in [0, 3, 62, 65, 4_094, 4_097, u64::MAX - 1] {
            assert!(!set.contains(other), "{other}");
        }
        assert!(members.iter().all(|member| set.contains(*member)));
    }
}
