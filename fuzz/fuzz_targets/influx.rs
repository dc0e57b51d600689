//! Influx' line protocol.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portique_exposition::{InfluxOptions, InfluxPrecision, Rejections, read_influx};
use portique_series::Batch;

fuzz_target!(|body: &[u8]| {
    let options = InfluxOptions {
        precision: InfluxPrecision::Seconds,
        now_ms: 0,
        database: "fuzz",
    };
    read_influx(body, &options, &mut Batch::new(), &mut Rejections::new());
});
