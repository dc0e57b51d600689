//! Power cuts and failing disks at every kind of moment: what was acknowledged is there.

use std::sync::Arc;

use portique_clock::{Random, Seeded};
use portique_journal::{SimulatedDisk, SimulatedFaults};
use portique_series::{Batch, Config};

use crate::rig::{Rig, series};

/// Lives of one store, each ended by a power cut or an error after some operations of the disk.
const LIVES: usize = 6;

fn config() -> Config {
    Config {
        segment_bytes: 4 << 20,
        reserve_bytes: 0,
        ..Config::default()
    }
}

#[test]
fn acknowledged_samples_survive_power_cuts_and_errors() {
    for seed in 0..30 {
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
        let is_cut = random.below(3) > 0;
        let after = Some(random.below(120));
        disk.arrange(SimulatedFaults {
            power_cut_after: after.filter(|_| is_cut),
            error_after: after.filter(|_| !is_cut),
        });
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
        match is_cut {
            true => disk.restart_after_power_cut(),
            false => disk.restart_after_kill(),
        }
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
        Err(_) => assert!(rig.disk.has_failed(), "only a failing disk refuses"),
    }
}

#[test]
fn a_damaged_checkpoint_is_refused_by_name() {
    let mut rig = Rig::new(config());
    for id in 0..5 {
        let samples: Vec<_> = (0..300).map(|n| (n, (n as f64).sqrt())).collect();
        rig.append(&crate::rig::batch(&labels(id), &samples))
            .expect("an append");
    }
    rig.store.checkpoint().expect("a checkpoint");
    let files = rig.disk.files();
    let name = files
        .keys()
        .find(|name| name.ends_with(".checkpoint"))
        .expect("one")
        .clone();
    let rig = rig.reopen(config());
    let disk = rig.disk.clone();
    std::mem::forget(rig);
    // Where payloads and headers are; what pads a page is of no account.
    let held: Vec<usize> = (0..files[&name].len())
        .filter(|at| files[&name][*at] != 0)
        .collect();
    for (n, at) in held.iter().enumerate().step_by(held.len() / 200) {
        disk.restart_after_kill();
        let bit = (n % 8) as u8;
        disk.flip(&name, *at, bit);
        let Err(error) = Rig::open(&disk, config()) else {
            panic!("byte {at}, bit {bit} was not noticed");
        };
        let error = error.to_string();
        assert!(error.contains(&name), "byte {at}, bit {bit}: {error}");
        disk.flip(&name, *at, bit);
    }
    disk.restart_after_kill();
    assert!(Rig::open(&disk, config()).is_ok(), "whole again, it opens");
}

#[test]
fn a_log_that_failed_is_opened_again_and_loses_nothing() {
    for seed in 0..40 {
        failing_log(seed);
    }
}

/// A store whose disk fails once, at any operation, goes on in the same process; then the power
/// goes.
fn failing_log(seed: u64) {
    let mut random = Seeded::new(seed);
    let disk = Arc::new(SimulatedDisk::new(seed, 1 << 30));
    let mut rig = Rig::open(&disk, config()).expect("an empty disk");
    let (mut acknowledged, mut offered) = ([0_i64; 5], [0_i64; 5]);
    for round in 0..4 {
        disk.arrange(SimulatedFaults {
            error_after: Some(random.below(60)),
            ..SimulatedFaults::default()
        });
        while !disk.has_failed() {
            work(&mut rig, &mut random, &mut offered, &mut acknowledged);
        }
        disk.arrange(SimulatedFaults::default());
        // What is stored is read all the while.
        let found = rig.floats(&labels(0), 0, i64::MAX).len() as i64;
        assert!(found >= acknowledged[0], "seed {seed}, round {round}");
        rig.reopen_log();
        // Those who were refused send the same again.
        let mut again = Batch::new();
        for (id, offered) in offered
            .iter()
            .enumerate()
            .filter(|(_, offered)| **offered > 0)
        {
            again.series(&labels(id)).expect("labels");
            (0..*offered).for_each(|n| again.float(n, n as f64));
        }
        rig.append(&again)
            .unwrap_or_else(|e| panic!("seed {seed}, round {round}: {e:?}"));
        acknowledged = offered;
    }
    std::mem::forget(rig);
    disk.restart_after_power_cut();
    let rig = Rig::open(&disk, config()).unwrap_or_else(|e| panic!("seed {seed}: {e:?}"));
    for (id, expected) in acknowledged.iter().enumerate() {
        let found = rig.floats(&labels(id), 0, i64::MAX);
        assert_eq!(found.len() as i64, *expected, "seed {seed}, series {id}");
    }
}

#[test]
fn while_the_log_has_failed_appends_are_refused_with_a_time_to_come_back() {
    use portique_fault::{Code, Fault, Retry};
    let mut rig = Rig::new(config());
    let up = labels(0);
    rig.append(&crate::rig::batch(&up, &[(1, 1.0)]))
        .expect("an append");
    rig.disk.arrange(SimulatedFaults {
        error_after: Some(0),
        ..SimulatedFaults::default()
    });
    let refused = rig
        .append(&crate::rig::batch(&up, &[(2, 2.0)]))
        .expect_err("the disk fails");
    assert_eq!(refused.code(), Code::Unavailable);
    assert!(matches!(refused.retry(), Retry::After(_)), "{refused:?}");
    let why = rig.store.figures().refuses.expect("it says why");
    assert!(why.contains("cannot write"), "{why}");
    rig.reopen_log();
    let figures = rig.store.figures();
    assert_eq!((figures.refuses, figures.reopened_total), (None, 1));
    let appended = rig.append(&crate::rig::batch(&up, &[(2, 2.0), (3, 3.0)]));
    assert_eq!(appended.expect("it is open").samples, 2);
    assert_eq!(rig.kill(config()).floats(&up, 0, 9).len(), 3);
}
