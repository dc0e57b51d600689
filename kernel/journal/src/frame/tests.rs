use proptest::prelude::*;

use super::*;

fn stamp() -> impl Strategy<Value = Stamp> {
    (
        1..1_u64 << 62,
        any::<i64>(),
        any::<u64>(),
        any::<u64>(),
        any::<u64>(),
        any::<u32>(),
    )
        .prop_map(
            |(first, nanos, durable_sequence, durable_offset, epoch, previous)| Stamp {
                first,
                time: Timestamp::from_nanos(nanos),
                durable_sequence,
                durable_offset,
                epoch,
                previous,
            },
        )
}

fn records() -> impl Strategy<Value = Vec<Record>> {
    let body = proptest::collection::vec(any::<u8>(), 0..700).prop_map(Bytes::from);
    proptest::collection::vec((any::<u8>(), body), 0..12).prop_map(|records| {
        records
            .into_iter()
            .map(|(kind, body)| Record { kind, body })
            .collect()
    })
}

fn place() -> impl Strategy<Value = Place> {
    (any::<[u8; 16]>(), any::<u64>(), any::<u64>()).prop_map(|(store, segment, offset)| Place {
        store: StoreId(store),
        segment,
        offset,
    })
}

fn encoded(place: Place, stamp: Stamp, records: &[Record]) -> Sectors {
    let mut sectors = Sectors::new(64 * 1024);
    encode(&mut sectors, place, stamp, records.iter());
    sectors
}

fn decoded(place: Place, bytes: &[u8]) -> Result<(Stamp, Vec<Entry>), &'static str> {
    let header = FrameHeader::decode(place, bytes)?;
    let body = header.body(place, bytes)?;
    Ok((header.stamp, header.entries(place.store, &body)?))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn what_goes_in_comes_out(place in place(), stamp in stamp(), records in records()) {
        let sectors = encoded(place, stamp, &records);
        prop_assert_eq!(sectors.len() % SECTOR_BYTES, 0);
        let (read, entries) = decoded(place, &sectors).unwrap();
        prop_assert_eq!(read, stamp);
        let back: Vec<Record> = entries.iter().map(|entry| Record { kind: entry.kind, body: entry.body.clone() }).collect();
        prop_assert_eq!(back, records);
        for (index, entry) in entries.iter().enumerate() {
            prop_assert_eq!(entry.sequence.0, stamp.first + index as u64);
        }
    }

    #[test]
    fn a_changed_bit_is_noticed(place in place(), stamp in stamp(), records in records(), at in any::<prop::sample::Index>()) {
        let mut sectors = encoded(place, stamp, &records);
        let bit = at.index(sectors.len() * 8);
        sectors[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(decoded(place, &sectors).is_err());
    }

    #[test]
    fn a_frame_is_valid_in_its_place_only(place in place(), other in place(), stamp in stamp(), records in records()) {
        let sectors = encoded(place, stamp, &records);
        let moved = Place { offset: place.offset ^ 4096, ..place };
        let recycled = Place { segment: place.segment ^ 1, ..place };
        let foreign = Place { store: other.store, ..place };
        prop_assert!(decoded(moved, &sectors).is_err());
        prop_assert!(decoded(recycled, &sectors).is_err());
        prop_assert!(other.store == place.store || decoded(foreign, &sectors).is_err());
    }

    #[test]
    fn any_bytes_are_refused_without_panic(place in place(), bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(decoded(place, &bytes).is_err());
    }
}

#[test]
fn a_frame_fills_whole_sectors_and_no_more() {
    assert_eq!(frame_bytes(0), 4096);
    assert_eq!(frame_bytes(4096 - FRAME_HEADER_BYTES), 4096);
    assert_eq!(frame_bytes(4097 - FRAME_HEADER_BYTES), 8192);
}
