use std::sync::Arc;

use portique_fault::{Code, Fault};
use serde_json::{Value, json};

use super::{Engine, LOG, condition, document, everything, ids, insert, read_all, start};
use crate::{Comparison, Document, Error, FieldKind, OnConflict, Query, Records};

pub(super) async fn run(engine: &dyn Engine) {
    a_document_comes_back_as_it_went_in(engine).await;
    ten_thousand_documents_go_in_at_once(engine).await;
    a_conflict_fails_the_whole_call(engine).await;
    a_conflict_may_keep_what_is_there(engine).await;
    a_conflict_may_replace_what_is_there(engine).await;
    a_wrong_kind_names_document_and_field(engine).await;
    malformed_documents_are_refused(engine).await;
    concurrent_calls_are_each_all_or_nothing(engine).await;
    removing_takes_what_the_conditions_select(engine).await;
}

async fn a_document_comes_back_as_it_went_in(engine: &dyn Engine) {
    let records = start(engine).await;
    let body = json!({
        "kind": "quote ' \" ` ; -- \u{0} \n é 🚀",
        "sequence": i64::MIN,
        "vehicle": {"altitude_m": 0.1 + 0.2, "note": ""},
        "critical": false,
        "other": [null, true, u64::MAX, 1e300, -0.0, 5e-324, {"": {"deep": []}}],
    });
    let longest = "é".repeat(127);
    for id in ["a", "' OR 1=1 --", "nul\0inside", "🚀", &longest] {
        insert(&*records, [(id, body.clone())]).await;
        let found = records.find(LOG, id).await.expect("found");
        assert_eq!(found, Some(document(id, body.clone())));
    }
    assert_eq!(
        records.find(LOG, "b").await.expect("not found is no error"),
        None
    );
    assert_eq!(
        records
            .find(LOG, "nul")
            .await
            .expect("not found is no error"),
        None
    );
    let empty = records
        .insert(LOG, vec![], OnConflict::Fail)
        .await
        .expect("nothing to write");
    assert_eq!(empty, 0);
}

async fn ten_thousand_documents_go_in_at_once(engine: &dyn Engine) {
    let records = start(engine).await;
    let documents: Vec<Document> = (0..10_000)
        .map(|n| {
            document(
                &format!("{n:05}"),
                json!({"sequence": n, "message": "bulk"}),
            )
        })
        .collect();
    let written = records
        .insert(LOG, documents.clone(), OnConflict::Fail)
        .await
        .expect("written");
    assert_eq!(written, 10_000);
    let read = read_all(&*records, LOG, &everything()).await.expect("read");
    assert!(
        read == documents,
        "the ten thousand come back in order of id"
    );
}

async fn a_conflict_fails_the_whole_call(engine: &dyn Engine) {
    let records = start(engine).await;
    insert(&*records, [("b", json!({"sequence": 1}))]).await;
    let batches = [vec!["a", "b", "c"], vec!["d", "e", "d"]];
    for (batch, doubled) in batches.into_iter().zip(["b", "d"]) {
        let documents = batch
            .into_iter()
            .map(|id| document(id, json!({"sequence": 2})))
            .collect();
        let error = records
            .insert(LOG, documents, OnConflict::Fail)
            .await
            .expect_err("refused");
        assert_eq!(error.code(), Code::Conflict);
        assert!(
            matches!(&error, Error::Exists { id, .. } if id == doubled),
            "{error}"
        );
    }
    assert_eq!(ids(&*records, everything()).await, ["b"]);
    assert_eq!(sequence(&*records, "b").await, json!(1));
}

async fn a_conflict_may_keep_what_is_there(engine: &dyn Engine) {
    let records = start(engine).await;
    insert(&*records, [("b", json!({"sequence": 1}))]).await;
    let documents = ["a", "b", "a"]
        .map(|id| document(id, json!({"sequence": 2})))
        .to_vec();
    let written = records
        .insert(LOG, documents, OnConflict::Keep)
        .await
        .expect("written");
    assert_eq!(written, 1);
    assert_eq!(sequence(&*records, "b").await, json!(1));
    assert_eq!(ids(&*records, everything()).await, ["a", "b"]);
}

async fn a_conflict_may_replace_what_is_there(engine: &dyn Engine) {
    let records = start(engine).await;
    insert(
        &*records,
        [(
            "a",
            json!({"sequence": 1, "kind": "old", "message": "first words"}),
        )],
    )
    .await;
    let documents = vec![
        document("a", json!({"sequence": 2, "message": "second thoughts"})),
        document("b", json!({"sequence": 3})),
    ];
    let written = records
        .insert(LOG, documents, OnConflict::Replace)
        .await
        .expect("written");
    assert_eq!(written, 2);
    assert_eq!(sequence(&*records, "a").await, json!(2));
    let selected = async |conditions, text: Option<&str>| {
        let text = text.map(str::to_owned);
        ids(
            &*records,
            Query {
                conditions,
                text,
                ..everything()
            },
        )
        .await
    };
    assert!(
        selected(vec![], Some("first")).await.is_empty(),
        "the old text is forgotten"
    );
    assert_eq!(selected(vec![], Some("second")).await, ["a"]);
    let old = condition("kind", Comparison::Equal, "old");
    assert!(
        selected(vec![old], None).await.is_empty(),
        "the old index entry is forgotten"
    );
}

async fn a_wrong_kind_names_document_and_field(engine: &dyn Engine) {
    let records = start(engine).await;
    let wrong = [
        (json!({"kind": 7}), "kind", FieldKind::Text),
        (json!({"sequence": 7.5}), "sequence", FieldKind::Integer),
        (json!({"sequence": "7"}), "sequence", FieldKind::Integer),
        (
            json!({"sequence": u64::MAX}),
            "sequence",
            FieldKind::Integer,
        ),
        (
            json!({"vehicle": {"altitude_m": "high"}}),
            "vehicle.altitude_m",
            FieldKind::Real,
        ),
        (json!({"critical": 1}), "critical", FieldKind::Boolean),
        (json!({"kind": ["a"]}), "kind", FieldKind::Text),
        (
            json!({"message": {"text": "a"}}),
            "message",
            FieldKind::Text,
        ),
    ];
    for (body, wrong_field, kind) in wrong {
        let batch = vec![
            document("good", json!({"kind": "a"})),
            document("bad", body.clone()),
        ];
        for mode in [OnConflict::Fail, OnConflict::Keep, OnConflict::Replace] {
            let error = records
                .insert(LOG, batch.clone(), mode)
                .await
                .expect_err("refused");
            assert_eq!(error.code(), Code::InvalidArgument);
            let Error::WrongKind {
                id,
                field,
                expected,
                ..
            } = &error
            else {
                panic!("{body}: names the document and the field, not {error}");
            };
            assert_eq!(
                (id.as_str(), field.as_str(), *expected),
                ("bad", wrong_field, kind)
            );
        }
    }
    assert!(
        ids(&*records, everything()).await.is_empty(),
        "nothing of a refused call is written"
    );
    let absent = json!({"kind": null, "sequence": null, "vehicle": 3, "message": null});
    insert(&*records, [("absent", absent)]).await;
}

async fn malformed_documents_are_refused(engine: &dyn Engine) {
    let records = start(engine).await;
    let huge = json!({"pad": "x".repeat(1 << 20)});
    let bad = [
        document("", json!({})),
        document(&"x".repeat(256), json!({})),
        document("text", json!("text")),
        document("list", json!([])),
        document("null", Value::Null),
        document("huge", huge),
    ];
    for bad in bad {
        let batch = vec![document("good", json!({})), bad];
        let error = records
            .insert(LOG, batch, OnConflict::Fail)
            .await
            .expect_err("refused");
        assert_eq!(error.code(), Code::InvalidArgument);
    }
    assert!(
        ids(&*records, everything()).await.is_empty(),
        "nothing of a refused call is written"
    );
}

async fn concurrent_calls_are_each_all_or_nothing(engine: &dyn Engine) {
    let records = start(engine).await;
    let call = |n: usize| {
        let records: Arc<dyn Records> = records.clone();
        // Every third call ends with a document that is refused.
        let last = if n.is_multiple_of(3) {
            json!({"sequence": "none"})
        } else {
            json!({"sequence": n})
        };
        let documents = vec![
            document(&format!("{n:03}-a"), json!({"sequence": n})),
            document(&format!("{n:03}-b"), last),
        ];
        async move {
            records
                .insert(LOG, documents, OnConflict::Fail)
                .await
                .is_ok()
        }
    };
    let mut calls = tokio::task::JoinSet::new();
    for n in 0..60 {
        calls.spawn(call(n));
    }
    let accepted = calls
        .join_all()
        .await
        .into_iter()
        .filter(|accepted| *accepted)
        .count();
    assert_eq!(accepted, 40);
    let expected: Vec<String> = (0..60)
        .filter(|n| n % 3 != 0)
        .flat_map(|n| [format!("{n:03}-a"), format!("{n:03}-b")])
        .collect();
    assert_eq!(ids(&*records, everything()).await, expected);
}

async fn removing_takes_what_the_conditions_select(engine: &dyn Engine) {
    let records = start(engine).await;
    let body = |n: i64| json!({"sequence": n, "message": "to be removed"});
    insert(
        &*records,
        [
            ("a", body(1)),
            ("b", body(2)),
            ("c", body(3)),
            ("d", json!({})),
        ],
    )
    .await;
    let early = vec![condition("sequence", Comparison::AtMost, 2)];
    assert_eq!(
        records.remove(LOG, early.clone()).await.expect("removed"),
        2
    );
    assert_eq!(records.remove(LOG, early).await.expect("removed"), 0);
    assert_eq!(ids(&*records, everything()).await, ["c", "d"]);
    let text = Query {
        text: Some("removed".to_owned()),
        ..everything()
    };
    assert_eq!(ids(&*records, text).await, ["c"]);
    let undeclared = vec![condition("pad", Comparison::Equal, 1)];
    let error = records
        .remove(LOG, undeclared)
        .await
        .expect_err("not declared");
    assert_eq!(error.code(), Code::InvalidArgument);
    assert_eq!(records.remove(LOG, vec![]).await.expect("removed"), 2);
    assert!(ids(&*records, everything()).await.is_empty());
}

async fn sequence(records: &dyn Records, id: &str) -> Value {
    let found = records.find(LOG, id).await.expect("found");
    found.expect("the document is there").body["sequence"].clone()
}
