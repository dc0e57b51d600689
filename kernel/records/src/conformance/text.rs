use portique_fault::{Code, Fault};
use serde_json::json;

use super::{Engine, LOG, by, condition, everything, ids, insert, read_all, refusal, start};
use crate::{Collection, Comparison, Query, Records};

pub(super) async fn run(engine: &dyn Engine) {
    all_words_must_occur(engine).await;
    odd_characters_are_plain_text(engine).await;
    text_of_any_language_is_found(engine).await;
    text_goes_with_conditions_order_and_pages(engine).await;
    text_without_words_selects_as_if_absent(engine).await;
    a_collection_without_text_refuses_it(engine).await;
}

async fn search(records: &dyn Records, text: &str) -> Vec<String> {
    ids(
        records,
        Query {
            text: Some(text.to_owned()),
            ..everything()
        },
    )
    .await
}

async fn all_words_must_occur(engine: &dyn Engine) {
    let records = start(engine).await;
    let stored = [
        (
            "a",
            json!({"message": "Main engine cut-off", "vehicle": {"note": "nominal"}}),
        ),
        ("b", json!({"message": "Main parachute", "kind": "engine"})),
        ("c", json!({"sequence": 1})),
    ];
    insert(&*records, stored).await;
    assert_eq!(search(&*records, "main").await, ["a", "b"]);
    assert_eq!(
        search(&*records, "ENGINE").await,
        ["a"],
        "only full-text fields are searched"
    );
    assert_eq!(
        search(&*records, "engine main").await,
        ["a"],
        "in any order"
    );
    assert_eq!(
        search(&*records, "engine nominal").await,
        ["a"],
        "across fields"
    );
    assert_eq!(search(&*records, "cut-off").await, ["a"]);
    assert!(search(&*records, "main missing").await.is_empty());
}

async fn odd_characters_are_plain_text(engine: &dyn Engine) {
    let records = start(engine).await;
    let stored = [
        (
            "a",
            json!({"message": "he said \"go\" AND left (NEAR the pad) at T+10: text:x -y ^z"}),
        ),
        (
            "b",
            json!({"message": "stage* one OR two NOT three {four} 🚀 lift-off 🚀"}),
        ),
        ("c", json!({"message": "nul\u{0}inside"})),
    ];
    insert(&*records, stored).await;
    let found: [(&str, &[&str]); 14] = [
        ("\"go\"", &["a"]),
        ("\"go", &["a"]),
        ("go AND left", &["a"]),
        ("NEAR(the pad", &["a"]),
        ("NEAR(", &["a"]),
        ("T+10:", &["a"]),
        ("text:x", &["a"]),
        ("-y ^z", &["a"]),
        ("stage*", &["b"]),
        ("sta*", &[]),
        ("one OR missing", &[]),
        ("{four}", &["b"]),
        ("🚀 lift-off", &["b"]),
        ("inside\u{0}nul", &["c"]),
    ];
    for (text, expected) in found {
        assert_eq!(search(&*records, text).await, expected, "{text:?}");
    }
    for text in [
        "'", "''", "\"\"\"", "AND", "a OR", "(((", "NOT", "*:*", "\\", "%_", "--", "\u{fe0f}",
    ] {
        let _ = search(&*records, text).await;
    }
}

async fn text_of_any_language_is_found(engine: &dyn Engine) {
    let records = start(engine).await;
    let stored = [
        ("a", json!({"message": "Séparation réussie à l'étage"})),
        ("b", json!({"message": "Старт ракеты"})),
        ("c", json!({"message": "Zündung Stufe zwei"})),
    ];
    insert(&*records, stored).await;
    for (text, expected) in [
        ("réussie", "a"),
        ("étage", "a"),
        ("СТАРТ", "b"),
        ("zündung", "c"),
    ] {
        assert_eq!(search(&*records, text).await, [expected], "{text}");
    }
    let decomposed = "re\u{301}ussie";
    assert_eq!(
        search(&*records, decomposed).await,
        ["a"],
        "accents may be spelled either way"
    );
}

async fn text_goes_with_conditions_order_and_pages(engine: &dyn Engine) {
    let records = start(engine).await;
    let bodies: Vec<_> = (0..90)
        .map(|n| {
            let word = if n % 3 == 0 { "valve" } else { "pump" };
            (
                format!("{n:02}"),
                json!({"message": format!("{word} {n}"), "sequence": n % 10}),
            )
        })
        .collect();
    insert(
        &*records,
        bodies.iter().map(|(id, body)| (id.as_str(), body.clone())),
    )
    .await;
    let query = Query {
        text: Some("valve".to_owned()),
        conditions: vec![condition("sequence", Comparison::AtLeast, 5)],
        order: by(Some("sequence"), true),
        limit: 4,
        after: None,
    };
    let read = read_all(&*records, LOG, &query).await.expect("read");
    let mut expected: Vec<u64> = (0..90).filter(|n| n % 3 == 0 && n % 10 >= 5).collect();
    expected.sort_by_key(|n| std::cmp::Reverse((n % 10, *n)));
    let expected: Vec<String> = expected.into_iter().map(|n| format!("{n:02}")).collect();
    let read: Vec<String> = read.into_iter().map(|document| document.id).collect();
    assert_eq!(read, expected);
    assert_eq!(records.count(LOG, query).await.expect("counted"), 15);
}

async fn text_without_words_selects_as_if_absent(engine: &dyn Engine) {
    let records = start(engine).await;
    insert(
        &*records,
        [("a", json!({"message": "one"})), ("b", json!({}))],
    )
    .await;
    for text in ["", "   ", "\"*\"", "🚀", "()"] {
        assert_eq!(search(&*records, text).await, ["a", "b"], "{text:?}");
    }
}

async fn a_collection_without_text_refuses_it(engine: &dyn Engine) {
    let records = engine.start().await;
    let plain = Collection {
        name: LOG.to_owned(),
        indexes: vec![],
        full_text: vec![],
    };
    records
        .define(plain)
        .await
        .expect("a collection with ids only");
    let query = Query {
        text: Some("word".to_owned()),
        ..everything()
    };
    assert_eq!(
        refusal(&*records, query).await.code(),
        Code::InvalidArgument
    );
    let long = Query {
        text: Some("word ".repeat(1000)),
        ..everything()
    };
    assert_eq!(refusal(&*records, long).await.code(), Code::InvalidArgument);
}
