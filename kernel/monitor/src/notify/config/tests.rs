use std::time::Duration;

use portique_series::Labels;

use super::*;

fn parse(text: &str) -> Config {
    Config::parse("am.yml", text, Flavour::Alertmanager).unwrap_or_else(|problems| {
        panic!(
            "{}",
            problems
                .iter()
                .map(|p| format!("{p}\n"))
                .collect::<String>()
        )
    })
}

fn problems(text: &str) -> Vec<String> {
    let problems = Config::parse("am.yml", text, Flavour::Alertmanager).unwrap_err();
    problems.iter().map(ToString::to_string).collect()
}

const FULL: &str = r#"
global:
  resolve_timeout: 1m
  smtp_from: hub@example.org
  smtp_smarthost: mail.example.org:587
  smtp_auth_username: hub
  smtp_auth_password: sesame
  slack_api_url: https://hooks.slack.example/T0/B0/sesame
route:
  receiver: all
  group_by: [alertname]
  routes:
  - matchers: ['severity=~"critical|page"', team=pad]
    receiver: pad
    group_by: ['...']
    group_wait: 0s
    continue: true
    routes:
    - match: {site: north}
      repeat_interval: 1h
  - match_re: {team: "p.*"}
    mute_time_intervals: [nights]
    active_time_intervals: [weekdays]
receivers:
- name: all
- name: pad
  webhook_configs:
  - url: http://u:sesame@127.0.0.1:9/hook/sesame?x=sesame
    max_alerts: 5
    timeout: 500ms
    http_config:
      basic_auth: {username: u, password: sesame}
  - url_file: /etc/hook
    send_resolved: false
  slack_configs:
  - channel: '#pad'
    fields: [{title: a, value: b}]
  discord_configs:
  - webhook_url: https://discord.example/api/sesame
  email_configs:
  - to: a@example.org, b@example.org
    headers: {subject: '{{ .Status }}', Reply-To: c@example.org}
  action_configs:
  - action: safe
    params: {reason: '{{ .CommonLabels.alertname }}'}
inhibit_rules:
- source_matchers: [severity=critical]
  target_match: {severity: warning}
  equal: [site]
mute_time_intervals:
- name: nights
  time_intervals: [{times: [{start_time: '22:00', end_time: '24:00'}]}]
time_intervals:
- name: weekdays
  time_intervals: [{weekdays: ['monday:friday'], location: Europe/Paris}]
templates: ['/etc/portique/*.tmpl']
"#;

fn takes(config: &Config, labels: &[(&str, &str)]) -> Vec<String> {
    let mut found = Vec::new();
    let labels = Labels::from_pairs(labels.iter().copied());
    config.route.matching(&labels, &mut found);
    found.iter().map(ToString::to_string).collect()
}

#[test]
fn a_whole_file_is_read() {
    let config = parse(FULL);
    let pad = config.receiver("pad").unwrap();
    let sent: Vec<_> = pad
        .integrations
        .iter()
        .map(|i| (i.key(), i.sends_resolved))
        .collect();
    let expected = [
        ("webhook[0]", true),
        ("webhook[1]", false),
        ("slack[0]", false),
        ("discord[0]", true),
        ("email[0]", false),
        ("action[0]", false),
    ];
    assert_eq!(
        sent,
        expected.map(|(key, resolved)| (key.to_owned(), resolved))
    );
    let Channel::Email(email) = &pad.integrations[4].channel else {
        panic!("an e-mail");
    };
    assert_eq!(email.smtp.smarthost, "mail.example.org:587");
    assert_eq!(email.headers["Subject"], "{{ .Status }}");
    assert!(email.smtp.requires_tls && email.smtp.hello == "localhost");
    assert_eq!(
        config.inhibit_rules[0].target.to_string(),
        r#"{severity="warning"}"#
    );
    assert_eq!(config.global.resolve_timeout, Duration::from_mins(1));
}

#[test]
fn routes_inherit_what_they_do_not_say() {
    let config = parse(FULL);
    let routes = config.route.all();
    let timings: Vec<_> = routes
        .iter()
        .map(|r| (r.timing.group_wait, r.timing.repeat_interval))
        .collect();
    let (half_minute, hours) = (Duration::from_secs(30), Duration::from_hours);
    let expected = [
        (half_minute, hours(4)),
        (Duration::ZERO, hours(4)),
        (Duration::ZERO, hours(1)),
        (half_minute, hours(4)),
    ];
    assert_eq!(timings, expected);
    assert_eq!(routes[2].group_by, GroupBy::All);
    assert_eq!(&*routes[3].receiver, "all");
    assert_eq!(routes[0].timing.new_alert_interval, None);
    assert_eq!(
        &*routes[2].key,
        r#"{}/{severity=~"critical|page",team="pad"}/{site="north"}"#
    );
}

#[test]
fn an_alert_takes_the_deepest_routes_and_more_where_they_continue() {
    let config = parse(FULL);
    assert_eq!(takes(&config, &[("team", "x")]), ["{} to all"]);
    assert_eq!(
        takes(
            &config,
            &[("team", "pad"), ("severity", "page"), ("site", "north")]
        ),
        [
            r#"{}/{severity=~"critical|page",team="pad"}/{site="north"} to pad"#,
            r#"{}/{team=~"p.*"} to all"#
        ]
    );
}

#[test]
fn our_flavour_hurries_what_is_critical_and_what_is_new() {
    let config = Config::parse("f", FULL, Flavour::Portique).unwrap();
    let timing = config.route.timing;
    assert_eq!(timing.new_alert_interval, Some(Duration::from_secs(10)));
    assert_eq!(timing.critical_group_wait, Some(Duration::ZERO));
    let critical = Labels::from_pairs([("severity", "critical")]);
    assert!(config.global.critical.unwrap().matches(&critical));
    assert!(parse(FULL).global.critical.is_none());
}

#[test]
fn siblings_with_the_same_matchers_are_told_apart() {
    let config = parse(
        "route:\n  receiver: r\n  routes:\n  - {matchers: [a=b], continue: true}\n  - matchers: [a=b]\n    routes: [{matchers: [c=d]}]\nreceivers: [{name: r}]\n",
    );
    let keys: Vec<_> = config
        .route
        .all()
        .iter()
        .map(|r| r.key.to_string())
        .collect();
    let expected = [
        "{}",
        "{}/{a=\"b\"}",
        "{}/{a=\"b\"}#1",
        "{}/{a=\"b\"}#1/{c=\"d\"}",
    ];
    assert_eq!(keys, expected);
}

#[test]
fn what_is_shown_has_no_secret_and_is_read_again() {
    let shown = parse(FULL).redacted;
    assert!(!shown.contains("sesame"), "{shown}");
    assert!(
        shown.contains("<secret>") && shown.contains("mail.example.org:587"),
        "{shown}"
    );
    assert!(shown.contains("http://127.0.0.1:9/<secret>"), "{shown}");
    assert_eq!(parse(&shown).route.all().len(), 4);
    let debug = format!("{:?}", parse(FULL));
    let without_shown = debug.replace(&format!("{shown:?}"), "");
    assert!(!without_shown.contains("sesame"), "{debug}");
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let found = problems(
        r"
global:
  resolve_timeout: soon
  pagerduty_url: http://x
route:
  receiver: nobody
  matchers: [a=b]
  group_by: ['...', x, x]
  group_interval: 0s
  routes:
  - matchers: ['a=~(']
    mute_time_intervals: [nights]
    grup_wait: 1s
receivers:
- name: a
  webhook_configs: [{url: ftp://x}, {max_alerts: -1}]
  telegram_configs: [{}]
- name: a
  email_configs: [{smarthost: mail}]
  action_configs: [{}]
- slack_configs: [{}]
inhibit_rules: [{equals: [x]}]
time_intervals: [{name: empty}]
",
    );
    for (line, expected) in [
        (3, "not \"soon\""),
        (4, "pagerduty_url is for something that is not supported"),
        (6, "there is no receiver \"nobody\": there are , a"),
        (6, "the root route takes every alert and has no matchers"),
        (8, "... groups by all labels"),
        (8, "\"x\" is in group_by twice"),
        (9, "group_interval cannot be zero"),
        (11, "not usable"),
        (12, "there is no time interval \"nights\": there are empty"),
        (13, "did you mean \"group_wait\"?"),
        (16, "begins with http://"),
        (16, "url is missing"),
        (16, "max_alerts is a whole number"),
        (
            17,
            "telegram_configs is not supported: a receiver has webhook_configs, slack_configs",
        ),
        (18, "two receivers \"a\""),
        (19, "an e-mail has to"),
        (19, "an e-mail has from: write it, or smtp_from in global"),
        (19, "a host with its port"),
        (20, "an action is named"),
        (21, "a receiver has a name"),
        (21, "api_url is missing"),
        (22, "did you mean \"equal\"?"),
        (23, "a list time_intervals"),
    ] {
        let place = format!("am.yml:{line}:");
        let is_told = |p: &String| p.starts_with(&place) && p.contains(expected);
        assert!(found.iter().any(is_told), "{line} {expected}: {found:#?}");
    }
    assert_eq!(found.len(), 23, "{found:#?}");
}

#[test]
fn an_empty_file_and_a_broken_one_are_refused() {
    assert!(problems("")[0].contains("the file is empty"));
    assert!(problems("route: [")[0].starts_with("am.yml:"));
    assert!(problems("receivers: []")[0].contains("route is missing"));
}

#[test]
fn any_text_is_read_or_refused() {
    use portique_clock::{Random, Seeded};
    for seed in 0..300 {
        let mut random = Seeded::new(seed);
        let mut bytes = FULL.as_bytes().to_vec();
        for _ in 0..=random.below(6) {
            let at = usize::try_from(random.below(bytes.len() as u64)).unwrap();
            match random.below(3) {
                0 => drop(bytes.remove(at)),
                1 => bytes.insert(
                    at,
                    b"{}[]:,-'\"\n !=~&*0z"[usize::try_from(random.below(18)).unwrap()],
                ),
                _ => bytes.truncate(at.max(1)),
            }
        }
        let text = String::from_utf8_lossy(&bytes);
        // Either is fine; what counts is that it ends, without a panic, and says what is wrong.
        if let Err(problems) = Config::parse("am.yml", &text, Flavour::Alertmanager) {
            assert!(!problems.is_empty(), "seed {seed}");
        }
    }
}

#[test]
fn headers_and_tls_are_read_and_their_mistakes_told() {
    let config = parse(
        "route: {receiver: a}\nreceivers:\n- name: a\n  webhook_configs:\n  - url: https://x/\n    http_config:\n      \
         http_headers: {X-Team: {values: [pad], secrets: [sesame]}, X-Key: {files: [/key]}}\n      \
         tls_config: {ca_file: /ca, cert_file: /c, key_file: /k, server_name: hub}\n",
    );
    let Channel::Webhook(webhook) = &config.receivers[0].integrations[0].channel else {
        panic!("a webhook");
    };
    let names: Vec<&str> = webhook
        .http
        .headers
        .iter()
        .map(|(name, _)| &**name)
        .collect();
    assert_eq!(names, ["X-Team", "X-Team", "X-Key"]);
    assert_eq!(webhook.http.tls.identity, Some(("/c".into(), "/k".into())));
    assert!(!config.redacted.contains("sesame"), "{}", config.redacted);
    let wrong = problems(
        "global: {smtp_auth_username: a, smtp_auth_identity: b, smtp_from: f@x, smtp_smarthost: 'm:25'}\n\
         route: {receiver: a}\nreceivers:\n- name: a\n  webhook_configs:\n  - url: https://x/\n    http_config:\n      \
         http_headers: {Host: {values: [x]}}\n      tls_config: {cert_file: /c}\n",
    );
    assert_eq!(wrong.len(), 3, "{wrong:?}");
    assert!(wrong[0].contains("leave the identity out"), "{wrong:?}");
    assert!(wrong[1].contains("\"Host\" is no header"), "{wrong:?}");
    assert!(wrong[2].contains("belong together"), "{wrong:?}");
}

#[test]
fn texts_that_are_no_templates_are_told_with_their_place() {
    let wrong = problems(
        "route: {receiver: a}\nreceivers:\n- name: a\n  slack_configs:\n  - api_url: https://x/\n    \
         title: '{{ .Status'\n    text: '{{ nofunction .Status }}'\n",
    );
    assert_eq!(wrong.len(), 2, "{wrong:?}");
    assert!(wrong[0].starts_with("am.yml:6:"), "{wrong:?}");
    assert!(
        wrong[1].contains("there is no function \"nofunction\""),
        "{wrong:?}"
    );
}
