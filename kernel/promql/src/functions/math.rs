//! Functions of one number.

use std::f64::consts::PI;

use portique_series::Value;

use crate::annotations::Annotations;
use crate::syntax;

use super::{Call, Function};

/// The code of a function of one number; histograms have no place in it.
macro_rules! of_number {
    ($function:expr) => {
        Function::Instant(|_, value, _| match value {
            Value::Float(value) => {
                let function: fn(f64) -> f64 = $function;
                Some(Value::Float(function(*value)))
            }
            Value::Histogram(_) => None,
        })
    };
}

/// The function of a name, if it is here.
pub(super) fn find(function: syntax::Function) -> Option<Function> {
    use syntax::Function as F;
    Some(match function {
        F::Abs => of_number!(f64::abs),
        F::Acos => of_number!(f64::acos),
        F::Acosh => of_number!(f64::acosh),
        F::Asin => of_number!(f64::asin),
        F::Asinh => of_number!(f64::asinh),
        F::Atan => of_number!(f64::atan),
        F::Atanh => of_number!(f64::atanh),
        F::Ceil => of_number!(f64::ceil),
        F::Cos => of_number!(f64::cos),
        F::Cosh => of_number!(f64::cosh),
        F::Deg => of_number!(|value| value * 180.0 / PI),
        F::Exp => of_number!(f64::exp),
        F::Floor => of_number!(f64::floor),
        F::Ln => of_number!(f64::ln),
        F::Log10 => of_number!(f64::log10),
        F::Log2 => of_number!(f64::log2),
        F::Rad => of_number!(|value| value * PI / 180.0),
        F::Sgn => of_number!(sign),
        F::Sin => of_number!(f64::sin),
        F::Sinh => of_number!(f64::sinh),
        F::Sqrt => of_number!(f64::sqrt),
        F::Tan => of_number!(f64::tan),
        F::Tanh => of_number!(f64::tanh),
        F::Clamp => {
            Function::Instant(|call, value, _| clamped(value, call.scalar(1), call.scalar(2)))
        }
        F::ClampMax => {
            Function::Instant(|call, value, _| clamped(value, f64::NEG_INFINITY, call.scalar(1)))
        }
        F::ClampMin => {
            Function::Instant(|call, value, _| clamped(value, call.scalar(1), f64::INFINITY))
        }
        F::Round => Function::Instant(round),
        F::MaxOf => Function::Scalar(|call| larger(call.scalar(0), call.scalar(1))),
        F::MinOf => Function::Scalar(|call| smaller(call.scalar(0), call.scalar(1))),
        F::Pi => Function::Scalar(|_| PI),
        _ => return None,
    })
}

/// To the nearest multiple, half of one upwards.
fn round(call: &Call<'_>, value: &Value, _: &mut Annotations) -> Option<Value> {
    let Value::Float(value) = value else {
        return None;
    };
    let nearest = match call.arguments.len() {
        ..2 => 1.0,
        _ => call.scalar(1),
    };
    // Multiplying with the inverse is more precise than dividing by fractions such as 0.1.
    let inverse = 1.0 / nearest;
    Some(Value::Float((value * inverse + 0.5).floor() / inverse))
}

fn clamped(value: &Value, min: f64, max: f64) -> Option<Value> {
    match value {
        Value::Float(_) if max < min => None,
        Value::Float(value) => Some(Value::Float(larger(min, smaller(max, *value)))),
        Value::Histogram(_) => None,
    }
}

/// The larger of two, or NaN if one is: `f64::max` would pass over it.
fn larger(one: f64, other: f64) -> f64 {
    match one.is_nan() || other.is_nan() {
        true => f64::NAN,
        false => one.max(other),
    }
}

fn smaller(one: f64, other: f64) -> f64 {
    match one.is_nan() || other.is_nan() {
        true => f64::NAN,
        false => one.min(other),
    }
}

fn sign(value: f64) -> f64 {
    match value == 0.0 || value.is_nan() {
        true => value,
        false => value.signum(),
    }
}
