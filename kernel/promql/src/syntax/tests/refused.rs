//! What is said about expressions that are wrong, word by word as Prometheus says it.

use super::parse;
use crate::syntax::{EXPRESSION_BYTES_MAX, EXPRESSION_DEPTH_MAX, EXPRESSION_NESTING_MAX, Options};

/// An expression, and the first thing that is said about it.
const REFUSED: &[(&str, &str)] = &[
    ("", "1:1: parse error: no expression found in input"),
    (
        "# nothing",
        "1:1: parse error: no expression found in input",
    ),
    (
        "1p",
        "1:1: parse error: bad number or duration syntax: \"1\"",
    ),
    (
        "0deadbeef",
        "1:1: parse error: bad number or duration syntax: \"0de\"",
    ),
    (
        "1..1",
        "1:1: parse error: bad number or duration syntax: \"1..\"",
    ),
    (
        "1e",
        "1:1: parse error: bad number or duration syntax: \"1e\"",
    ),
    (".", "1:1: parse error: unexpected character: '.'"),
    (
        "2.5.",
        "1:1: parse error: bad number or duration syntax: \"2.5.\"",
    ),
    ("(1", "1:3: parse error: unclosed left parenthesis"),
    ("1)", "1:2: parse error: unexpected right parenthesis ')'"),
    (
        "999e999",
        "1:1: parse error: error parsing number: strconv.ParseFloat: parsing \"999e999\": value out of range",
    ),
    ("1 +", "1:4: parse error: unexpected end of input"),
    ("1 + /", "1:5: parse error: unexpected <op:/>"),
    ("*1", "1:1: parse error: unexpected <op:*>"),
    ("(1))", "1:4: parse error: unexpected right parenthesis ')'"),
    ("((1)", "1:5: parse error: unclosed left parenthesis"),
    (
        "1 and 1",
        "1:1: parse error: set operator \"and\" not allowed in binary scalar expression",
    ),
    (
        "1 == 1",
        "1:3: parse error: comparisons between scalars must use BOOL modifier",
    ),
    (
        "-\"string\"",
        "1:1: parse error: unary expression only allowed on expressions of type scalar or instant vector, got \"string\"",
    ),
    (
        "-test[5m]",
        "1:1: parse error: unary expression only allowed on expressions of type scalar or instant vector, got \"range vector\"",
    ),
    (
        "!1",
        "1:1: parse error: unexpected character after '!': '1'",
    ),
    ("1 =", "1:3: parse error: unexpected \"=\""),
    (
        "a =~ b",
        "1:3: parse error: unexpected character after '=': '~'",
    ),
    (
        "foo and 1",
        "1:1: parse error: set operator \"and\" not allowed in binary scalar expression",
    ),
    (
        "foo or on(bar) group_left(baz) bar",
        "1:1: parse error: no grouping allowed for \"or\" operation",
    ),
    (
        "foo == on(bar) 10",
        "1:1: parse error: vector matching only allowed between instant vectors",
    ),
    (
        "foo + group_left(baz) bar",
        "1:7: parse error: unexpected <group_left>",
    ),
    (
        "foo + on(bar) group_left(bar) baz",
        "1:5: parse error: label \"bar\" must not occur in ON and GROUP clause at once",
    ),
    (
        "foo + bool bar",
        "1:5: parse error: bool modifier can only be used on comparison operators",
    ),
    (
        "foo and fill(0) bar",
        "1:1: parse error: filling in missing series not allowed for set operators",
    ),
    (
        "foo + fill(0) 1",
        "1:1: parse error: filling in missing series only allowed between instant vectors",
    ),
    (
        "foo + fill(x) bar",
        "1:12: parse error: unexpected identifier \"x\"",
    ),
    (
        "{",
        "1:2: parse error: unexpected end of input inside braces",
    ),
    ("}", "1:1: parse error: unexpected character: '}'"),
    (
        "some{",
        "1:6: parse error: unexpected end of input inside braces",
    ),
    ("some}", "1:5: parse error: unexpected character: '}'"),
    (
        "some_metric{a=b}",
        "1:15: parse error: unexpected identifier \"b\" in label matching, expected string",
    ),
    (
        "some_metric{a:b=\"b\"}",
        "1:14: parse error: unexpected character inside braces: ':'",
    ),
    (
        "foo{a*\"b\"}",
        "1:6: parse error: unexpected character inside braces: '*'",
    ),
    (
        "foo{a>=\"b\"}",
        "1:6: parse error: unexpected character inside braces: '>'",
    ),
    (
        "foo{gibberish}",
        "1:14: parse error: unexpected \"}\" in label matching, expected label matching operator",
    ),
    (
        "foo{1}",
        "1:5: parse error: unexpected character inside braces: '1'",
    ),
    (
        "foo{__name__= =\"bar\"}",
        "1:15: parse error: unexpected \"=\" in label matching, expected string",
    ),
    (
        "foo{,}",
        "1:5: parse error: unexpected \",\" in label matching, expected identifier or \"}\"",
    ),
    (
        "foo{a=\"b\" c=\"d\"}",
        "1:11: parse error: unexpected identifier \"c\" in label matching, expected \",\" or \"}\"",
    ),
    (
        "foo{__name__=\"bar\"}",
        "1:1: parse error: metric name must not be set twice: \"foo\" or \"bar\"",
    ),
    (
        "{}",
        "1:1: parse error: vector selector must contain at least one non-empty matcher",
    ),
    (
        "{x=\"\"}",
        "1:1: parse error: vector selector must contain at least one non-empty matcher",
    ),
    (
        "{x=~\".*\"}",
        "1:1: parse error: vector selector must contain at least one non-empty matcher",
    ),
    (
        "foo{a=~\"b(\"}",
        "1:5: parse error: error parsing regexp: unclosed group: `b(`",
    ),
    ("some_metric[5m] OFFSET 1", "ok"),
    (
        "foo[5mm]",
        "1:5: parse error: bad number or duration syntax: \"5mm\"",
    ),
    (
        "foo[5m1]",
        "1:5: parse error: bad number or duration syntax: \"5m1\"",
    ),
    (
        "foo[5m1h]",
        "1:5: parse error: not a valid duration string: \"5m1h\"",
    ),
    (
        "foo[0m]",
        "1:5: parse error: duration must be greater than 0",
    ),
    (
        "foo[-5m]",
        "1:5: parse error: duration must be greater than 0",
    ),
    (
        "foo[\"5m\"]",
        "1:5: parse error: unexpected character in duration expression: '\"'",
    ),
    (
        "foo[]",
        "1:5: parse error: unexpected \"]\" in subquery or range selector, expected number, duration, step(), or range()",
    ),
    (
        "foo[",
        "1:5: parse error: unexpected end of input in duration expression",
    ),
    ("foo[5m", "1:7: parse error: unclosed left bracket"),
    ("foo[5m30s", "1:10: parse error: unclosed left bracket"),
    ("foo[5m:30s", "1:11: parse error: unclosed left bracket"),
    ("foo]", "1:4: parse error: unexpected right bracket ']'"),
    (
        "foo[1m:foo]",
        "1:8: parse error: unexpected character: 'f', expected ':'",
    ),
    ("foo[1/0]", "1:6: parse error: division by zero"),
    ("foo[5m % 0]", "1:8: parse error: modulo by zero"),
    ("foo[9999999999]", "1:5: parse error: duration out of range"),
    (
        "(foo)[5m]",
        "1:6: parse error: ranges only allowed for vector selectors",
    ),
    (
        "foo offset 5m[5m]",
        "1:14: parse error: no offset modifiers allowed before range",
    ),
    (
        "foo @ 5[5m]",
        "1:8: parse error: no @ modifiers allowed before range",
    ),
    (
        "foo OFFSET 1m OFFSET 2m",
        "1:1: parse error: offset may not be set multiple times",
    ),
    (
        "foo @ 1 @ 2",
        "1:1: parse error: @ <timestamp> may not be set multiple times",
    ),
    (
        "foo @ Inf",
        "1:1: parse error: timestamp out of bounds for @ modifier: +Inf",
    ),
    (
        "foo @ NaN",
        "1:1: parse error: timestamp out of bounds for @ modifier: NaN",
    ),
    (
        "foo @ end",
        "1:10: parse error: unexpected end of input in @, expected timestamp",
    ),
    (
        "foo offset",
        "1:11: parse error: unexpected end of input in offset, expected number, duration, step(), or range()",
    ),
    (
        "(a + b) offset 5m",
        "1:1: parse error: offset modifier must be preceded by an instant vector selector or range vector selector or a subquery",
    ),
    (
        "sum(a) @ 5",
        "1:1: parse error: @ modifier must be preceded by an instant vector selector or range vector selector or a subquery",
    ),
    (
        "foo[5m:1m] anchored",
        "1:1: parse error: anchored modifier is not supported for subqueries",
    ),
    (
        "(foo + bar) smoothed",
        "1:1: parse error: smoothed modifier not implemented",
    ),
    (
        "foo anchored smoothed",
        "1:1: parse error: anchored and smoothed modifiers cannot be used together",
    ),
    (
        "test[5m][5m:]",
        "1:1: parse error: subquery is only allowed on instant vector, got matrix instead",
    ),
    (
        "sum without(==)(some_metric)",
        "1:13: parse error: unexpected <op:==> in grouping opts, expected label",
    ),
    (
        "sum without(,)(some_metric)",
        "1:13: parse error: unexpected \",\" in grouping opts, expected label",
    ),
    (
        "sum without(foo bar)(m)",
        "1:17: parse error: unexpected identifier \"bar\" in grouping opts, expected \",\" or \")\"",
    ),
    (
        "sum by (\"\") (m)",
        "1:9: parse error: invalid label name for grouping: \"\"",
    ),
    (
        "sum by foo(m)",
        "1:8: parse error: unexpected identifier \"foo\" in grouping opts, expected \"(\"",
    ),
    (
        "sum some_metric by (test)",
        "1:5: parse error: unexpected identifier \"some_metric\"",
    ),
    (
        "sum (some_metric) without (test) by (test)",
        "1:34: parse error: unexpected <by>",
    ),
    (
        "sum()",
        "1:1: parse error: no arguments for aggregate expression provided",
    ),
    (
        "topk(some_metric)",
        "1:1: parse error: wrong number of arguments for aggregate expression provided, expected 2, got 1",
    ),
    (
        "topk(some_metric, other_metric)",
        "1:6: parse error: expected type scalar in aggregation parameter, got instant vector",
    ),
    (
        "count_values(5, other_metric)",
        "1:14: parse error: expected type string in aggregation parameter, got scalar",
    ),
    (
        "sum(5)",
        "1:5: parse error: expected type instant vector in aggregation expression, got scalar",
    ),
    (
        "rate(5m)",
        "1:6: parse error: expected type range vector in call to function \"rate\", got scalar",
    ),
    (
        "floor()",
        "1:1: parse error: expected 1 argument(s) in call to \"floor\", got 0",
    ),
    (
        "floor(a, b)",
        "1:1: parse error: expected 1 argument(s) in call to \"floor\", got 2",
    ),
    (
        "hour(a, b)",
        "1:1: parse error: expected at most 1 argument(s) in call to \"hour\", got 2",
    ),
    (
        "label_join()",
        "1:1: parse error: expected at least 3 argument(s) in call to \"label_join\", got 0",
    ),
    (
        "floor(a,)",
        "1:8: parse error: trailing commas not allowed in function call args",
    ),
    ("floor(,)", "1:7: parse error: unexpected \",\""),
    (
        "non_existent_function_far_bar()",
        "1:1: parse error: unknown function with name \"non_existent_function_far_bar\"",
    ),
    (
        "START()",
        "1:1: parse error: unknown function with name \"START\"",
    ),
    (
        "info(a, b)",
        "1:9: parse error: expected label selectors only, got vector selector instead",
    ),
    (
        "info(a, rate(b[5m]))",
        "1:9: parse error: expected label selectors only",
    ),
    (
        "\"foo\" + 1",
        "1:1: parse error: binary expression must contain only scalar and instant vector types",
    ),
    (
        "a[5m] + b",
        "1:1: parse error: binary expression must contain only scalar and instant vector types",
    ),
    (
        "\"unterminated",
        "1:1: parse error: unterminated quoted string",
    ),
    ("`unterminated", "1:1: parse error: unterminated raw string"),
    (
        r#""\q""#,
        "1:1: parse error: unknown escape sequence U+0071 'q'",
    ),
    (
        r#""\xg1""#,
        "1:1: parse error: illegal character U+0067 'g' in escape sequence",
    ),
    (
        r#""\udead""#,
        "1:1: parse error: escape sequence is an invalid Unicode code point",
    ),
    ("foo bar", "1:5: parse error: unexpected identifier \"bar\""),
    (
        "foo \"a long string\"",
        "1:5: parse error: unexpected string \"\\\"a long st\"...",
    ),
    (
        "a\n+ b\n  c",
        "3:3: parse error: unexpected identifier \"c\"",
    ),
    ("é", "1:1: parse error: unexpected character: 'é'"),
];

#[test]
fn the_first_mistake_is_told_with_its_place() {
    let mut wrong = Vec::new();
    for (text, expected) in REFUSED {
        let told = parse(text).map_or_else(|error| error.to_string(), |_| "ok".to_owned());
        if told != *expected {
            wrong.push(format!(
                "{text}\n  told:     {told}\n  expected: {expected}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
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
