use portique_exposition::{Rejections, ScrapeOptions, TextFormat, read_text};
use portique_series::is_stale;

use super::*;
use crate::scrape::PrometheusFile;

/// A target of a job, asked every second from 1,000 ms on.
struct World {
    cache: SeriesCache,
    job: JobConfig,
    at_ms: i64,
    batch: Batch,
}

impl World {
    fn new(job: &str) -> Self {
        let target = Labels::from_pairs([("job", "j"), ("instance", "i:1")]);
        Self {
            cache: SeriesCache::new(target),
            job: job_of(job),
            at_ms: 0,
            batch: Batch::new(),
        }
    }

    /// What an answer comes to: one line for each sample, sorted.
    fn scrape(&mut self, text: &str) -> Vec<String> {
        self.at_ms += 1000;
        let mut answer = Batch::new();
        let options = ScrapeOptions {
            default_timestamp_ms: self.at_ms,
            honors_timestamps: self.job.honors_timestamps,
        };
        let format = TextFormat::Prometheus;
        let mut rejections = Rejections::new();
        read_text(
            text.as_bytes(),
            format,
            &options,
            &mut answer,
            &mut rejections,
        );
        assert!(rejections.is_empty(), "{:?}", rejections.kept());
        let absorbed = self
            .cache
            .absorb(&answer, &self.job, self.at_ms, &mut self.batch);
        let (is_up, absorbed) = match absorbed {
            Ok(absorbed) => (true, absorbed),
            Err(fault) => {
                assert!(self.batch.is_empty());
                self.cache.fail(self.at_ms, &mut self.batch);
                (false, fault.absorbed)
            }
        };
        let report = Report {
            is_up,
            duration_s: 0.5,
            absorbed,
        };
        self.cache.report(self.at_ms, &report, &mut self.batch);
        self.lines()
    }

    fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for series in self.batch.iter() {
            for (at_ms, value) in series.timestamps().iter().zip(series.floats()) {
                let value = match is_stale(*value) {
                    true => "stale".to_owned(),
                    false => value.to_string(),
                };
                let labels = series.to_labels().to_string();
                let labels = labels.replace(r#"instance="i:1",job="j""#, "T");
                lines.push(format!("{labels} {value} @{at_ms}"));
            }
        }
        lines.sort();
        lines
    }
}

fn job_of(job: &str) -> JobConfig {
    let text = format!("scrape_configs: [{{job_name: j, {job}}}]");
    let file = PrometheusFile::parse("prometheus.yml", &text).unwrap();
    JobConfig::clone(&file.jobs[0])
}

fn has(lines: &[String], line: &str) {
    assert!(
        lines.iter().any(|found| found == line),
        "{line} in {lines:#?}"
    );
}

#[test]
fn samples_get_the_targets_labels_and_what_was_there_goes_stale() {
    let mut world = World::new("");
    let lines = world.scrape("a{x=\"1\"} 1\nb 2\n");
    assert_eq!(
        lines,
        [
            r#"a{T,x="1"} 1 @1000"#,
            "b{T} 2 @1000",
            "scrape_duration_seconds{T} 0.5 @1000",
            "scrape_samples_post_metric_relabeling{T} 2 @1000",
            "scrape_samples_scraped{T} 2 @1000",
            "scrape_series_added{T} 2 @1000",
            "up{T} 1 @1000",
        ]
    );
    let lines = world.scrape("b 3\n");
    has(&lines, r#"a{T,x="1"} stale @2000"#);
    has(&lines, "b{T} 3 @2000");
    has(&lines, "scrape_series_added{T} 0 @2000");
    // It is marked once, and new when it comes again.
    let lines = world.scrape("a{x=\"1\"} 4\n");
    has(&lines, "b{T} stale @3000");
    has(&lines, "scrape_series_added{T} 1 @3000");
    assert_eq!(world.cache.len(), 1);
}

#[test]
fn an_answer_that_cannot_be_used_leaves_up_0_and_stale_markers() {
    let mut world = World::new("sample_limit: 2");
    world.scrape("a 1\nb 1\n");
    let lines = world.scrape("a 1\nb 1\nc 1\n");
    assert_eq!(
        lines,
        [
            "a{T} stale @2000",
            "b{T} stale @2000",
            "scrape_duration_seconds{T} 0.5 @2000",
            "scrape_samples_post_metric_relabeling{T} 3 @2000",
            "scrape_samples_scraped{T} 3 @2000",
            "scrape_series_added{T} 1 @2000",
            "up{T} 0 @2000",
        ]
    );
    // A series that was never kept does not go stale.
    let lines = world.scrape("a 1\n");
    assert!(
        !lines.iter().any(|line| line.contains("stale")),
        "{lines:?}"
    );
    world.cache.end(9000, &mut world.batch);
    let lines = world.lines();
    assert_eq!(lines.len(), 6, "{lines:?}");
    assert!(lines.iter().all(|line| line.ends_with("stale @9000")));
}

#[test]
fn labels_in_the_way_are_exported_or_honoured() {
    let lines = World::new("").scrape("a{job=\"own\",exported_job=\"x\"} 1\n");
    has(
        &lines,
        r#"a{exported_exported_job="own",exported_job="x",T} 1 @1000"#,
    );
    let lines = World::new("honor_labels: true").scrape("a{job=\"own\"} 1\n");
    has(&lines, r#"a{instance="i:1",job="own"} 1 @1000"#);
}

#[test]
fn own_timestamps_count_when_honoured_and_do_not_go_stale() {
    let mut world = World::new("");
    has(&world.scrape("a 1 77\n"), "a{T} 1 @77");
    let lines = world.scrape("b 1\n");
    assert!(
        !lines.iter().any(|line| line.contains("stale")),
        "{lines:?}"
    );
    let mut world = World::new("track_timestamps_staleness: true");
    world.scrape("a 1 77\n");
    has(&world.scrape(""), "a{T} stale @2000");
    let mut world = World::new("honor_timestamps: false");
    has(&world.scrape("a 1 77\n"), "a{T} 1 @1000");
}

#[test]
fn rules_drop_and_join_series() {
    let rules = "metric_relabel_configs: [{source_labels: [__name__], regex: go_.*, action: drop}, \
                 {regex: id, action: labeldrop}]";
    let mut world = World::new(rules);
    let lines = world.scrape("go_x 1\na{id=\"1\"} 1\na{id=\"2\"} 2\n");
    has(&lines, "scrape_samples_scraped{T} 3 @1000");
    has(&lines, "scrape_samples_post_metric_relabeling{T} 2 @1000");
    // One of two that became one is gone: the one is not.
    let lines = world.scrape("a{id=\"2\"} 3\n");
    assert!(
        !lines.iter().any(|line| line.contains("stale")),
        "{lines:?}"
    );
}

#[test]
fn other_rules_end_what_they_no_longer_make() {
    let mut world = World::new("");
    world.scrape("a 1\nb 1\n");
    world.job =
        job_of("metric_relabel_configs: [{source_labels: [__name__], regex: a, action: drop}]");
    world.cache.forget_rules();
    let lines = world.scrape("a 2\nb 2\n");
    has(&lines, "a{T} stale @2000");
    has(&lines, "b{T} 2 @2000");
}

#[test]
fn the_same_series_twice_counts_once() {
    let mut world = World::new("");
    let lines = world.scrape("a 1\na 2\n");
    has(&lines, "a{T} 1 @1000");
    assert!(!lines.contains(&"a{T} 2 @1000".to_owned()));
}

#[test]
fn limits_of_labels_refuse_the_answer() {
    for (limit, said) in [
        (
            "label_limit: 3",
            "label_limit exceeded (metric: a, number of labels: 4, limit: 3)",
        ),
        (
            "label_name_length_limit: 8",
            "label_name_length_limit exceeded (metric: a, label name: long_name, length: 9, limit: 8)",
        ),
        (
            "label_value_length_limit: 3",
            "label_value_length_limit exceeded (metric: a, label name: long_name, value: \"1234\", \
             length: 4, limit: 3)",
        ),
    ] {
        let job = job_of(limit);
        let mut answer = Batch::new();
        answer.begin();
        answer.label("__name__", "a");
        answer.label("long_name", "1234");
        answer.end_labels().unwrap();
        answer.float(1, 1.0);
        let target = Labels::from_pairs([("job", "j"), ("k", "i")]);
        let mut cache = SeriesCache::new(target);
        let fault = cache
            .absorb(&answer, &job, 1, &mut Batch::new())
            .unwrap_err();
        assert_eq!(fault.message, said);
        assert_eq!(fault.absorbed.scraped, 1);
    }
}

#[test]
fn a_series_without_a_name_refuses_the_answer() {
    let mut world = World::new("metric_relabel_configs: [{regex: __name__, action: labeldrop}]");
    has(&world.scrape("a 1\n"), "up{T} 0 @1000");
}
