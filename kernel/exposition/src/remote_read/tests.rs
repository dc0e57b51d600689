use std::sync::Arc;

use portique_series::Histogram;
use proptest::prelude::*;

use super::*;

/// A request for `{__name__=~"up|down", job!=""}` as a Prometheus encodes it.
fn request(accepted: &[u64], pattern: &str) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.message(1, |query| {
        query.int(1, -5);
        query.int(2, 1_700_000_000_000);
        query.message(3, |matcher| {
            matcher.uint(1, 2);
            matcher.text(2, "__name__");
            matcher.text(3, pattern);
        });
        query.message(3, |matcher| {
            matcher.uint(1, 1);
            matcher.text(2, "job");
        });
        query.message(4, |hints| {
            hints.int(1, 15_000);
            hints.text(2, "rate");
            hints.int(7, 300_000);
        });
    });
    writer.varints(2, accepted.iter().copied());
    compress_snappy(&writer.into_bytes()).unwrap()
}

#[test]
fn a_request_says_what_is_wanted_and_what_for() {
    let queries = read_request(&request(&[1, 0], "up|down")).unwrap();
    let [query] = &queries[..] else {
        panic!("{queries:?}");
    };
    assert_eq!((query.from_ms, query.to_ms), (-5, 1_700_000_000_000));
    let shown: Vec<_> = query
        .matchers
        .iter()
        .map(|matcher| format!("{matcher:?}"))
        .collect();
    assert_eq!(shown, [r#"__name__=~"up|down""#, r#"job!="""#]);
    assert_eq!(
        (&*query.hints.function, query.hints.range_ms),
        ("rate", 300_000)
    );
}

#[test]
fn what_cannot_be_answered_is_named() {
    for (body, said) in [
        (request(&[1], "up"), "accepts no samples"),
        (request(&[], "("), "regular expression"),
        (b"abc".to_vec(), "snappy"),
    ] {
        let error = read_request(&body).unwrap_err();
        let chain = portique_fault::chain(&error);
        assert!(chain.contains(said), "{chain}");
    }
}

#[test]
fn answers_hold_results_in_the_order_of_queries() {
    let labels = Labels::from_pairs([("__name__", "up"), ("job", "a")]);
    let mut samples = Samples::default();
    samples.push_float(1000, 1.5);
    samples.push_histogram(2000, Arc::new(Histogram::default()));
    let mut encoder = ReadEncoder::new();
    encoder.result();
    encoder.result();
    encoder.series(&labels, &samples);
    let body = encoder.finish().unwrap();
    let mut bytes = Vec::new();
    decompress_snappy(&body, &mut bytes).unwrap();
    let mut response = Message::new(&bytes, "test");
    let (_, first) = response.next().unwrap().unwrap();
    assert_eq!(first.bytes(), b"");
    let (_, second) = response.next().unwrap().unwrap();
    let mut fields = Message::new(second.bytes(), "test");
    let (number, series) = fields.next().unwrap().unwrap();
    assert_eq!((number, response.next().unwrap()), (1, None));
    let mut fields = Message::new(series.bytes(), "test");
    let mut numbers = Vec::new();
    while let Some((number, _)) = fields.next().unwrap() {
        numbers.push(number);
    }
    assert_eq!(numbers, [1, 1, 2, 4]);
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = read_request(&bytes);
        let _ = read_request(&compress_snappy(&bytes).unwrap());
    }
}
