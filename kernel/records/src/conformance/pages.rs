use std::sync::Arc;

use portique_fault::{Code, Fault};
use serde_json::json;

use super::{
    Engine, LOG, after, by, condition, document, everything, ids, insert, read_all, refusal, start,
};
use crate::{Comparison, Cursor, Document, OnConflict, Query, Records};

pub(super) async fn run(engine: &dyn Engine) {
    pages_through_ties_and_gaps_lose_and_repeat_nothing(engine).await;
    a_document_without_the_field_counts_as_least(engine).await;
    the_last_page_promises_nothing(engine).await;
    writes_between_pages_do_not_disturb_the_rest(engine).await;
    hostile_cursors_are_refused(engine).await;
    a_cursor_of_another_query_is_refused(engine).await;
}

/// Two hundred documents: values repeat, and every seventh document lacks them all.
async fn with_ties(engine: &dyn Engine) -> Arc<dyn Records> {
    let records = start(engine).await;
    let body = |n: i64| match n % 7 {
        0 => json!({}),
        value => json!({
            "kind": format!("kind {}", value % 3),
            "sequence": value - 3,
            "vehicle": {"altitude_m": value as f64 / 3.0},
            "critical": value % 2 == 0,
        }),
    };
    let documents: Vec<Document> = (0..200)
        .map(|n| document(&format!("{:03}", n * 37 % 200), body(n)))
        .collect();
    records
        .insert(LOG, documents, OnConflict::Fail)
        .await
        .expect("written");
    records
}

async fn pages_through_ties_and_gaps_lose_and_repeat_nothing(engine: &dyn Engine) {
    let records = with_ties(engine).await;
    let fields = [
        None,
        Some("kind"),
        Some("sequence"),
        Some("vehicle.altitude_m"),
        Some("critical"),
    ];
    for field in fields {
        let mut directions = Vec::new();
        for descending in [false, true] {
            let query = Query {
                order: by(field, descending),
                ..everything()
            };
            let whole = ids(&*records, query.clone()).await;
            assert_eq!(whole.len(), 200, "{field:?}");
            for limit in [1, 7, 29, 199, 200] {
                let paged = Query {
                    limit,
                    ..query.clone()
                };
                let read = read_all(&*records, LOG, &paged).await.expect("read");
                let read: Vec<String> = read.into_iter().map(|document| document.id).collect();
                assert_eq!(read, whole, "{field:?} descending {descending} by {limit}");
            }
            directions.push(whole);
        }
        directions[1].reverse();
        assert_eq!(
            directions[0], directions[1],
            "{field:?}: one order is the other's mirror"
        );
    }
}

async fn a_document_without_the_field_counts_as_least(engine: &dyn Engine) {
    let records = start(engine).await;
    let stored = [
        ("a", json!({"sequence": 1})),
        ("b", json!({})),
        ("c", json!({"sequence": null})),
    ];
    insert(&*records, stored).await;
    let ascending = Query {
        order: by(Some("sequence"), false),
        ..everything()
    };
    assert_eq!(ids(&*records, ascending).await, ["b", "c", "a"]);
    let descending = Query {
        order: by(Some("sequence"), true),
        ..everything()
    };
    assert_eq!(ids(&*records, descending).await, ["a", "c", "b"]);
}

async fn the_last_page_promises_nothing(engine: &dyn Engine) {
    let records = start(engine).await;
    let empty = records
        .query(LOG, everything())
        .await
        .expect("an empty collection has a page");
    assert!(empty.documents.is_empty() && empty.next.is_none());
    insert(&*records, [("a", json!({})), ("b", json!({}))]).await;
    let exact = records
        .query(
            LOG,
            Query {
                limit: 2,
                ..everything()
            },
        )
        .await
        .expect("a page");
    assert_eq!((exact.documents.len(), exact.next), (2, None));
}

async fn writes_between_pages_do_not_disturb_the_rest(engine: &dyn Engine) {
    let records = with_ties(engine).await;
    let mut query = Query {
        limit: 50,
        order: by(Some("sequence"), false),
        ..everything()
    };
    let whole = ids(
        &*records,
        Query {
            limit: 1000,
            ..query.clone()
        },
    )
    .await;
    let first = records
        .query(LOG, query.clone())
        .await
        .expect("the first page");
    // The document that the cursor names goes, and one comes in before it.
    let last = first.documents.last().expect("fifty documents");
    let replaced = document(&last.id, json!({"sequence": i64::MIN}));
    records
        .insert(LOG, vec![replaced], OnConflict::Replace)
        .await
        .expect("replaced");
    query.after = first.next;
    let rest = read_all(&*records, LOG, &query).await.expect("the rest");
    let rest: Vec<String> = rest.into_iter().map(|document| document.id).collect();
    assert_eq!(rest, whole[50..]);
}

async fn hostile_cursors_are_refused(engine: &dyn Engine) {
    let records = with_ties(engine).await;
    let query = Query {
        limit: 3,
        order: by(Some("sequence"), false),
        ..everything()
    };
    let page = records.query(LOG, query.clone()).await.expect("a page");
    let Cursor(good) = page.next.expect("more pages");
    let mut bad: Vec<String> = ["", "0", "zz", "' OR 1=1 --", "\0", "🚀🚀", "null", "00ff"]
        .map(str::to_owned)
        .to_vec();
    bad.push("ab".repeat(1 << 20));
    bad.push(format!("{good}00"));
    bad.extend((0..good.len()).map(|end| good[..end].to_owned()));
    for cursor in bad {
        let shown: String = cursor.chars().take(80).collect();
        let error = refusal(
            &*records,
            Query {
                order: query.order.clone(),
                ..after(&cursor)
            },
        )
        .await;
        assert_eq!(error.code(), Code::InvalidArgument, "{shown}: {error}");
    }
}

async fn a_cursor_of_another_query_is_refused(engine: &dyn Engine) {
    let records = with_ties(engine).await;
    let query = Query {
        limit: 3,
        order: by(Some("sequence"), false),
        ..everything()
    };
    let page = records.query(LOG, query.clone()).await.expect("a page");
    let Cursor(cursor) = page.next.expect("more pages");
    let conditions = vec![condition("sequence", Comparison::Less, 1)];
    let others = [
        after(&cursor),
        Query {
            order: by(Some("sequence"), true),
            ..after(&cursor)
        },
        Query {
            order: by(Some("kind"), false),
            ..after(&cursor)
        },
        Query {
            order: query.order.clone(),
            text: Some("a".to_owned()),
            ..after(&cursor)
        },
        Query {
            order: query.order.clone(),
            conditions,
            ..after(&cursor)
        },
    ];
    for other in others {
        let error = refusal(&*records, other.clone()).await;
        assert_eq!(error.code(), Code::InvalidArgument, "{other:?}");
    }
    let larger = Query {
        order: query.order,
        ..after(&cursor)
    };
    assert_eq!(
        ids(&*records, larger).await.len(),
        197,
        "the page size may change"
    );
}
