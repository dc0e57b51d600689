//! Rules evaluated on ingest agree with what is found by looking at everything, all the time.

use std::time::Duration;

use portique_monitor::AlertState;
use portique_series::STALE;
use proptest::prelude::*;

use crate::language::labels;
use crate::script::World;

/// Samples come at these steps, so that both kinds of rules look at the same moments.
const STEP: Duration = Duration::from_millis(500);

/// `(steps waited, tank, value)`; a value of 10 ends the series.
fn samples() -> impl Strategy<Value = Vec<(u8, u8, u8)>> {
    prop::collection::vec((0_u8..6, 0_u8..4, 0_u8..=10), 1..60)
}

fn rules(trigger: &str, interval: &str, options: &str) -> String {
    format!(
        "groups:
- name: g
  interval: {interval}
  trigger: {trigger}
  rules:
  - {{alert: Simple, expr: 'm > 5'{options}}}
  - {{alert: Whole, expr: 'sum(m) > 12'{options}}}
  - {{alert: Gone, expr: 'absent(m{{tank=\"1\"}})'}}
"
    )
}

fn play(world: &mut World, samples: &[(u8, u8, u8)], mut look: impl FnMut(&mut World)) {
    for (steps, tank, value) in samples {
        let later = world.now.plus(STEP * (u32::from(*steps) + 1));
        world.until(later);
        let value = match value {
            10 => STALE,
            value => f64::from(*value),
        };
        world.append(&labels(&format!("m{{tank=\"{tank}\"}}")), value);
        world.until(world.now);
        look(world);
    }
}

/// What is active, as rule, labels and state.
fn active(world: &World, only: &str) -> Vec<String> {
    let all = world.engine.book().all().filter(|e| e.is_active());
    let shown = all.map(|e| format!("{} {:?}", e.labels, e.state));
    shown.filter(|text| text.contains(only)).collect()
}

fn firing(world: &World) -> Vec<String> {
    let all = world.engine.book().all();
    let firing = all.filter(|e| e.state == AlertState::Firing);
    firing.map(|e| e.labels.to_string()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    /// Looking at the touched series only finds what looking at all series finds.
    #[test]
    fn touched_series_say_all(samples in samples(), options in prop::sample::select(vec![
        "", ", for: 2s", ", keep_firing_for: 1500ms", ", for: 1s, keep_firing_for: 1s",
        ", resolve_expr: 'm < 3'",
    ])) {
        let simple = |expression: &str| format!(
            "groups:\n- {{name: g, interval: 24h, trigger: ingest, rules: [{{alert: A, expr: '{expression}'{options}}}]}}\n"
        );
        // A second matcher that matches all, under which the selector is no plain name: nothing else differs.
        let mut touched = World::with_rules(&simple("m > 5"));
        let mut whole = World::with_rules(&simple("{__name__=~\"m\"} > 5"));
        let mut found = Vec::new();
        play(&mut touched, &samples, |world| found.push(active(world, "A")));
        let mut expected = Vec::new();
        play(&mut whole, &samples, |world| expected.push(active(world, "A")));
        prop_assert_eq!(found, expected);
    }

    /// At a tick of the interval, a rule on ingest has found what a rule at that interval finds.
    #[test]
    fn ticks_find_what_ingest_found(samples in samples()) {
        let mut ingest = World::with_rules(&rules("ingest", "24h", ""));
        let mut interval = World::with_rules(&rules("interval", "500ms", ""));
        play(&mut ingest, &samples, |_| {});
        play(&mut interval, &samples, |_| {});
        // The next tick has seen all.
        interval.until(interval.now.plus(STEP));
        let without_absence = |world: &World| {
            firing(world).into_iter().filter(|l| !l.contains("Gone")).collect::<Vec<_>>()
        };
        prop_assert_eq!(without_absence(&ingest), without_absence(&interval));
        let last_of_one = samples.iter().rev().find(|(_, tank, _)| *tank == 1);
        let is_gone = last_of_one.is_none_or(|(_, _, value)| *value == 10);
        prop_assert_eq!(firing(&interval).iter().any(|l| l.contains("Gone")), is_gone);
    }

    /// What was kept makes the same alerts again.
    #[test]
    fn facts_make_the_same_book(samples in samples()) {
        let mut world = World::with_rules(&rules("ingest", "1s", ", for: 1s, keep_firing_for: 1s"));
        play(&mut world, &samples, |_| {});
        let of = |book: &portique_monitor::Book| book
            .all()
            .map(|e| (e.labels.to_string(), e.state, e.active_at, e.fired_at, e.lingering_since, e.history.clone()))
            .map(|all| format!("{all:?}"))
            .collect::<Vec<_>>();
        let replayed = world.replayed();
        prop_assert_eq!(of(world.engine.book()), of(&replayed));
        let mut from_checkpoint = portique_monitor::Book::default();
        for fact in replayed.checkpoint() {
            let fact = portique_monitor::Fact::decode(&fact.encode()).unwrap();
            from_checkpoint.apply(&fact);
        }
        prop_assert_eq!(format!("{replayed:?}"), format!("{from_checkpoint:?}"));
    }
}
