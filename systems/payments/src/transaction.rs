use std::fmt;

use portique_clock::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Amount, Iban};

/// Bytes of an id, a key or a reference at most: what interbank payments carry.
pub const TEXT_BYTES_MAX: usize = 140;

/// A short text without control characters; 1 to [`TEXT_BYTES_MAX`] bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Text(Box<str>);

/// Why something is no [`Text`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{given:?} cannot stand here: write 1 to {TEXT_BYTES_MAX} bytes without control characters"
)]
pub struct NotAText {
    given: String,
}

impl Text {
    /// Takes a text.
    ///
    /// # Errors
    /// [`NotAText`] when it is empty, too long, or has control characters.
    pub fn new(text: impl Into<String>) -> Result<Self, NotAText> {
        let text = text.into();
        let is_right =
            (1..=TEXT_BYTES_MAX).contains(&text.len()) && !text.contains(char::is_control);
        match is_right {
            true => Ok(Self(text.into())),
            false => Err(NotAText {
                given: text.chars().take(TEXT_BYTES_MAX).collect(),
            }),
        }
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Text {
    type Error = NotAText;

    fn try_from(text: String) -> Result<Self, NotAText> {
        Self::new(text)
    }
}

impl From<Text> for String {
    fn from(text: Text) -> Self {
        text.0.into()
    }
}

/// What a transaction does; the debtor pays and the creditor is paid.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Kind {
    /// From one customer to another.
    Transfer,
    /// From the bank's cash to a customer.
    Deposit,
    /// From a customer to the bank's cash.
    Withdrawal,
    /// From a customer to a merchant.
    CardPayment,
    /// From a customer to the bank.
    Fee,
    /// Sets money aside, so that nobody else spends it.
    Authorise,
    /// Moves what was set aside, all of it or a part; the rest is given back.
    Capture {
        /// The id of the authorisation.
        of: Text,
    },
    /// Gives back what was set aside; its amount is that of the authorisation.
    Release {
        /// The id of the authorisation.
        of: Text,
    },
    /// Moves back what a posted transaction moved; debtor, creditor and amount are those of that transaction.
    Reversal {
        /// Its id.
        of: Text,
    },
}

/// The words of kinds, by their numbers in batches: numbers never change.
const WORDS: [&str; 9] = [
    "transfer",
    "deposit",
    "withdrawal",
    "card_payment",
    "fee",
    "authorise",
    "capture",
    "release",
    "reversal",
];

impl Kind {
    /// The id that it refers to, if it does.
    pub fn of(&self) -> Option<&Text> {
        match self {
            Self::Capture { of } | Self::Release { of } | Self::Reversal { of } => Some(of),
            _ => None,
        }
    }

    /// Its word, such as `card_payment`.
    pub fn word(&self) -> &'static str {
        WORDS[usize::from(self.number())]
    }

    pub(crate) fn word_of(number: u8) -> Option<&'static str> {
        WORDS.get(usize::from(number)).copied()
    }

    pub(crate) fn word_named(word: &str) -> Option<&'static str> {
        WORDS.into_iter().find(|known| *known == word)
    }

    pub(crate) fn number(&self) -> u8 {
        match self {
            Self::Transfer => 0,
            Self::Deposit => 1,
            Self::Withdrawal => 2,
            Self::CardPayment => 3,
            Self::Fee => 4,
            Self::Authorise => 5,
            Self::Capture { .. } => 6,
            Self::Release { .. } => 7,
            Self::Reversal { .. } => 8,
        }
    }

    pub(crate) fn from_number(number: u8, of: Option<Text>) -> Option<Self> {
        match (number, of) {
            (0, None) => Some(Self::Transfer),
            (1, None) => Some(Self::Deposit),
            (2, None) => Some(Self::Withdrawal),
            (3, None) => Some(Self::CardPayment),
            (4, None) => Some(Self::Fee),
            (5, None) => Some(Self::Authorise),
            (6, Some(of)) => Some(Self::Capture { of }),
            (7, Some(of)) => Some(Self::Release { of }),
            (8, Some(of)) => Some(Self::Reversal { of }),
            _ => None,
        }
    }
}

/// Something that is to happen on two accounts, as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Transaction {
    /// Names it; no other one has the same.
    pub id: Text,
    /// Whoever asks for the same again writes the same key; the same key with other contents is a conflict.
    pub key: Text,
    /// What it does.
    #[serde(flatten)]
    pub kind: Kind,
    /// Who pays.
    pub debtor: Iban,
    /// Who is paid.
    pub creditor: Iban,
    /// How much.
    pub amount: Amount,
    /// When it was asked for, as whoever asked says; none when he does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested: Option<Timestamp>,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Text>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_is_read_and_written() {
        let json = r#"{"id":"r-1","key":"k","kind":"reversal","of":"t-1","debtor":"DE89370400440532013000","creditor":"GB82WEST12345698765432","amount":{"minor":1234,"currency":"EUR"},"requested":"2026-11-21T10:00:00Z"}"#;
        let read: Transaction = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), json);
    }

    #[test]
    fn texts_have_their_bounds() {
        assert!(Text::new("").is_err());
        assert!(Text::new("a\nb").is_err());
        assert!(Text::new("x".repeat(TEXT_BYTES_MAX)).is_ok());
        let refused = Text::new("x".repeat(TEXT_BYTES_MAX + 1)).unwrap_err();
        assert!(refused.to_string().contains("1 to 140 bytes"));
    }
}
