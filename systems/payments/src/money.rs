//! Money: whole numbers of the smallest unit, and a currency; never a float.

mod currency;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use currency::{Currency, NotACurrency};

/// Largest amount of one transaction, in the smallest unit: fifteen digits. A hundred thousand of them still fit
/// into a balance.
pub const AMOUNT_MAX: i64 = 999_999_999_999_999;

/// An amount that may move: more than nothing, at most [`AMOUNT_MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "RawAmount", into = "RawAmount")]
pub struct Amount {
    minor: i64,
    currency: Currency,
}

/// An amount as it is written: the smallest unit and the currency.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawAmount {
    minor: i64,
    currency: Currency,
}

/// Why something is no amount.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAnAmount {
    /// Nothing, or less.
    #[error("an amount of {given} moves nothing: write more than 0")]
    NotPositive {
        /// What was given.
        given: String,
    },
    /// More than one transaction may move.
    #[error("an amount of {given} is over the limit of {AMOUNT_MAX} in the smallest unit")]
    TooLarge {
        /// What was given.
        given: String,
    },
    /// No number.
    #[error("{given:?} is not an amount: write digits with a point, such as 12.34")]
    NotANumber {
        /// What was given.
        given: String,
    },
    /// More digits behind the point than the currency has.
    #[error("{given} has more digits behind the point than {currency} has: {allowed}")]
    TooPrecise {
        /// What was given.
        given: String,
        /// The currency.
        currency: Currency,
        /// Its digits.
        allowed: u32,
    },
}

/// Texts of more characters are no amounts, whatever they say.
const TEXT_MAX: usize = 40;

impl Amount {
    /// So many of the currency's smallest unit.
    ///
    /// # Errors
    /// [`NotAnAmount`] when that is nothing, less, or more than [`AMOUNT_MAX`].
    pub fn from_minor(minor: i64, currency: Currency) -> Result<Self, NotAnAmount> {
        let given = || minor.to_string();
        match minor {
            ..=0 => Err(NotAnAmount::NotPositive { given: given() }),
            1..=AMOUNT_MAX => Ok(Self { minor, currency }),
            _ => Err(NotAnAmount::TooLarge { given: given() }),
        }
    }

    /// Reads a decimal number with a point, such as `12.34`; zeros behind the last digit of the currency are fine.
    ///
    /// # Errors
    /// [`NotAnAmount`].
    pub fn parse(text: &str, currency: Currency) -> Result<Self, NotAnAmount> {
        let given = || text.chars().take(TEXT_MAX).collect::<String>();
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        let is_negative = unsigned.len() < text.len();
        match minor_of(unsigned, currency) {
            Err(NotAnAmount::NotANumber { .. }) => Err(NotAnAmount::NotANumber { given: given() }),
            Ok(0) => Err(NotAnAmount::NotPositive { given: given() }),
            _ if is_negative => Err(NotAnAmount::NotPositive { given: given() }),
            read => Ok(Self {
                minor: read?,
                currency,
            }),
        }
    }

    /// How many of the smallest unit.
    pub fn minor(&self) -> i64 {
        self.minor
    }

    /// Of which currency.
    pub fn currency(&self) -> Currency {
        self.currency
    }
}

/// Reads a decimal number without a sign, nothing included, as so many of a currency's smallest unit.
pub(crate) fn minor_of(text: &str, currency: Currency) -> Result<i64, NotAnAmount> {
    let given = || text.chars().take(TEXT_MAX).collect::<String>();
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let ends_in_point = text.ends_with('.');
    let is_number = !whole.is_empty() && is_digits(whole) && is_digits(fraction) && !ends_in_point;
    if !is_number || text.len() > TEXT_MAX {
        return Err(NotAnAmount::NotANumber { given: given() });
    }
    let exponent = currency.exponent() as usize;
    let significant = fraction.trim_end_matches('0');
    if significant.len() > exponent {
        return Err(NotAnAmount::TooPrecise {
            given: given(),
            currency,
            allowed: currency.exponent(),
        });
    }
    let minor = format!("{whole}{significant:0<exponent$}").parse::<i64>();
    let minor = minor.ok().filter(|minor| *minor <= AMOUNT_MAX);
    minor.ok_or_else(|| NotAnAmount::TooLarge { given: given() })
}

/// Writes so many of a currency's smallest unit with a point; a balance may be less than nothing.
pub fn decimal(minor: i64, currency: Currency) -> String {
    let exponent = currency.exponent();
    let unit = 10_u64.pow(exponent);
    let sign = if minor < 0 { "-" } else { "" };
    let absolute = minor.unsigned_abs();
    let (whole, fraction) = (absolute / unit, absolute % unit);
    match exponent {
        0 => format!("{sign}{whole}"),
        _ => format!(
            "{sign}{whole}.{fraction:0width$}",
            width = exponent as usize
        ),
    }
}

/// As [`decimal`], for what many balances come to.
pub(crate) fn decimal_of_sum(minor: i128, currency: Currency) -> String {
    let exponent = currency.exponent();
    let unit = 10_u128.pow(exponent);
    let sign = if minor < 0 { "-" } else { "" };
    let (whole, fraction) = (minor.unsigned_abs() / unit, minor.unsigned_abs() % unit);
    match exponent {
        0 => format!("{sign}{whole}"),
        _ => format!(
            "{sign}{whole}.{fraction:0width$}",
            width = exponent as usize
        ),
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {}",
            decimal(self.minor, self.currency),
            self.currency
        )
    }
}

impl TryFrom<RawAmount> for Amount {
    type Error = NotAnAmount;

    fn try_from(raw: RawAmount) -> Result<Self, NotAnAmount> {
        Self::from_minor(raw.minor, raw.currency)
    }
}

impl From<Amount> for RawAmount {
    fn from(amount: Amount) -> Self {
        Self {
            minor: amount.minor,
            currency: amount.currency,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str, code: &str) -> Result<i64, String> {
        let amount = Amount::parse(text, code.parse().unwrap());
        amount
            .map(|amount| amount.minor())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn decimals_are_read_exactly() {
        assert_eq!(read("12.34", "EUR"), Ok(1_234));
        assert_eq!(read("12", "EUR"), Ok(1_200));
        assert_eq!(read("0.1", "EUR"), Ok(10));
        assert_eq!(read("12.3000", "EUR"), Ok(1_230));
        assert_eq!(read("12", "JPY"), Ok(12));
        assert_eq!(read("1.234", "KWD"), Ok(1_234));
        assert_eq!(read("00012.34", "EUR"), Ok(1_234));
        assert_eq!(read("9999999999999.99", "EUR"), Ok(AMOUNT_MAX));
    }

    #[test]
    fn what_is_no_amount_says_why() {
        let refused = |text, code| read(text, code).unwrap_err();
        assert!(refused("0.00", "EUR").contains("moves nothing"));
        assert!(refused("-5", "EUR").contains("-5 moves nothing"));
        assert!(refused("-0.001", "EUR").contains("moves nothing"));
        assert!(refused("1.005", "EUR").contains("more digits behind the point than EUR has: 2"));
        assert!(refused("1.5", "JPY").contains("JPY has: 0"));
        assert!(refused("10000000000000.00", "EUR").contains("over the limit"));
        assert!(refused("99999999999999999999999", "EUR").contains("over the limit"));
        for text in [
            "", ".", "1.", ".5", "1,5", "1e5", "+1", "--1", "1 000", "NaN", "\u{0661}",
        ] {
            assert!(refused(text, "EUR").contains("is not an amount"), "{text}");
        }
        assert!(refused(&"9".repeat(1_000), "EUR").len() < 120);
    }

    #[test]
    fn the_smallest_unit_is_what_is_kept() {
        let json = r#"{"minor":1234,"currency":"EUR"}"#;
        let amount: Amount = serde_json::from_str(json).unwrap();
        assert_eq!(amount.to_string(), "12.34 EUR");
        assert_eq!(serde_json::to_string(&amount).unwrap(), json);
        for wrong in [
            r#"{"minor":0,"currency":"EUR"}"#,
            r#"{"minor":-1,"currency":"EUR"}"#,
            r#"{"minor":1000000000000000,"currency":"EUR"}"#,
            r#"{"minor":1.5,"currency":"EUR"}"#,
            r#"{"minor":1,"currency":"EURO"}"#,
        ] {
            assert!(serde_json::from_str::<Amount>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn balances_are_written_with_their_sign() {
        let eur = Currency::EUR;
        assert_eq!(decimal(-5, eur), "-0.05");
        assert_eq!(decimal(i64::MIN, eur), "-92233720368547758.08");
        assert_eq!(decimal(12, "JPY".parse().unwrap()), "12");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(minor in 1..=AMOUNT_MAX, which in 0usize..4) {
            let currency: Currency = ["EUR", "JPY", "KWD", "CLF"][which].parse().unwrap();
            let amount = Amount::from_minor(minor, currency).unwrap();
            let read = Amount::parse(&decimal(minor, currency), currency).unwrap();
            prop_assert_eq!(read, amount);
        }

        #[test]
        fn no_text_panics(text in ".{0,60}") {
            _ = Amount::parse(&text, Currency::EUR);
        }
    }
}
