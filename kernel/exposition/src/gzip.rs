//! Gzip, as agents compress lines and OpenTelemetry's requests.

use std::io::Read;

use flate2::read::MultiGzDecoder;

use crate::{DECOMPRESSED_BYTES_MAX, Error};

/// Decompresses a body into `into`, in place of what was there.
///
/// # Errors
/// When it decompresses to more than [`DECOMPRESSED_BYTES_MAX`] (it is not read on then), or is damaged.
pub fn decompress_gzip(body: &[u8], into: &mut Vec<u8>) -> Result<(), Error> {
    into.clear();
    let limit = DECOMPRESSED_BYTES_MAX as u64 + 1;
    let read = MultiGzDecoder::new(body).take(limit).read_to_end(into);
    read.map_err(|source| Error::Gzip { source })?;
    if into.len() > DECOMPRESSED_BYTES_MAX {
        return Err(Error::TooLarge {
            what: "the decompressed body",
            given: into.len() as u64,
            max: DECOMPRESSED_BYTES_MAX as u64,
            unit: "bytes",
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use proptest::prelude::*;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn a_bomb_is_not_unfolded() {
        let bomb = gzip(&vec![0; DECOMPRESSED_BYTES_MAX + 1]);
        let mut into = Vec::new();
        let error = decompress_gzip(&bomb, &mut into).unwrap_err();
        assert!(matches!(error, Error::TooLarge { .. }), "{error}");
        decompress_gzip(&gzip(b"small"), &mut into).unwrap();
        assert_eq!(into, b"small");
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), cut in 0_usize..40) {
            let _ = decompress_gzip(&bytes, &mut Vec::new());
            let whole = gzip(&bytes);
            let _ = decompress_gzip(&whole[..whole.len().saturating_sub(cut)], &mut Vec::new());
        }
    }
}
