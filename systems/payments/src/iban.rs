use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Longest IBAN of the standard.
const LENGTH_MAX: usize = 34;
/// Country, check digits, and something behind them.
const LENGTH_MIN: usize = 15;

/// An international bank account number (ISO 13616) whose country, length and check digits are right.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Iban {
    text: [u8; LENGTH_MAX],
    length: u8,
}

/// Why a text is no IBAN.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAnIban {
    /// Other than letters and digits, or not led by a country and two digits.
    #[error("{given:?} is not an IBAN: two letters, two digits, then letters and digits")]
    Shape {
        /// What was given.
        given: String,
    },
    /// The country has none.
    #[error("{given:?} is not an IBAN: {country} has none")]
    Country {
        /// What was given.
        given: String,
        /// Its first letters.
        country: String,
    },
    /// Too long or too short for its country.
    #[error(
        "{given:?} is not an IBAN: it has {length} characters, those of {country} have {expected}"
    )]
    Length {
        /// What was given.
        given: String,
        /// How long it is.
        length: usize,
        /// Its first letters.
        country: String,
        /// How long it should be.
        expected: usize,
    },
    /// The check digits do not fit the rest: something was mistyped.
    #[error("{given:?} is not an IBAN: its check digits do not fit")]
    Check {
        /// What was given.
        given: String,
    },
}

/// Lengths by country, from the registry of ISO 13616.
const COUNTRIES: [(usize, &str); 18] = [
    (15, "NO"),
    (16, "BE"),
    (18, "DK FI FK FO GL NL SD"),
    (19, "MK SI"),
    (20, "AT BA EE KZ LT LU MN XK"),
    (21, "CH HR LI LV"),
    (22, "BG BH CR DE GB GE IE ME RS VA"),
    (23, "AE GI IL IQ OM SO TL"),
    (24, "AD CZ ES MD PK RO SA SE SK TN VG"),
    (25, "LY PT ST"),
    (26, "IS TR"),
    (27, "BI DJ FR GR IT MC MR SM"),
    (28, "AL AZ BY CY DO GT HN HU LB NI PL SV"),
    (29, "BR EG PS QA UA"),
    (30, "JO KW MU YE"),
    (31, "MT SC"),
    (32, "LC"),
    (33, "RU"),
];

/// As [`COUNTRIES`], by the [`place`] of the country; 0 for one that has none.
const LENGTHS: [u8; LETTERS * LETTERS] = lengths();
const LETTERS: usize = 26;

/// Above it, two more digits would not fit.
const DIVIDED_FROM: u64 = u64::MAX / 100 - 100;

impl Iban {
    /// Without spaces.
    pub fn as_str(&self) -> &str {
        let text = &self.text[..usize::from(self.length)];
        std::str::from_utf8(text).expect("an IBAN has ASCII letters and digits")
    }

    /// The country's two letters.
    pub fn country(&self) -> &str {
        &self.as_str()[..2]
    }

    /// The IBAN of a country's own account number, with its check digits computed.
    ///
    /// # Errors
    /// [`NotAnIban`] when the number is not what the country's are.
    pub fn of_account(country: &str, number: &str) -> Result<Self, NotAnIban> {
        let unchecked = format!("{country}00{number}");
        let text = shaped(&unchecked)?;
        let check = 98 - remainder(&text);
        format!("{country}{check:02}{number}").parse()
    }
}

impl FromStr for Iban {
    type Err = NotAnIban;

    /// Spaces between the groups are fine, and small letters.
    fn from_str(given: &str) -> Result<Self, NotAnIban> {
        let compact = shaped(given)?;
        if remainder(&compact) != 1 {
            return Err(NotAnIban::Check { given: cut(given) });
        }
        let mut text = [0; LENGTH_MAX];
        text[..compact.len()].copy_from_slice(&compact);
        Ok(Self {
            text,
            length: compact.len() as u8,
        })
    }
}

const fn lengths() -> [u8; LETTERS * LETTERS] {
    let mut lengths = [0; LETTERS * LETTERS];
    let mut line = 0;
    while line < COUNTRIES.len() {
        let (length, countries) = COUNTRIES[line];
        let countries = countries.as_bytes();
        let mut at = 0;
        while at < countries.len() {
            lengths[place(countries[at], countries[at + 1])] = length as u8;
            at += 3;
        }
        line += 1;
    }
    lengths
}

/// Where two capital letters stand among all pairs of them.
const fn place(first: u8, second: u8) -> usize {
    (first - b'A') as usize * LETTERS + (second - b'A') as usize
}

/// Capital letters and digits, of the right length for the country.
fn shaped(given: &str) -> Result<Vec<u8>, NotAnIban> {
    let shape = || NotAnIban::Shape { given: cut(given) };
    let mut text = Vec::with_capacity(LENGTH_MAX);
    for byte in given.bytes().filter(|byte| *byte != b' ') {
        if !byte.is_ascii_alphanumeric() || text.len() == LENGTH_MAX {
            return Err(shape());
        }
        text.push(byte.to_ascii_uppercase());
    }
    let is_led = text.len() >= LENGTH_MIN
        && text[..2].iter().all(u8::is_ascii_alphabetic)
        && text[2..4].iter().all(u8::is_ascii_digit);
    if !is_led {
        return Err(shape());
    }
    let country = || String::from_utf8_lossy(&text[..2]).into_owned();
    match usize::from(LENGTHS[place(text[0], text[1])]) {
        0 => Err(NotAnIban::Country {
            given: cut(given),
            country: country(),
        }),
        expected if text.len() != expected => Err(NotAnIban::Length {
            given: cut(given),
            length: text.len(),
            country: country(),
            expected,
        }),
        _ => Ok(text),
    }
}

/// The number that the characters make, country and check digits last, modulo 97 (ISO 7064).
fn remainder(text: &[u8]) -> u32 {
    let (head, tail) = text.split_at(4);
    let number = tail.iter().chain(head).fold(0, |number: u64, byte| {
        let value = u64::from(match byte {
            b'0'..=b'9' => byte - b'0',
            _ => byte - b'A' + 10,
        });
        let shift = if value < 10 { 10 } else { 100 };
        // A division for each character is what reading an IBAN would cost most.
        let number = if number < DIVIDED_FROM {
            number
        } else {
            number % 97
        };
        number * shift + value
    });
    (number % 97) as u32
}

fn cut(given: &str) -> String {
    given.chars().take(LENGTH_MAX + 8).collect()
}

impl fmt::Display for Iban {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Iban {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Iban({})", self.as_str())
    }
}

impl Serialize for Iban {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Iban {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn examples_of_the_registry_are_taken() {
        for text in [
            "GB82 WEST 1234 5698 7654 32",
            "DE89370400440532013000",
            "FR1420041010050500013M02606",
            "CH9300762011623852957",
            "NO9386011117947",
            "MT84MALT011000012345MTLCAST001S",
            "be68539007547034",
        ] {
            let iban: Iban = text.parse().unwrap();
            assert_eq!(iban.as_str(), text.replace(' ', "").to_uppercase());
        }
    }

    #[test]
    fn every_country_of_the_registry_has_its_length() {
        let mut known = 0;
        for (length, countries) in COUNTRIES {
            for country in countries.split(' ') {
                let letters = country.as_bytes();
                assert_eq!(usize::from(LENGTHS[place(letters[0], letters[1])]), length);
                known += 1;
            }
        }
        let lengths = LENGTHS.iter().filter(|length| **length > 0);
        assert_eq!(lengths.count(), known);
    }

    #[test]
    fn what_is_none_says_why() {
        let refused = |text: &str| text.parse::<Iban>().unwrap_err().to_string();
        assert!(refused("GB82WEST12345698765433").contains("check digits"));
        assert!(refused("GB28WEST12345698765432").contains("check digits"));
        assert!(
            refused("GB82WEST1234569876543").contains("it has 21 characters, those of GB have 22")
        );
        assert!(refused("XX82WEST12345698765432").contains("XX has none"));
        for text in [
            "",
            "GB",
            "82GBWEST12345698765432",
            "GB82-WEST-1234",
            "GB82WEST1234569876543\u{e9}",
        ] {
            assert!(refused(text).contains("two letters, two digits"), "{text}");
        }
        assert!(refused(&"GB".repeat(10_000)).len() < 200);
    }

    #[test]
    fn check_digits_are_computed() {
        let iban = Iban::of_account("GB", "WEST12345698765432").unwrap();
        assert_eq!(iban.as_str(), "GB82WEST12345698765432");
        assert!(Iban::of_account("GB", "WEST1234").is_err());
    }

    proptest! {
        #[test]
        fn one_wrong_digit_is_noticed(at in 4usize..22, to in 0u8..10) {
            let right = "DE89370400440532013000";
            let mut text = right.as_bytes().to_vec();
            text[at] = b'0' + to;
            let text = String::from_utf8(text).unwrap();
            prop_assert_eq!(text.parse::<Iban>().is_ok(), text == right);
        }

        #[test]
        fn no_text_panics(text in ".{0,60}") {
            _ = text.parse::<Iban>();
        }

        #[test]
        fn numbers_get_fitting_digits(number in "[0-9A-Z]{18}") {
            let iban = Iban::of_account("DE", &number).unwrap();
            prop_assert_eq!(&iban.as_str()[4..], number);
        }
    }
}
