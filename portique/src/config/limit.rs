use super::problem::Problem;
use super::raw::Written;

/// What a number may be.
pub(super) struct Limit {
    key: &'static str,
    unit: &'static str,
    min: f64,
    max: f64,
}

impl Limit {
    pub(super) const fn of(key: &'static str, unit: &'static str, min: f64, max: f64) -> Self {
        Self {
            key,
            unit,
            min,
            max,
        }
    }

    /// The number, unless it is out of range.
    pub(super) fn resolve(
        &self,
        written: Option<&Written<f64>>,
        problems: &mut Vec<Problem>,
    ) -> Option<f64> {
        let written = written?;
        if (self.min..=self.max).contains(&written.value) {
            return Some(written.value);
        }
        problems.push(Problem::at(
            &written.place,
            format!("{} = {} is out of range", self.key, written.value),
            format!(
                "write {} from {} to {}, or leave it out",
                self.unit, self.min, self.max
            ),
        ));
        None
    }
}
