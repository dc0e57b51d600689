//! Bytes that grow at their end by pieces of one size.
//!
//! A buffer that moves to a larger one leaves a hole of its old size. The chunks of a head grow side by side, so the
//! holes of a size come all at once, scattered over pages of which none becomes empty: they took a quarter of a head's
//! memory. Pieces stay where they are, and those that are given back fit whoever asks next.

use std::fmt;

/// So many bytes need no piece: a constant series never has one.
const START_BYTES: usize = 28;

/// With the pointer to the piece before, a block of 96 bytes to the allocator; half of one is empty on average.
const PIECE_BYTES: usize = 88;

/// Bytes in the order they came.
#[derive(Default)]
pub(super) struct Pieces {
    /// The newest piece leads to those before it, so that who appends follows one pointer.
    tail: Option<Box<Piece>>,
    len: u32,
    start: [u8; START_BYTES],
}

struct Piece {
    before: Option<Box<Piece>>,
    bytes: [u8; PIECE_BYTES],
}

impl Pieces {
    pub(super) fn len(&self) -> usize {
        self.len as usize
    }

    /// Those that are in no piece, to be read and changed in place.
    pub(super) fn start(&self) -> &[u8; START_BYTES] {
        &self.start
    }

    pub(super) fn start_mut(&mut self) -> &mut [u8; START_BYTES] {
        &mut self.start
    }

    #[inline]
    pub(super) fn extend(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let room = self.room();
            let count = room.len().min(bytes.len());
            let (now, later) = bytes.split_at(count);
            room[..count].copy_from_slice(now);
            // Chunks are given up long before four gibibytes.
            self.len += count as u32;
            bytes = later;
        }
    }

    pub(super) fn last_mut(&mut self) -> Option<&mut u8> {
        let last = self.len().checked_sub(1)?;
        match last.checked_sub(START_BYTES) {
            None => Some(&mut self.start[last]),
            Some(at) => {
                let tail = self.tail.as_mut()?;
                Some(&mut tail.bytes[at % PIECE_BYTES])
            }
        }
    }

    /// Writes all of them to the beginning of a buffer with room for them, and says which those are.
    pub(super) fn copy_to<'a>(&self, into: &'a mut [u8]) -> &'a [u8] {
        let into = &mut into[..self.len()];
        let in_start = into.len().min(START_BYTES);
        into[..in_start].copy_from_slice(&self.start[..in_start]);
        let mut end = into.len();
        let mut next = &self.tail;
        while let Some(piece) = next {
            let begin = end - 1 - (end - 1 - START_BYTES) % PIECE_BYTES;
            into[begin..end].copy_from_slice(&piece.bytes[..end - begin]);
            (end, next) = (begin, &piece.before);
        }
        into
    }

    pub(super) fn to_vec(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.len()];
        self.copy_to(&mut bytes);
        bytes
    }

    /// What they keep from the allocator.
    pub(super) fn heap_bytes(&self) -> usize {
        let pieces = self.len().saturating_sub(START_BYTES).div_ceil(PIECE_BYTES);
        pieces * size_of::<Piece>()
    }

    /// Where the next byte goes and those after it; at least one, which has to be written.
    #[inline]
    fn room(&mut self) -> &mut [u8] {
        let len = self.len();
        let Some(at) = len.checked_sub(START_BYTES) else {
            return &mut self.start[len..];
        };
        if at % PIECE_BYTES == 0 {
            let before = self.tail.take();
            let bytes = [0; PIECE_BYTES];
            self.tail = Some(Box::new(Piece { before, bytes }));
        }
        match &mut self.tail {
            Some(tail) => &mut tail.bytes[at % PIECE_BYTES..],
            None => unreachable!("bytes after the first are in pieces"),
        }
    }
}

impl Clone for Pieces {
    fn clone(&self) -> Self {
        let mut clone = Self::default();
        clone.extend(&self.to_vec());
        clone
    }
}

/// One after the other: a large histogram has thousands, and each in the drop of the one after it is deep.
impl Drop for Pieces {
    fn drop(&mut self) {
        let mut next = self.tail.take();
        while let Some(mut piece) = next {
            next = piece.before.take();
        }
    }
}

impl fmt::Debug for Pieces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_vec().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn bytes_come_back_as_they_came(
            parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..12)
        ) {
            let (mut pieces, mut plain) = (Pieces::default(), Vec::new());
            for part in &parts {
                pieces.extend(part);
                plain.extend_from_slice(part);
                if let (Some(last), Some(plain_last)) = (pieces.last_mut(), plain.last_mut()) {
                    *last = last.wrapping_add(1);
                    *plain_last = plain_last.wrapping_add(1);
                }
                prop_assert_eq!(pieces.len(), plain.len());
                prop_assert_eq!(&pieces.to_vec(), &plain);
            }
            let clone = pieces.clone();
            pieces.extend(b"more");
            prop_assert_eq!(clone.to_vec(), plain);
        }
    }

    #[test]
    fn very_many_are_dropped_one_after_the_other() {
        let mut pieces = Pieces::default();
        pieces.extend(&vec![7; 32 << 20]);
        let small_stack = std::thread::Builder::new().stack_size(64 << 10);
        let dropped = small_stack.spawn(move || drop(pieces)).unwrap();
        assert!(dropped.join().is_ok());
    }
}
