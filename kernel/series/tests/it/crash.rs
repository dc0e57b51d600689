//! Power cuts at every kind of moment: what was acknowledged is there.

use std::sync::Arc;

use portique_clock::{Random, Seeded};
use portique_journal::{SimulatedDisk, SimulatedFaults};
use portique_series::{Batch, Config};

use crate::rig::{Rig, series};

/// Lives of one store, each ended by a power cut after some operations of the disk.
const LIVES: usize = 6;

fn config() -> Config {
    Config {
        segment_bytes: 4 << 20,
        reserve_bytes: 0,
        ..Config::default()
    }
}

#[test]
fn acknowledged_samples_survive_power_cuts() {
    for seed in 0..60 {
        live(seed);
    }
}

fn live(seed: u64) {
    let mut random = Seeded::new(seed);
    let disk = Arc::new(SimulatedDisk::new(seed, 1 << 30));
    // For each series how many samples, at 0, 1, 2 ..., were acknowledged.
    let mut acknowledged = [0_i64; 5];
    let mut offered = [0_i64; 5];
    for life in 0..LIVES {
        let cut = SimulatedFaults {
            power_cut_after: Some(random.below(120)),
            error_after: None,
        };
        disk.arrange(cut);
        if let Ok(mut rig) = Rig::open(&disk, config()) {
            for (id, (least, most)) in acknowledged.iter_mut().zip(&mut offered).enumerate() {
                let found = rig.floats(&labels(id), 0, i64::MAX).len() as i64;
                assert!(
                    (*least..=*most).contains(&found),
                    "seed {seed}, life {life}, series {id}: {found} of {least}..={most}"
                );
                (*least, *most) = (found, found);
            }
            while !disk.has_failed() {
                work(&mut rig, &mut random, &mut offered, &mut acknowledged);
            }
            std::mem::forget(rig);
        }
        disk.restart_after_power_cut();
        disk.arrange(SimulatedFaults::default());
    }
    let rig = Rig::open(&disk, config()).unwrap_or_else(|e| panic!("seed {seed}: {e:?}"));
    for (id, least) in acknowledged.iter().enumerate() {
        let found = rig.floats(&labels(id), 0, i64::MAX);
        assert!(found.len() as i64 >= *least, "seed {seed}, series {id}");
        for (n, (timestamp_ms, value)) in found.iter().enumerate() {
            assert_eq!(
                (*timestamp_ms, *value),
                (n as i64, (n as f64).to_bits()),
                "seed {seed}"
            );
        }
    }
}

fn labels(id: usize) -> portique_series::Labels {
    series("m", &[("id", &id.to_string())])
}

fn work(rig: &mut Rig, random: &mut Seeded, offered: &mut [i64; 5], acknowledged: &mut [i64; 5]) {
    if random.below(8) == 0 {
        rig.settle();
        // It may fail: the power may be gone.
        let _ = rig.store.checkpoint();
        return;
    }
    let mut batch = Batch::new();
    let begun = *offered;
    for (id, begun) in begun.iter().enumerate() {
        let count = random.below(4) as i64 * 10;
        if count > 0 {
            batch.series(&labels(id)).expect("labels");
            for n in *begun..begun + count {
                batch.float(n, n as f64);
            }
            offered[id] += count;
        }
    }
    match rig.append(&batch) {
        Ok(_) => *acknowledged = *offered,
        // Nothing may be offered after a hole.
        Err(_) => assert!(rig.disk.has_failed(), "only the power cut refuses"),
    }
}
