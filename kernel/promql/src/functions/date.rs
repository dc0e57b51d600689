//! Functions of a time in seconds since 1970, in UTC.

use portique_series::Value;

use crate::numbers::civil;
use crate::syntax;

use super::Function;

const DAY_SECONDS: i64 = 86_400;

/// The code of a function of a time; histograms have no place in it.
macro_rules! of_time {
    ($function:expr) => {
        Function::Instant(|_, value, _| match value {
            Value::Float(value) => {
                let function: fn(Moment) -> i64 = $function;
                Some(Value::Float(function(Moment::of(*value)) as f64))
            }
            Value::Histogram(_) => None,
        })
    };
}

/// The function of a name, if it is here.
pub(super) fn find(function: syntax::Function) -> Option<Function> {
    use syntax::Function as F;
    Some(match function {
        F::DayOfMonth => of_time!(|moment| moment.day),
        F::DayOfWeek => of_time!(|moment| (moment.days + 4).rem_euclid(7)),
        F::DayOfYear => of_time!(|moment| moment.day_of_year()),
        F::DaysInMonth => of_time!(|moment| days_in(moment.year, moment.month)),
        F::Hour => of_time!(|moment| moment.second / 3600),
        F::Minute => of_time!(|moment| moment.second / 60 % 60),
        F::Month => of_time!(|moment| moment.month),
        F::Year => of_time!(|moment| moment.year),
        _ => return None,
    })
}

/// A second of a day.
#[derive(Debug, Clone, Copy)]
struct Moment {
    /// Since 1970-01-01, which was a Thursday.
    days: i64,
    /// Of the day.
    second: i64,
    year: i64,
    /// From 1.
    month: i64,
    /// Of the month, from 1.
    day: i64,
}

impl Moment {
    /// Fractions are cut off; what is beyond the range of whole seconds is taken to be its end.
    fn of(seconds: f64) -> Self {
        let seconds = seconds as i64;
        let days = seconds.div_euclid(DAY_SECONDS);
        let (year, month, day) = civil(days);
        Self {
            days,
            second: seconds.rem_euclid(DAY_SECONDS),
            year,
            month,
            day,
        }
    }

    fn day_of_year(self) -> i64 {
        (1..self.month)
            .map(|month| days_in(self.year, month))
            .sum::<i64>()
            + self.day
    }
}

fn days_in(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::{Moment, days_in};

    #[test]
    fn days_are_counted_by_the_calendar() {
        let leap_day = Moment::of(951_782_400.5);
        assert_eq!((leap_day.year, leap_day.month, leap_day.day), (2000, 2, 29));
        assert_eq!(leap_day.day_of_year(), 60);
        assert_eq!(Moment::of(1_104_451_200.0).day_of_year(), 366);
        assert_eq!(days_in(1900, 2), 28);
    }

    #[test]
    fn times_before_1970_and_beyond_reason_do_not_panic() {
        assert_eq!(Moment::of(-1.0).second, 86_399);
        for seconds in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300] {
            let moment = Moment::of(seconds);
            assert!((1..=12).contains(&moment.month), "{seconds}");
        }
    }
}
