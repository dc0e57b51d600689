//! Requests of remote read, compressed already and not yet.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portique_exposition::{compress_snappy, read_request};

fuzz_target!(|body: &[u8]| {
    let _ = read_request(body);
    if let Ok(compressed) = compress_snappy(body) {
        let _ = read_request(&compressed);
    }
});
