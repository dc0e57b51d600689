use std::cell::RefCell;

use portique_clock::Timestamp;
use portique_series::Labels;

use super::*;

fn now() -> Timestamp {
    "2026-03-29T00:30:00Z".parse().unwrap()
}

struct Up {
    asked: RefCell<Vec<String>>,
}

impl Queries for Up {
    fn query(&self, expression: &str) -> Result<Vec<Sample>, String> {
        self.asked.borrow_mut().push(expression.to_owned());
        if expression == "broken" {
            return Err("no such metric".into());
        }
        let sample = |instance: &str, value| Sample {
            labels: Labels::from_pairs([("__name__", "up"), ("instance", instance)]),
            value,
        };
        Ok(vec![sample("b:80", 0.0), sample("a:80", 1.0)])
    }
}

fn rule_context(queries: &Up) -> Context<'_> {
    let labels = Labels::from_pairs([("job", "web"), ("instance", "a.example.org:8080")]);
    let external = Labels::from_pairs([("site", "north")]);
    let url = "https://hub.example/watch/";
    let mut context = Context::of_rule(&labels, 1_234_567.0, &external, url, now());
    context.queries = Some(queries);
    context
}

fn in_rule(text: &str) -> Result<String, String> {
    let queries = Up {
        asked: RefCell::default(),
    };
    expand(text, &rule_context(&queries)).map_err(|error| error.to_string())
}

/// Each line: a template, `=>`, what becomes of it (`\n` for a line's end).
fn check_table(table: &str, expand: impl Fn(&str) -> Result<String, String>) {
    for line in table.lines().filter(|line| !line.trim().is_empty()) {
        let (template, expected) = line.split_once(" => ").unwrap();
        let template = template.trim_start().replace("\\n", "\n");
        let found = expand(&template).unwrap_or_else(|error| format!("error: {error}"));
        assert_eq!(found, expected.replace("\\n", "\n"), "{template}");
    }
}

#[test]
fn the_language_is_that_of_go() {
    check_table(
        r#"
        plain => plain
        a {{- 1 -}} b => a1b
        a {{/* nothing */}} b => a  b
        a {{- /* nothing */ -}} b => ab
        {{ "a\tb" }}{{ `c\t` }} => a	bc\t
        {{ 'a' }} {{ 0x1F }} {{ 1_000 }} {{ 1e3 }} {{ -2.5 }} => 97 31 1000 1000 -2.5
        {{ $labels.job }} {{ .Labels.job }} {{ $.Labels.job }} => web web web
        [{{ $labels.missing }}] => []
        {{ $x := "a" }}{{ $x = "b" }}{{ $x }} => b
        {{ $x := 1 }}{{ if true }}{{ $x = 2 }}{{ end }}{{ $x }} => 2
        {{ $x := 1 }}{{ if true }}{{ $x := 2 }}{{ end }}{{ $x }} => 1
        {{ if "" }}a{{ else if 0 }}b{{ else }}c{{ end }} => c
        {{ with $labels.job }}{{ . }}{{ else }}none{{ end }} => web
        {{ with $labels.none }}{{ . }}{{ else with "x" }}{{ . }}{{ end }} => x
        {{ range $i, $x := list "a" "b" }}{{ $i }}={{ $x }};{{ end }} => 0=a;1=b;
        {{ range $k, $v := $labels }}{{ $k }}={{ $v }};{{ end }} => instance=a.example.org:8080;job=web;
        {{ range list }}x{{ else }}empty{{ end }} => empty
        {{ range 3 }}{{ . }}{{ end }} => 012
        {{ range list 1 2 3 4 }}{{ if eq . 2 }}{{ continue }}{{ end }}{{ if eq . 4 }}{{ break }}{{ end }}{{ . }}{{ end }} => 13
        {{ define "t" }}<{{ . }}>{{ end }}{{ template "t" "x" }}{{ template "t" }} => <x><<no value>>
        {{ block "b" .Labels.job }}[{{ . }}]{{ end }} => [web]
        {{ (index (list "a" "b") 1) }} {{ (dict "k" "v").k }} => b v
        {{ and 1 0 2 }} {{ or 0 "" "x" }} {{ not 1 }} {{ and (ne "a" "b") true }} => 0 x false true
        {{ or true (index (list) 9) }} => true
        {{ eq 1 2 1 }} {{ lt 1.0 2.0 }} {{ ge "b" "a" }} {{ len "abc" }} => true true true 3
        {{ slice "abcdef" 1 3 }} {{ len (slice (list 1 2 3) 1) }} => bc 2
        {{ "a" | printf "%s-%s" "b" }} {{ "x" | print | len }} => b-a 1
        {{ print "a" 1 2 "b" }} {{ println 1 2 }} => a1 2b 1 2\n
        {{ list 1 "a" }} {{ dict "a" 1 }} {{ nil | print }} => [1 a] map[a:1] <no value>
        "#,
        in_rule,
    );
}

#[test]
fn printf_writes_as_go_does() {
    check_table(
        r#"
        {{ printf "%d|%5d|%-5d|%05d|%+d" 7 7 7 -7 7 }} => 7|    7|7    |-0007|+7
        {{ printf "%s|%5s|%-5s|%.2s|%q" "abc" "abc" "abc" "abc" "a\"b" }} => abc|  abc|abc  |ab|"a\"b"
        {{ printf "%f|%.1f|%8.2f|%-8.2f|%08.2f" 1.25 1.25 1.25 1.25 -1.25 }} => 1.250000|1.2|    1.25|1.25    |-0001.25
        {{ printf "%e|%.2e|%g|%.3g|%v" 1234.5 1234.5 1234.5 1234.5 1e21 }} => 1.234500e+03|1.23e+03|1234.5|1.23e+03|1e+21
        {{ printf "%x|%X|%#x|%o|%b|%c" 255 255 255 8 5 65 }} => ff|FF|0xff|10|101|A
        {{ printf "%t|%v|%%" true nil }} => true|<no value>|%
        {{ printf "%d|%s" "a" 1 }} => %!d(string=a)|%!s(int=1)
        {{ printf "%d" }} {{ printf "a" 1 }} => %!d(MISSING) a%!(EXTRA int=1)
        {{ $value }} {{ 100000.0 }} {{ 0.00001 }} => 1.234567e+06 100000 1e-05
        "#,
        in_rule,
    );
}

#[test]
fn the_functions_of_prometheus_are_there() {
    check_table(
        r#"
        {{ humanize $value }} {{ humanize 0.0123 }} {{ humanize 0 }} {{ humanize 999.99 }} {{ humanize -1500.0 }} => 1.235M 12.3m 0 1000 -1.5k
        {{ humanize1024 1048576 }} {{ humanize1024 1 }} {{ humanize1024 2000.0 }} => 1Mi 1 1.953ki
        {{ humanizeDuration 93784 }} {{ humanizeDuration 3661 }} {{ humanizeDuration 61.5 }} {{ humanizeDuration 59.5 }} => 1d 2h 3m 4s 1h 1m 1s 1m 1s 59.5s
        {{ humanizeDuration 0.01234 }} {{ humanizeDuration -62.0 }} {{ humanizeDuration "0" }} => 12.34ms -1m 2s 0s
        {{ humanizePercentage 0.12345 }} {{ humanizePercentage 1 }} => 12.35% 100%
        {{ humanizeTimestamp 1435065584.128 }} => 2015-06-23 13:19:44.128 +0000 UTC
        {{ (toTime 1500000000).Format "Mon Jan _2 15:04 2006" }} => Fri Jul 14 02:40 2017
        {{ title "an alert of aB" }} {{ toUpper "a" }} {{ toLower "B" }} => An Alert Of AB A b
        {{ match "^w.b$" $labels.job }} {{ match "e" "web" }} => true true
        {{ reReplaceAll "(.*)\\.(.*):.*" "${2}-$1" "a.b:80" }} {{ reReplaceAll "x" "y" "axbx" }} => b-a ayby
        {{ graphLink "up == 0" }} {{ tableLink "a+b" }} => /graph?g0.expr=up+%3D%3D+0&g0.tab=0 /graph?g0.expr=a%2Bb&g0.tab=1
        {{ range query "up" | sortByLabel "instance" }}{{ . | label "instance" }}={{ . | value }} {{ end }} => a:80=1 b:80=0 
        {{ with query "up" }}{{ . | first | value | humanize }}{{ end }} => 0
        {{ define "t" }}{{ .arg0 }}{{ .arg1 }}{{ end }}{{ template "t" (args 1 "b") }} => 1b
        {{ stripPort "a:80" }} {{ stripPort "[::1]:80" }} {{ stripPort "a" }} => a ::1 a
        {{ stripDomain $labels.instance }} {{ stripDomain "1.2.3.4:80" }} {{ stripDomain "a.b" }} => a:8080 1.2.3.4:80 a
        {{ parseDuration "1h30m" }} {{ pathPrefix }} {{ $externalLabels.site }} {{ $externalURL }} => 5400 /watch north https://hub.example/watch/
        {{ html "<a>" }} {{ urlquery "a b&c" }} {{ urlQueryEscape "/" }} {{ urlUnescape "a%20b" }} => &lt;a&gt; a+b%26c %2F a b
        {{ toDuration 90 }} {{ now | humanizeTimestamp }} => 1m30s 2026-03-29 00:30:00 +0000 UTC
        "#,
        in_rule,
    );
}

fn message() -> Context<'static> {
    let alert = |status: &str, name: &str| {
        let labels = Labels::from_pairs([("alertname", name), ("a", "1")]);
        Value::record(
            "alert",
            [
                ("Status", Value::text(status)),
                ("Labels", Value::kv(&labels)),
                ("StartsAt", Value::Time(Time::utc(Some(now())))),
            ],
        )
    };
    let labels = Labels::from_pairs([("alertname", "Hot"), ("a", "<b>"), ("z", "2")]);
    let alerts = [
        alert("firing", "x"),
        alert("resolved", "y"),
        alert("firing", "z"),
    ];
    let data = Value::record(
        "notification",
        [
            ("Alerts", Value::Alerts(alerts.into())),
            ("CommonLabels", Value::kv(&labels)),
            ("Status", Value::text("firing")),
        ],
    );
    Context::new(data, "2026-03-29T01:31:05Z".parse().unwrap())
}

#[test]
fn the_functions_and_methods_of_alertmanager_are_there() {
    check_table(
        r#"
        [{{ .Status | toUpper }}:{{ .Alerts.Firing | len }}] {{ len .Alerts.Resolved }} => [FIRING:2] 1
        {{ range .CommonLabels.SortedPairs }}{{ .Name }}={{ .Value }} {{ end }} => alertname=Hot a=<b> z=2 
        {{ .CommonLabels.Names | join "," }} {{ join " " .CommonLabels.Values }} => alertname,a,z Hot <b> 2
        {{ with .CommonLabels.Remove (stringSlice "alertname" "a") }}{{ .SortedPairs }}{{ end }} => z=2
        {{ .CommonLabels.alertname }}[{{ .CommonLabels.none }}] => Hot[]
        {{ range .Alerts.Firing }}{{ .Labels.alertname }}{{ end }} {{ (index .Alerts 1).Labels.alertname }} => xz y
        {{ (index .Alerts 0).StartsAt | tz "Europe/Paris" | date "15:04 MST -07:00" }} => 01:30 CET +01:00
        {{ since (index .Alerts 0).StartsAt | humanizeDuration }} {{ since (index .Alerts 0).StartsAt }} => 1h 1m 5s 1h1m5s
        {{ (index .Alerts 0).StartsAt.Unix }} {{ (index .Alerts 0).StartsAt.Format "2006-01-02T15:04:05Z07:00" }} => 1774744200 2026-03-29T00:30:00Z
        {{ toJson .CommonLabels }} {{ "  x " | trimSpace }} {{ list 1 "a" | toJson }} => {"a":"<b>","alertname":"Hot","z":"2"} x [1,"a"]
        {{ len .CommonLabels }} {{ .CommonLabels }} => 3 alertname=Hot, a=<b>, z=2
        "#,
        |text| expand(text, &message()).map_err(|error| error.to_string()),
    );
}

#[test]
fn html_is_escaped_unless_it_is_declared_safe() {
    let text = r#"<p title="{{ .CommonLabels.a }}">{{ .CommonLabels.a }}{{ safeHtml "<br>" }}</p>"#;
    let html = expand_html(text, &message()).unwrap();
    assert_eq!(html, r#"<p title="&lt;b&gt;">&lt;b&gt;<br></p>"#);
}

#[test]
fn mistakes_are_named_with_their_place() {
    check_table(
        r#"
        a\n b {{ humanise 1 }} => error: template line 2, column 7: there is no function "humanise": did you mean "humanize"?
        {{ frobnicate }} => error: template line 1, column 4: there is no function "frobnicate"
        {{ $lables.job }} => error: template line 1, column 4: undefined variable "$lables": there are $labels, $value, $externalLabels, $externalURL
        {{ if true }} => error: template line 1, column 1: this if is not ended: write {{end}}
        {{ end }} => error: template line 1, column 4: end without a block
        {{ "a => error: template line 1, column 4: this text is not closed: write "
        {{ 1 => error: template line 1, column 1: this action is not closed: write }}
        {{ .Foo }} => error: template line 1, column 4: there is no field .Foo in alert: there are .ExternalLabels, .ExternalURL, .Labels, .Value
        {{ index (list) 0 }} => error: template line 1, column 4: index: 0 is out of range: there are 0
        {{ lt 1 2.0 }} => error: template line 1, column 4: lt: a whole number and a fraction cannot be compared: write 1.0 for 1
        {{ humanize }} => error: template line 1, column 4: humanize takes 1 arguments, not 0
        {{ query "broken" }} => error: template line 1, column 4: query: no such metric
        {{ query "up" | label "x" }} => error: template line 1, column 17: label: list has no field .Labels
        {{ template "none" }} => error: template line 1, column 1: there is no template "none"
        {{ "a" "b" }} => error: template line 1, column 4: this is a value, and only functions and methods take arguments
        {{ 1 | 2 }} => error: template line 1, column 8: a function stands after |, and this is a value
        {{ match "(" "a" }}x => error: template line 1, column 4: match: "(" is no usable regular expression: error parsing pattern 0
        "#,
        |text| in_rule(text).map_err(|error| error.lines().next().unwrap_or("").to_owned()),
    );
}

#[test]
fn a_template_of_the_library_is_at_fault_in_its_own_text() {
    let mut library = Library::default();
    library
        .add("\n{{ define \"bad\" }}{{ index . 9 }}{{ end }}")
        .unwrap();
    let mut context = message();
    context.library = Some(&library);
    let error = expand("{{ template \"bad\" .Alerts }}", &context).unwrap_err();
    assert!(matches!(error, Error::Failed { line: 2, .. }), "{error}");
}

#[test]
fn what_a_template_costs_is_limited() {
    let loops = "{{ range 1000 }}{{ range 1000 }}{{ end }}{{ end }}";
    let doubled = "{{ $x := printf \"%1000d\" 1 }}{{ range 1000 }}{{ $x = print $x $x }}{{ end }}";
    let recursion = "{{ define \"r\" }}{{ template \"r\" }}{{ end }}{{ template \"r\" }}";
    let parens = format!("{{{{ {}1{} }}}}", "(".repeat(60), ")".repeat(60));
    let blocks = "{{ if true }}".repeat(60);
    let long = "x".repeat(TEXT_BYTES_MAX + 1);
    let nested = "{{ $x := list 1 }}{{ range 100000 }}{{ $x = list $x }}{{ end }}{{ $x }}";
    let wide = "{{ $x := list 1 }}{{ range 15 }}{{ $x = list $x $x $x $x }}{{ end }}{{ $x }}";
    let big = "{{ $x := printf \"%1000d\" 1 }}{{ $l := list }}{{ range 300 }}{{ $l = append $l $x }}{{ end }}";
    let printed = format!("{big}{{{{ $l }}}}");
    let joined = format!("{big}{{{{ join \"\" $l }}}}");
    let as_json = format!("{big}{{{{ toJson $l }}}}");
    let replaced = "{{ $x := printf \"%1000d\" 1 }}{{ reReplaceAll \"(.*)\" $x $x | len }}\
        {{ $r := reReplaceAll \" \" \"$0$0\" $x }}{{ reReplaceAll \"(.*)\" (reReplaceAll \" \" \"$$1\" $r) $r }}";
    let texts = [
        loops, doubled, recursion, &parens, &blocks, &long, nested, wide,
    ];
    for text in texts
        .into_iter()
        .chain([printed.as_str(), &joined, &as_json, replaced])
    {
        let error = in_rule(text).unwrap_err();
        assert!(error.contains("more than"), "{error}");
    }
}

#[test]
fn any_text_is_expanded_or_refused() {
    use portique_clock::{Random, Seeded};
    const PIECES: [&str; 24] = [
        "{{", "}}", " ", "-", "if", "end", "range", ".", "$x", ":=", "\"a\"", "|", "(", ")",
        "print", "é", "/*", "*/", "define", "else", "1", "`", "'", "\\",
    ];
    for seed in 0..2_000 {
        let mut random = Seeded::new(seed);
        let count = random.below(24);
        let text: String = (0..count)
            .map(|_| PIECES[usize::try_from(random.below(24)).unwrap()])
            .collect();
        // Either is fine; what counts is that it ends, and without a panic.
        let found = in_rule(&text);
        assert!(found.is_err() || text.len() < TEXT_BYTES_MAX, "seed {seed}");
    }
}
