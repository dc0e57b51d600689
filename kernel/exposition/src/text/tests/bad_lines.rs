//! Lines that are not the Prometheus format, with what is said of them.

use super::*;

/// A line, the reason, and the sentence.
const BAD_LINES: &[(&[u8], Reason, &str)] = &[
    (
        b"9a 1",
        Reason::Syntax,
        "column 1: a metric name is missing: begin with a letter, _ or :, or write the name in quotes within {}",
    ),
    (
        b"a",
        Reason::Syntax,
        "column 2: the metric name is followed by neither a space, or labels in {}",
    ),
    (b"a ", Reason::Syntax, "column 3: the value is missing"),
    (
        b"a x1",
        Reason::BadValue,
        "column 3: the value \"x1\" is no number",
    ),
    (
        b"a 0x1p3",
        Reason::BadValue,
        "column 3: the value \"0x1p3\" is no number",
    ),
    (
        b"a 1_000",
        Reason::BadValue,
        "column 3: the value \"1_000\" is no number",
    ),
    (
        b"a 1 1.5",
        Reason::BadTimestamp,
        "column 5: the timestamp \"1.5\" is not in whole milliseconds since 1970",
    ),
    (
        b"a 1 2 3",
        Reason::Syntax,
        "column 7: nothing may follow the timestamp",
    ),
    (
        b"a{b} 1",
        Reason::Syntax,
        "column 4: a label name is not followed by =",
    ),
    (
        b"a{b=c} 1",
        Reason::Syntax,
        "column 5: a label value is not in quotes",
    ),
    (
        b"a{b=\"c} 1",
        Reason::Syntax,
        "column 6: a quote is not closed: end it with \" before the line ends",
    ),
    (
        b"a{b=\"c\\\"} 1",
        Reason::Syntax,
        "column 6: a quote is not closed: end it with \" before the line ends",
    ),
    (
        b"a{b=\"c\" d=\"e\"} 1",
        Reason::Syntax,
        "column 9: a label is followed by neither , nor }",
    ),
    (
        b"a{,} 1",
        Reason::Syntax,
        "column 3: a label name is missing: begin it with a letter or _, or write it in quotes",
    ),
    (
        b"a{b:c=\"d\"} 1",
        Reason::Syntax,
        "column 4: a label name is not followed by =",
    ),
    (
        b"a{\"b\"} 1",
        Reason::Syntax,
        "column 7: there are two metric names",
    ),
    (
        b"{b=\"c\"} 1",
        Reason::Syntax,
        "column 8: no metric name, neither before { nor in quotes",
    ),
    (
        b"a{b=\"1\",b=\"2\"} 1",
        Reason::BadLabels,
        "the label \"b\" occurs twice",
    ),
    (
        b"a 1\r",
        Reason::CarriageReturn,
        "the line ends with a carriage return: end lines with a newline alone",
    ),
    (
        b"a{b=\"\xff\"} 1",
        Reason::NotUtf8,
        "byte 6 of the line is not UTF-8",
    ),
    (
        b"a 1 # {b=\"c\"} 1",
        Reason::BadTimestamp,
        "column 5: the timestamp \"#\" is not in whole milliseconds since 1970",
    ),
    (
        b"# TYPE a kounter",
        Reason::BadMetadata,
        "the type \"kounter\" is none of counter, gauge, histogram, gaugehistogram, summary, info, stateset or unknown",
    ),
    (
        b"# TYPE 9 counter",
        Reason::BadMetadata,
        "column 8: TYPE is not followed by a metric name",
    ),
    (
        b"# HELP",
        Reason::BadMetadata,
        "column 7: HELP is not followed by a metric name",
    ),
];

#[test]
fn bad_lines_are_named_while_others_are_kept() {
    for &(line, reason, said) in BAD_LINES {
        let body = [b"first 1\n", line, b"\nlast 1\n"].concat();
        let (_, batch, rejections) = read(TextFormat::Prometheus, &body);
        let excerpt = String::from_utf8_lossy(line).into_owned();
        let expected = Rejection {
            place: Place::Line(2),
            reason,
            detail: said.to_owned(),
            excerpt: excerpt.clone(),
        };
        assert_eq!(rejections.kept(), [expected], "{excerpt}");
        assert_eq!(shown(&batch), ["first 1 @0", "last 1 @0"], "{excerpt}");
    }
}
