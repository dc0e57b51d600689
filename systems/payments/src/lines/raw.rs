use portique_clock::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Amount, Currency, Iban, Kind, Text, Transaction};

/// A transaction as people and programs write it: an amount with a point, and what is usual left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawTransaction {
    /// Names it; needed.
    pub id: String,
    /// The same for whoever asks again; the id when left out.
    pub key: Option<String>,
    /// `transfer` when left out; or `deposit`, `withdrawal`, `card_payment`, `fee`, `authorise`, `capture`, `release`,
    /// `reversal`.
    pub kind: Option<String>,
    /// What a capture, a release or a reversal refers to.
    pub of: Option<String>,
    /// Who pays; needed.
    pub debtor: String,
    /// Who is paid; needed.
    pub creditor: String,
    /// Such as `12.34`; needed.
    pub amount: String,
    /// Such as `EUR`; needed.
    pub currency: String,
    /// RFC 3339.
    pub requested: Option<String>,
    /// What it is about.
    pub reference: Option<String>,
}

impl RawTransaction {
    /// Checks it.
    ///
    /// # Errors
    /// The first field that is wrong, and why.
    pub fn resolve(self) -> Result<Transaction, String> {
        let id = text("id", self.id)?;
        let currency = self.currency.parse::<Currency>();
        let currency = currency.map_err(|error| format!("currency: {error}"))?;
        let amount = Amount::parse(&self.amount, currency);
        let requested = self.requested.map(|text| {
            let at = text.parse::<Timestamp>();
            at.map_err(|_| format!("requested: {text:?} is not a time: write 2026-11-21T10:00:00Z"))
        });
        Ok(Transaction {
            key: self
                .key
                .map_or_else(|| Ok(id.clone()), |key| text("key", key))?,
            kind: kind(self.kind.as_deref(), self.of)?,
            debtor: account("debtor", &self.debtor)?,
            creditor: account("creditor", &self.creditor)?,
            amount: amount.map_err(|error| format!("amount: {error}"))?,
            requested: requested.transpose()?,
            reference: self.reference.map(|it| text("reference", it)).transpose()?,
            id,
        })
    }
}

fn text(field: &str, given: String) -> Result<Text, String> {
    Text::new(given).map_err(|error| format!("{field}: {error}"))
}

fn account(field: &str, given: &str) -> Result<Iban, String> {
    given.parse().map_err(|error| format!("{field}: {error}"))
}

fn kind(word: Option<&str>, of: Option<String>) -> Result<Kind, String> {
    let word = word.unwrap_or("transfer");
    let refers = matches!(word, "capture" | "release" | "reversal");
    let of = of.map(|of| text("of", of)).transpose()?;
    let of = match (of, refers) {
        (Some(of), true) => of,
        (None, true) => return Err(format!("of: a {word} needs the id that it refers to")),
        (Some(_), false) => return Err(format!("of: a {word} refers to nothing: leave it out")),
        (None, false) => return plain(word),
    };
    Ok(match word {
        "capture" => Kind::Capture { of },
        "release" => Kind::Release { of },
        _ => Kind::Reversal { of },
    })
}

fn plain(word: &str) -> Result<Kind, String> {
    match word {
        "transfer" => Ok(Kind::Transfer),
        "deposit" => Ok(Kind::Deposit),
        "withdrawal" => Ok(Kind::Withdrawal),
        "card_payment" => Ok(Kind::CardPayment),
        "fee" => Ok(Kind::Fee),
        "authorise" => Ok(Kind::Authorise),
        _ => Err(format!(
            "kind: {word:?} is none: write transfer, deposit, withdrawal, card_payment, fee, authorise, capture, \
             release or reversal"
        )),
    }
}
