/// A number on the command line. `NaN` and infinities parse as numbers too, but JSON has none, so
/// that they would reach the hub as "not given".
pub(super) fn finite(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        _ => Err("write a finite number, such as 0.7".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_finite_numbers_are_numbers() {
        assert_eq!(finite("-0.5"), Ok(-0.5));
        for text in ["nan", "NaN", "inf", "-infinity", "1e999", "", "ten"] {
            assert!(finite(text).is_err(), "{text}");
        }
    }
}
