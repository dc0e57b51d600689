//! Where in the journal events are, roughly: a hub that mostly queues work has long stretches
//! without one, and whoever reads events from the start should not read those from the disk.

use std::collections::VecDeque;

use bytes::{BufMut, Bytes, BytesMut};

use crate::fact::DecodeError;

/// Records of one stretch: some frames of the journal.
const STRETCH: u64 = 4_096;
const WORD_BITS: u64 = u64::BITS as u64;
const WORD_BYTES: usize = size_of::<u64>();
/// Records of one word.
#[cfg(test)]
pub(super) const WORD: u64 = STRETCH * WORD_BITS;
/// Behind it there is no room for a whole map of sequences.
const FIRST_WORD_MAX: u64 = u64::MAX / (WORD_BITS * STRETCH) - WORDS_MAX as u64;
/// 64 KiB, for two thousand million records, as the map shares the record of a checkpoint with the
/// consumers; what is older is not known.
pub(super) const WORDS_MAX: usize = 8_192;

/// A bit for each stretch of records: whether an event is among them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct EventMap {
    /// The word that `words` begins with; what is before may hold events.
    first_word: u64,
    words: VecDeque<u64>,
}

impl EventMap {
    /// One that knows nothing of the records up to `sequence`.
    pub(super) fn unknown_until(sequence: u64) -> Self {
        let (word, _) = place(sequence);
        Self {
            first_word: word + 1,
            words: VecDeque::new(),
        }
    }

    /// Notes that this record is an event.
    pub(super) fn note(&mut self, sequence: u64) {
        let (word, bit) = place(sequence);
        let Some(index) = word.checked_sub(self.first_word) else {
            return;
        };
        // A leap over everything that may be kept leaves nothing to keep.
        if index >= 2 * WORDS_MAX as u64 {
            *self = Self::unknown_until(sequence);
            return;
        }
        let index = index as usize;
        if index >= self.words.len() {
            self.words.resize(index + 1, 0);
        }
        self.words[index] |= 1 << bit;
        let surplus = self.words.len().saturating_sub(WORDS_MAX);
        self.words.drain(..surplus);
        self.first_word += surplus as u64;
    }

    /// The first record from `sequence` on before which there is no event for certain; the end of
    /// what is known when there is none at all, as [`u64::MAX`].
    pub(crate) fn next(&self, sequence: u64) -> u64 {
        let (word, bit) = place(sequence);
        let Some(index) = word.checked_sub(self.first_word) else {
            return sequence;
        };
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        if index >= self.words.len() {
            return u64::MAX;
        }
        let rest = self.words[index] & (u64::MAX << bit);
        let later = self.words.iter().enumerate().skip(index + 1);
        let found = std::iter::once((index, rest))
            .chain(later.map(|(index, word)| (index, *word)))
            .find(|(_, word)| *word != 0);
        let Some((index, word)) = found else {
            return u64::MAX;
        };
        let stretch = (self.first_word + index as u64) * WORD_BITS;
        let begin = (stretch + u64::from(word.trailing_zeros())) * STRETCH;
        begin.max(sequence)
    }

    /// The words for a checkpoint, and the first one's number.
    pub(super) fn checkpoint(&self) -> (u64, Bytes) {
        let mut bytes = BytesMut::with_capacity(self.words.len() * WORD_BYTES);
        self.words.iter().for_each(|word| bytes.put_u64_le(*word));
        (self.first_word, bytes.freeze())
    }

    /// What [`checkpoint`](Self::checkpoint) wrote.
    pub(super) fn restore(first_word: u64, bytes: &[u8]) -> Result<Self, DecodeError> {
        let (words, rest) = bytes.as_chunks();
        if !rest.is_empty() || words.len() > WORDS_MAX || first_word > FIRST_WORD_MAX {
            return Err(DecodeError::Shape("the map of events is no map"));
        }
        Ok(Self {
            first_word,
            words: words.iter().map(|word| u64::from_le_bytes(*word)).collect(),
        })
    }
}

fn place(sequence: u64) -> (u64, u64) {
    let stretch = sequence / STRETCH;
    (stretch / WORD_BITS, stretch % WORD_BITS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_leaps_over_what_holds_no_event() {
        let mut map = EventMap::default();
        for sequence in [10, 5 * STRETCH + 7, 3 * WORD] {
            map.note(sequence);
        }
        assert_eq!(map.next(1), 1);
        assert_eq!(map.next(11), 11, "the rest of its stretch may hold more");
        assert_eq!(map.next(STRETCH), 5 * STRETCH);
        assert_eq!(map.next(5 * STRETCH + 8), 5 * STRETCH + 8);
        assert_eq!(map.next(6 * STRETCH), 3 * WORD);
        assert_eq!(map.next(3 * WORD + STRETCH), u64::MAX);
    }

    #[test]
    fn what_is_not_known_is_read() {
        let mut map = EventMap::unknown_until(WORD);
        map.note(WORD + 1);
        assert_eq!(map.next(7), 7);
        assert_eq!(map.next(WORD + 1), WORD + 1);
        assert_eq!(map.next(2 * WORD), u64::MAX);
    }

    #[test]
    fn a_long_journal_forgets_its_beginning_only() {
        let mut map = EventMap::default();
        let last = (WORDS_MAX as u64 + 10) * WORD;
        map.note(1);
        map.note(last);
        assert_eq!(map.words.len(), WORDS_MAX);
        assert_eq!(map.next(1), 1, "forgotten, so it may be one");
        assert_eq!(map.next(20 * WORD), last);
        map.note(last * 3);
        assert_eq!(map.next(last), last);
    }

    #[test]
    fn a_checkpoint_keeps_it_and_nonsense_is_refused() {
        let mut map = EventMap::default();
        map.note(3 * WORD);
        let (first, bytes) = map.checkpoint();
        assert_eq!(EventMap::restore(first, &bytes).unwrap(), map);
        assert!(EventMap::restore(first, &bytes[1..]).is_err());
        assert!(EventMap::restore(u64::MAX, &bytes).is_err());
    }
}
