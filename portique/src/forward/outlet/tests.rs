use portique_monitor::scrape::PrometheusFile;
use portique_series::METRIC_NAME;

use super::*;

/// An outlet of a receiver that the keys of `remote_write` describe.
fn outlet(more: &str, acknowledged_ms: Option<i64>) -> Outlet {
    let text = format!("remote_write: [{{url: 'http://r/', {more}}}]");
    let file = PrometheusFile::parse("p.yml", &text).unwrap();
    let external = Labels::from_pairs([("hub", "one"), ("job", "external")]);
    Outlet::new(file.remote_writes[0].clone(), external, acknowledged_ms)
}

/// Samples of series at a time, the value being the series' number.
fn batch(at_ms: i64, series: std::ops::Range<usize>) -> Batch {
    let mut batch = Batch::new();
    for number in series {
        batch.begin();
        batch.label(METRIC_NAME, &format!("m{number}"));
        batch.label("job", "own");
        batch.end_labels().unwrap();
        batch.float(at_ms, number as f64);
    }
    batch
}

fn offer(outlet: &Outlet, at_ms: i64, series: std::ops::Range<usize>) {
    outlet.offer(&batch(at_ms, series), &Appended::default());
}

#[test]
fn samples_wait_in_order_with_the_labels_that_the_receiver_sees() {
    let rules = "write_relabel_configs: [{source_labels: [__name__], regex: m1, action: drop}]";
    let outlet = outlet(rules, None);
    offer(&outlet, 1000, 0..3);
    offer(&outlet, 2000, 0..1);
    let taken = outlet.take();
    let shown: Vec<_> = taken
        .iter()
        .map(|item| (item.series.labels.to_string(), item.at_ms))
        .collect();
    let labels = |metric: &str| format!(r#"{metric}{{hub="one",job="own"}}"#);
    assert_eq!(
        shown,
        [
            (labels("m0"), 1000),
            (labels("m2"), 1000),
            (labels("m0"), 2000)
        ]
    );
    assert_eq!(outlet.cursor_ms(), Some(999));
    outlet.settle(&taken, false, 5000);
    outlet.arrived();
    assert_eq!(outlet.cursor_ms(), Some(2000));
    assert_eq!(outlet.view().counts.samples, 3);
}

#[test]
fn a_full_queue_is_emptied_and_the_store_is_read_from_its_oldest_sample_on() {
    let outlet = outlet("queue_config: {capacity: 5, max_samples_per_send: 2}", None);
    offer(&outlet, 1000, 0..3);
    let on_its_way = outlet.take();
    assert_eq!(on_its_way.len(), 2);
    offer(&outlet, 2000, 0..5);
    assert_eq!((outlet.behind_ms(), outlet.pending()), (Some(1000), 0));
    assert!(outlet.take().is_empty());
    // What comes now is in the store; what comes too late to be read there is counted.
    offer(&outlet, 3000, 0..5);
    outlet.caught_up_to(60_000);
    offer(&outlet, 50_000, 0..2);
    let late = outlet.view().counts.left_out;
    assert_eq!(late.into_iter().collect::<Vec<_>>(), [(LeftOut::Late, 2)]);
    let seen = outlet.go_live(|| "the store");
    assert_eq!((seen, outlet.behind_ms()), ("the store", None));
    assert_eq!(outlet.cursor_ms(), Some(60_000));
    offer(&outlet, 70_000, 0..1);
    assert_eq!(outlet.pending(), 1);
}

#[test]
fn a_restart_begins_behind_where_it_was() {
    let outlet = outlet("", Some(7000));
    assert_eq!(outlet.behind_ms(), Some(7001));
    assert_eq!(outlet.cursor_ms(), Some(7000));
}

#[test]
fn what_the_store_refused_is_not_sent() {
    let outlet = outlet("", None);
    let mut appended = Appended::default();
    appended.refused.push(portique_series::Refusal {
        series: 1,
        timestamp_ms: 1000,
        reason: portique_series::RefusalReason::Duplicate,
    });
    appended.refused_counts[0] = 1;
    outlet.offer(&batch(1000, 0..3), &appended);
    assert_eq!(outlet.pending(), 2);
    let listed = appended.refused[0].clone();
    appended.refused = vec![listed; REFUSALS_LISTED_MAX];
    appended.refused_counts[0] = 200;
    outlet.offer(&batch(2000, 0..3), &appended);
    assert_eq!(outlet.pending(), 2);
    let left_out = outlet.view().counts.left_out;
    assert_eq!(left_out[&LeftOut::RefusedHere], 3);
}

#[test]
fn a_series_is_known_by_the_newest_sample_that_was_acknowledged() {
    let outlet = outlet("", None);
    offer(&outlet, 1000, 0..1);
    let taken = outlet.take();
    outlet.settle(&taken, false, 2000);
    let labels = batch(0, 0..1).at(0).to_labels();
    assert_eq!(outlet.sent_of(&labels).unwrap().acknowledged_ms(), 1000);
}
