//! Both versions of remote write, compressed already and not yet.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portique_exposition::{Rejections, WriteReader, WriteVersion, compress_snappy};
use portique_series::Batch;

fuzz_target!(|body: &[u8]| {
    let compressed = compress_snappy(body).unwrap_or_default();
    for version in [WriteVersion::V1, WriteVersion::V2] {
        for body in [body, &compressed] {
            let (mut batch, mut rejections) = (Batch::new(), Rejections::new());
            let _ = WriteReader::new().read(version, body, &mut batch, &mut rejections);
        }
    }
});
