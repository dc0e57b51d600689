use std::path::Path;

use jiff::civil::date;
use proptest::prelude::*;

use super::*;
use crate::{Iban, reconcile};

fn text(text: &str) -> Text {
    Text::new(text).unwrap()
}

fn iban(number: u32) -> Iban {
    Iban::of_account("DE", &format!("{number:018}")).unwrap()
}

fn statement(minors: &[i64]) -> Statement {
    let entries = minors
        .iter()
        .enumerate()
        .map(|(index, minor)| StatementEntry {
            id: text(&format!("t{index} & <co>")),
            booked: date(2026, 11, 21),
            minor: *minor,
            counterparty: (index % 2 == 0).then(|| iban(7)),
            reference: (index % 3 == 0).then(|| text("rent > 5\" & more")),
        });
    Statement {
        id: text("S-1"),
        account: iban(1),
        currency: Currency::EUR,
        from: date(2026, 11, 20),
        to: date(2026, 11, 21),
        opening_minor: -50,
        entries: entries.collect(),
        closing_minor: -50 + minors.iter().sum::<i64>(),
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(minors in prop::collection::vec(-99_999i64..99_999, 0..30)) {
        let written = statement(&minors);
        let read = read_statements(write_statement(&written).as_bytes()).unwrap();
        // Nothing has no direction: it is read as nothing that came.
        let expected = written.clone();
        prop_assert_eq!(&read, &[expected]);
        prop_assert!(reconcile(&written, &read[0]).is_empty());
        prop_assert_eq!(read[0].drift_minor(), 0);
    }
}

#[test]
fn what_is_missing_is_named() {
    let whole = write_statement(&statement(&[5, -7]));
    let refused = |from: &str, to: &str| {
        let text = whole.replace(from, to);
        assert_ne!(text, whole, "{from} is not in the message");
        read_statements(text.as_bytes()).unwrap_err().to_string()
    };
    assert!(refused("OPBD", "OPAV").contains("balance OPBD is missing"));
    assert!(refused("<Cd>CLBD", "<Cd>CLAV").contains("balance CLBD is missing"));
    assert!(refused("DBIT", "DEBT").contains("neither CRDT nor DBIT"));
    assert!(refused(">0.07<", ">0.070001<").contains("more digits behind the point"));
    assert!(refused("<Amt Ccy=\"EUR\">0.05", "<Amt Ccy=\"USD\">0.05").contains("it is in USD"));
    assert!(refused("camt.053", "camt.054").contains("not a Document of camt.053.001.*"));
    assert!(refused("<IBAN>DE", "<IBAN>XX").contains("XX has none"));
}

#[test]
fn what_is_only_announced_is_no_entry() {
    let written = write_statement(&statement(&[5, -7]));
    let pending = written.replacen("<Sts><Cd>BOOK</Cd></Sts>", "<Sts>PDNG</Sts>", 1);
    let read = read_statements(pending.as_bytes()).unwrap();
    assert_eq!((read[0].entries.len(), read[0].drift_minor()), (1, 5));
}

/// Files that banks publish, when they are there.
#[test]
fn statements_of_banks_add_up() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/bank/iso20022");
    let swiss = "camt.053_P_CH2909000000250094239_1110092698_0_2020112503071366.xml";
    let Ok(swiss) = std::fs::read(folder.join(swiss)) else {
        eprintln!("skipped: the bank's sample files are not here");
        return;
    };
    let swiss = &read_statements(&swiss).unwrap()[0];
    assert_eq!(swiss.account.as_str(), "CH2909000000250094239");
    assert_eq!(
        (swiss.opening_minor, swiss.closing_minor),
        (21_199_319, 21_511_221)
    );
    assert_eq!(swiss.entries.len(), 5);
    let finnish = std::fs::read(folder.join("FI_camt_053_sample.xml.xml")).unwrap();
    let finnish = &read_statements(&finnish).unwrap()[0];
    assert_eq!(
        (finnish.currency.code(), finnish.entries.len()),
        ("EUR", 10)
    );
    // The Swiss sample's entries are 1,537.00 more than its balances, which it shows as those of the day after.
    assert_eq!((swiss.drift_minor(), finnish.drift_minor()), (-153_700, 0));
}
