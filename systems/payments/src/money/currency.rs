use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A currency of ISO 4217, by its three letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency {
    code: [u8; 3],
    /// Digits behind the point.
    exponent: u8,
}

/// Why a text is no currency.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{given:?} is not a currency of ISO 4217: write three capital letters such as EUR")]
pub struct NotACurrency {
    given: String,
}

/// Currencies with this many digits behind the point; all others in use have two.
const OTHERS: [(u8, &str); 3] = [
    (
        0,
        "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    ),
    (3, "BHD IQD JOD KWD LYD OMR TND"),
    (4, "CLF UYW"),
];

/// Currencies with two digits behind the point (ISO 4217, list one, funds left out).
const WITH_CENTS: &str = "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD \
     CDF CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG \
     HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR \
     MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP \
     SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR \
     ZMW ZWG";

impl Currency {
    /// The euro.
    pub const EUR: Self = Self {
        code: *b"EUR",
        exponent: 2,
    };

    /// Its three letters.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.code).expect("a code has three ASCII letters")
    }

    /// Digits behind the point: 0 to 4.
    pub fn exponent(&self) -> u32 {
        u32::from(self.exponent)
    }
}

impl FromStr for Currency {
    type Err = NotACurrency;

    fn from_str(text: &str) -> Result<Self, NotACurrency> {
        let wrong = || NotACurrency {
            given: text.chars().take(16).collect(),
        };
        let code: [u8; 3] = text.as_bytes().try_into().map_err(|_| wrong())?;
        let is_in = |list: &str| list.split_ascii_whitespace().any(|known| known == text);
        if is_in(WITH_CENTS) {
            return Ok(Self { code, exponent: 2 });
        }
        let other = OTHERS.iter().find(|(_, list)| is_in(list));
        let (exponent, _) = other.ok_or_else(wrong)?;
        Ok(Self {
            code,
            exponent: *exponent,
        })
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn currencies_know_their_digits() {
        let digits = |code: &str| code.parse::<Currency>().map(|currency| currency.exponent());
        assert_eq!(digits("EUR"), Ok(2));
        assert_eq!(digits("JPY"), Ok(0));
        assert_eq!(digits("KWD"), Ok(3));
        assert_eq!(digits("CLF"), Ok(4));
        assert_eq!("EUR".parse(), Ok(Currency::EUR));
    }

    #[test]
    fn what_is_none_is_refused() {
        for text in ["", "eur", "EURO", "XXX", "E R", "\u{20ac}"] {
            let refused = text.parse::<Currency>().unwrap_err().to_string();
            assert!(refused.contains("three capital letters"), "{refused}");
        }
    }
}
