use super::*;

/// What a file's text is refused for, one problem a line.
fn problems(text: &str) -> String {
    let mut problems = Vec::new();
    let raw = RawConfig::parse(Path::new("p.toml"), text, &mut problems);
    resolve(&raw, Overrides::default(), &mut problems);
    problems
        .iter()
        .map(Problem::to_string)
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn a_complete_file_is_read() {
    let text = "
        listen = '127.0.0.1:9000'
        grpc_listen = '[::1]:9001'
        data = '/var/lib/portique'
        stop_grace_s = 2.5
        connections_max = 2000
        log.format = 'json'
        events.retain_age_s = 86400
        events.retain_bytes = 10_000_000_000
        events.replay_bytes_per_s = 1e7
        [log]
        ";
    // `log` as a dotted key and as a table again is not TOML.
    assert!(
        problems(text).starts_with("p.toml:11: "),
        "{}",
        problems(text)
    );

    let text = text.replace("[log]", "");
    let mut found = Vec::new();
    let raw = RawConfig::parse(Path::new("p.toml"), &text, &mut found);
    let config = resolve(&raw, Overrides::default(), &mut found);
    assert_eq!(found, []);
    assert_eq!(config.listen, "127.0.0.1:9000".parse().unwrap());
    assert_eq!(config.grpc_listen, "[::1]:9001".parse().unwrap());
    assert_eq!(config.data, Data::Folder("/var/lib/portique".into()));
    assert_eq!(config.stop_grace, Duration::from_millis(2_500));
    assert_eq!(config.connections_max, Some(2_000));
    assert_eq!(config.log.format, LogFormat::Json);
    assert_eq!(config.events.retain_age, Some(Duration::from_secs(86_400)));
    assert_eq!(config.events.retain_bytes, Some(10_000_000_000));
    assert_eq!(config.events.replay_bytes_per_second, 10_000_000);
}

#[test]
fn who_works_for_payments_is_one_of_two() {
    let text = "[payments]\nworkers = 'pools'\n";
    let mut found = Vec::new();
    let raw = RawConfig::parse(Path::new("p.toml"), text, &mut found);
    let config = resolve(&raw, Overrides::default(), &mut found);
    assert_eq!(found, []);
    assert_eq!(config.payments.workers, PaymentWorkers::Pools);
    assert_eq!(PaymentsConfig::default().workers, PaymentWorkers::Inside);
    let said = problems("[payments]\nworkers = 'outside'\n");
    assert!(
        said.contains("p.toml:2: payments.workers = \"outside\" is unknown: write \"inside\""),
        "{said}"
    );
}

#[test]
fn telemetry_is_kept_and_queried_as_told() {
    let text = "prometheus_listen = '127.0.0.1:9090'\n[telemetry]\nretain_age_s = 86400\nopen_writes = true\n\
                [query]\nexperimental = true\ntimeout_s = 1.5\n";
    let mut found = Vec::new();
    let raw = RawConfig::parse(Path::new("p.toml"), text, &mut found);
    let config = resolve(&raw, Overrides::default(), &mut found);
    assert_eq!(
        config.prometheus_listen.map(|address| address.port()),
        Some(9090)
    );
    let telemetry = config.telemetry;
    assert_eq!(telemetry.retain_age, Some(Duration::from_secs(86_400)));
    assert_eq!(telemetry.query_timeout, Duration::from_millis(1500));
    assert!(telemetry.open_writes && telemetry.experimental_queries);
    assert!(!TelemetryConfig::default().open_writes);
}

#[test]
fn who_is_told_is_said_in_a_file_beside_this_one() {
    let text = "[notifications]\nfile = 'alertmanager.yml'\ndefaults = 'portique'\n";
    let mut found = Vec::new();
    let raw = RawConfig::parse(Path::new("/etc/hub/p.toml"), text, &mut found);
    let config = resolve(&raw, Overrides::default(), &mut found).notifications;
    assert_eq!(found, []);
    assert_eq!(
        config.file.as_deref(),
        Some(Path::new("/etc/hub/alertmanager.yml"))
    );
    assert_eq!(config.defaults, NotificationDefaults::Portique);
}

#[test]
fn classes_of_telemetry_have_times_tiers_and_windows_of_their_own() {
    let text = "[telemetry]\ntiers = [{ resolution_s = 3600 }]\n[[telemetry.classes]]\nname = 'meters'\n\
                selectors = ['power', '{job=\"meters\"}']\nretain_age_s = 63072000\nretain_bytes = 10_000_000\n\
                out_of_order_window_s = 86400\ntiers = [{ resolution_s = 3600 }, { resolution_s = 300, retain_age_s = 60 }]\n\
                [[telemetry.classes]]\nname = 'debug'\nselectors = ['{__name__=~\"debug_.*\"}']\n";
    let mut found = Vec::new();
    let raw = RawConfig::parse(Path::new("p.toml"), text, &mut found);
    let config = resolve(&raw, Overrides::default(), &mut found).telemetry;
    assert_eq!(found, []);
    assert_eq!(config.tiers.len(), 1);
    let names: Vec<_> = config
        .classes
        .iter()
        .map(|class| class.name.as_str())
        .collect();
    assert_eq!(names, ["meters", "debug"]);
    let meters = &config.classes[0];
    assert_eq!(meters.selectors, ["power", "{job=\"meters\"}"]);
    assert_eq!(meters.retain_bytes, Some(10_000_000));
    assert_eq!(
        meters.out_of_order_window,
        Some(Duration::from_secs(86_400))
    );
    let resolutions = meters.tiers.iter().map(|tier| tier.resolution.as_secs());
    assert_eq!(resolutions.collect::<Vec<_>>(), [300, 3600]);
    assert_eq!(config.classes[1].retain_age, None);
}

#[test]
fn what_is_wrong_with_a_class_is_said_with_its_line() {
    let class = |keys: &str| format!("[[telemetry.classes]]\nname = 'a'\n{keys}");
    for (text, line, expected) in [
        (class("selectors = ['{']"), 3, "is no selector of a class"),
        (
            class("selectors = ['{job=~\".*\"}']"),
            3,
            "it accepts every series",
        ),
        (class(""), 1, "has 0 selectors"),
        (
            class("selectors = 'up'"),
            3,
            "write a list of texts in quotes",
        ),
        (
            class("selectors = ['up']\nage = 3"),
            4,
            "the keys of telemetry.classes are name, selectors",
        ),
        (
            class("selectors = ['up']\ntiers = [{ resolution_s = 7000 }]"),
            4,
            "a week is a multiple of",
        ),
        (
            class("selectors = ['up']\ntiers = [{}]"),
            4,
            "has no resolution_s",
        ),
        (
            class("selectors = ['up']\nretain_age_s = 1"),
            4,
            "is out of range",
        ),
        (
            format!("{0}selectors = ['up']\n{0}selectors = ['up']", class("")),
            4,
            "are called \"a\"",
        ),
        (
            "[[telemetry.classes]]\nname = 'Default!'\nselectors = ['up']".into(),
            2,
            "is no name",
        ),
        (
            "[[telemetry.classes]]\nselectors = ['up']".into(),
            1,
            "has no name",
        ),
        (
            "[telemetry]\nclasses = 3".into(),
            2,
            "write a list of tables",
        ),
    ] {
        let said = problems(&text);
        let place = format!("p.toml:{line}: ");
        assert!(
            said.starts_with(&place) && said.contains(expected),
            "{text}: {said}"
        );
    }
}

#[test]
fn every_problem_is_said_at_once_with_its_line() {
    let text =
        "lisen = '127.0.0.1:1'\n\nstop_grace_s = 'long'\n[log]\nformat = 'xml'\nnonsense = 1\n";
    assert_eq!(
        problems(text),
        "p.toml:1: unknown key \"lisen\": did you mean \"listen\"?\n\
         p.toml:3: stop_grace_s is of the wrong kind (string): write a decimal number\n\
         p.toml:6: unknown key \"log.nonsense\": the keys are access.oidc, access.open_reads, allow_remote_without_tls, connections_max, data, \
         events.replay_bytes_per_s, events.retain_age_s, events.retain_bytes, grpc_listen, listen, log.filter, log.format, \
         notifications.defaults, notifications.external_url, notifications.file, payments.workers, pools, prometheus.file, prometheus_listen, \
         query.experimental, query.samples_max, query.timeout_s, rules.files, rules.hub, stop_grace_s, \
         telemetry.classes, telemetry.graphite_listen, telemetry.label_bytes_max, telemetry.labels_max, \
         telemetry.open_writes, telemetry.out_of_order_window_s, telemetry.own_figures_every_s, \
         telemetry.retain_age_s, telemetry.retain_bytes, telemetry.series_max, \
         telemetry.series_per_job_max, telemetry.series_per_metric_max, telemetry.tiers, \
         tls.certificate, tls.key, tls.names, tls.self_signed\n\
         p.toml:5: log.format = \"xml\" is unknown: write \"text\" or \"json\""
    );
}

#[test]
fn a_key_in_the_wrong_table_is_found() {
    assert_eq!(
        problems("format = 'json'"),
        "p.toml:1: unknown key \"format\": did you mean \"log.format\"?"
    );
}

#[test]
fn an_address_open_to_other_machines_needs_consent() {
    assert!(problems("listen = '0.0.0.0:8080'").contains("--allow-remote-without-tls"));
    assert_eq!(
        problems("listen = '0.0.0.0:8080'\nallow_remote_without_tls = true"),
        ""
    );
}

#[test]
fn an_address_open_to_other_machines_needs_no_consent_where_it_is_encrypted() {
    let all = "listen = '0.0.0.0:1'\ngrpc_listen = '0.0.0.0:2'\nprometheus_listen = '0.0.0.0:3'\n";
    for tls in ["self_signed = true", "certificate = 'c.pem'\nkey = 'k.pem'"] {
        assert_eq!(problems(&format!("{all}[tls]\n{tls}")), "");
    }
    assert_eq!(
        problems(&format!("{all}[tls]\nself_signed = false"))
            .lines()
            .count(),
        3
    );
    let graphite = "[telemetry]\ngraphite_listen = '0.0.0.0:4'\n[tls]\nself_signed = true";
    assert!(
        problems(graphite).contains("graphite_listen"),
        "its lines are not encrypted"
    );
}

#[test]
fn half_a_certificate_and_names_that_are_none_are_refused() {
    assert!(problems("tls.certificate = 'c.pem'").contains("write tls.key too"));
    assert!(problems("tls.key = 'k.pem'").contains("write tls.certificate too"));
    let both = "[tls]\ncertificate = 'c'\nkey = 'k'\nself_signed = true";
    assert!(problems(both).contains("keep the one"));
    let name = "[tls]\nself_signed = true\nnames = ['hub.example.org', 'http://hub']";
    assert!(problems(name).contains("http://hub"));
    let many = format!("[tls]\nself_signed = true\nnames = {:?}", vec!["a"; 65]);
    assert!(problems(&many).contains("at most"));
}

#[test]
fn out_of_range_and_malformed_values_are_refused() {
    for text in [
        "listen = 'localhost'",
        "listen = 8080",
        "stop_grace_s = 0",
        "connections_max = 63",
        "connections_max = 32769",
        "stop_grace_s = inf",
        "stop_grace_s = nan",
        "events.retain_age_s = 59",
        "events.retain_bytes = 1_000_000",
        "events.replay_bytes_per_s = -1",
        "prometheus_listen = '9090'",
        "telemetry.retain_age_s = 59",
        "telemetry.series_max = 0",
        "telemetry.own_figures_every_s = 0.5",
        "telemetry.own_figures_every_s = 31",
        "query.timeout_s = 0",
        "notifications.defaults = 'mine'",
        "notifications.external_url = 'hub'",
        "query.experimental = 1",
        "log.filter = 'loud=='",
        "listen = ",
    ] {
        assert!(
            problems(text).starts_with("p.toml:1: "),
            "{text}: {:?}",
            problems(text)
        );
    }
}

#[test]
fn the_command_line_wins_over_the_file() {
    let mut found = Vec::new();
    let text = "listen = '127.0.0.1:1'\n[log]\nformat = 'json'";
    let raw = RawConfig::parse(Path::new("p.toml"), text, &mut found);
    let listen = Some("127.0.0.1:2".parse().unwrap());
    let overrides = Overrides {
        listen,
        ..Overrides::default()
    };
    let config = resolve(&raw, overrides, &mut found);
    assert_eq!(found, []);
    assert_eq!(config.listen.port(), 2);
    // Each value says whose it is.
    assert_eq!(config.origins.of("listen"), Origin::CommandLine);
    let path = PathBuf::from("p.toml");
    let place = Place { path, line: 3 };
    assert_eq!(config.origins.of("log.format"), Origin::File(place));
    assert_eq!(config.origins.of("stop_grace_s"), Origin::Default);
}

#[test]
fn rule_files_are_from_where_the_file_is() {
    let text = "[rules]\nfiles = ['tanks.yml', 'more/*.yml']\n";
    let mut problems = Vec::new();
    let raw = RawConfig::parse(Path::new("/etc/hub/p.toml"), text, &mut problems);
    let config = resolve(&raw, Overrides::default(), &mut problems);
    assert_eq!(problems, []);
    assert_eq!(config.rules.files, ["tanks.yml", "more/*.yml"]);
    assert_eq!(config.rules.folder, Path::new("/etc/hub"));
    assert_eq!(
        self::problems("rules.files = 'tanks.yml'"),
        "p.toml:1: rules.files is of the wrong kind (string): write a list of texts in quotes"
    );
    assert_eq!(
        self::problems("rules.files = [1]"),
        "p.toml:1: rules.files is of the wrong kind (list of other things): write a list of texts \
         in quotes"
    );
}
