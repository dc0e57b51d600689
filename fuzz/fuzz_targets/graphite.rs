//! Graphite's plaintext.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portique_exposition::{Rejections, read_graphite};
use portique_series::Batch;

fuzz_target!(|body: &[u8]| {
    read_graphite(body, 1, 0, &mut Batch::new(), &mut Rejections::new());
});
