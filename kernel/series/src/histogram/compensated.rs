//! Sums that do not lose what is too small to be seen.

/// A running sum with the error its additions made, after Kahan and Neumaier.
///
/// `1e100 + 1 − 1e100` is 1 with it and 0 without.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Compensated {
    /// The sum as plain addition sees it.
    pub value: f64,
    /// What plain addition lost.
    pub lost: f64,
}

impl Compensated {
    /// A sum that begins with a value.
    pub fn new(value: f64) -> Self {
        Self { value, lost: 0.0 }
    }

    /// Adds a value. An infinite sum loses nothing any more.
    pub fn add(&mut self, addend: f64) {
        let sum = self.value + addend;
        if sum.is_infinite() {
            self.lost = 0.0;
        } else if self.value.abs() >= addend.abs() {
            self.lost += (self.value - sum) + addend;
        } else {
            self.lost += (addend - sum) + self.value;
        }
        self.value = sum;
    }

    /// Multiplies the sum.
    pub fn scale(&mut self, factor: f64) {
        self.value *= factor;
        self.lost *= factor;
    }

    /// The sum with what was lost; infinite sums stay what they are.
    pub fn total(self) -> f64 {
        if self.value.is_infinite() {
            return self.value;
        }
        self.value + self.lost
    }
}

#[cfg(test)]
mod tests {
    use super::Compensated;

    fn sum(values: &[f64]) -> f64 {
        let mut sum = Compensated::default();
        values.iter().for_each(|value| sum.add(*value));
        sum.total()
    }

    #[test]
    fn small_addends_survive_large_ones() {
        assert_eq!(sum(&[1e100, 1.0, -1e100]), 1.0);
        assert_eq!(sum(&[1.0, 1e100, -1e100]), 1.0);
        assert_eq!(sum(&[0.1; 10]), 1.0);
    }

    #[test]
    fn infinity_stays_infinite() {
        assert_eq!(sum(&[1.0, f64::INFINITY, 5.0]), f64::INFINITY);
        assert!(sum(&[f64::INFINITY, f64::NEG_INFINITY]).is_nan());
    }
}
