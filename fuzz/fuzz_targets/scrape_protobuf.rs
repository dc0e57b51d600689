//! The delimited protobuf of a scrape.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portique_exposition::{Rejections, ScrapeOptions, read_protobuf};
use portique_series::Batch;

fuzz_target!(|body: &[u8]| {
    let options = ScrapeOptions {
        default_timestamp_ms: 0,
        honors_timestamps: true,
    };
    let _ = read_protobuf(body, &options, &mut Batch::new(), &mut Rejections::new());
});
