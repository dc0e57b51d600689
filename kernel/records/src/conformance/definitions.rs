use portique_fault::{Code, Fault};
use serde_json::json;

use super::{Engine, LOG, condition, everything, ids, insert, log, start};
use crate::{Collection, Comparison, Error, FieldKind, Index, OnConflict, Query};

pub(super) async fn run(engine: &dyn Engine) {
    the_same_definition_twice_changes_nothing(engine).await;
    malformed_definitions_are_refused(engine).await;
    an_undefined_collection_is_not_found(engine).await;
    an_index_added_later_covers_what_is_there(engine).await;
    full_text_added_later_covers_what_is_there(engine).await;
    an_index_that_stored_documents_break_is_refused(engine).await;
    a_field_keeps_its_kind(engine).await;
    indexes_stay_when_a_later_definition_omits_them(engine).await;
    collections_do_not_see_each_other(engine).await;
}

async fn the_same_definition_twice_changes_nothing(engine: &dyn Engine) {
    let records = start(engine).await;
    insert(&*records, [("a", json!({"kind": "max_q"}))]).await;
    records
        .define(log())
        .await
        .expect("the same definition again");
    assert_eq!(ids(&*records, everything()).await, ["a"]);
}

async fn malformed_definitions_are_refused(engine: &dyn Engine) {
    let records = engine.start().await;
    let index = |field: String| Index {
        field,
        kind: FieldKind::Text,
    };
    let named = |name: &str| Collection {
        name: name.to_owned(),
        ..log()
    };
    let with = |indexes| Collection { indexes, ..log() };
    let many = (0..33).map(|n| index(format!("field_{n}"))).collect();
    let bad = [
        named(""),
        named("Log"),
        named("1log"),
        named("log; DROP TABLE log"),
        named(&"x".repeat(49)),
        with(vec![index(String::new())]),
        with(vec![index("a..b".to_owned())]),
        with(vec![index("a".to_owned()), index("a".to_owned())]),
        with(many),
    ];
    for collection in bad {
        let error = records
            .define(collection.clone())
            .await
            .expect_err("refused");
        assert_eq!(
            error.code(),
            Code::InvalidArgument,
            "{collection:?}: {error}"
        );
        let found = records
            .query(&collection.name, everything())
            .await
            .expect_err("not there");
        assert_eq!(found.code(), Code::NotFound);
    }
}

async fn an_undefined_collection_is_not_found(engine: &dyn Engine) {
    let records = start(engine).await;
    let errors = [
        records
            .insert("nothing", vec![], OnConflict::Keep)
            .await
            .map(drop),
        records.find("nothing", "a").await.map(drop),
        records.query("nothing", everything()).await.map(drop),
        records.count("nothing", everything()).await.map(drop),
        records.remove("nothing", vec![]).await.map(drop),
    ];
    for result in errors {
        assert_eq!(
            result.expect_err("no such collection").code(),
            Code::NotFound
        );
    }
}

async fn an_index_added_later_covers_what_is_there(engine: &dyn Engine) {
    let records = start(engine).await;
    let stored = (0..700).map(|n| (format!("{n:04}"), json!({"pad": {"lane": n % 7}})));
    let stored: Vec<_> = stored.collect();
    insert(
        &*records,
        stored.iter().map(|(id, body)| (id.as_str(), body.clone())),
    )
    .await;
    insert(&*records, [("without", json!({"pad": 3}))]).await;
    let lane = Index {
        field: "pad.lane".to_owned(),
        kind: FieldKind::Integer,
    };
    let extended = Collection {
        indexes: [log().indexes, vec![lane]].concat(),
        ..log()
    };
    records
        .define(extended)
        .await
        .expect("an index may be added");
    let query = Query {
        conditions: vec![condition("pad.lane", Comparison::Equal, 3)],
        ..everything()
    };
    assert_eq!(
        records.count(LOG, query.clone()).await.expect("counted"),
        100
    );
    insert(&*records, [("new", json!({"pad": {"lane": 3}}))]).await;
    assert_eq!(ids(&*records, query).await.len(), 101);
}

async fn full_text_added_later_covers_what_is_there(engine: &dyn Engine) {
    let records = start(engine).await;
    insert(
        &*records,
        [("a", json!({"message": "engine start", "remark": "chilled"}))],
    )
    .await;
    let full_text = [log().full_text, vec!["remark".to_owned()]].concat();
    records
        .define(Collection { full_text, ..log() })
        .await
        .expect("a text field may be added");
    for text in ["chilled", "engine"] {
        let query = Query {
            text: Some(text.to_owned()),
            ..everything()
        };
        assert_eq!(ids(&*records, query).await, ["a"], "{text}");
    }
}

async fn an_index_that_stored_documents_break_is_refused(engine: &dyn Engine) {
    let records = start(engine).await;
    insert(
        &*records,
        [("a", json!({"pad": 1})), ("b", json!({"pad": "two"}))],
    )
    .await;
    let pad = Index {
        field: "pad".to_owned(),
        kind: FieldKind::Integer,
    };
    let stage = Index {
        field: "stage".to_owned(),
        kind: FieldKind::Integer,
    };
    let extended = Collection {
        indexes: vec![stage, pad],
        ..log()
    };
    let error = records
        .define(extended)
        .await
        .expect_err("document b breaks it");
    let Error::WrongKind {
        id,
        field,
        expected,
        ..
    } = &error
    else {
        panic!("names the document and the field: {error}");
    };
    assert_eq!(
        (id.as_str(), field.as_str(), *expected),
        ("b", "pad", FieldKind::Integer)
    );
    let by_stage = Query {
        conditions: vec![condition("stage", Comparison::Equal, 1)],
        ..everything()
    };
    let error = records
        .query(LOG, by_stage)
        .await
        .expect_err("no part of it was defined");
    assert_eq!(error.code(), Code::InvalidArgument);
    assert_eq!(ids(&*records, everything()).await, ["a", "b"]);
}

async fn a_field_keeps_its_kind(engine: &dyn Engine) {
    let records = start(engine).await;
    let kind = Index {
        field: "kind".to_owned(),
        kind: FieldKind::Integer,
    };
    let error = records
        .define(Collection {
            indexes: vec![kind],
            ..log()
        })
        .await
        .expect_err("kind is text already");
    assert_eq!(error.code(), Code::Conflict);
}

async fn indexes_stay_when_a_later_definition_omits_them(engine: &dyn Engine) {
    let records = start(engine).await;
    insert(&*records, [("a", json!({"kind": "meco"}))]).await;
    let bare = Collection {
        indexes: vec![],
        full_text: vec![],
        ..log()
    };
    records.define(bare).await.expect("accepted");
    let query = Query {
        conditions: vec![condition("kind", Comparison::Equal, "meco")],
        ..everything()
    };
    assert_eq!(ids(&*records, query).await, ["a"]);
}

async fn collections_do_not_see_each_other(engine: &dyn Engine) {
    let records = start(engine).await;
    let other = Collection {
        name: "mission_log_data".to_owned(),
        ..log()
    };
    records.define(other).await.expect("a second collection");
    insert(&*records, [("a", json!({"message": "here"}))]).await;
    assert_eq!(
        records.find("mission_log_data", "a").await.expect("found"),
        None
    );
    let query = Query {
        text: Some("here".to_owned()),
        ..everything()
    };
    assert_eq!(
        records
            .count("mission_log_data", query)
            .await
            .expect("counted"),
        0
    );
}
