//! Where buckets begin and end.

use super::SCHEMA_CUSTOM;

/// Exponent of the smallest number an `f64` can hold.
const SMALLEST_EXPONENT: i64 = -1074;
/// Exponent of the smallest number with full precision.
const NORMAL_EXPONENT: i64 = -1022;
/// Exponent of the first power of two that is too large.
const OVERFLOW_EXPONENT: i64 = 1024;
const EXPONENT_BIAS: i64 = 1023;
const FRACTION_BITS: u32 = 52;

/// The upper bound of a positive bucket: `2^(index * 2^-schema)`, or the custom bound at the index.
///
/// The bucket in which the largest finite number falls ends at that number; the one after it has no end.
pub(super) fn upper_bound(schema: i32, custom: &[f64], index: i64) -> f64 {
    if schema == SCHEMA_CUSTOM {
        return custom_bound(custom, index);
    }
    let (whole, fraction) = split_exponent(schema, index);
    if fraction == 0.0 {
        return match whole {
            OVERFLOW_EXPONENT => f64::MAX,
            _ => power_of_two(whole),
        };
    }
    power_of_two(whole) * fraction.exp2()
}

/// The bucket of a coarser schema that holds a bucket of a finer one.
pub(super) fn reduced_index(index: i64, from: i32, to: i32) -> i64 {
    let steps = from.saturating_sub(to).clamp(0, 62);
    ((index - 1) >> steps) + 1
}

fn custom_bound(custom: &[f64], index: i64) -> f64 {
    match usize::try_from(index) {
        Ok(index) => custom.get(index).copied().unwrap_or(f64::INFINITY),
        Err(_) => f64::NEG_INFINITY,
    }
}

/// The whole and the fractional part of `index * 2^-schema`.
fn split_exponent(schema: i32, index: i64) -> (i64, f64) {
    if schema <= 0 {
        let shift = schema.unsigned_abs().min(30);
        return (index << shift, 0.0);
    }
    let shift = schema.unsigned_abs().min(52);
    let per_power = 1_i64 << shift;
    let rest = index & (per_power - 1);
    (index >> shift, rest as f64 / per_power as f64)
}

fn power_of_two(exponent: i64) -> f64 {
    if exponent >= OVERFLOW_EXPONENT {
        return f64::INFINITY;
    }
    if exponent < SMALLEST_EXPONENT {
        return 0.0;
    }
    if exponent < NORMAL_EXPONENT {
        return f64::from_bits(1 << (exponent - SMALLEST_EXPONENT).unsigned_abs());
    }
    f64::from_bits((exponent + EXPONENT_BIAS).unsigned_abs() << FRACTION_BITS)
}

#[cfg(test)]
mod tests {
    use super::{reduced_index, upper_bound};

    #[test]
    fn powers_of_two_are_exact_in_every_schema() {
        for schema in -4..=8 {
            for power in [-1074_i32, -1023, -10, -1, 0, 1, 10, 1023] {
                let index = match schema {
                    ..0 if power % (1 << -schema) != 0 => continue,
                    ..0 => i64::from(power) >> -schema,
                    _ => i64::from(power) << schema,
                };
                let wanted = if power < -1022 {
                    f64::from_bits(1 << (power + 1074))
                } else {
                    2_f64.powi(power)
                };
                assert_eq!(
                    upper_bound(schema, &[], index),
                    wanted,
                    "2^{power} at schema {schema}"
                );
            }
        }
    }

    #[test]
    fn the_largest_number_has_a_bucket_and_so_has_infinity() {
        assert_eq!(upper_bound(0, &[], 1024), f64::MAX);
        assert_eq!(upper_bound(3, &[], 1024 << 3), f64::MAX);
        assert_eq!(upper_bound(-2, &[], 256), f64::MAX);
        assert_eq!(upper_bound(0, &[], 1025), f64::INFINITY);
        assert_eq!(upper_bound(0, &[], -2000), 0.0);
    }

    #[test]
    fn fractions_follow_the_definition() {
        let close = |a: f64, b: f64| (a - b).abs() < 1e-15 * b;
        assert!(close(upper_bound(1, &[], 1), 2_f64.sqrt()));
        assert!(close(upper_bound(1, &[], -1), 0.5_f64.sqrt()));
        assert!(close(upper_bound(2, &[], 1), 2_f64.sqrt().sqrt()));
    }

    #[test]
    fn a_finer_bucket_lies_within_the_coarser_one() {
        for index in -40..40 {
            for to in -4..3 {
                let upper = upper_bound(3, &[], index);
                let into = reduced_index(index, 3, to);
                assert!(upper <= upper_bound(to, &[], into), "{index} to {to}");
                assert!(upper > upper_bound(to, &[], into - 1), "{index} to {to}");
            }
        }
    }

    #[test]
    fn custom_bounds_end_in_infinity() {
        let bounds = [1.0, 5.0];
        let found: Vec<f64> = (-1..3).map(|i| upper_bound(-53, &bounds, i)).collect();
        assert_eq!(found, [f64::NEG_INFINITY, 1.0, 5.0, f64::INFINITY]);
    }
}
