//! What is written is read as the same tree.

use portique_series::{METRIC_NAME, MatchOp, Matcher};
use proptest::prelude::*;

use super::parse;
use crate::syntax::{
    Aggregate, AggregateOp, At, Binary, BinaryOp, Call, Cardinality, DurationExpr, DurationOp,
    Expr, Extension, Function, MatrixSelector, NumberLiteral, Paren, QueryDuration, Span,
    StringLiteral, Subquery, Unary, UnaryOp, VectorMatching, VectorSelector,
};

const NOWHERE: Span = Span { start: 0, end: 0 };

fn duration() -> impl Strategy<Value = DurationExpr> {
    let literal = (1..10_000_000_i64).prop_map(|ms| DurationExpr::Literal {
        seconds: ms as f64 / 1000.0,
        is_duration: true,
        span: NOWHERE,
    });
    let query =
        prop_oneof![Just(QueryDuration::Step), Just(QueryDuration::Range)].prop_map(|quantity| {
            DurationExpr::Query {
                quantity,
                span: NOWHERE,
            }
        });
    let leaf = prop_oneof![3 => literal, 1 => query];
    leaf.prop_recursive(3, 8, 2, |inner| {
        let op = prop_oneof![
            Just(DurationOp::Add),
            Just(DurationOp::Sub),
            Just(DurationOp::Mul),
            Just(DurationOp::Div),
            Just(DurationOp::Mod),
            Just(DurationOp::Pow),
        ];
        let of_two = prop_oneof![Just(DurationOp::Min), Just(DurationOp::Max)];
        let parens = |operand| DurationExpr::Paren {
            operand: Box::new(operand),
            span: NOWHERE,
        };
        prop_oneof![
            (op, inner.clone(), inner.clone()).prop_map(move |(op, lhs, rhs)| {
                parens(DurationExpr::Binary {
                    op,
                    lhs: Box::new(parens(lhs)),
                    rhs: Box::new(parens(rhs)),
                    span: NOWHERE,
                })
            }),
            (of_two, inner.clone(), inner.clone()).prop_map(|(op, lhs, rhs)| {
                let (lhs, rhs) = (Box::new(lhs), Box::new(rhs));
                DurationExpr::Binary {
                    op,
                    lhs,
                    rhs,
                    span: NOWHERE,
                }
            }),
            inner.prop_map(move |operand| DurationExpr::Negative {
                operand: Box::new(parens(operand)),
                span: NOWHERE,
            }),
        ]
    })
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z_][a-z0-9_]{0,6}",
        Just("by".to_owned()),
        Just("sum".to_owned())
    ]
    .prop_filter("a number", |name| !matches!(name.as_str(), "inf" | "nan"))
}

fn matcher() -> impl Strategy<Value = Matcher> {
    let label = prop_oneof![name(), "\\PC{1,5}"];
    let op = prop_oneof![
        Just(MatchOp::Equal),
        Just(MatchOp::NotEqual),
        Just(MatchOp::Regex)
    ];
    let value = "[a-z0-9\\x00-\\x20\"é]{0,6}";
    (label, op, value)
        .prop_filter("the name stands apart", |(label, ..)| label != METRIC_NAME)
        .prop_map(|(label, op, value)| Matcher::new(&label, op, &value).unwrap())
}

fn selector() -> impl Strategy<Value = VectorSelector> {
    let at = prop_oneof![
        (-1_000_000..1_000_000_i64).prop_map(At::Timestamp),
        Just(At::Start),
        Just(At::End)
    ];
    let extension = prop_oneof![Just(Extension::Anchored), Just(Extension::Smoothed)];
    let parts = (
        name(),
        prop::collection::vec(matcher(), 0..3),
        prop::option::of(duration()),
        prop::option::of(at),
        prop::option::of(extension),
    );
    parts.prop_map(|(name, mut matchers, offset, at, extension)| {
        // As written: sorted, the name last.
        matchers.sort_by_key(|matcher| {
            let alone = VectorSelector {
                name: None,
                matchers: vec![matcher.clone()],
                offset: None,
                at: None,
                extension: None,
                span: NOWHERE,
            };
            alone.to_string()
        });
        matchers.push(Matcher::equal(METRIC_NAME, &name));
        VectorSelector {
            name: Some(name),
            matchers,
            offset,
            at,
            extension,
            span: NOWHERE,
        }
    })
}

fn parens(expr: Expr) -> Box<Expr> {
    Box::new(Expr::Paren(Paren {
        expr: Box::new(expr),
        span: NOWHERE,
    }))
}

fn number() -> impl Strategy<Value = Expr> {
    let number = prop_oneof![
        (-1e9..1e9_f64).prop_map(|value| (value, false)),
        (1..1_000_000_i64).prop_map(|ms| (ms as f64 / 1000.0, true)),
    ];
    number.prop_map(|(value, is_duration)| {
        Expr::Number(NumberLiteral {
            value,
            is_duration,
            span: NOWHERE,
        })
    })
}

fn matching() -> impl Strategy<Value = VectorMatching> {
    let labels = || prop::collection::vec(name(), 0..3);
    let cardinality = prop_oneof![
        Just(Cardinality::OneToOne),
        Just(Cardinality::ManyToOne),
        Just(Cardinality::OneToMany)
    ];
    let fill = || prop::option::of(-9.0..9.0_f64);
    (
        cardinality,
        any::<bool>(),
        labels(),
        labels(),
        fill(),
        fill(),
    )
        .prop_map(
            |(cardinality, on, labels, include, fill_left, fill_right)| VectorMatching {
                include: match cardinality {
                    Cardinality::OneToOne => Vec::new(),
                    _ => include
                        .into_iter()
                        .filter(|label| !labels.contains(label))
                        .collect(),
                },
                cardinality,
                on,
                labels,
                fill_left,
                fill_right,
            },
        )
}

/// Expressions that yield a vector.
fn vector() -> impl Strategy<Value = Expr> {
    selector()
        .prop_map(Expr::Vector)
        .prop_recursive(4, 24, 3, |inner| {
            let range = (selector(), duration()).prop_map(|(selector, range)| {
                Expr::Matrix(MatrixSelector {
                    selector,
                    range,
                    span: NOWHERE,
                })
            });
            let subquery = (inner.clone(), duration(), prop::option::of(duration())).prop_map(
                |(expr, range, step)| {
                    Expr::Subquery(Subquery {
                        expr: parens(expr),
                        range,
                        step,
                        offset: None,
                        at: None,
                        span: NOWHERE,
                    })
                },
            );
            let of_range =
                prop_oneof![range, subquery].prop_map(|range| call(Function::Rate, vec![range]));
            let clamp = (inner.clone(), number())
                .prop_map(|(vector, max)| call(Function::ClampMax, vec![vector, max]));
            let join = (inner.clone(), prop::collection::vec(any::<u8>(), 0..6)).prop_map(
                |(vector, bytes)| {
                    let text = || {
                        Expr::String(StringLiteral {
                            bytes: bytes.clone(),
                            span: NOWHERE,
                        })
                    };
                    call(Function::LabelJoin, vec![vector, text(), text(), text()])
                },
            );
            let op = prop_oneof![
                Just(BinaryOp::Add),
                Just(BinaryOp::Less),
                Just(BinaryOp::TrimLower)
            ];
            let binary = (op, inner.clone(), inner.clone(), matching(), any::<bool>()).prop_map(
                |(op, lhs, rhs, matching, bool)| {
                    Expr::Binary(Binary {
                        op,
                        lhs: parens(lhs),
                        rhs: parens(rhs),
                        return_bool: bool && op.is_comparison(),
                        matching: Some(matching),
                        span: NOWHERE,
                    })
                },
            );
            let sign = inner.clone().prop_map(|expr| {
                Expr::Unary(Unary {
                    op: UnaryOp::Minus,
                    expr: parens(expr),
                    span: NOWHERE,
                })
            });
            prop_oneof![of_range, clamp, join, binary, sign, aggregate(inner)]
        })
}

fn call(function: Function, args: Vec<Expr>) -> Expr {
    Expr::Call(Call {
        function,
        args,
        span: NOWHERE,
    })
}

fn aggregate(inner: impl Strategy<Value = Expr>) -> impl Strategy<Value = Expr> {
    let op = prop_oneof![Just(AggregateOp::Sum), Just(AggregateOp::Limitk)];
    let grouping = prop::collection::vec(name(), 0..3).prop_filter("not a label", |names| {
        !names.iter().any(|name| name == "without")
    });
    (op, inner, number(), grouping, any::<bool>()).prop_map(
        |(op, expr, param, grouping, without)| {
            Expr::Aggregate(Aggregate {
                op,
                expr: Box::new(expr),
                param: op.parameter().map(|_| Box::new(param)),
                grouping,
                without,
                span: NOWHERE,
            })
        },
    )
}

/// The tree's form without its places.
fn without_places(expr: &Expr) -> String {
    let shown = format!("{expr:?}");
    let mut rest = shown.as_str();
    let mut kept = String::new();
    while let Some((before, after)) = rest.split_once("Span { start: ") {
        kept.push_str(before);
        rest = after.split_once('}').map_or("", |(_, rest)| rest);
    }
    kept.push_str(rest);
    kept
}

proptest! {
    #[test]
    fn what_is_written_is_read_as_the_same_tree(expr in vector()) {
        for text in [expr.to_string(), expr.pretty()] {
            let read = parse(&text).map_err(|e| TestCaseError::fail(format!("{text}\n{e}")))?;
            prop_assert_eq!(without_places(&read), without_places(&expr), "{}", text);
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,60}") {
        let _ = parse(&text);
    }

    #[test]
    fn any_mixture_of_words_is_read_or_refused(
        words in prop::collection::vec(prop::sample::select(WORDS), 0..20),
    ) {
        if let Ok(expr) = parse(&words.join(" ")) {
            prop_assert!(parse(&expr.to_string()).is_ok(), "{}", expr);
        }
    }
}

const WORDS: &[&str] = &[
    "a",
    "b{c='d'}",
    "(",
    ")",
    "[5m]",
    "[5m:]",
    "[",
    "]",
    ":",
    "5m",
    "1",
    "+",
    "-",
    "^",
    "and",
    "or",
    "sum",
    "by",
    "(a)",
    "on",
    "offset",
    "@",
    "start()",
    "bool",
    "rate(",
    ",",
    "step()",
    "fill(1)",
    "group_left",
    "ignoring",
    "smoothed",
    "{",
    "}",
    "'x'",
    "==",
    "</",
    "min_of(",
    "topk(",
];
