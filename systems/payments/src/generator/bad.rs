use portique_clock::{Random, Seeded};

use super::json;
use crate::lines::RawTransaction;

/// Ways to be wrong.
const WAYS: u64 = 8;

/// A line that is refused: what people and programs get wrong.
pub(super) fn line(mut transfer: RawTransaction, random: &mut Seeded) -> String {
    match random.below(WAYS) {
        0 => transfer.amount.insert(0, '-'),
        1 => transfer.amount = "0.00".into(),
        2 => transfer.amount = "9999999999999999.99".into(),
        3 => transfer.amount.push('1'),
        4 => transfer.currency = "XXQ".into(),
        5 => transfer.debtor = mistyped(&transfer.debtor),
        6 => transfer.id.clear(),
        _ => {
            let mut cut = json(&transfer);
            cut.truncate(cut.len() / 2);
            return cut;
        }
    }
    json(&transfer)
}

/// With another last digit, which the check digits notice.
fn mistyped(iban: &str) -> String {
    let (head, last) = iban.split_at(iban.len() - 1);
    let other = if last == "0" { "1" } else { "0" };
    format!("{head}{other}")
}
