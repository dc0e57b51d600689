use portique_series::Value;

use super::call;
use crate::annotations::Annotations;
use crate::functions::{Argument, Function, find};
use crate::syntax;

fn instant(name: &str, arguments: &[f64], value: f64) -> f64 {
    let function = syntax::Function::named(name).expect("the function exists");
    let Some(Function::Instant(function)) = find(function) else {
        panic!("{name} is not a function of instants");
    };
    let scalars = arguments
        .iter()
        .map(|argument| Argument::Scalar(vec![*argument]));
    let arguments: Vec<_> = [Argument::Series].into_iter().chain(scalars).collect();
    let mut notes = Annotations::default();
    match function(&call(&arguments), &Value::Float(value), &mut notes) {
        Some(Value::Float(value)) => value,
        found => panic!("{name}: {found:?}"),
    }
}

#[test]
fn functions_of_numbers_follow_their_definition() {
    let cases: &[(&str, &[f64], f64, f64)] = &[
        ("abs", &[], -2.0, 2.0),
        ("sgn", &[], -7.0, -1.0),
        ("sgn", &[], 0.0, 0.0),
        ("round", &[], -2.5, -2.0),
        ("round", &[], 2.5, 3.0),
        ("round", &[0.1], 0.26, 0.3),
        ("round", &[5.0], 12.0, 10.0),
        ("clamp", &[1.0, 3.0], 7.0, 3.0),
        ("clamp_min", &[1.0], -7.0, 1.0),
        ("clamp_max", &[1.0], 7.0, 1.0),
        ("deg", &[], std::f64::consts::PI, 180.0),
        ("log2", &[], 8.0, 3.0),
        ("hour", &[], 90_061.0, 1.0),
        ("day_of_week", &[], 0.0, 4.0),
        ("days_in_month", &[], 951_782_400.0, 29.0),
        ("year", &[], -1.0, 1969.0),
    ];
    for (name, arguments, value, wanted) in cases {
        assert_eq!(
            instant(name, arguments, *value),
            *wanted,
            "{name}({value}, {arguments:?})"
        );
    }
    assert!(instant("clamp_min", &[f64::NAN], 1.0).is_nan());
    assert!(instant("sgn", &[], f64::NAN).is_nan());
}
