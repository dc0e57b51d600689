use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::{CounterReset, STALE, Samples, Span, Value};

fn filled(samples: &[(i64, f64, i64)]) -> Chunk {
    let (first_ms, first, start_ms) = samples[0];
    let mut chunk = Chunk::begin(first_ms, &Value::Float(first), start_ms).unwrap();
    for (timestamp_ms, value, start_ms) in &samples[1..] {
        chunk
            .append_float(*timestamp_ms, *value, *start_ms)
            .unwrap();
    }
    chunk
}

fn all(chunk: &Chunk) -> Samples {
    let mut samples = Samples::default();
    chunk.read(i64::MIN, i64::MAX, &mut samples).unwrap();
    samples
}

fn triples(samples: &Samples) -> Vec<(i64, u64, i64)> {
    let start = |i: usize| samples.starts.get(i).copied().unwrap_or(0);
    let triple = |i: usize| (samples.timestamps[i], samples.floats[i].to_bits(), start(i));
    (0..samples.len()).map(triple).collect()
}

fn assert_kept(samples: &[(i64, f64, i64)]) -> Chunk {
    let chunk = filled(samples);
    let written: Vec<_> = samples
        .iter()
        .map(|(t, v, s)| (*t, v.to_bits(), *s))
        .collect();
    assert_eq!(triples(&all(&chunk)), written);
    let again = Chunk::from_bytes(&chunk.to_bytes()).unwrap();
    assert_eq!(triples(&all(&again)), written);
    assert_eq!(
        (again.first_ms(), again.last_ms()),
        (chunk.first_ms(), chunk.last_ms())
    );
    chunk
}

fn regular(count: i64, value: impl Fn(i64) -> f64) -> Vec<(i64, f64, i64)> {
    (0..count)
        .map(|i| (1_700_000_000_000 + i * 15_000, value(i), 0))
        .collect()
}

#[test]
fn values_of_every_kind_come_back_bit_by_bit() {
    let odd = [
        0.0,
        -0.0,
        STALE,
        f64::NAN,
        -f64::NAN,
        f64::from_bits(0x7ff0_0000_0000_0001),
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::MIN_POSITIVE,
        f64::from_bits(1),
        f64::MAX,
        f64::MIN,
        0.1,
        -1e-6,
        1e300,
        9_007_199_254_740_993.0,
    ];
    assert_kept(&regular(odd.len() as i64, |i| odd[i as usize]));
}

#[test]
fn timestamps_at_the_ends_of_time_come_back() {
    let times = [i64::MIN, i64::MIN + 1, -1, 0, 1, i64::MAX - 1, i64::MAX];
    let samples: Vec<_> = times.into_iter().map(|t| (t, 1.0, t)).collect();
    assert_kept(&samples);
}

#[test]
fn shapes_of_telemetry_take_few_bytes() {
    let up = assert_kept(&regular(120, |_| 1.0));
    assert!(
        up.to_bytes().len() <= 32,
        "up takes {} bytes",
        up.to_bytes().len()
    );
    let counter = assert_kept(&regular(120, |i| (1_000_000 + i * i % 97) as f64));
    assert!(
        counter.to_bytes().len() <= 260,
        "{}",
        counter.to_bytes().len()
    );
    let steady = assert_kept(&regular(120, |i| (1_000_000 + i * 700) as f64));
    assert!(
        steady.to_bytes().len() <= 150,
        "{}",
        steady.to_bytes().len()
    );
    let voltage = assert_kept(&regular(120, |i| (24_012 + i * 37 % 211) as f64 / 100.0));
    assert!(
        voltage.to_bytes().len() <= 280,
        "{}",
        voltage.to_bytes().len()
    );
    let noise = assert_kept(&regular(120, |i| (i as f64 * 0.7).sin()));
    assert!(noise.to_bytes().len() <= 1100, "{}", noise.to_bytes().len());
    assert!(noise.memory_bytes() <= 1408 + size_of::<Chunk>());
}

#[test]
fn a_sample_out_of_order_or_of_the_other_kind_is_refused() {
    let mut chunk = filled(&regular(3, |i| i as f64));
    let before = chunk.to_bytes();
    assert_eq!(
        chunk.append_float(chunk.last_ms(), 9.0, 0),
        Err(Refused::NotAfter)
    );
    let histogram = Value::Histogram(Arc::default());
    assert_eq!(
        chunk.append(i64::MAX, &histogram, 0),
        Err(Refused::OtherKind)
    );
    assert_eq!(chunk.to_bytes(), before);
    let mut full = filled(&regular(CHUNK_SAMPLES_MAX as i64, |_| 1.0));
    assert_eq!(full.append_float(i64::MAX, 1.0, 0), Err(Refused::Full));
}

#[test]
fn only_the_samples_in_range_are_read() {
    let chunk = filled(&regular(50, |i| i as f64)).seal();
    let mut samples = Samples::default();
    let from_ms = 1_700_000_000_000 + 10 * 15_000;
    chunk.read(from_ms, from_ms + 29_999, &mut samples).unwrap();
    assert_eq!(samples.floats, [10.0, 11.0]);
    assert_eq!((chunk.len(), chunk.kind()), (50, ChunkKind::Float));
}

#[test]
fn a_restored_chunk_goes_on() {
    let samples = regular(100, |i| (i / 7) as f64 / 10.0);
    let chunk = filled(&samples[..60]);
    let mut restored = Chunk::from_bytes(&chunk.to_bytes()).unwrap();
    for (timestamp_ms, value, start_ms) in &samples[60..] {
        restored
            .append_float(*timestamp_ms, *value, *start_ms)
            .unwrap();
    }
    let written: Vec<_> = samples
        .iter()
        .map(|(t, v, s)| (*t, v.to_bits(), *s))
        .collect();
    assert_eq!(triples(&all(&restored)), written);
}

fn float() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<u64>().prop_map(f64::from_bits),
        (-1000i64..1000).prop_map(|n| n as f64),
        (-1_000_000i64..1_000_000, 0usize..8)
            .prop_map(|(n, e)| n as f64 / [1.0, 10.0, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7][e]),
        Just(STALE),
        Just(1.0),
    ]
}

fn interval() -> impl Strategy<Value = i64> {
    prop_oneof![Just(15_000), 14_990i64..15_010, 1..1i64 << 40, Just(60_000)]
}

fn columns() -> impl Strategy<Value = Vec<(i64, f64, i64)>> {
    let start = prop_oneof![4 => Just(0i64), 1 => any::<i64>()];
    let step = (interval(), float(), start, 1usize..9);
    (any::<i64>(), prop::collection::vec(step, 1..40)).prop_map(|(first_ms, steps)| {
        let mut timestamp_ms = first_ms >> 1;
        let mut samples = Vec::new();
        for (interval, value, start_ms, repeats) in steps {
            for _ in 0..repeats {
                samples.push((timestamp_ms, value, start_ms));
                timestamp_ms += interval;
            }
        }
        samples.truncate(CHUNK_SAMPLES_MAX);
        samples
    })
}

fn histogram() -> impl Strategy<Value = Arc<Histogram>> {
    let spans = || prop::collection::vec((any::<i32>(), any::<u32>()), 0..3);
    let counts = || prop::collection::vec(float(), 0..9);
    let numbers = (float(), float(), float(), float());
    let parts = (
        any::<i32>(),
        numbers,
        spans(),
        counts(),
        spans(),
        counts(),
        counts(),
        0usize..4,
    );
    parts.prop_map(
        |(schema, numbers, positive, pb, negative, nb, custom_bounds, reset)| {
            use CounterReset::*;
            let of = |spans: Vec<(i32, u32)>| {
                spans
                    .into_iter()
                    .map(|(offset, length)| Span { offset, length })
                    .collect()
            };
            Arc::new(Histogram {
                schema,
                zero_threshold: numbers.0,
                zero_count: numbers.1,
                count: numbers.2,
                sum: numbers.3,
                positive_spans: of(positive),
                positive_buckets: pb,
                negative_spans: of(negative),
                negative_buckets: nb,
                custom_bounds,
                counter_reset: [Unknown, Reset, NotReset, Gauge][reset],
            })
        },
    )
}

/// Histograms with changed numbers, now and then a changed layout, often the same again.
fn histograms() -> impl Strategy<Value = Vec<Arc<Histogram>>> {
    let change = (0usize..20, float());
    let group = (histogram(), prop::collection::vec(change, 0..8));
    prop::collection::vec(group, 1..6).prop_map(|groups| {
        let mut all = Vec::new();
        for (histogram, changes) in groups {
            let mut histogram = (*histogram).clone();
            for (at, value) in changes {
                all.push(Arc::new(histogram.clone()));
                match histogram.positive_buckets.get_mut(at) {
                    Some(count) => *count = value,
                    None if at % 2 == 0 => histogram.sum = value,
                    None => {}
                }
            }
        }
        all.push(Arc::default());
        all
    })
}

/// Debug output tells NaNs apart from numbers only; bits tell all.
fn bits(histogram: &Histogram) -> (String, Vec<u64>) {
    let h = histogram;
    let numbers = [h.zero_threshold, h.zero_count, h.count, h.sum];
    let numbers = numbers
        .iter()
        .chain(&h.positive_buckets)
        .chain(&h.negative_buckets);
    let numbers = numbers
        .chain(&h.custom_bounds)
        .map(|n| n.to_bits())
        .collect();
    (format!("{h:?}"), numbers)
}

fn histogram_chunk(histograms: &[Arc<Histogram>]) -> Chunk {
    let value = |h: &Arc<Histogram>| Value::Histogram(Arc::clone(h));
    let mut chunk = Chunk::begin(0, &value(&histograms[0]), 0).unwrap();
    for (i, histogram) in histograms.iter().enumerate().skip(1) {
        chunk
            .append(i as i64 * 15_000, &value(histogram), (i as i64 / 4) * 3)
            .unwrap();
    }
    chunk
}

/// Whatever it does with these bytes, it does not panic, and a chunk it takes can be read.
fn read_hostile(bytes: &[u8]) {
    if let Ok(chunk) = Chunk::from_bytes(bytes) {
        let mut samples = Samples::default();
        chunk.read(i64::MIN, i64::MAX, &mut samples).unwrap();
        assert_eq!(samples.len(), chunk.len());
        assert!(samples.timestamps.is_sorted_by(|a, b| a < b));
    }
}

proptest! {
    #[test]
    fn floats_come_back_bit_by_bit(samples in columns()) {
        assert_kept(&samples);
    }

    #[test]
    fn histograms_come_back_bit_by_bit(histograms in histograms()) {
        let chunk = Chunk::from_bytes(&histogram_chunk(&histograms).to_bytes()).unwrap();
        let samples = all(&chunk);
        prop_assert_eq!(samples.len(), histograms.len());
        for (found, written) in samples.histograms.iter().zip(&histograms) {
            prop_assert_eq!(bits(found.as_ref().unwrap()), bits(written));
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200), kind in 1u8..3) {
        read_hostile(&bytes);
        let mut chunk = vec![kind, (bytes.len() % 120) as u8 + 1, 0];
        chunk.extend([0; 8]);
        chunk.extend(bytes);
        read_hostile(&chunk);
    }

}

proptest! {
    // Each of these goes over every bit of its chunks.
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn a_cut_chunk_is_refused(samples in columns(), histograms in histograms()) {
        for chunk in [filled(&samples), histogram_chunk(&histograms)] {
            for length in 0..chunk.to_bytes().len() {
                prop_assert!(Chunk::from_bytes(&chunk.to_bytes()[..length]).is_err());
            }
        }
    }

    #[test]
    fn a_flipped_bit_is_read_or_refused(samples in columns(), histograms in histograms()) {
        for chunk in [filled(&samples), histogram_chunk(&histograms)] {
            let mut bytes = chunk.to_bytes();
            for bit in 0..bytes.len() * 8 {
                bytes[bit / 8] ^= 1 << (bit % 8);
                read_hostile(&bytes);
                bytes[bit / 8] ^= 1 << (bit % 8);
            }
        }
    }
}

/// Version 1 stays readable: these bytes were written when the version was made.
#[test]
fn the_chunk_of_version_1_is_read() {
    let mut samples = regular(40, |i| (2_000 + i * i % 13) as f64 / 100.0);
    samples.extend([
        (1_700_000_700_007, STALE, 0),
        (1_700_000_715_000, 1e300, 1_699_999_999_999),
    ]);
    let chunk = Chunk::from_bytes(include_bytes!("golden-1.chunk")).unwrap();
    let written: Vec<_> = samples
        .iter()
        .map(|(t, v, s)| (*t, v.to_bits(), *s))
        .collect();
    assert_eq!(triples(&all(&chunk)), written);
}
