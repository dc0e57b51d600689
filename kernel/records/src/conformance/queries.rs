use portique_fault::{Code, Fault};
use serde_json::{Value, json};

use super::{Engine, LOG, by, condition, everything, ids, insert, refusal, start};
use crate::{Comparison, Condition, Error, Query};

pub(super) async fn run(engine: &dyn Engine) {
    each_comparison_selects_what_it_says(engine).await;
    all_conditions_must_hold(engine).await;
    text_compares_by_bytes(engine).await;
    numbers_compare_as_numbers(engine).await;
    undeclared_fields_are_refused(engine).await;
    values_of_another_kind_are_refused(engine).await;
    limits_are_held(engine).await;
    counting_ignores_pages(engine).await;
}

async fn each_comparison_selects_what_it_says(engine: &dyn Engine) {
    let records = start(engine).await;
    let body = |n: i64| json!({"sequence": n});
    insert(
        &*records,
        [
            ("a", body(-1)),
            ("b", body(0)),
            ("c", body(1)),
            ("none", json!({})),
        ],
    )
    .await;
    let cases: [(Comparison, &[&str]); 6] = [
        (Comparison::Equal, &["b"]),
        (Comparison::NotEqual, &["a", "c"]),
        (Comparison::Less, &["a"]),
        (Comparison::AtMost, &["a", "b"]),
        (Comparison::Greater, &["c"]),
        (Comparison::AtLeast, &["b", "c"]),
    ];
    for (comparison, expected) in cases {
        let conditions = vec![condition("sequence", comparison, 0)];
        let found = ids(
            &*records,
            Query {
                conditions,
                ..everything()
            },
        )
        .await;
        assert_eq!(found, expected, "{comparison:?}");
    }
}

async fn all_conditions_must_hold(engine: &dyn Engine) {
    let records = start(engine).await;
    let body = |kind: &str, critical: bool| json!({"kind": kind, "critical": critical});
    let stored = [
        ("a", body("meco", true)),
        ("b", body("meco", false)),
        ("c", body("seco", true)),
    ];
    insert(&*records, stored).await;
    let conditions = vec![
        condition("kind", Comparison::Equal, "meco"),
        condition("critical", Comparison::Equal, true),
    ];
    assert_eq!(
        ids(
            &*records,
            Query {
                conditions,
                ..everything()
            }
        )
        .await,
        ["a"]
    );
    let conditions = vec![condition("critical", Comparison::Less, true)];
    assert_eq!(
        ids(
            &*records,
            Query {
                conditions,
                ..everything()
            }
        )
        .await,
        ["b"]
    );
}

async fn text_compares_by_bytes(engine: &dyn Engine) {
    let records = start(engine).await;
    let words = [
        "", "A", "B", "a", "a\0", "a\0b", "ab", "z", "é", "\u{ffff}", "🚀",
    ];
    let stored: Vec<(String, Value)> = words
        .iter()
        .enumerate()
        .map(|(n, word)| (n.to_string(), json!({"kind": word})))
        .collect();
    insert(
        &*records,
        stored.iter().map(|(id, body)| (id.as_str(), body.clone())),
    )
    .await;
    for (n, word) in words.iter().enumerate() {
        let conditions = vec![condition("kind", Comparison::Less, *word)];
        let less = ids(
            &*records,
            Query {
                conditions,
                ..everything()
            },
        )
        .await;
        assert_eq!(less.len(), n, "before {word:?}");
        let conditions = vec![condition("kind", Comparison::Equal, *word)];
        let equal = ids(
            &*records,
            Query {
                conditions,
                ..everything()
            },
        )
        .await;
        assert_eq!(equal, [n.to_string()], "equal to {word:?}");
    }
    let mut query = Query {
        order: by(Some("kind"), false),
        ..everything()
    };
    let ascending = ids(&*records, query.clone()).await;
    let expected: Vec<String> = (0..words.len()).map(|n| n.to_string()).collect();
    assert_eq!(ascending, expected);
    query.order = by(Some("kind"), true);
    let descending: Vec<String> = expected.into_iter().rev().collect();
    assert_eq!(ids(&*records, query).await, descending);
}

async fn numbers_compare_as_numbers(engine: &dyn Engine) {
    let records = start(engine).await;
    let altitude = |value: Value| json!({"vehicle": {"altitude_m": value}});
    let stored = [
        ("a", altitude(json!(-1e300))),
        ("b", altitude(json!(2))),
        ("c", altitude(json!(2.5))),
        ("d", altitude(json!(10))),
        ("e", altitude(json!(1e300))),
    ];
    insert(&*records, stored).await;
    let query = Query {
        order: by(Some("vehicle.altitude_m"), false),
        ..everything()
    };
    assert_eq!(ids(&*records, query).await, ["a", "b", "c", "d", "e"]);
    let conditions = vec![condition("vehicle.altitude_m", Comparison::Equal, 2)];
    assert_eq!(
        ids(
            &*records,
            Query {
                conditions,
                ..everything()
            }
        )
        .await,
        ["b"]
    );
    insert(
        &*records,
        [
            ("max", json!({"sequence": i64::MAX})),
            ("near", json!({"sequence": i64::MAX - 1})),
        ],
    )
    .await;
    let conditions = vec![condition("sequence", Comparison::Equal, i64::MAX)];
    assert_eq!(
        ids(
            &*records,
            Query {
                conditions,
                ..everything()
            }
        )
        .await,
        ["max"]
    );
}

async fn undeclared_fields_are_refused(engine: &dyn Engine) {
    let records = start(engine).await;
    let query = Query {
        conditions: vec![condition("pad", Comparison::Equal, 1)],
        ..everything()
    };
    let error = refusal(&*records, query.clone()).await;
    let Error::NotIndexed { field, .. } = &error else {
        panic!("names the field: {error}")
    };
    assert_eq!(field, "pad");
    for declared in ["kind", "sequence", "vehicle.altitude_m", "critical"] {
        assert!(
            error.to_string().contains(declared),
            "names `{declared}`: {error}"
        );
    }
    let counted = records.count(LOG, query).await.expect_err("refused");
    assert_eq!(counted.code(), Code::InvalidArgument);
    for field in ["pad", "message", "id", "", "kind\" --"] {
        let error = refusal(
            &*records,
            Query {
                order: by(Some(field), false),
                ..everything()
            },
        )
        .await;
        assert_eq!(error.code(), Code::InvalidArgument, "order by {field:?}");
    }
}

async fn values_of_another_kind_are_refused(engine: &dyn Engine) {
    let records = start(engine).await;
    let wrong = [
        ("kind", json!(1)),
        ("kind", Value::Null),
        ("sequence", json!("1")),
        ("sequence", json!(1.5)),
        ("vehicle.altitude_m", json!(f64::NAN)),
        ("vehicle.altitude_m", json!("1")),
        ("critical", json!("true")),
        ("critical", json!(1)),
        ("kind", json!(["a"])),
    ];
    for (field, value) in wrong {
        let conditions: Vec<Condition> = vec![condition(field, Comparison::AtLeast, value.clone())];
        let error = refusal(
            &*records,
            Query {
                conditions,
                ..everything()
            },
        )
        .await;
        assert_eq!(
            error.code(),
            Code::InvalidArgument,
            "{field} {value}: {error}"
        );
    }
}

async fn limits_are_held(engine: &dyn Engine) {
    let records = start(engine).await;
    for limit in [0, 1001, usize::MAX] {
        let error = refusal(
            &*records,
            Query {
                limit,
                ..everything()
            },
        )
        .await;
        assert_eq!(error.code(), Code::InvalidArgument, "limit {limit}");
    }
    let conditions = vec![condition("sequence", Comparison::Less, 1); 65];
    let error = refusal(
        &*records,
        Query {
            conditions,
            ..everything()
        },
    )
    .await;
    assert_eq!(error.code(), Code::InvalidArgument);
}

async fn counting_ignores_pages(engine: &dyn Engine) {
    let records = start(engine).await;
    insert(
        &*records,
        [("a", json!({"sequence": 1})), ("b", json!({"sequence": 2}))],
    )
    .await;
    let count = async |query| records.count(LOG, query).await.expect("counted");
    assert_eq!(count(Query::default()).await, 2);
    assert_eq!(
        count(Query {
            limit: 1,
            ..Query::default()
        })
        .await,
        2
    );
    let conditions = vec![condition("sequence", Comparison::Greater, 1)];
    assert_eq!(
        count(Query {
            conditions,
            ..Query::default()
        })
        .await,
        1
    );
}
