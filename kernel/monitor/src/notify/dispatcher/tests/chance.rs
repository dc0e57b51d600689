//! Timelines made by chance: what must hold whatever comes in.

use std::collections::{BTreeMap, BTreeSet};

use portique_clock::{Random, Seeded};

use super::script::Script;
use super::simulation::{Restarts, Simulation};

/// Timelines that are tried; each is named by its seed.
const SEEDS: u64 = 40;

fn seconds(random: &mut Seeded, max: u64) -> f64 {
    random.below(max * 10) as f64 / 10.0
}

fn timeline(seed: u64) -> String {
    let mut random = Seeded::new(seed);
    let resolved = if random.below(3) == 0 {
        "false"
    } else {
        "true"
    };
    let mut text = format!(
        "end 200\nhook webhook[0] fails until {}\nconfig:\nglobal: {{resolve_timeout: 1h, critical_matchers: [c=y]}}\n\
         route: {{receiver: r, group_by: [g], group_wait: {}s, group_interval: {}s, repeat_interval: 20s, critical_group_wait: 0s}}\n\
         receivers: [{{name: r, webhook_configs: [{{url: 'http://x', send_resolved: {resolved}}}]}}]\n\
         inhibit_rules: [{{source_matchers: [n='0'], target_matchers: [n='1'], equal: [g]}}]\ntimeline:\n",
        seconds(&mut random, 30),
        random.below(4),
        random.below(4) + 1,
    );
    let mut firing = BTreeMap::new();
    let mut at = 1.0;
    for _ in 0..random.below(25) + 5 {
        at += seconds(&mut random, 5);
        let (n, g) = (random.below(4), random.below(2));
        let start = firing.get(&(n, g)).copied().unwrap_or(at);
        text += &format!("{at:.1} post {} start={start:.1}", labels(n, g));
        if random.below(3) == 0 && start < at {
            firing.remove(&(n, g));
            text += &format!(" end={at:.1}");
        } else {
            firing.insert((n, g), start);
        }
        text += "\n";
        if random.below(6) == 0 {
            let until = at + seconds(&mut random, 40) + 1.0;
            text += &format!(
                "{at:.1} silence s{n}{g}{at:.1} {} {at:.1}..{until:.1}\n",
                labels(n, g)
            );
        }
        if random.below(12) == 0 {
            text += &format!("{at:.1} reload\n");
        }
    }
    for ((n, g), start) in firing {
        text += &format!("160 post {} start={start:.1} end=160\n", labels(n, g));
    }
    text
}

fn labels(n: u64, g: u64) -> String {
    let critical = if n == 3 { "y" } else { "n" };
    format!("{{n=\"{n}\",g=\"{g}\",c=\"{critical}\"}}")
}

#[test]
fn by_chance_a_restart_changes_nothing_and_every_end_is_told() {
    for seed in 0..SEEDS {
        let text = timeline(seed);
        let script = Script::parse(&text).unwrap_or_else(|p| panic!("seed {seed}: {p}"));
        let mut plain = Simulation::new(&script, Restarts::None);
        let steps = plain.run();
        let mut random = Seeded::new(seed);
        let step = usize::try_from(random.below(steps as u64)).unwrap();
        for restarts in [
            Restarts::Replayed(step),
            Restarts::Checkpointed(step),
            Restarts::Torn(step),
        ] {
            let mut restarted = Simulation::new(&script, restarts);
            restarted.run();
            assert_eq!(
                restarted.arrivals, plain.arrivals,
                "seed {seed}, {restarts:?}"
            );
        }
        let sends_ends = text.contains("send_resolved: true");
        let mut firing = BTreeSet::new();
        for arrival in &plain.arrivals {
            for alert in &arrival.alerts {
                if alert.end.is_none() {
                    firing.insert(alert.labels.clone());
                } else {
                    firing.remove(&alert.labels);
                    assert!(sends_ends, "seed {seed}: an end was sent");
                }
            }
        }
        assert!(
            !sends_ends || firing.is_empty(),
            "seed {seed}: never told of the end of {firing:?}\n{text}"
        );
    }
}
