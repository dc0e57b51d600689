use std::time::Duration;

use super::*;
use crate::scrape::{Built, Target, TargetGroup};

/// What Prometheus' own example and most files in the field hold.
const FULL: &str = r#"
global:
  scrape_interval: 15s
  evaluation_interval: 30s
  external_labels: {monitor: codelab, region: eu}
  sample_limit: 5000
rule_files: ['first.rules', 'my/*.rules']
scrape_configs:
  - job_name: prometheus
    honor_labels: true
    honor_timestamps: false
    params: {'match[]': ['{job="x"}', up]}
    file_sd_configs:
      - files: [foo/*.slow.json, single/file.yml]
        refresh_interval: 10m
    static_configs:
      - targets: ['localhost:9090', 'localhost:9191']
        labels: {my: label}
    http_sd_configs: [{url: 'http://discovery:80/targets', refresh_interval: 5s}]
    relabel_configs:
      - source_labels: [job, __meta_dns_name]
        regex: (.*)some-[regex]
        target_label: job
        replacement: foo-${1}
    authorization: {credentials_file: valid_token_file}
    tls_config: {ca_file: ca.pem, insecure_skip_verify: true}
    http_headers: {x-scope: {values: [a], secrets: [b]}}
    body_size_limit: 10MB
  - job_name: service-x
    basic_auth: {username: admin, password: sesame}
    scrape_interval: 50s
    scrape_timeout: 5s
    sample_limit: 0
    metrics_path: my_path
    scheme: https
    scrape_native_histograms: true
    metric_relabel_configs: [{action: DROP, source_labels: [__name__], regex: expensive.*}]
remote_write:
  - url: http://remote1/push
    name: drop_expensive
    write_relabel_configs: [{source_labels: [__name__], regex: expensive.*, action: drop}]
    headers: {X-Tenant: one}
  - url: http://remote2/push
    protobuf_message: io.prometheus.write.v2.Request
    queue_config: {capacity: 100, max_shards: 5, batch_send_deadline: 1s}
"#;

fn problems(text: &str) -> Vec<String> {
    let problems = PrometheusFile::parse("p.yml", text).unwrap_err();
    problems.iter().map(ToString::to_string).collect()
}

#[test]
fn a_whole_file_is_read() {
    let file = PrometheusFile::parse("p.yml", FULL).unwrap();
    assert_eq!(file.global.evaluation_interval, Duration::from_secs(30));
    assert_eq!(file.global.external_labels.get("region"), Some("eu"));
    assert_eq!(file.rule_files[1].pattern, "my/*.rules");
    let [first, second] = &file.jobs[..] else {
        panic!("{:?}", file.jobs);
    };
    assert_eq!(first.interval, Duration::from_secs(15));
    assert_eq!(first.timeout, Duration::from_secs(10));
    assert_eq!((first.limits.samples, second.limits.samples), (5000, 0));
    assert_eq!(first.limits.body_bytes, 10 << 20);
    assert_eq!(first.files[0].refresh_interval, Duration::from_secs(600));
    assert_eq!(first.urls[0].url, "http://discovery:80/targets");
    assert_eq!(first.endpoint.headers.len(), 2);
    assert!(first.endpoint.tls.is_insecure && first.honors_labels && !first.honors_timestamps);
    assert!(
        second
            .accept()
            .starts_with("application/vnd.google.protobuf;")
    );
    let [one, two] = &file.remote_writes[..] else {
        panic!("{:?}", file.remote_writes);
    };
    assert_eq!(
        (one.name.as_str(), one.relabel.len()),
        ("drop_expensive", 1)
    );
    assert_eq!(two.queue.capacity, 100);
    assert!(
        file.redacted.contains("username: admin"),
        "{}",
        file.redacted
    );
    assert!(!file.redacted.contains("sesame"), "{}", file.redacted);
}

#[test]
fn the_header_names_formats_best_first() {
    let file = PrometheusFile::parse("p.yml", "scrape_configs: [{job_name: a}]").unwrap();
    assert_eq!(
        file.jobs[0].accept(),
        "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
         application/openmetrics-text;version=0.0.1;q=0.4,\
         text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
    );
}

#[test]
fn every_mistake_is_told_at_once_with_its_place() {
    let text = "\
alerting: {alertmanagers: []}
globl: {}
scrape_configs:
  - job_name: a
    scrape_interval: 5s
    scrape_timeout: 6s
    kubernetes_sd_configs: [{role: pod}]
    static_configs: [{targets: ['http://x/metrics']}]
    relabel_configs: [{action: hashmod, target_label: x}, {regex: '(', action: keep}]
    http_headers: {Accept: {values: [x]}}
  - job_name: a
    oauth2: {}
  - scheme: ftp
remote_write:
  - url: ftp://x
  - url: http://x/
    queue_config: {min_shards: 4}
    sigv4: {}
";
    let found = problems(text);
    let expected = [
        "p.yml:1: alerting is not supported: the hub's own notifications replace it",
        r#"p.yml:2: "globl" is no key of the configuration: did you mean "global"?"#,
        "p.yml:6: scrape_timeout of 6s is longer than the interval of 5s",
        "p.yml:7: kubernetes_sd_configs is not supported: write static_configs",
        r#"p.yml:8: "http://x/metrics" is no address"#,
        "p.yml:9: the action hashmod needs modulus",
        "p.yml:9: the pattern \"(\" is not usable",
        "p.yml:10: the header Accept is not set here",
        r#"p.yml:11: the job "a" is in line 4 already"#,
        "p.yml:12: oauth2 is not supported",
        "p.yml:13: a job needs job_name",
        "p.yml:13: scheme is http or https",
        "p.yml:15: url is an address",
        "p.yml:17: min_shards is 1",
        "p.yml:18: sigv4 is not supported",
    ];
    for (found, expected) in found.iter().zip(expected) {
        let mut parts = found.splitn(4, ':');
        let mut part = || parts.next().unwrap_or("");
        let (file, line, _column, said) = (part(), part(), part(), part());
        let found = format!("{file}:{line}:{said}");
        assert!(found.starts_with(expected), "{found}\nis not\n{expected}");
    }
    assert_eq!(found.len(), expected.len(), "{found:#?}");
}

#[test]
fn jobs_come_from_other_files_too_under_names_of_their_own() {
    let mut file = PrometheusFile::parse("p.yml", "scrape_configs: [{job_name: a}]").unwrap();
    file.add_jobs("more.yml", "scrape_configs: [{job_name: b}]")
        .unwrap();
    let problems = file
        .add_jobs("same.yml", "scrape_configs: [{job_name: a}]")
        .unwrap_err();
    assert!(
        problems[0]
            .to_string()
            .starts_with("same.yml:1:18: the job \"a\" is in another file")
    );
    assert_eq!(file.jobs.len(), 2);
}

#[test]
fn lists_of_targets_are_read_as_json_and_yaml() {
    let json = r#"[{"targets": ["a:1", "b:2"], "labels": {"env": "x"}}]"#;
    let groups = read_target_groups("t.json", json).unwrap();
    let yaml =
        read_target_groups("t.yml", "- targets: ['a:1', 'b:2']\n  labels: {env: x}").unwrap();
    assert_eq!(groups, yaml);
    assert_eq!(groups[0].addresses, ["a:1", "b:2"]);
    let problems = read_target_groups("t.json", r#"[{"target": ["a"]}]"#).unwrap_err();
    assert!(
        problems[0].to_string().contains("did you mean \"targets\""),
        "{problems:?}"
    );
    assert!(read_target_groups("t.json", "garbage").is_err());
    assert_eq!(read_target_groups("t.yml", "").unwrap(), []);
}

fn build(job: &str, address: &str) -> Result<Built, crate::scrape::TargetFault> {
    let text = format!("scrape_configs: [{{job_name: j, {job}}}]");
    let file = PrometheusFile::parse("p.yml", &text).unwrap();
    let group = TargetGroup {
        addresses: Vec::new(),
        labels: vec![("env".to_owned(), "x".to_owned())],
    };
    Target::build(&file.jobs[0], &group.with_meta("url", "u"), address)
}

#[test]
fn targets_are_what_relabelling_makes_of_them() {
    let Ok(Built::Active(target)) = build("params: {module: [a, b]}", "h:1") else {
        panic!("it is a target");
    };
    assert_eq!(target.url, "http://h:1/metrics?module=a&module=b");
    assert_eq!(
        target.labels.to_string(),
        r#"{env="x",instance="h:1",job="j"}"#
    );
    assert_eq!(target.discovered.get("__meta_url"), Some("u"));
    let probe = "metrics_path: /probe, relabel_configs: [\
                 {source_labels: [__address__], target_label: __param_target}, \
                 {source_labels: [__param_target], target_label: instance}, \
                 {target_label: __address__, replacement: 'prober:9115'}]";
    let Ok(Built::Active(target)) = build(probe, "a b") else {
        panic!("it is a target");
    };
    assert_eq!(target.url, "http://prober:9115/probe?target=a+b");
    assert_eq!(target.labels.get("instance"), Some("a b"));
    let drop = "relabel_configs: [{source_labels: [env], regex: x, action: drop}]";
    assert!(matches!(build(drop, "h:1"), Ok(Built::Dropped(_))));
}

#[test]
fn what_makes_no_target_says_why() {
    let label = |name: &str, value: &str| {
        format!("relabel_configs: [{{target_label: {name}, replacement: '{value}'}}]")
    };
    for (job, said) in [
        (label("__address__", ""), "the target has no address"),
        (label("__address__", "a/b"), r#""a/b" is no address"#),
        (
            label("__scheme__", "ftp"),
            r#"the scheme "ftp" is not known"#,
        ),
        (
            label("__scrape_interval__", "0s"),
            "__scrape_interval__ is \"0s\"",
        ),
        (
            label("__scrape_timeout__", "2m"),
            "the timeout of 2m is longer than the interval of 1m",
        ),
    ] {
        let fault = build(&job, "h:1").unwrap_err().to_string();
        assert!(fault.starts_with(said), "{fault}");
    }
}
