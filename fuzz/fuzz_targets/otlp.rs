//! OpenTelemetry's metrics, as protobuf and as JSON.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portique_exposition::{OtlpFormat, Rejections, read_otlp};
use portique_series::Batch;

fuzz_target!(|body: &[u8]| {
    for format in [OtlpFormat::Protobuf, OtlpFormat::Json] {
        let _ = read_otlp(body, format, &mut Batch::new(), &mut Rejections::new());
    }
});
