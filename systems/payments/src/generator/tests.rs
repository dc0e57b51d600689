use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::lines::read_json_lines;
use crate::{AccountChange, Ledger, Verdict};

fn generator(options: GeneratorOptions) -> Generator {
    Generator::new(options).unwrap()
}

#[test]
fn what_is_made_can_be_posted() {
    let made = generator(GeneratorOptions::default());
    let mut ledger = Ledger::new(1_000_000);
    for opening in made.openings() {
        ledger.change(&AccountChange::Opened(opening)).unwrap();
    }
    for deposit in made.deposits() {
        let deposit = deposit.resolve().unwrap();
        assert_eq!(ledger.post(&deposit), Verdict::Posted, "{deposit:?}");
    }
    let read = read_json_lines(made.lines(0, 10_000).as_bytes());
    assert_eq!((read.taken.len(), read.refused_lines), (10_000, 0));
    let mut taken = read.taken.iter();
    assert!(taken.all(|it| ledger.post(it) == Verdict::Posted));
    let totals = &ledger.trial_balance()[&Currency::EUR];
    assert!(totals.is_balanced());
    assert_eq!(totals.accounts, 2_001);
}

#[test]
fn bad_lines_are_refused_and_no_others() {
    let made = generator(GeneratorOptions {
        bad_per_mille: 100,
        ..GeneratorOptions::default()
    });
    let read = read_json_lines(made.lines(0, 10_000).as_bytes());
    let refused: Vec<u64> = read
        .refused
        .iter()
        .map(|refused| refused.line - 1)
        .collect();
    let bad: Vec<u64> = (0..10_000).filter(|number| made.is_bad(*number)).collect();
    assert_eq!(refused, bad);
    assert!((900..1_100).contains(&bad.len()), "{}", bad.len());
    let reasons = read.refused.iter().map(|it| it.reason.split(':').next());
    let reasons: BTreeSet<_> = reasons.collect();
    assert!(reasons.len() >= 5, "{reasons:?}");
}

#[test]
fn the_jobs_of_all_bursts_follow_each_other() {
    let bursts = Bursts {
        bursts: 2,
        jobs: 3,
        transfers: 10,
        ..Bursts::default()
    };
    let jobs: Vec<u64> = (0..2).flat_map(|burst| bursts.jobs_of(burst)).collect();
    assert_eq!(jobs, [0, 10, 20, 30, 40, 50]);
    assert_eq!(bursts.transfers_total(), 60);
    assert_eq!(Bursts::default().transfers_total(), 2_000_000);
}

#[test]
fn a_number_out_of_its_range_is_refused() {
    let refused = |accounts, bad_per_mille| {
        let options = GeneratorOptions {
            accounts,
            bad_per_mille,
            ..GeneratorOptions::default()
        };
        Generator::new(options).unwrap_err().to_string()
    };
    assert!(refused(1, 0).contains("write 2 to 1000000"));
    assert!(refused(u32::MAX, 0).contains("write 2 to 1000000"));
    assert!(refused(2, 1_001).contains("0 to 1000"));
}

proptest! {
    #[test]
    fn a_number_always_makes_the_same(seed: u64, first in 0..u64::MAX / 2, count in 1_u32..50) {
        let options = GeneratorOptions { seed, accounts: 2, bad_per_mille: 300, ..GeneratorOptions::default() };
        let (one, other) = (generator(options.clone()), generator(options));
        prop_assert_eq!(one.lines(first, count), other.lines(first, count));
        let transfer = one.transfer(first);
        prop_assert_ne!(transfer.debtor, transfer.creditor);
    }
}
