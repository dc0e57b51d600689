use portique_series::is_stale;

use super::notation::{parse_series, parse_values};
use super::*;

fn floats(text: &str) -> Vec<String> {
    let values = parse_values(text).unwrap();
    let write = |value: &Option<Value>| match value {
        None => "_".to_owned(),
        Some(Value::Float(value)) if is_stale(*value) => "stale".to_owned(),
        Some(Value::Float(value)) => value.to_string(),
        Some(Value::Histogram(histogram)) => histogram::write_histogram(histogram),
    };
    values.iter().map(write).collect()
}

#[test]
fn the_expanding_notation_is_that_of_prometheus() {
    for (text, expected) in [
        ("-2+4x3", "-2 2 6 10"),
        (" 1-2x4 ", "1 -1 -3 -5 -7"),
        ("1x4", "1 1 1 1 1"),
        ("1 _x3 stale _", "1 _ _ _ stale _"),
        ("1e3+1e-1x1 1e+2 0x0", "1000 1000.1 100 0"),
        ("NaN -Inf +Inf Inf+1x1", "NaN -inf inf inf inf"),
        (
            "{{sum:1 count:2}}x1 3",
            "{{count:2 sum:1}} {{count:2 sum:1}} 3",
        ),
        (
            "{{schema:1 count:3 sum:2 buckets:[1 2] offset:-1}}+{{schema:1 count:1 sum:1 buckets:[1]}}x1",
            "{{schema:1 count:3 sum:2 offset:-1 buckets:[1 2]}} {{schema:1 count:4 sum:3 offset:-1 buckets:[1 3]}}",
        ),
        (
            "{{count:2 sum:2 n_buckets:[1 0 1] z_bucket:1 z_bucket_w:0.5 custom_values:[1 2]}}",
            "{{schema:-53 count:2 sum:2 z_bucket:1 z_bucket_w:0.5 n_offset:0 n_buckets:[1 0 1] custom_values:[1 2]}}",
        ),
    ] {
        assert_eq!(floats(text).join(" "), expected, "{text}");
    }
}

#[test]
fn other_notations_are_refused() {
    for text in [
        "1,2",
        "x3",
        "1x",
        "1x-2",
        "1+x3",
        "_3",
        "nothing",
        "1x99999999",
        "{{sum:1",
        "{{summ:1}}",
        "{{sum:1}}y",
        "{{buckets:[1}}",
    ] {
        assert!(parse_values(text).is_err(), "{text}");
    }
    for text in ["up{job=~\"a\"}", "up@st", "sum(up)", ""] {
        assert!(parse_series(text).is_err(), "{text}");
    }
}
