use portique_clock::Timestamp;
use portique_series::Labels;

use super::*;

/// The bytes of version 1, as `docs/formats/alert-facts.md` shows them: what was kept stays readable.
const CHANGED: &str = r#"{"v":1,"fact":"changed","rule":"00000000000000ff","at":"2026-01-31T12:00:00Z","to":"resolved","labels":{"alertname":"Hot","tank":"lox"},"source":{"tank":"lox"},"annotations":{"summary":"é"},"active_at":"2026-01-31T11:59:00.5Z","value":"NaN","is_stale":true}"#;
const ACTED: &str = r#"{"v":1,"fact":"acted","alert":"abeee0e67170c4cc","labels":{"alertname":"Hot"},"at":"2026-01-31T12:00:00Z","by":"ada","act":{"act":"shelve","until":"2026-01-31T13:00:00Z","comment":"filling"}}"#;

#[test]
fn facts_of_version_1_are_read_and_written() {
    for text in [
        CHANGED,
        ACTED,
        r#"{"v":1,"fact":"alive","at":"1970-01-01T00:00:00Z"}"#,
    ] {
        let fact = Fact::decode(text.as_bytes()).unwrap();
        assert_eq!(String::from_utf8(fact.encode()).unwrap(), text);
    }
    let Fact::Changed(changed) = Fact::decode(CHANGED.as_bytes()).unwrap() else {
        panic!()
    };
    assert!(changed.value.is_nan());
    assert_eq!(changed.source, Labels::from_pairs([("tank", "lox")]));
    assert_eq!(changed.at.since(changed.active_at).as_millis(), 59_500);
    assert!(changed.at > Timestamp::EPOCH);
}

#[test]
fn other_bytes_are_refused() {
    let long = vec![b' '; FACT_BYTES_MAX + 1];
    for bytes in [&CHANGED.as_bytes()[..40], b"{}", &long[..]] {
        assert!(matches!(Fact::decode(bytes), Err(Error::BadFact { .. })));
    }
    let newer = CHANGED.replace(r#""v":1"#, r#""v":2"#);
    let error = Fact::decode(newer.as_bytes()).unwrap_err();
    assert!(error.to_string().contains("version 2"), "{error}");
}
