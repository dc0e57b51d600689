use proptest::prelude::*;

use super::*;
use crate::{Amount, Kind, Transaction};

fn iban(number: u32) -> Iban {
    Iban::of_account("DE", &format!("{number:018}")).unwrap()
}

fn text(text: &str) -> Text {
    Text::new(text).unwrap()
}

/// The bank's cash is account 0, without limit; customers are 1 to 4, the last with an overdraft.
fn ledger() -> Ledger {
    let mut ledger = Ledger::default();
    for number in 0..5 {
        let overdraft_minor = match number {
            0 => None,
            4 => Some(50),
            _ => Some(0),
        };
        let opening = Opening {
            iban: iban(number),
            currency: Currency::EUR,
            overdraft_minor,
        };
        ledger.change(&AccountChange::Opened(opening)).unwrap();
    }
    ledger
}

fn transaction(id: &str, kind: Kind, debtor: u32, creditor: u32, minor: i64) -> Transaction {
    Transaction {
        id: text(id),
        key: text(&format!("key of {id}")),
        kind,
        debtor: iban(debtor),
        creditor: iban(creditor),
        amount: Amount::from_minor(minor, Currency::EUR).unwrap(),
        requested: None,
        reference: None,
    }
}

fn post(ledger: &mut Ledger, transaction: &Transaction) -> Result<bool, String> {
    match ledger.post(transaction) {
        Verdict::Posted => Ok(true),
        Verdict::Known => Ok(false),
        Verdict::Rejected(rejection) => Err(rejection.to_string()),
    }
}

fn set_status(ledger: &mut Ledger, number: u32, status: AccountStatus) -> Result<bool, Rejection> {
    let iban = iban(number);
    ledger.change(&AccountChange::Status { iban, status })
}

fn do_it(
    ledger: &mut Ledger,
    id: &str,
    kind: Kind,
    parties: (u32, u32),
    minor: i64,
) -> Result<bool, String> {
    post(ledger, &transaction(id, kind, parties.0, parties.1, minor))
}

fn balance(ledger: &Ledger, number: u32) -> (i64, i64) {
    let balance = ledger.account(&iban(number)).unwrap().balance;
    (balance.posted_minor, balance.held_minor)
}

fn filled() -> Ledger {
    let mut ledger = ledger();
    do_it(&mut ledger, "in", Kind::Deposit, (0, 1), 1_000).unwrap();
    ledger
}

#[test]
fn money_goes_from_one_to_the_other() {
    let mut ledger = filled();
    assert_eq!(
        do_it(&mut ledger, "t", Kind::Transfer, (1, 2), 300),
        Ok(true)
    );
    assert_eq!(
        (balance(&ledger, 1), balance(&ledger, 2)),
        ((700, 0), (300, 0))
    );
    let trial = ledger.trial_balance()[&Currency::EUR];
    assert!(trial.is_balanced());
    assert_eq!(
        (trial.credit_minor, trial.debit_minor, trial.accounts),
        (1_000, -1_000, 5)
    );
}

#[test]
fn what_comes_again_has_one_effect() {
    let mut ledger = filled();
    let transfer = transaction("t", Kind::Transfer, 1, 2, 300);
    assert_eq!(post(&mut ledger, &transfer), Ok(true));
    assert_eq!(post(&mut ledger, &transfer), Ok(false));
    ledger.apply(&transfer).unwrap();
    assert_eq!(balance(&ledger, 2), (300, 0));
    let other = Transaction {
        amount: Amount::from_minor(301, Currency::EUR).unwrap(),
        ..transfer.clone()
    };
    let refused = post(&mut ledger, &other).unwrap_err();
    assert!(
        refused.contains("came before with other contents"),
        "{refused}"
    );
    let taken = Transaction {
        key: text("another key"),
        ..transfer
    };
    assert!(
        post(&mut ledger, &taken)
            .unwrap_err()
            .contains("under another key")
    );
}

#[test]
fn nobody_pays_what_he_has_not() {
    let mut ledger = filled();
    let refused = do_it(&mut ledger, "t", Kind::Transfer, (1, 2), 1_001).unwrap_err();
    assert!(
        refused.contains("can pay 1000 in the smallest unit, not 1001"),
        "{refused}"
    );
    assert_eq!(
        do_it(&mut ledger, "o", Kind::Transfer, (4, 2), 50),
        Ok(true)
    );
    assert!(do_it(&mut ledger, "p", Kind::Transfer, (4, 2), 1).is_err());
    assert_eq!(
        do_it(&mut ledger, "t", Kind::Transfer, (1, 2), 1_000),
        Ok(true),
        "tried again"
    );
}

#[test]
fn accounts_that_do_not_take_part_are_refused() {
    let mut ledger = filled();
    set_status(&mut ledger, 1, AccountStatus::Frozen).unwrap();
    assert!(
        do_it(&mut ledger, "a", Kind::Transfer, (1, 2), 1)
            .unwrap_err()
            .contains("frozen")
    );
    assert_eq!(do_it(&mut ledger, "b", Kind::Deposit, (0, 1), 1), Ok(true));
    assert!(set_status(&mut ledger, 1, AccountStatus::Closed).is_err());
    set_status(&mut ledger, 3, AccountStatus::Closed).unwrap();
    assert!(
        do_it(&mut ledger, "c", Kind::Deposit, (0, 3), 1)
            .unwrap_err()
            .contains("closed")
    );
    assert!(
        do_it(&mut ledger, "d", Kind::Deposit, (0, 9), 1)
            .unwrap_err()
            .contains("no account")
    );
    assert!(
        do_it(&mut ledger, "e", Kind::Fee, (2, 2), 1)
            .unwrap_err()
            .contains("pay itself")
    );
    let yen = Transaction {
        amount: Amount::from_minor(1, "JPY".parse().unwrap()).unwrap(),
        ..transaction("f", Kind::Deposit, 0, 1, 1)
    };
    assert!(
        post(&mut ledger, &yen)
            .unwrap_err()
            .contains("is in EUR, not in JPY")
    );
}

#[test]
fn money_is_set_aside_and_taken_or_given_back() {
    let mut ledger = filled();
    do_it(&mut ledger, "h", Kind::Authorise, (1, 2), 800).unwrap();
    assert_eq!(balance(&ledger, 1), (1_000, 800));
    assert!(do_it(&mut ledger, "t", Kind::Transfer, (1, 3), 201).is_err());
    let capture = || Kind::Capture { of: text("h") };
    assert!(
        do_it(&mut ledger, "c", capture(), (1, 2), 801)
            .unwrap_err()
            .contains("amount")
    );
    assert!(
        do_it(&mut ledger, "c", capture(), (1, 3), 1)
            .unwrap_err()
            .contains("creditor")
    );
    do_it(&mut ledger, "c", capture(), (1, 2), 500).unwrap();
    assert_eq!(
        (balance(&ledger, 1), balance(&ledger, 2)),
        ((500, 0), (500, 0))
    );
    let again = do_it(&mut ledger, "d", capture(), (1, 2), 1).unwrap_err();
    assert!(again.contains("h is captured"), "{again}");
    do_it(&mut ledger, "i", Kind::Authorise, (1, 2), 500).unwrap();
    set_status(&mut ledger, 1, AccountStatus::Frozen).unwrap();
    do_it(
        &mut ledger,
        "r",
        Kind::Release { of: text("i") },
        (1, 2),
        500,
    )
    .unwrap();
    assert_eq!(balance(&ledger, 1), (500, 0));
}

#[test]
fn what_was_posted_is_reversed_once() {
    let mut ledger = filled();
    do_it(&mut ledger, "t", Kind::Transfer, (1, 2), 300).unwrap();
    let reversal = || Kind::Reversal { of: text("t") };
    assert!(
        do_it(&mut ledger, "r", reversal(), (2, 1), 300)
            .unwrap_err()
            .contains("debtor")
    );
    assert_eq!(do_it(&mut ledger, "r", reversal(), (1, 2), 300), Ok(true));
    assert_eq!(
        (balance(&ledger, 1), balance(&ledger, 2)),
        ((1_000, 0), (0, 0))
    );
    let again = do_it(&mut ledger, "s", reversal(), (1, 2), 300).unwrap_err();
    assert!(again.contains("t is reversed"), "{again}");
    let unknown = Kind::Reversal { of: text("x") };
    assert!(
        do_it(&mut ledger, "u", unknown, (1, 2), 1)
            .unwrap_err()
            .contains("no transaction x")
    );
}

#[test]
fn a_balance_stays_in_its_range() {
    let mut ledger = ledger();
    let full = &mut ledger.accounts[1];
    full.balance.posted_minor = i64::MAX - 5;
    assert!(
        do_it(&mut ledger, "t", Kind::Deposit, (0, 1), 6)
            .unwrap_err()
            .contains("range")
    );
    assert_eq!(do_it(&mut ledger, "u", Kind::Deposit, (0, 1), 5), Ok(true));
    let cash = &mut ledger.accounts[0];
    cash.balance.posted_minor = i64::MIN + 2;
    assert!(
        do_it(&mut ledger, "v", Kind::Deposit, (0, 2), 3)
            .unwrap_err()
            .contains("range")
    );
}

#[test]
fn accounts_are_opened_once() {
    let mut ledger = ledger();
    let opening = |overdraft_minor| Opening {
        iban: iban(1),
        currency: Currency::EUR,
        overdraft_minor,
    };
    let mut open = |overdraft| ledger.change(&AccountChange::Opened(opening(overdraft)));
    assert_eq!(open(Some(0)), Ok(false));
    assert!(open(Some(1)).is_err());
}

/// What somebody may ask for: an id of a few, so that some come again; what it refers to; parties; an amount.
fn asked() -> impl Strategy<Value = Transaction> {
    (0u8..20, 0u8..9, 0u8..20, 0u32..6, 0u32..6, 1i64..400).prop_map(
        |(id, kind, of, debtor, creditor, minor)| {
            let of = text(&of.to_string());
            let kind = match kind {
                0 => Kind::Transfer,
                1 => Kind::Withdrawal,
                2 => Kind::Fee,
                3 => Kind::Authorise,
                4 => Kind::Capture { of },
                5 => Kind::Release { of },
                6 => Kind::Reversal { of },
                _ => Kind::Deposit,
            };
            transaction(&id.to_string(), kind, debtor, creditor, minor)
        },
    )
}

proptest! {
    #[test]
    fn whatever_is_asked_the_books_balance(asked in prop::collection::vec(asked(), 1..120)) {
        let mut ledger = ledger();
        let mut postings = Vec::new();
        for transaction in &asked {
            if ledger.post(transaction) == Verdict::Posted {
                postings.push(transaction);
            }
            for account in ledger.accounts() {
                prop_assert!(account.balance.held_minor >= 0);
                if let Some(available) = account.available_minor() {
                    prop_assert!(available >= 0, "{} is over its overdraft", account.iban);
                }
            }
            prop_assert!(ledger.trial_balance()[&Currency::EUR].is_balanced());
        }
        // What was kept makes the same ledger again, also when some of it comes twice.
        let mut again = self::ledger();
        for posted in postings.iter().chain(&postings) {
            again.apply(posted).unwrap();
        }
        prop_assert_eq!(&again.accounts, &ledger.accounts);
    }

    #[test]
    fn a_key_has_one_effect(asked in prop::collection::vec(asked(), 1..60)) {
        let mut ledger = ledger();
        let mut moved = 0;
        for transaction in asked.iter().chain(&asked) {
            let before = ledger.accounts.clone();
            match post(&mut ledger, transaction) {
                Ok(true) => moved += 1,
                _ => prop_assert_eq!(&before, &ledger.accounts),
            }
        }
        prop_assert_eq!(moved, ledger.remembered());
    }

    #[test]
    fn what_is_not_kept_leaves_no_trace(
        kept in prop::collection::vec(asked(), 0..40),
        lost in prop::collection::vec(asked(), 1..40),
    ) {
        let mut ledger = ledger();
        kept.iter().for_each(|transaction| drop(ledger.post(transaction)));
        ledger.settle();
        let before = (ledger.accounts.clone(), ledger.holds.clone());
        ledger.begin();
        let first: Vec<_> = lost.iter().map(|transaction| ledger.post(transaction)).collect();
        ledger.roll_back();
        prop_assert_eq!(&before, &(ledger.accounts.clone(), ledger.holds.clone()));
        // The same again comes to the same: nothing of the first time is remembered.
        let again: Vec<_> = lost.iter().map(|transaction| ledger.post(transaction)).collect();
        prop_assert_eq!(first, again);
    }
}
