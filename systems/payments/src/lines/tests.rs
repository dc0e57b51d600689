use proptest::prelude::*;

use super::*;

const GOOD: &str = r#"{"id":"t1","debtor":"DE89370400440532013000","creditor":"GB82WEST12345698765432","amount":"12.34","currency":"EUR"}"#;

fn json(text: &str) -> Read {
    read_json_lines(text.as_bytes())
}

fn reasons(read: &Read) -> Vec<(u64, u64, &str)> {
    let refused = read.refused.iter();
    refused
        .map(|it| (it.number, it.line, it.reason.as_str()))
        .collect()
}

#[test]
fn a_line_is_a_transaction() {
    let read = json(&format!("\n{GOOD}\r\n\n{}\n", GOOD.replace("t1", "t2")));
    assert_eq!((read.taken.len(), read.refused_lines), (2, 0));
    let taken = &read.taken[0];
    assert_eq!((taken.key.as_str(), taken.requested), ("t1", None));
}

#[test]
fn each_bad_line_is_refused_with_its_number_and_reason() {
    let with = |field: &str, value: &str| {
        let mut object: serde_json::Value = serde_json::from_str(GOOD).unwrap();
        object[field] = value.into();
        object.to_string()
    };
    let lines = [
        GOOD.to_owned(),
        GOOD[..60].to_owned(),
        with("amount", "-1"),
        with("amount", "0.00"),
        with("amount", "99999999999999999999"),
        with("currency", "EURO"),
        with("debtor", "DE89370400440532013001"),
        with("id", ""),
        with("kind", "gift"),
        with("kind", "reversal"),
        with("of", "t0"),
        with("requested", "yesterday"),
        with("colour", "red"),
        "x".repeat(20_000),
        GOOD.replace("\"12.34\"", "12.34"),
        with("reference", "a\nb"),
    ];
    let read = json(&lines.join("\n"));
    assert_eq!((read.taken.len(), read.refused_lines), (1, 15));
    let expected = [
        "EOF while parsing",
        "moves nothing",
        "moves nothing",
        "over the limit",
        "currency: \"EURO\" is not a currency",
        "debtor: \"DE89370400440532013001\" is not an IBAN: its check digits",
        "id: \"\" cannot stand here",
        "kind: \"gift\" is none",
        "of: a reversal needs the id",
        "of: a transfer refers to nothing",
        "requested: \"yesterday\" is not a time",
        "unknown field `colour`",
        "a line of 20000 bytes",
        "invalid type: floating point",
        "reference: \"a\\nb\" cannot stand here",
    ];
    for ((number, line, reason), expected) in reasons(&read).into_iter().zip(expected) {
        assert!(reason.contains(expected), "line {line}: {reason}");
        assert_eq!(number, line);
    }
}

fn mapping() -> CsvMapping {
    serde_json::from_str(
        r#"{"delimiter": ";", "decimal_comma": true, "time_format": "%d.%m.%Y",
            "columns": {"id": "No", "debtor": "From", "creditor": "To", "amount": "Sum", "requested": "Day",
                        "kind": "What", "reference": "Text"},
            "fixed": {"currency": "EUR"}, "kinds": {"Gebuehr": "fee"}}"#,
    )
    .unwrap()
}

const HEADER: &str = "No;Day;From;To;Sum;What;Text\n";

fn csv(text: &str) -> Read {
    read_csv(text.as_bytes(), &mapping()).unwrap()
}

#[test]
fn columns_are_mapped() {
    let read = csv(&format!(
        "\u{feff}{HEADER}1;21.11.2026;DE89370400440532013000;GB82WEST12345698765432;12,34;;\"rent; \"\"May\"\"\"\n\
         2;21.11.2026;DE89370400440532013000;GB82WEST12345698765432;5;Gebuehr;\n"
    ));
    assert_eq!(reasons(&read), []);
    let [transfer, fee] = &read.taken[..] else {
        panic!("two lines were taken");
    };
    assert_eq!(transfer.amount.to_string(), "12.34 EUR");
    assert_eq!(
        transfer.requested.unwrap().to_string(),
        "2026-11-21T00:00:00Z"
    );
    assert_eq!(
        transfer.reference.as_ref().unwrap().as_str(),
        "rent; \"May\""
    );
    assert_eq!((&fee.kind, fee.amount.minor()), (&crate::Kind::Fee, 500));
}

#[test]
fn columns_of_the_usual_names_are_read_without_a_mapping() {
    let usual = CsvMapping::default();
    let header = "id,debtor,creditor,amount,currency";
    let parties = "DE89370400440532013000,GB82WEST12345698765432";
    let text = format!("{header}\nt-1,{parties},5.00,EUR\n");
    let plain = read_csv(text.as_bytes(), &usual).unwrap();
    assert_eq!(reasons(&plain), []);
    assert_eq!(plain.taken[0].reference, None);
    let text = format!(
        "{header},reference,kind,requested\nt-1,{parties},5.00,EUR,rent,fee,2026-11-21T10:00:00Z\n"
    );
    let told = read_csv(text.as_bytes(), &usual).unwrap();
    assert_eq!(reasons(&told), []);
    let fee = &told.taken[0];
    assert_eq!(fee.reference.as_ref().unwrap().as_str(), "rent");
    assert_eq!(fee.kind, crate::Kind::Fee);
    assert_eq!(fee.requested.unwrap().to_string(), "2026-11-21T10:00:00Z");
    let lacking = read_csv(b"id,debtor,creditor,amount\n", &usual).unwrap_err();
    assert!(
        lacking
            .to_string()
            .starts_with("there is no column currency:"),
        "{lacking}"
    );
}

#[test]
fn bad_lines_of_a_file_keep_no_other_out() {
    let read = csv(&format!(
        "{HEADER}1;21.11.2026;DE89370400440532013000\n\
         2;2026-11-21;DE89370400440532013000;GB82WEST12345698765432;5;;\n\
         3;21.11.2026;DE89370400440532013000;GB82WEST12345698765432;1.234,50;;\n\
         ;21.11.2026;DE89370400440532013000;GB82WEST12345698765432;5;;\n\
         5;21.11.2026;DE89370400440532013000;GB82WEST12345698765432;5;;\n"
    ));
    assert_eq!(read.taken.len(), 1);
    let expected = [
        (1, 2, "creditor: \"\" is not an IBAN"),
        (2, 3, "requested: \"2026-11-21\" is not"),
        (3, 4, "amount: \"1,234.50\" is not an amount"),
        (4, 5, "id: it is empty"),
    ];
    for ((number, line, reason), expected) in reasons(&read).into_iter().zip(expected) {
        assert_eq!((number, line), (expected.0, expected.1));
        assert!(reason.contains(expected.2), "{reason}");
    }
}

#[test]
fn a_file_that_does_not_fit_the_mapping_is_refused_whole() {
    let refused = |text: &str, mapping: &CsvMapping| {
        let read = read_csv(text.as_bytes(), mapping);
        read.unwrap_err().to_string()
    };
    let missing = refused("No;Day\n", &mapping());
    assert_eq!(
        missing,
        "there is no column What, From, To, Sum, Text: the file has No, Day"
    );
    let wide = CsvMapping {
        delimiter: '\u{20ac}',
        ..mapping()
    };
    assert!(refused(HEADER, &wide).contains("write one ASCII character"));
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let mut file = HEADER.as_bytes().to_vec();
        file.extend(&bytes);
        _ = read_csv(&file, &mapping());
        _ = read_csv(&bytes, &mapping());
        _ = read_json_lines(&bytes);
    }
}
