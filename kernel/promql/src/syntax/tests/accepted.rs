//! What trees are made of.

use portique_series::{MatchOp, Matcher};

use super::{parse, parsed};
use crate::syntax::{
    At, BinaryOp, Cardinality, DurationContext, DurationExpr, Expr, Span, ValueType, parse_selector,
};

const QUERY: DurationContext = DurationContext {
    step_ms: 15_000,
    range_ms: 3_600_000,
};

#[track_caller]
fn range_ms(text: &str) -> i64 {
    match parsed(text) {
        Expr::Matrix(matrix) => matrix.range.length_ms(QUERY).unwrap(),
        Expr::Subquery(subquery) => subquery.range.length_ms(QUERY).unwrap(),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn offset_ms(text: &str) -> Option<i64> {
    let offset: Option<DurationExpr> = match parsed(text) {
        Expr::Vector(selector) => selector.offset,
        Expr::Matrix(matrix) => matrix.selector.offset,
        Expr::Subquery(subquery) => subquery.offset,
        other => panic!("{other:?}"),
    };
    offset.map(|offset| offset.shift_ms(QUERY).unwrap())
}

#[test]
fn durations_are_evaluated_within_the_query() {
    for (text, expected) in [
        ("m[5m]", 300_000),
        ("m[300]", 300_000),
        ("m[1h30m5s500ms]", 5_405_500),
        ("m[5m*2]", 600_000),
        ("m[2^3^2s]", 512_000),
        ("m[step()]", 15_000),
        ("m[range()/2]", 1_800_000),
        ("m[max_of(step(), 1m)+1s]", 61_000),
        ("m[min_of(step(), 1m)]", 15_000),
        ("m[-(1m-2m)]", 60_000),
        ("m[ 1m + 4m : step() * 2 ]", 300_000),
        ("m[1.5]", 1500),
        ("m[7 % 4]", 3000),
    ] {
        assert_eq!(range_ms(text), expected, "{text}");
    }
}

#[test]
fn arithmetic_after_an_offset_needs_parentheses() {
    assert_eq!(offset_ms("m offset 5m"), Some(300_000));
    assert_eq!(offset_ms("m offset -5m"), Some(-300_000));
    assert_eq!(offset_ms("m[5m] offset (1m+1m)"), Some(120_000));
    assert_eq!(offset_ms("m offset -min_of(step(), 5s)"), Some(-5000));
    assert_eq!(offset_ms("m[1h:] offset step()"), Some(15_000));
    assert_eq!(offset_ms("m offset 0"), None);
    assert!(matches!(parsed("m offset 1m+1m"), Expr::Binary(b) if b.op == BinaryOp::Add));
    assert!(matches!(parsed("m offset -2^2"), Expr::Binary(b) if b.op == BinaryOp::Pow));
}

#[test]
fn durations_that_come_to_nothing_are_refused_when_known() {
    let Expr::Matrix(matrix) = parsed("m[step()-15s]") else {
        panic!("a range");
    };
    let refused = matrix.range.length_ms(QUERY).unwrap_err();
    assert_eq!(refused.message, "duration must be greater than 0");
    let Expr::Matrix(matrix) = parsed("m[1m/(step()-15s)]") else {
        panic!("a range");
    };
    let refused = matrix.range.length_ms(QUERY).unwrap_err();
    assert_eq!(refused.message, "division by zero");
}

#[test]
fn operators_group_as_in_arithmetic() {
    for (text, grouped) in [
        ("1 + 2 * 3 ^ 2", "(1 + (2 * (3 ^ 2)))"),
        ("2 ^ 3 ^ 2", "(2 ^ (3 ^ 2))"),
        ("8 - 4 - 2", "((8 - 4) - 2)"),
        ("-a ^ 2", "-(a ^ 2)"),
        ("-a * 2", "(-a * 2)"),
        ("a or b and c unless d", "(a or ((b and c) unless d))"),
        ("a + b > c atan2 d", "((a + b) > (c atan2 d))"),
        ("a </ 2 * 3", "(a </ (2 * 3))"),
        ("a >/ 1 == b", "((a >/ 1) == b)"),
        ("-1 ^ 2", "-1"),
    ] {
        let found = match text {
            // A sign before a power of literals is no literal.
            "-1 ^ 2" => {
                assert!(matches!(parsed(text), Expr::Unary(_)));
                continue;
            }
            _ => grouping(&parsed(text)),
        };
        assert_eq!(found, grouped, "{text}");
    }
}

/// The expression with parentheses around every operator.
fn grouping(expr: &Expr) -> String {
    match expr {
        Expr::Binary(b) => format!("({} {} {})", grouping(&b.lhs), b.op, grouping(&b.rhs)),
        Expr::Unary(u) => format!("{}{}", u.op.as_str(), grouping(&u.expr)),
        other => other.to_string(),
    }
}

#[test]
fn numbers_of_every_kind() {
    for (text, value) in [
        ("1", 1.0),
        ("+5.5e-3", 0.0055),
        ("0x1F", 31.0),
        ("1_000_000", 1e6),
        ("-Inf", f64::NEG_INFINITY),
        ("5m", 300.0),
        ("-1h30m", -5400.0),
        ("010", 8.0),
    ] {
        assert!(
            matches!(parsed(text), Expr::Number(n) if n.value == value),
            "{text}"
        );
    }
    assert!(matches!(parsed("NaN"), Expr::Number(n) if n.value.is_nan()));
}

#[test]
fn words_of_the_language_are_names_where_names_stand() {
    for name in [
        "sum",
        "by",
        "offset",
        "start",
        "end",
        "step",
        "range",
        "and",
        "without",
        "fill",
        "fill_left",
        "anchored",
        "min_of",
        "limitk",
        "a:b",
        ":a",
    ] {
        let Expr::Vector(selector) = parsed(name) else {
            panic!("{name} is a metric");
        };
        assert_eq!(selector.name.as_deref(), Some(name));
    }
    parsed("sum by (bool, on, by, group_left, atan2, start, a:b, \"a.b\") (up{offset=\"1\"})");
    parsed("fill + fill(0) fill");
}

#[test]
fn names_in_quotes_may_be_any_text() {
    let selector = parse_selector("{\"a.b\", \"c d\"=~'x.*', e!=`\\d`,}").unwrap();
    let expected = [
        Matcher::equal("__name__", "a.b"),
        Matcher::new("c d", MatchOp::Regex, "x.*").unwrap(),
        Matcher::new("e", MatchOp::NotEqual, "\\d").unwrap(),
    ];
    assert_eq!(selector, expected);
    assert_eq!(parse_selector("{a=\"\"}").unwrap().len(), 1);
    assert!(parse_selector("up[5m]").is_err());
}

#[test]
fn modifiers_of_matching_are_kept() {
    let text = "a * bool on(x, y) group_right(z) fill_right(-1) fill_left(2) b";
    let refused = parse(text).unwrap_err();
    let only = "bool modifier can only be used on comparison operators";
    assert_eq!(refused.all()[0].message, only);
    let Expr::Binary(binary) = parsed(&text.replace("bool ", "")) else {
        panic!("an operator");
    };
    let matching = binary.matching.unwrap();
    assert!(matching.on);
    assert_eq!(matching.labels, ["x", "y"]);
    assert_eq!(matching.cardinality, Cardinality::OneToMany);
    assert_eq!(matching.include, ["z"]);
    assert_eq!(
        (matching.fill_left, matching.fill_right),
        (Some(2.0), Some(-1.0))
    );
    let Expr::Binary(set) = parsed("a and b") else {
        panic!("an operator")
    };
    assert_eq!(set.matching.unwrap().cardinality, Cardinality::ManyToMany);
    let Expr::Binary(scalar) = parsed("a + 1") else {
        panic!("an operator")
    };
    assert_eq!(scalar.matching, None);
}

#[test]
fn types_follow_from_the_parts() {
    for (text, value_type) in [
        ("1 + 2", ValueType::Scalar),
        ("1 + a", ValueType::Vector),
        ("-(a[5m])[1h:]", ValueType::Matrix),
        ("rate(a[5m])", ValueType::Vector),
        ("scalar(a)", ValueType::Scalar),
        ("'x'", ValueType::String),
    ] {
        match parse(text) {
            Ok(expr) => assert_eq!(expr.value_type(), value_type, "{text}"),
            Err(error) => assert_eq!(text, "-(a[5m])[1h:]", "{error}"),
        }
    }
}

#[test]
fn every_part_knows_its_place() {
    let text = "sum(rate(a{b=\"c\"}[5m] offset 1m)) by (d) / on () (b @ 10)";
    let Expr::Binary(binary) = parsed(text) else {
        panic!("an operator")
    };
    let at = |span: Span| &text[span.start..span.end];
    assert_eq!(at(binary.span), text);
    assert_eq!(
        at(binary.lhs.span()),
        "sum(rate(a{b=\"c\"}[5m] offset 1m)) by (d)"
    );
    assert_eq!(at(binary.rhs.span()), "(b @ 10)");
    let Expr::Aggregate(sum) = *binary.lhs else {
        panic!("an aggregation")
    };
    let Expr::Call(rate) = *sum.expr else {
        panic!("a call")
    };
    assert_eq!(at(rate.span), "rate(a{b=\"c\"}[5m] offset 1m)");
    let Expr::Matrix(matrix) = &rate.args[0] else {
        panic!("a range")
    };
    assert_eq!(at(matrix.span), "a{b=\"c\"}[5m] offset 1m");
    assert_eq!(at(matrix.selector.span), "a{b=\"c\"}");
    assert_eq!(at(matrix.range.span()), "5m");
}

#[test]
fn times_are_pinned() {
    for (text, at) in [
        ("a @ 1.5", At::Timestamp(1500)),
        ("a @ -10", At::Timestamp(-10_000)),
        ("a offset 5m @ start()", At::Start),
        ("a @ end() offset 5m", At::End),
    ] {
        assert!(
            matches!(parsed(text), Expr::Vector(v) if v.at == Some(at)),
            "{text}"
        );
    }
}

#[test]
fn comments_and_lines_are_room() {
    assert_eq!(parsed("# before\n1 + # one\r\n\t2").to_string(), "1 + 2");
    assert_eq!(
        parsed("a{ # all of them\n b = 'c' }").to_string(),
        "a{b=\"c\"}"
    );
}
