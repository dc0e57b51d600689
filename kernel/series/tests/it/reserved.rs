//! Names that belong to somebody, and what others send under them.

use std::sync::Arc;

use portique_clock::{Seeded, SimulatedClock, Timestamp};
use portique_series::{
    Batch, Config, Labels, Listing, MetricKind, RefusalKind, ReservedSink, Sink, Store,
};

use crate::rig::{HOUR_MS, add, floats, histogram, series};

const NOW_MS: i64 = 1_000 * HOUR_MS;

#[test]
fn what_is_sent_under_the_name_of_another_is_refused_by_its_place_and_the_rest_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(SimulatedClock::new(Timestamp::from_millis(NOW_MS)));
    let store = Store::open(Config::default(), folder.path(), clock, &mut Seeded::new(1));
    let store = Arc::new(store.unwrap());
    let sink = ReservedSink::new(store.clone(), &["pump_", "tank_"]);

    let (before, after) = (series("pumps", &[("A", "1")]), series("tank", &[]));
    let owned = series("pump_speed", &[("A", "1")]);
    let mut offered = Batch::new();
    add(&mut offered, &before, &[(NOW_MS, 1.0)]);
    add(&mut offered, &owned, &[(NOW_MS, 2.0), (NOW_MS + 1, 3.0)]);
    offered.exemplar(Labels::from_pairs([("trace", "a")]), 1.0, NOW_MS);
    add(
        &mut offered,
        &after,
        &[(NOW_MS, 4.0), (NOW_MS + 2 * HOUR_MS, 5.0)],
    );
    offered.exemplar(Labels::from_pairs([("trace", "b")]), 1.0, NOW_MS);
    offered.series(&series("tank_level", &[])).unwrap();
    offered.histogram(NOW_MS, histogram(1.0));
    offered.metadata("pump_speed", MetricKind::Gauge, "mine now", "");
    offered.metadata("pumps", MetricKind::Gauge, "how many", "");

    let appended = sink.submit(&offered).unwrap().wait().unwrap();
    assert_eq!(
        (appended.samples, appended.created, appended.exemplars),
        (2, 2, 1)
    );
    assert_eq!(appended.refused_for(RefusalKind::Reserved), 3);
    assert_eq!(sink.refused_total(), 3);
    let places: Vec<_> = appended
        .refused
        .iter()
        .map(|r| (r.series, r.reason.kind()))
        .collect();
    let expected = [
        (2, RefusalKind::TooNew),
        (1, RefusalKind::Reserved),
        (3, RefusalKind::Reserved),
    ];
    assert_eq!(places, expected);
    assert!(appended.refused[1].reason.to_string().contains("pump_*"));
    let mut kept = store.series(&Listing::all()).unwrap();
    kept.sort();
    assert_eq!(kept, [before.clone(), after]);
    assert_eq!(
        floats(&store, &before, 0, i64::MAX),
        [(NOW_MS, 1.0_f64.to_bits())]
    );

    // Whoever owns the name writes to what is behind.
    let mut own = Batch::new();
    add(&mut own, &owned, &[(NOW_MS, 9.0)]);
    assert_eq!(store.append(&own).unwrap().samples, 1);
}
