use serde_json::json;

use super::{Engine, LOG, by, condition, everything, ids, insert, log, start};
use crate::{Comparison, Query};

pub(super) async fn run(engine: &dyn Engine) {
    everything_is_there_after_a_reopen(engine).await;
    a_cursor_lasts_over_a_reopen(engine).await;
}

async fn everything_is_there_after_a_reopen(engine: &dyn Engine) {
    let records = start(engine).await;
    let body = json!({"kind": "meco", "sequence": 7, "message": "cut-off"});
    insert(&*records, [("a", body.clone()), ("b", json!({}))]).await;
    let Some(records) = engine.reopen(records).await else {
        return;
    };
    let conditions = vec![condition("sequence", Comparison::Equal, 7)];
    let query = Query {
        conditions,
        text: Some("cut".to_owned()),
        ..everything()
    };
    assert_eq!(
        ids(&*records, query).await,
        ["a"],
        "its definition lasts too"
    );
    let found = records
        .find(LOG, "a")
        .await
        .expect("found")
        .expect("the document is there");
    assert_eq!(found.body, body);
    records
        .define(log())
        .await
        .expect("the same definition again");
    insert(&*records, [("c", json!({"sequence": 8}))]).await;
    assert_eq!(ids(&*records, everything()).await, ["a", "b", "c"]);
}

async fn a_cursor_lasts_over_a_reopen(engine: &dyn Engine) {
    let records = start(engine).await;
    insert(
        &*records,
        [("a", json!({"sequence": 2})), ("b", json!({"sequence": 1}))],
    )
    .await;
    let mut query = Query {
        limit: 1,
        order: by(Some("sequence"), false),
        ..everything()
    };
    query.after = records
        .query(LOG, query.clone())
        .await
        .expect("a page")
        .next;
    assert!(query.after.is_some());
    if let Some(records) = engine.reopen(records).await {
        assert_eq!(ids(&*records, query).await, ["a"]);
    }
}
