//! The transactions of a real bank, when they are there: imported, posted, reconciled.

use std::collections::BTreeMap;
use std::path::Path;

use portique_payments::{
    AccountChange, Amount, Currency, Iban, Kind, Ledger, Opening, Text, Transaction, Verdict,
};

/// The bank's own account: what comes from or goes to others.
const CASH: u64 = 0;

/// A line of the file: the transaction, the account, and what the bank says stands on it then.
struct Line {
    id: String,
    account: u64,
    is_credit: bool,
    amount: String,
    balance_minor: i64,
}

fn lines() -> Option<Vec<Line>> {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/bank/berka_trans.asc");
    let bytes = std::fs::read(path).ok()?;
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(b';')
        .from_reader(&bytes[..]);
    let lines = reader.records().map(|record| {
        let record = record.unwrap();
        Line {
            id: record[0].to_owned(),
            account: record[1].parse().unwrap(),
            is_credit: &record[3] == "PRIJEM",
            amount: record[5].to_owned(),
            // Two digits behind the point, always.
            balance_minor: record[6].replace('.', "").parse().unwrap(),
        }
    });
    Some(lines.collect())
}

fn iban(account: u64) -> Iban {
    Iban::of_account("CZ", &format!("0100{account:016}")).unwrap()
}

fn crowns() -> Currency {
    "CZK".parse().unwrap()
}

fn transaction(line: &Line) -> Transaction {
    let (cash, account) = (iban(CASH), iban(line.account));
    let (kind, debtor, creditor) = match line.is_credit {
        true => (Kind::Deposit, cash, account),
        false => (Kind::Withdrawal, account, cash),
    };
    let id = Text::new(&*line.id).unwrap();
    Transaction {
        key: id.clone(),
        id,
        kind,
        debtor,
        creditor,
        amount: Amount::parse(&line.amount, crowns()).unwrap(),
        requested: None,
        reference: None,
    }
}

#[test]
fn a_bank_is_posted_and_reconciled() {
    let Some(lines) = lines() else {
        eprintln!("skipped: the bank's transactions are not here");
        return;
    };
    let mut ledger = Ledger::default();
    let accounts: BTreeMap<u64, i64> = lines
        .iter()
        .map(|line| (line.account, line.balance_minor))
        .collect();
    for account in accounts.keys().chain([&CASH]) {
        let opening = Opening {
            iban: iban(*account),
            currency: crowns(),
            // The bank let its customers go below nothing.
            overdraft_minor: (*account != CASH).then_some(10_000_000),
        };
        ledger.change(&AccountChange::Opened(opening)).unwrap();
    }
    let mut posted = 0;
    for line in lines.iter().chain(&lines) {
        match ledger.post(&transaction(line)) {
            Verdict::Posted => posted += 1,
            Verdict::Known => {}
            Verdict::Rejected(rejection) => panic!("line of {}: {rejection}", line.id),
        }
    }
    assert_eq!(
        (lines.len(), posted, accounts.len()),
        (40_558, 40_558, 1_186)
    );
    let trial = ledger.trial_balance()[&crowns()];
    assert!(trial.is_balanced());
    // Credits of 155,780,610.70 less debits of 118,054,964.20.
    let cash = ledger.account(&iban(CASH)).unwrap().balance.posted_minor;
    assert_eq!(cash, -3_772_564_650);
    reconcile(&ledger, &accounts);
}

/// The bank rounded its balances by itself and lists a day's transactions in no order, so that not all agree.
fn reconcile(ledger: &Ledger, accounts: &BTreeMap<u64, i64>) {
    let drift = |(account, said): (&u64, &i64)| {
        let ours = ledger
            .account(&iban(*account))
            .unwrap()
            .balance
            .posted_minor;
        (ours - said).abs()
    };
    let drifts: Vec<i64> = accounts.iter().map(drift).collect();
    let within = |minor: i64| drifts.iter().filter(|drift| **drift <= minor).count();
    assert_eq!((within(0), within(100), drifts.len()), (646, 1_142, 1_186));
}
