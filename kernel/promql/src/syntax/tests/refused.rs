//! What is said about expressions that are wrong, word by word as Prometheus says it.

use super::parse;
use crate::syntax::{EXPRESSION_BYTES_MAX, EXPRESSION_DEPTH_MAX, EXPRESSION_NESTING_MAX, Options};

/// Expressions, and below each the place and the words of the first thing that is wrong.
const REFUSED: &str = include_str!("refused.txt");

#[test]
fn the_first_mistake_is_told_with_its_place() {
    let lines: Vec<_> = REFUSED.lines().collect();
    let mut wrong = Vec::new();
    for case in lines.chunks(2) {
        let (text, expected) = (case[0], case[1].trim().replacen("  ", ": parse error: ", 1));
        let told = parse(text).map_or_else(|error| error.to_string(), |_| "nothing".to_owned());
        if told != expected {
            wrong.push(format!(
                "{text}\n  told:     {told}\n  expected: {expected}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(lines.len() > 200, "the table is not whole");
}

#[test]
fn places_are_counted_in_lines_and_bytes() {
    let told = |text| parse(text).unwrap_err().to_string();
    assert_eq!(told(""), "1:1: parse error: no expression found in input");
    assert_eq!(
        told("a\n+ b\n  c"),
        "3:3: parse error: unexpected identifier \"c\""
    );
    assert_eq!(
        told("a{b='é'} c"),
        "1:11: parse error: unexpected identifier \"c\""
    );
}

#[test]
fn several_mistakes_are_told_together() {
    let errors = parse("nope(a) + nada(b) + c[0s]").unwrap_err();
    let messages: Vec<_> = errors.all().iter().map(|e| e.message.as_str()).collect();
    let expected = [
        "unknown function with name \"nope\"",
        "unknown function with name \"nada\"",
        "duration must be greater than 0",
    ];
    assert_eq!(messages[..3], expected);
    let errors = parse("sum(1) + rate(a)").unwrap_err();
    assert_eq!(errors.all().len(), 2);
}

#[test]
fn what_is_experimental_must_be_asked_for() {
    let functions = Options {
        experimental_functions: true,
        ..Options::default()
    };
    let selectors = Options {
        extended_range_selectors: true,
        ..Options::default()
    };
    let fills = Options {
        fill_modifiers: true,
        ..Options::default()
    };
    let flag =
        "is experimental and must be enabled with --enable-feature=promql-experimental-functions";
    for (text, options, message) in [
        (
            "mad_over_time(x[5m])",
            functions,
            "1:1: parse error: function \"mad_over_time\" is not enabled".to_owned(),
        ),
        (
            "sum(ts_of_last_over_time(x[5m]))",
            functions,
            "1:5: parse error: function \"ts_of_last_over_time\" is not enabled".to_owned(),
        ),
        (
            "vector(step())",
            functions,
            "1:8: parse error: function \"step\" is not enabled".to_owned(),
        ),
        (
            "limitk(1, x)",
            functions,
            format!("1:1: parse error: limitk() {flag}"),
        ),
        (
            "rate(x[5m] smoothed)",
            selectors,
            "1:6: parse error: smoothed modifier is experimental and not enabled".to_owned(),
        ),
        (
            "a + fill(0) b",
            fills,
            "1:1: parse error: binop fill modifiers are experimental and not enabled".to_owned(),
        ),
    ] {
        let refused = crate::syntax::parse(text, &Options::default()).unwrap_err();
        assert_eq!(refused.to_string(), message, "{text}");
        assert_eq!(refused.all().len(), 1, "{text}");
        assert!(crate::syntax::parse(text, &options).is_ok(), "{text}");
    }
}

#[test]
fn what_is_too_long_or_too_deep_is_refused_and_does_no_harm() {
    let deep = EXPRESSION_DEPTH_MAX + 1;
    for text in [
        "(".repeat(deep) + "1" + &")".repeat(deep),
        "-".repeat(100_000) + "a",
        "a+".repeat(deep) + "a",
        "a^".repeat(100_000) + "a",
        "abs(".repeat(deep) + "a" + &")".repeat(deep),
        "a".to_owned() + &"[1m:]".repeat(100_000),
        format!("a[{}1m]", "1+".repeat(100_000)),
        format!("a[{}1m]", "(".repeat(100_000)),
        format!("a[{}1m]", "-".repeat(100_000)),
    ] {
        let refused = parse(&text).unwrap_err().to_string();
        let limits = [EXPRESSION_NESTING_MAX, EXPRESSION_DEPTH_MAX];
        let told = limits.map(|limit| format!("nested deeper than {limit} levels"));
        assert!(
            told.iter().any(|told| refused.ends_with(told)),
            "{text:.20}: {refused}"
        );
    }
    let refused = parse(&"a".repeat(EXPRESSION_BYTES_MAX + 1)).unwrap_err();
    assert!(
        refused.to_string().contains("longer than 1048576 bytes"),
        "{refused}"
    );
    let nested = EXPRESSION_NESTING_MAX - 1;
    for text in [
        "a+".repeat(EXPRESSION_DEPTH_MAX - 1) + "a",
        "(".repeat(nested) + "1" + &")".repeat(nested),
    ] {
        assert!(parse(&text).is_ok(), "{text:.20}");
    }
}
