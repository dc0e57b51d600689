//! Bodies written and read back, and bodies that are wrong.

use std::sync::Arc;

use portique_series::{
    CounterReset, Exemplar, Histogram, Labels, Metadata, MetricKind, STALE, Samples, Span,
};
use proptest::prelude::*;

use super::*;
use crate::wire::Writer;
use crate::{Reason, compress_snappy};

mod histograms;

const BOTH: [WriteVersion; 2] = [WriteVersion::V1, WriteVersion::V2];

type Read = (Result<WriteCounts, Error>, Batch, Rejections);

fn read(version: WriteVersion, body: &[u8]) -> Read {
    let (mut batch, mut rejections) = (Batch::new(), Rejections::new());
    let counts = WriteReader::new().read(version, body, &mut batch, &mut rejections);
    (counts, batch, rejections)
}

fn read_plain(version: WriteVersion, message: Writer) -> Read {
    read(version, &compress_snappy(&message.into_bytes()).unwrap())
}

fn native(counter_reset: CounterReset) -> Histogram {
    Histogram {
        schema: 3,
        zero_threshold: 0.001,
        zero_count: 2.0,
        count: 12.0,
        sum: -0.5,
        positive_spans: vec![span(-3, 2), span(4, 1)],
        positive_buckets: vec![3.0, 1.0, 4.0],
        negative_spans: vec![span(7, 1)],
        negative_buckets: vec![2.0],
        custom_bounds: Vec::new(),
        counter_reset,
    }
}

fn span(offset: i32, length: u32) -> Span {
    Span { offset, length }
}

#[test]
fn content_types_say_which_message() {
    for (content_type, version) in [
        ("application/x-protobuf", Some(WriteVersion::V1)),
        (
            "application/x-protobuf;proto=prometheus.WriteRequest",
            Some(WriteVersion::V1),
        ),
        (
            "Application/X-Protobuf; proto=\"io.prometheus.write.v2.Request\"",
            Some(WriteVersion::V2),
        ),
        (
            "application/x-protobuf;proto=io.prometheus.write.v3.Request",
            None,
        ),
        ("application/json", None),
        ("", None),
    ] {
        assert_eq!(
            WriteVersion::of_content_type(content_type),
            version,
            "{content_type}"
        );
    }
}

#[test]
fn everything_a_series_has_comes_through_both_versions() {
    let labels = Labels::from_pairs([("__name__", "latency"), ("job", "é")]);
    let mut samples = Samples::default();
    samples.push_float(-1, 1.5);
    samples.push_float(2, STALE);
    samples.set_last_start(1);
    samples.push_histogram(3, Arc::new(native(CounterReset::Gauge)));
    let of_float = Histogram {
        count: 12.5,
        ..native(CounterReset::Reset)
    };
    samples.push_histogram(4, Arc::new(of_float.clone()));
    let exemplar = Exemplar {
        labels: Labels::from_pairs([("trace_id", "abc")]),
        value: 0.25,
        timestamp_ms: 3,
    };
    let metadata = Metadata {
        kind: MetricKind::Gauge,
        help: "How long.".to_owned(),
        unit: "seconds".to_owned(),
    };
    for version in BOTH {
        let mut encoder = WriteEncoder::new(version);
        encoder.metadata("latency", &metadata);
        encoder.series(&WriteSeries {
            labels: &labels,
            samples: &samples,
            exemplars: std::slice::from_ref(&exemplar),
            metadata: Some(&metadata),
        });
        let (counts, batch, rejections) = read(version, &encoder.finish().unwrap());
        let expected = WriteCounts {
            samples: 2,
            histograms: 2,
            exemplars: 1,
        };
        assert_eq!((counts.unwrap(), rejections), (expected, Rejections::new()));
        let series = batch.at(0);
        assert_eq!(series.to_labels(), labels);
        assert_eq!(series.timestamps(), [-1, 2, 3, 4]);
        assert!(portique_series::is_stale(series.floats()[1]));
        assert_eq!(
            series.start(1),
            if version == WriteVersion::V2 { 1 } else { 0 }
        );
        let histogram = |index| match series.value(index) {
            portique_series::Value::Histogram(histogram) => (*histogram).clone(),
            other => panic!("{other:?}"),
        };
        assert_eq!(histogram(2), native(CounterReset::Gauge));
        assert_eq!(histogram(3), of_float);
        let metadata_read: Vec<_> = batch.all_metadata().collect();
        assert_eq!(metadata_read, [("latency", &metadata)]);
        assert_eq!(batch.exemplars().collect::<Vec<_>>(), [(0, &exemplar)]);
        assert!(encoder.is_empty());
    }
}

/// A body of the first version: a good series, one made by `fill`, and another good one.
fn between_good_ones(fill: impl FnOnce(&mut Writer)) -> Writer {
    let mut writer = Writer::default();
    let good = |writer: &mut Writer, name: &str| {
        let mut samples = Samples::default();
        samples.push_float(1, 1.0);
        let labels = Labels::from_pairs([("__name__", name)]);
        writer.message(1, |out| write_series_v1(out, &labels, &samples));
    };
    good(&mut writer, "first");
    writer.message(1, fill);
    good(&mut writer, "last");
    writer
}

fn label(out: &mut Writer, name: &[u8], value: &[u8]) {
    out.message(1, |out| {
        out.bytes(1, name);
        out.bytes(2, value);
    });
}

#[test]
fn a_bad_series_is_left_out_and_named_while_others_are_kept() {
    type Labels<'a> = &'a [(&'a [u8], &'a [u8])];
    let table: &[(Labels<'_>, Reason, &str)] = &[
        (
            &[(b"job", b"a")],
            Reason::NoName,
            "series 2: the series has no label __name__: \"job=a\"",
        ),
        (
            &[],
            Reason::NoName,
            "series 2: the series has no label __name__",
        ),
        (
            &[(b"__name__", b"x"), (b"a", b"\xff")],
            Reason::NotUtf8,
            "series 2: a label is not UTF-8: \"__name__=x,a=\u{fffd}\"",
        ),
        (
            &[(b"__name__", b"x"), (b"a", b"1"), (b"a", b"2")],
            Reason::BadLabels,
            "series 2: the label \"a\" occurs twice: \"__name__=x,a=1,a=2\"",
        ),
        (
            &[(b"__name__", b"x"), (b"", b"1")],
            Reason::BadLabels,
            "series 2: a label with the value \"1\" has no name: \"__name__=x,=1\"",
        ),
    ];
    for (labels, reason, said) in table {
        let message = between_good_ones(|out| {
            for (name, value) in *labels {
                label(out, name, value);
            }
            out.message(2, |sample| sample.int(2, 5));
        });
        let (counts, batch, rejections) = read_plain(WriteVersion::V1, message);
        assert!(counts.is_ok());
        assert_eq!((batch.len(), batch.samples()), (2, 2), "{said}");
        assert_eq!(rejections.kept()[0].to_string(), *said);
        assert_eq!(rejections.counts().collect::<Vec<_>>(), [(*reason, 1)]);
    }
}

#[test]
fn labels_after_samples_make_the_body_unreadable() {
    let message = between_good_ones(|out| {
        label(out, b"__name__", b"x");
        out.message(2, |sample| sample.int(2, 5));
        label(out, b"job", b"a");
    });
    let (counts, batch, _) = read_plain(WriteVersion::V1, message);
    let said = counts.unwrap_err().to_string();
    assert!(
        said.contains("write fields in the order of their numbers"),
        "{said}"
    );
    assert!(batch.is_empty(), "nothing is kept of it");
}

/// A body of the second version with these symbols and one series with these references.
fn with_symbols(symbols: &[&[u8]], references: &[u64], has_sample: bool) -> Writer {
    let mut writer = Writer::default();
    for symbol in symbols {
        writer.bytes(4, symbol);
    }
    writer.message(5, |series| {
        series.varints(1, references.iter().copied());
        if has_sample {
            series.message(2, |sample| sample.int(2, 5));
        }
    });
    writer
}

#[test]
fn symbols_that_are_not_there_are_named() {
    let symbols: &[&[u8]] = &[b"", b"__name__", b"x", b"job", b"\xff"];
    for (references, has_sample, said) in [
        (
            &[1, 2, 3][..],
            true,
            "the references of the labels are no pairs of name and value",
        ),
        (
            &[1, 2, 3, 9],
            true,
            "a reference to symbol 9, but there are 5",
        ),
        (
            &[1, 2, 3, 1 << 40],
            true,
            "a reference to symbol 4294967295, but there are 5",
        ),
        (&[1, 2, 3, 4], true, "the symbol 4 is not UTF-8"),
        (&[3, 2], true, "the series has no label __name__"),
        (&[1, 2, 3, 2, 3, 2], true, "the label \"job\" occurs twice"),
        (
            &[1, 2],
            false,
            "the series has neither a sample nor a histogram",
        ),
    ] {
        let message = with_symbols(symbols, references, has_sample);
        let (counts, batch, rejections) = read_plain(WriteVersion::V2, message);
        assert!(counts.is_ok());
        assert_eq!(rejections.kept()[0].detail, said);
        assert_eq!((rejections.total(), batch.samples()), (1, 0));
    }
    let (counts, ..) = read_plain(WriteVersion::V2, with_symbols(&[b"x"], &[], true));
    assert!(
        counts
            .unwrap_err()
            .to_string()
            .contains("first symbol is not empty")
    );
}

#[test]
fn a_long_symbol_named_often_does_not_fill_the_memory() {
    let long = vec![b'x'; 1 << 20];
    let mut writer = with_symbols(&[b"", b"__name__", &long], &[1, 2], true);
    for _ in 0..200 {
        writer.message(5, |series| {
            series.varints(1, [1, 2]);
            series.message(2, |sample| sample.int(2, 5));
        });
    }
    let (counts, batch, _) = read_plain(WriteVersion::V2, writer);
    let said = counts.unwrap_err().to_string();
    assert!(
        said.starts_with("what the labels unfold to takes"),
        "{said}"
    );
    assert!(batch.is_empty());
}

fn any_value() -> impl Strategy<Value = f64> {
    prop_oneof![any::<f64>(), Just(STALE), Just(0.0), Just(-0.0)]
}

proptest! {
    #[test]
    fn floats_come_back_bit_by_bit(
        series in proptest::collection::vec(
            ("[a-z]{1,8}", "\\PC{0,12}", proptest::collection::vec((any::<i64>(), any_value()), 1..4)),
            0..8,
        ),
    ) {
        for version in BOTH {
            let mut encoder = WriteEncoder::new(version);
            let mut expected = Vec::new();
            for (name, job, points) in &series {
                let labels = Labels::from_pairs([("__name__", name.as_str()), ("job", job)]);
                let mut samples = Samples::default();
                for (timestamp_ms, value) in points {
                    samples.push_float(*timestamp_ms, *value);
                    expected.push((labels.clone(), *timestamp_ms, value.to_bits()));
                }
                let write = WriteSeries { labels: &labels, samples: &samples, exemplars: &[], metadata: None };
                encoder.series(&write);
            }
            let (counts, batch, rejections) = read(version, &encoder.finish().unwrap());
            prop_assert!(rejections.is_empty());
            prop_assert_eq!(counts.unwrap().samples, expected.len());
            let found = batch.iter().flat_map(|series| {
                let points = series.timestamps().iter().zip(series.floats());
                points.map(move |(at, value)| (series.to_labels(), *at, value.to_bits())).collect::<Vec<_>>()
            });
            prop_assert_eq!(found.collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        for version in BOTH {
            let _ = read(version, &bytes);
            let _ = read(version, &compress_snappy(&bytes).unwrap());
        }
    }

    #[test]
    fn no_damage_panics(at in 0_usize..400, with in any::<u8>()) {
        for version in BOTH {
            let mut samples = Samples::default();
            samples.push_float(1, 2.0);
            samples.push_histogram(2, Arc::new(native(CounterReset::Unknown)));
            let labels = Labels::from_pairs([("__name__", "x"), ("job", "y")]);
            let mut encoder = WriteEncoder::new(version);
            encoder.series(&WriteSeries { labels: &labels, samples: &samples, exemplars: &[], metadata: None });
            let mut bytes = Vec::new();
            decompress_snappy(&encoder.finish().unwrap(), &mut bytes).unwrap();
            let at = at % bytes.len();
            bytes[at] = with;
            let _ = read(version, &compress_snappy(&bytes).unwrap());
        }
    }
}
