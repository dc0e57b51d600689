//! Snappy's block format: a length, then literals and copies.

use snap::raw::{Decoder, Encoder, decompress_len};

use crate::Error;

/// Most bytes that a body may declare to decompress to: 16 times what a sender with default settings makes of two
/// thousand samples, and what several at once may cost in memory.
pub const DECOMPRESSED_BYTES_MAX: usize = 32 << 20;
/// So much room is kept between bodies; what a rare larger one took is given back.
const KEPT_BYTES_MAX: usize = 4 << 20;

/// Decompresses a block into `into`, in place of what was there.
///
/// # Errors
/// When the block declares more than [`DECOMPRESSED_BYTES_MAX`] (nothing is allocated then), or is damaged.
pub fn decompress_snappy(block: &[u8], into: &mut Vec<u8>) -> Result<(), Error> {
    let declared = decompress_len(block).map_err(|source| Error::Snappy { source })?;
    if declared > DECOMPRESSED_BYTES_MAX {
        return Err(Error::TooLarge {
            what: "the decompressed body",
            given: declared as u64,
            max: DECOMPRESSED_BYTES_MAX as u64,
            unit: "bytes",
        });
    }
    if into.capacity() > KEPT_BYTES_MAX {
        *into = Vec::new();
    }
    into.resize(declared, 0);
    let written = Decoder::new().decompress(block, into);
    let written = written.map_err(|source| Error::Snappy { source })?;
    into.truncate(written);
    Ok(())
}

/// Compresses bytes into one block.
///
/// # Errors
/// When there are 4 GiB or more.
pub fn compress_snappy(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let compressed = Encoder::new().compress_vec(bytes);
    compressed.map_err(|source| Error::Snappy { source })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_block_that_declares_too_much_allocates_nothing() {
        // 4 GiB − 1 as a varint, then nothing.
        let mut into = Vec::new();
        let error = decompress_snappy(b"\xff\xff\xff\xff\x0f\x00", &mut into).unwrap_err();
        let said = "the decompressed body takes 4294967295 bytes, at most 33554432 are allowed: \
                    send less at a time";
        assert_eq!(error.to_string(), said);
        assert_eq!(into.capacity(), 0);
    }

    #[test]
    fn what_is_no_block_is_refused() {
        let mut into = Vec::new();
        for bytes in [&b""[..], b"\x0a", b"\xff\x06\x00\x00sNaPpY", b"\x05\x00a"] {
            let error = decompress_snappy(bytes, &mut into).unwrap_err();
            assert!(matches!(error, Error::Snappy { .. }), "{bytes:?}: {error}");
        }
    }

    proptest! {
        #[test]
        fn round_trip(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
            let mut into = vec![1; 3];
            decompress_snappy(&compress_snappy(&bytes).unwrap(), &mut into).unwrap();
            prop_assert_eq!(into, bytes);
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = decompress_snappy(&bytes, &mut Vec::new());
        }
    }
}
