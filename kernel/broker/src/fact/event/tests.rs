use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

#[track_caller]
fn check_round_trip(data: Option<Data>) {
    let subject = Subject::new("a.b").unwrap();
    let mut builder = Event::builder("1", "/s", "t", subject)
        .time(Timestamp::from_nanos(-1))
        .schema("https://portique.example/t.json")
        .extension("partitionkey", "k");
    if let Some(data) = data {
        builder = builder.data(data);
    }
    let event = builder.build().unwrap();
    let body = Published::encode(Timestamp::from_nanos(7), &event);
    let read = Published::parse(body.clone()).unwrap();
    assert_eq!(read.accepted(), Timestamp::from_nanos(7));
    assert_eq!(read.encode_to_vec(), body, "as the schema has it");
    assert_eq!(read.into_event().unwrap(), event);
}

#[test]
fn events_round_trip_with_every_kind_of_data() {
    check_round_trip(None);
    check_round_trip(Some(Data::Json(json!({"a": [1, 0.1, null]}))));
    check_round_trip(Some(Data::Text("x".into())));
    check_round_trip(Some(Data::Binary(vec![0, 255])));
}

fn any_data() -> impl Strategy<Value = Option<Data>> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    let json = leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            btree_map(".{0,5}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    });
    prop_oneof![
        Just(None),
        json.prop_map(|value| Some(Data::Json(value))),
        // Both sides of the lengths at which their own length takes a byte more.
        prop_oneof![".{0,40}", "a{126,130}", "b{16382,16386}"]
            .prop_map(|text| Some(Data::Text(text))),
        vec(any::<u8>(), 0..200).prop_map(|bytes| Some(Data::Binary(bytes))),
    ]
}

prop_compose! {
    fn any_event()(
        (id, source, kind) in ("[!-~]{1,40}", "/[a-z/]{0,130}", "[ -~]{0,10}[!-~]"),
        subject in "[a-z0-9_-]{1,12}(\\.[a-z0-9_-]{1,12}){0,4}",
        time in proptest::option::of(any::<i64>()),
        schema in proptest::option::of("https://[a-z]{1,20}/[a-z]{0,9}"),
        extensions in btree_map("[a-z0-9]{1,20}", "[ -~]{0,10}[!-~]", 0..6),
        data in any_data(),
    ) -> Option<Event> {
        let mut builder = Event::builder(id, source, kind, Subject::new(subject).unwrap());
        if let Some(time) = time {
            builder = builder.time(Timestamp::from_nanos(time));
        }
        if let Some(schema) = schema {
            builder = builder.schema(schema);
        }
        for (name, value) in extensions {
            builder = builder.extension(name, value);
        }
        if let Some(data) = data {
            builder = builder.data(data);
        }
        builder.build().ok()
    }
}

proptest! {
    /// What is written by hand is what the schema's encoder writes, byte for byte.
    #[test]
    fn what_is_written_by_hand_is_what_the_schema_has(
        event in any_event().prop_filter_map("an event", |event| event),
        accepted in any::<i64>(),
        carriage in proptest::option::of((1..u64::MAX, 1..u64::MAX)),
    ) {
        let accepted = Timestamp::from_nanos(accepted);
        let carriage = carriage.map(|(previous, origin)| Carriage { previous, origin });
        let body = match carriage {
            None => Published::encode(accepted, &event),
            Some(from) => Published::encode_carried(accepted, &event, from),
        };
        let read = Published::parse(body.clone()).unwrap();
        prop_assert_eq!(&read.encode_to_vec(), &body);
        prop_assert_eq!(read.carriage(), carriage);
        prop_assert_eq!(read.accepted(), accepted);
        prop_assert_eq!(read.into_event().unwrap(), event);
    }
}
