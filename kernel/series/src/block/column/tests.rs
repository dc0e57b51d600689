use proptest::prelude::*;

use super::*;
use crate::STALE;
use crate::chunk::ByteReader;

fn integers_again(integers: &[i64]) -> usize {
    let mut bytes = Vec::new();
    put_integers(&mut bytes, integers);
    let mut reader = ByteReader::new(&bytes);
    let mut found = vec![7];
    read_integers(&mut reader, integers.len(), &mut found).unwrap();
    assert_eq!(found[1..], *integers);
    assert!(reader.is_at_end());
    bytes.len()
}

fn floats_again(floats: &[f64]) -> usize {
    let mut bytes = Vec::new();
    put_floats(&mut bytes, floats);
    let mut reader = ByteReader::new(&bytes);
    let mut found = vec![7.0];
    read_floats(&mut reader, floats.len(), &mut found).unwrap();
    let bits = |floats: &[f64]| floats.iter().map(|f| f.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&found[1..]), bits(floats));
    assert!(reader.is_at_end());
    bytes.len()
}

fn of(count: u64, value: impl Fn(u64) -> f64) -> Vec<f64> {
    (0..count).map(value).collect()
}

#[test]
fn what_is_regular_takes_next_to_nothing() {
    assert!(integers_again(&[1_700_000_000_000; 1000]) <= 8);
    let regular: Vec<i64> = (0..1000).map(|i| 1_700_000_000_000 + i * 15_000).collect();
    assert!(integers_again(&regular) <= 11);
    assert!(floats_again(&of(1000, |_| 1.0)) <= 4);
    assert!(floats_again(&of(1000, |i| (i * 12) as f64)) <= 12);
    assert!(floats_again(&of(1000, |_| 0.123_456_789_012_345)) <= 9);
}

#[test]
fn decimals_with_a_stale_marker_stay_decimals() {
    let mut floats = of(1000, |i| (24_000 + i * 7919 % 60) as f64 / 100.0);
    floats[998] = STALE;
    assert!(floats_again(&floats) <= 1000);
}

#[test]
fn floats_of_every_kind_come_back_bit_by_bit() {
    let odd = [
        0.0,
        -0.0,
        STALE,
        f64::NAN,
        f64::INFINITY,
        f64::MIN,
        f64::from_bits(1),
        0.1,
    ];
    floats_again(&odd);
    for odd in odd {
        floats_again(&[odd]);
        floats_again(&vec![odd; 40]);
    }
    let mixed: Vec<f64> = (0..1024)
        .map(|i| odd[i * i % odd.len()] + (i / 700) as f64)
        .collect();
    floats_again(&mixed);
    floats_again(&of(1024, |i| (i as f64).sin()));
    floats_again(&of(1024, |i| {
        f64::from_bits(0x7ff0_0000_0000_0001 + i % 77)
    }));
    floats_again(&[]);
}

proptest! {
    #[test]
    fn integers_come_back(
        base in any::<i64>(),
        bits in 0u32..64,
        numbers in prop::collection::vec(any::<i64>(), 0..300),
        is_running in any::<bool>(),
    ) {
        let mut last = base;
        let number = |n: i64| {
            let next = (n >> bits).wrapping_add(if is_running { last } else { base });
            last = next;
            next
        };
        integers_again(&numbers.into_iter().map(number).collect::<Vec<_>>());
    }

    #[test]
    fn floats_come_back(
        bits in prop::collection::vec(any::<u64>(), 0..100),
        decimals in prop::collection::vec(-10_000i64..10_000, 0..300),
        scale in 0i32..12,
    ) {
        let mut floats: Vec<f64> = decimals.iter().map(|n| *n as f64 / 10f64.powi(scale)).collect();
        floats_again(&floats);
        floats.extend(bits.into_iter().map(f64::from_bits));
        floats_again(&floats);
    }

    #[test]
    fn any_bytes_are_read_or_refused(kind in 0u8..30, rest in prop::collection::vec(any::<u8>(), 0..80), count in 0usize..1025) {
        // What pco does with bytes that are none of its own is its affair: a page's checksum keeps them away.
        prop_assume!(kind != 2 && kind != 4 && !rest.contains(&4));
        let bytes = [&[kind][..], &rest].concat();
        let _ = read_integers(&mut ByteReader::new(&bytes), count, &mut Vec::new());
        let _ = read_floats(&mut ByteReader::new(&bytes), count, &mut Vec::new());
    }
}
