//! Sizes in bytes as Prometheus writes them: `10MB`, `512KiB`.

/// Units, each a power of 1,024 whether it is written with an `i` or not, as in Prometheus.
const UNITS: [(&str, u32); 13] = [
    ("EiB", 6),
    ("PiB", 5),
    ("TiB", 4),
    ("GiB", 3),
    ("MiB", 2),
    ("KiB", 1),
    ("EB", 6),
    ("PB", 5),
    ("TB", 4),
    ("GB", 3),
    ("MB", 2),
    ("KB", 1),
    ("B", 0),
];

/// Reads a whole number with a unit, or `0`; none when it is no size or larger than 16 EiB.
pub(super) fn parse_size(text: &str) -> Option<u64> {
    if text == "0" {
        return Some(0);
    }
    let (unit, power) = UNITS.iter().find(|(unit, _)| text.ends_with(unit))?;
    let number: u64 = text.strip_suffix(unit)?.parse().ok()?;
    number.checked_mul(1024_u64.checked_pow(*power)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_powers_of_1024() {
        for (text, bytes) in [
            ("0", Some(0)),
            ("10B", Some(10)),
            ("2KB", Some(2048)),
            ("1MiB", Some(1 << 20)),
            ("1.5MB", None),
            ("12", None),
            ("MB", None),
            ("99EB", None),
        ] {
            assert_eq!(parse_size(text), bytes, "{text}");
        }
    }
}
