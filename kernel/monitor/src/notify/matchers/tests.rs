use super::*;

#[test]
fn both_syntaxes_are_read_and_written_in_one() {
    for (text, expected) in [
        ("", "{}"),
        ("{}", "{}"),
        ("a=b", r#"{a="b"}"#),
        (r#"{a="b", c=~"d|e",}"#, r#"{a="b",c=~"d|e"}"#),
        (r#"a!="b",c!~"d.*""#, r#"{a!="b",c!~"d.*"}"#),
        (r#""größe"="☀""#, r#"{"größe"="☀"}"#),
        ("größe=☀", r#"{"größe"="☀"}"#),
        (r#"a="x\"y\\z\n""#, r#"{a="x\"y\\z\n"}"#),
        // Only the classic syntax has values with blanks, and patterns with their own backslashes.
        ("a=two words", r#"{a="two words"}"#),
        (r"a=~\d+", r#"{a=~"\\d+"}"#),
        (r#"a=~"\d+""#, r#"{a=~"\\d+"}"#),
        ("a=", r#"{a=""}"#),
    ] {
        let matchers = Matchers::parse(text).unwrap();
        assert_eq!(matchers.to_string(), expected, "{text}");
        let again: Matchers =
            serde_json::from_str(&serde_json::to_string(&matchers).unwrap()).unwrap();
        assert_eq!(again, matchers);
        assert_eq!(Matchers::parse(expected).unwrap(), matchers, "{text}");
    }
}

#[test]
fn a_label_that_is_not_there_is_empty() {
    let labels = Labels::from_pairs([("a", "1")]);
    let holds = |text: &str| Matchers::parse(text).unwrap().matches(&labels);
    assert!(holds("a=1,b=\"\"") && holds("b!=2") && holds("a=~\"1|2\"") && holds("b=~\"x?\""));
    assert!(!holds("b=~\".+\"") && !holds("a=1,b=2") && !holds("a=~\"11\""));
}

#[test]
fn what_is_no_matcher_is_refused_with_a_remedy() {
    for (text, expected) in [
        ("a", "an operator is missing after \"a\""),
        ("=b", "a label's name is missing before '='"),
        ("{a=\"b\"} c", "left over"),
        ("a=\"b", "not closed"),
        ("a=~\"(\"", "not usable"),
        ("a=b c=d\"", "left over"),
    ] {
        let problem = Matchers::parse(text).unwrap_err();
        assert!(problem.contains(expected), "{text}: {problem}");
    }
}

#[test]
fn any_text_is_read_or_refused_and_what_is_written_is_read_again() {
    use portique_clock::{Random, Seeded};
    const PIECES: [&str; 16] = [
        "a", "b_1", "=", "!=", "=~", "!~", "\"", "{", "}", ",", " ", "\\", "é", ".*", "(", "\n",
    ];
    for seed in 0..3_000 {
        let mut random = Seeded::new(seed);
        let count = random.below(10);
        let text: String = (0..count)
            .map(|_| PIECES[usize::try_from(random.below(16)).unwrap()])
            .collect();
        if let Ok(matchers) = Matchers::parse(&text) {
            let written = matchers.to_string();
            assert_eq!(
                Matchers::parse(&written).as_ref(),
                Ok(&matchers),
                "seed {seed}: {text:?}"
            );
        }
    }
}
