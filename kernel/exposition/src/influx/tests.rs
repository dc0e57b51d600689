use proptest::prelude::*;

use super::*;

const NOW_MS: i64 = 1_700_000_000_000;

fn read(
    body: &[u8],
    precision: InfluxPrecision,
    database: &str,
) -> (LineCounts, Batch, Rejections) {
    let (mut batch, mut rejections) = (Batch::new(), Rejections::new());
    let options = InfluxOptions {
        precision,
        now_ms: NOW_MS,
        database,
    };
    let counts = read_influx(body, &options, &mut batch, &mut rejections);
    (counts, batch, rejections)
}

fn shown(batch: &Batch) -> Vec<String> {
    let show = |series: portique_series::BatchSeries<'_>| {
        let (labels, at) = (series.to_labels(), series.timestamps()[0]);
        format!("{labels} {} @{}", series.floats()[0], at - NOW_MS)
    };
    batch.iter().map(show).collect()
}

#[test]
fn good_lines() {
    for (line, expected) in [
        ("cpu value=1 1700000000000000001", &["cpu 1 @0"][..]),
        (
            "cpu,host=a idle=1.5,busy=-2e3 1700000000001999999",
            &[
                "cpu_idle{host=\"a\"} 1.5 @1",
                "cpu_busy{host=\"a\"} -2000 @1",
            ],
        ),
        (
            "  m a=3i,b=4u,c=t,d=FALSE",
            &["m_a 3 @0", "m_b 4 @0", "m_c 1 @0", "m_d 0 @0"],
        ),
        (
            r"a\ b\,c,t\=1=x\ y\,\z f\ =1",
            &[r#"a b,c_f {t=1="x y,\\z"} 1 @0"#],
        ),
        ("m,q=\"a\" f=1\r", &[r#"m_f{q="\"a\""} 1 @0"#]),
        ("m,empty= f=1", &["m_f 1 @0"]),
        ("# a comment", &[]),
        ("", &[]),
    ] {
        let (counts, batch, rejections) = read(line.as_bytes(), InfluxPrecision::Nanoseconds, "");
        assert_eq!(
            (shown(&batch), rejections.kept()),
            (expected.iter().map(|s| (*s).to_owned()).collect(), &[][..])
        );
        assert_eq!(counts.samples, expected.len());
    }
}

#[test]
fn bad_lines_are_named_while_others_are_kept() {
    for (line, reason, said) in [
        (",a=b f=1", Reason::NoName, "the measurement is empty"),
        (
            "m",
            Reason::Syntax,
            "there is no field: write field=value after the tags and a space",
        ),
        ("m,a f=1", Reason::Syntax, "a tag is not name=value"),
        ("m,=a f=1", Reason::Syntax, "a tag is not name=value"),
        ("m f", Reason::Syntax, "a field is not name=value"),
        ("m f=1,", Reason::Syntax, "a field is not name=value"),
        (
            "m f=",
            Reason::BadValue,
            "the value \"\" is none of 1.5, 1i, 1u, true, false or text in quotes",
        ),
        (
            "m f=nan",
            Reason::BadValue,
            "the value \"nan\" is none of 1.5, 1i, 1u, true, false or text in quotes",
        ),
        (
            "m f=1.5i",
            Reason::BadValue,
            "the value \"1.5i\" is none of 1.5, 1i, 1u, true, false or text in quotes",
        ),
        (
            "m f=\"a",
            Reason::Syntax,
            "a quote is not closed before the line ends",
        ),
        (
            "m f=\"a\"x=1",
            Reason::Syntax,
            "a field is followed by neither a comma nor a space",
        ),
        (
            "m f=1 1.5",
            Reason::BadTimestamp,
            "the timestamp is no whole number",
        ),
        (
            "m f=1 1 2",
            Reason::BadTimestamp,
            "the timestamp is no whole number",
        ),
        (
            "m,a=1,a=2 f=1",
            Reason::BadLabels,
            "the label \"a\" occurs twice",
        ),
        (
            "m f=\"text\"",
            Reason::Unsupported,
            "the field \"f\" is text: only numbers and booleans are kept",
        ),
    ] {
        let body = format!("x value=1\n{line}\ny value=1\n");
        let (counts, batch, rejections) = read(body.as_bytes(), InfluxPrecision::Nanoseconds, "");
        assert_eq!((counts.lines, batch.samples()), (3, 2), "{line}");
        let kept = &rejections.kept()[0];
        assert_eq!(
            (kept.place, kept.reason, &*kept.detail),
            (Place::Line(2), reason, said),
            "{line}"
        );
        assert_eq!(rejections.total(), 1);
    }
}

#[test]
fn a_text_field_does_not_cost_the_others() {
    let (_, batch, rejections) = read(
        b"m a=1,b=\"x, \\\" y\",c=2 5",
        InfluxPrecision::Seconds,
        "d",
    );
    assert_eq!(batch.at(1).to_labels().to_string(), "m_c{db=\"d\"}");
    assert_eq!(
        (batch.samples(), rejections.count(Reason::Unsupported)),
        (2, 1)
    );
}

#[test]
fn precision_scales_timestamps_and_finds_the_wrong_one() {
    for (word, timestamp, at_ms) in [
        ("ns", -1, -1),
        ("u", 1999, 1),
        ("ms", 7, 7),
        ("s", 7, 7000),
        ("m", 1, 60_000),
        ("h", 1, 3_600_000),
    ] {
        let precision = InfluxPrecision::of_parameter(word).unwrap();
        let (_, batch, _) = read(format!("m f=1 {timestamp}").as_bytes(), precision, "");
        assert_eq!(batch.at(0).timestamps(), [at_ms], "{word}");
    }
    assert_eq!(InfluxPrecision::of_parameter("d"), None);
    let (_, batch, rejections) = read(b"m f=1 1700000000000000000", InfluxPrecision::Seconds, "");
    let said = "the timestamp 1700000000000000000 is out of range: is the precision right?";
    assert_eq!((&*rejections.kept()[0].detail, batch.len()), (said, 0));
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100), text in "[ab,=\\\\ \"0-9.i#é\n\r]{0,60}") {
        read(&bytes, InfluxPrecision::Hours, "");
        read(text.as_bytes(), InfluxPrecision::Nanoseconds, "x");
    }
}
