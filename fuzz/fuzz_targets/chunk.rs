//! Runs of samples as the store keeps them: damage is refused, never read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portique_series::{Samples, SealedChunk};

fuzz_target!(|bytes: &[u8]| {
    let Ok(chunk) = SealedChunk::from_bytes(bytes) else {
        return;
    };
    let mut samples = Samples::default();
    if chunk.read(i64::MIN, i64::MAX, &mut samples).is_ok() {
        assert!(samples.timestamps.is_sorted_by(|a, b| a < b));
    }
});
