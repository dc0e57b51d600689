//! How parts are written into checkpoints: numbers as varints, side by side, in pieces of bounded size.

use prost::encoding::{decode_varint, encode_varint};

/// Most bytes of one entry: room for a tag and six varints of ten bytes.
const ENTRY_BYTES_MAX: usize = 70;

/// A piece of a checkpoint is not what was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the {what} of a checkpoint are malformed")]
pub(crate) struct Malformed {
    /// Whose piece, in the plural.
    pub(crate) what: &'static str,
}

/// Collects entries into pieces; no entry is cut in two.
pub(crate) struct Parts {
    bytes_max: usize,
    tag: Option<u64>,
    done: Vec<Vec<u8>>,
    open: Vec<u8>,
}

impl Parts {
    /// Pieces of at most `bytes_max` bytes (at least one entry each).
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self {
            bytes_max,
            tag: None,
            done: Vec::new(),
            open: Vec::new(),
        }
    }

    /// Pieces that each begin with a number saying what they hold.
    pub(crate) fn tagged(bytes_max: usize, tag: u64) -> Self {
        Self {
            tag: Some(tag),
            ..Self::new(bytes_max)
        }
    }

    /// Appends one entry of at most six numbers.
    pub(crate) fn entry(&mut self, numbers: &[u64]) {
        debug_assert!(numbers.len() * 10 < ENTRY_BYTES_MAX);
        if self.open.len() + ENTRY_BYTES_MAX > self.bytes_max {
            self.close();
        }
        if let Some(tag) = self.tag.filter(|_| self.open.is_empty()) {
            encode_varint(tag, &mut self.open);
        }
        for number in numbers {
            encode_varint(*number, &mut self.open);
        }
    }

    /// The next entry begins a new piece.
    pub(crate) fn close(&mut self) {
        if !self.open.is_empty() {
            self.done.push(std::mem::take(&mut self.open));
        }
    }

    /// The pieces, in order; none when nothing was written.
    pub(crate) fn finish(mut self) -> Vec<Vec<u8>> {
        self.close();
        self.done
    }
}

/// The next number of a piece.
pub(crate) fn take(piece: &mut &[u8], what: &'static str) -> Result<u64, Malformed> {
    decode_varint(piece).map_err(|_| Malformed { what })
}

/// A difference of either sign as a number that is small when the difference is.
pub(crate) fn zigzag(difference: i64) -> u64 {
    ((difference << 1) ^ (difference >> 63)).cast_unsigned()
}

/// What [`zigzag`] was given.
pub(crate) fn unzigzag(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -((number & 1).cast_signed())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn entries_come_back_in_order_and_pieces_stay_small(
            numbers in prop::collection::vec(any::<u64>(), 0..300),
            bytes_max in 80_usize..400,
        ) {
            let mut parts = Parts::new(bytes_max);
            for number in &numbers {
                parts.entry(&[*number]);
            }
            let pieces = parts.finish();
            prop_assert!(pieces.iter().all(|piece| (1..=bytes_max).contains(&piece.len())));
            let mut back = Vec::new();
            for piece in &pieces {
                let mut rest = piece.as_slice();
                while !rest.is_empty() {
                    back.push(take(&mut rest, "numbers").unwrap());
                }
            }
            prop_assert_eq!(back, numbers);
        }

        #[test]
        fn differences_of_either_sign_come_back(difference: i64) {
            prop_assert_eq!(unzigzag(zigzag(difference)), difference);
        }
    }
}
