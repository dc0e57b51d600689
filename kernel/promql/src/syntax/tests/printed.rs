//! What trees look like when written.

use super::parsed;

#[test]
fn expressions_are_written_as_prometheus_writes_them() {
    for (text, written) in [
        ("sum(a)by(b , \"c.d\")", "sum by (b, \"c.d\") (a)"),
        ("sum by() (a)", "sum(a)"),
        ("sum without() (a)", "sum without () (a)"),
        ("topk(5,a)", "topk(5, a)"),
        ("a  and on() b", "a and on () b"),
        (
            "a-ignoring(x)group_left b",
            "a - ignoring (x) group_left () b",
        ),
        ("a - ignoring() b", "a - b"),
        (
            "a + on(x) fill_right(1)fill_left(1) b",
            "a + on (x) fill (1) b",
        ),
        ("a + fill_left(Inf) b", "a + fill_left (+Inf) b"),
        ("a > bool 1e3", "a > bool 1000"),
        ("{__name__=\"a\",b='c'}", "{__name__=\"a\",b=\"c\"}"),
        ("{\"a.b\", x=\"y\"}", "{__name__=\"a.b\",x=\"y\"}"),
        (
            "a{z=\"1\",b!=\"2\",\"c d\"=~'x'}",
            "a{\"c d\"=~\"x\",b!=\"2\",z=\"1\"}",
        ),
        ("a[300] offset -90", "a[5m] offset -1m30s"),
        (
            "a[5m*2] @ 1.5 offset step()",
            "a[5m * 2] @ 1.500 offset step()",
        ),
        ("a[(5m)] anchored @ start()", "a[(5m)] anchored @ start()"),
        (
            "a smoothed @ end() offset 5m",
            "a @ end() smoothed offset 5m",
        ),
        ("a[1h:] offset 1d", "a[1h:] offset 1d"),
        (
            "a[max_of(1h,step()):1m] @ 0",
            "a[max_of(1h, step()):1m] @ 0.000",
        ),
        ("1y2w", "379d"),
        ("-(a)", "-(a)"),
        ("+1.50", "1.5"),
        ("'it\\'s'", "\"it's\""),
        ("time( )", "time()"),
        ("a</2", "a </ 2"),
        ("info(a, {x=~\".*\"})", "info(a, {x=~\".*\"})"),
    ] {
        assert_eq!(parsed(text).to_string(), written, "{text}");
    }
}

#[test]
fn short_expressions_stay_on_one_line() {
    assert_eq!(parsed("sum(a)  +  b").pretty(), "sum(a) + b");
}

#[test]
fn long_expressions_are_split_at_their_outermost_parts() {
    let text = "sum by (job, instance) (rate(a_metric_with_a_name_that_is_more_than_long_enough{job=\"one\",\
                path=\"two\"}[5m])) / on (job) group_left () (b_metric + -vector(time()))";
    let expected = "  sum by (job, instance) (
    rate(a_metric_with_a_name_that_is_more_than_long_enough{job=\"one\",path=\"two\"}[5m])
  )
/ on (job) group_left ()
  (b_metric + -vector(time()))";
    assert_eq!(parsed(text).pretty(), expected);
    let name = "a".repeat(90);
    let text = format!("clamp(({name} + b), 1, 2)");
    let expected = format!("clamp(\n  ({name} + b),\n  1,\n  2\n)");
    assert_eq!(parsed(&text).pretty(), expected);
    let text = format!("topk(3, ({name} + b)[1h:])");
    assert!(super::parse(&text).is_err());
    let text = format!("quantile by (x) (0.5, {name})");
    assert_eq!(
        parsed(&text).pretty(),
        format!("quantile by (x) (\n  0.5,\n  {name}\n)")
    );
}
