//! Both text formats, and that what is read can be written and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portique_exposition::{
    NameEscaping, Rejections, ScrapeOptions, TextFormat, TextWriter, read_text,
};
use portique_series::Batch;

const OPTIONS: ScrapeOptions = ScrapeOptions {
    default_timestamp_ms: 0,
    honors_timestamps: true,
};

fn read(body: &[u8], format: TextFormat) -> (Batch, Rejections) {
    let (mut batch, mut rejections) = (Batch::new(), Rejections::new());
    read_text(body, format, &OPTIONS, &mut batch, &mut rejections);
    (batch, rejections)
}

fuzz_target!(|body: &[u8]| {
    for format in [TextFormat::Prometheus, TextFormat::OpenMetrics] {
        let (batch, _) = read(body, format);
        let mut writer = TextWriter::new(format, NameEscaping::AllowUtf8);
        for series in batch.iter() {
            let timestamp_ms = series.timestamps()[0];
            writer.float(&series.to_labels(), series.floats()[0], Some(timestamp_ms));
        }
        let (again, rejections) = read(writer.finish().as_bytes(), format);
        assert_eq!((again.len(), rejections.total()), (batch.len(), 0));
    }
});
