use super::*;

fn problems(text: &str, read: impl FnOnce(&mut Reader, &Node)) -> Vec<String> {
    let mut reader = Reader::new("f.yml");
    if let Some(node) = reader.document(text) {
        read(&mut reader, &node);
    }
    let problems = reader.into_problems();
    problems.iter().map(ToString::to_string).collect()
}

#[test]
fn every_mistake_is_told_at_once_with_its_place() {
    let found = problems(
        "nmae: x\nlimit: -1\nevery: soon\nlimit: 3\n",
        |reader, node| {
            let fields = reader
                .fields(node, "a group", &["name", "limit", "every"])
                .unwrap();
            assert_eq!(reader.count(fields.get("limit"), "limit"), None);
            assert_eq!(reader.duration(fields.get("every"), "every"), None);
        },
    );
    assert_eq!(
        found,
        [
            r#"f.yml:1:1: "nmae" is no key of a group: did you mean "name"?"#,
            "f.yml:2:8: limit is a whole number, 0 or above",
            r#"f.yml:3:8: every is a duration such as 30s or 1h30m, not "soon""#,
            "f.yml:4:1: limit is there twice in a group: keep one",
        ]
    );
}

#[test]
fn aliases_are_followed_and_a_bomb_of_them_is_refused() {
    let found = problems("a: &x [1, 2]\nb: *x\n", |reader, node| {
        let fields = reader.fields(node, "it", &["a", "b"]).unwrap();
        assert_eq!(reader.items(fields.get("b"), "b").len(), 2);
    });
    assert!(found.is_empty(), "{found:?}");
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..9 {
        let below = format!("*a{}", level - 1);
        let items = vec![below; 10].join(", ");
        bomb += &format!("a{level}: &a{level} [{items}]\n");
    }
    let text = "x".repeat(100_000);
    let long = format!("a: &a {text}\nb: [{}]\n", vec!["*a"; 1_000].join(", "));
    for bomb in [bomb, long] {
        let found = problems(&bomb, |_, _| panic!("it must not be read"));
        assert!(found[0].contains("more than 1000000 values"), "{found:?}");
    }
}

#[test]
fn what_is_no_yaml_is_told_with_its_place() {
    let found = problems("a: [1\nb: }\n", |_, _| {});
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("f.yml:2:"), "{found:?}");
    let found = problems("a: 1\n---\nb: 1\n", |_, _| {});
    assert!(found[0].contains("one document"), "{found:?}");
    assert!(problems("", |_, _| panic!("nothing is there")).is_empty());
}

#[test]
fn numbers_are_text_and_null_is_absent() {
    let found = problems("a: 1\nb: ~\nc: '~'\n", |reader, node| {
        let fields = reader.fields(node, "it", &["a", "b", "c"]).unwrap();
        assert_eq!(reader.text(fields.get("a"), "a").as_deref(), Some("1"));
        assert!(fields.get("b").is_none());
        assert_eq!(reader.text(fields.get("c"), "c").as_deref(), Some("~"));
    });
    assert!(found.is_empty(), "{found:?}");
}
