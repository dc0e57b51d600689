//! `prometheus.yml`, as far as this project does what it says; the rest is refused by name.

mod discovery;
mod endpoint;
mod global;
mod job;
mod relabel;
mod remote_write;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;

use crate::Problem;
use crate::notify::redacted;
use crate::yaml::{Fields, Node, Reader};
pub use discovery::{FileDiscovery, HttpDiscovery, TARGETS_FILE_BYTES_MAX, read_target_groups};
pub use global::Global;
pub use job::{JobConfig, Protocol, ScrapeLimits};
pub use remote_write::{QueueConfig, RemoteWriteConfig};

/// A configuration file has at most this many bytes: a thousand jobs take a tenth of it.
pub const PROMETHEUS_FILE_BYTES_MAX: usize = 4 << 20;
/// Most jobs: each has its own rules, which are compiled.
const JOBS_MAX: usize = 10_000;

const KEYS: [&str; 5] = [
    "global",
    "rule_files",
    "scrape_config_files",
    "scrape_configs",
    "remote_write",
];
const UNSUPPORTED: [(&str, &str); 5] = [
    (
        "alerting",
        "the hub's own notifications replace it: move receivers and routes to the file that the key \
         notifications.file of the hub's configuration names, and remove this section",
    ),
    (
        "remote_read",
        "queries read what the hub has: have the other server send it with remote_write",
    ),
    (
        "storage",
        "write telemetry.out_of_order_window_s and telemetry.retain_age_s in the hub's configuration",
    ),
    (
        "otlp",
        "OTLP metrics are taken at /otlp/v1/metrics as they are",
    ),
    (
        "tracing",
        "the hub says what it does in its log and on /metrics",
    ),
];

/// A pattern of files with rules, and where it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RulePattern {
    /// The pattern; relative to the file that it is in.
    pub pattern: String,
    /// Its line, from 1.
    pub line: u32,
}

/// What a `prometheus.yml` says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PrometheusFile {
    /// What holds for jobs and rules that say nothing else.
    pub global: Global,
    /// Patterns of files with rules.
    pub rule_files: Vec<RulePattern>,
    /// Patterns of files with more jobs, for [`add_jobs`](Self::add_jobs).
    pub job_files: Vec<String>,
    /// Who is asked for samples.
    pub jobs: Vec<Arc<JobConfig>>,
    /// Where samples are sent.
    pub remote_writes: Vec<Arc<RemoteWriteConfig>>,
    /// The file with its secrets blotted out.
    pub redacted: String,
}

impl PrometheusFile {
    /// Reads a file's text; `file` names it in messages.
    ///
    /// # Errors
    /// All that is wrong with it, by place.
    pub fn parse(file: &str, text: &str) -> Result<Self, Vec<Problem>> {
        let mut read = Self::default();
        let mut reader = Reader::new(file);
        if let Some(root) = document(&mut reader, text)
            && let Some(fields) =
                reader.fields_without(&root, "the configuration", &KEYS, &UNSUPPORTED)
        {
            read.read(&mut reader, &fields);
            read.redacted = redacted(&root);
        }
        finish(reader, read)
    }

    /// Adds the jobs of a file that `scrape_config_files` names; on an error nothing is added.
    ///
    /// # Errors
    /// All that is wrong with it, by place.
    pub fn add_jobs(&mut self, file: &str, text: &str) -> Result<(), Vec<Problem>> {
        let mut reader = Reader::new(file);
        let mut jobs = Vec::new();
        let mut names = HashMap::new();
        for job in &self.jobs {
            names.insert(job.name.clone(), 0);
        }
        if let Some(root) = document(&mut reader, text)
            && let Some(fields) = reader.fields(&root, "the file", &["scrape_configs"])
        {
            jobs = read_jobs(&mut reader, &fields, &self.global, &mut names);
        }
        self.jobs.extend(finish(reader, jobs)?);
        Ok(())
    }

    fn read(&mut self, reader: &mut Reader, fields: &Fields<'_>) {
        self.global = global::read(reader, fields.get("global"));
        for node in reader.items(fields.get("rule_files"), "rule_files") {
            if let Some(pattern) = reader.text(Some(node), "a pattern of rule_files") {
                let line = node.line;
                self.rule_files.push(RulePattern { pattern, line });
            }
        }
        let job_files = reader.items(fields.get("scrape_config_files"), "scrape_config_files");
        self.job_files = job_files
            .iter()
            .filter_map(|node| reader.text(Some(node), "a pattern of scrape_config_files"))
            .collect();
        self.jobs = read_jobs(reader, fields, &self.global, &mut HashMap::new());
        self.remote_writes = remote_write::read(reader, fields.get("remote_write"));
    }
}

/// The file's document, unless it is too large or empty.
fn document(reader: &mut Reader, text: &str) -> Option<Node> {
    if text.len() > PROMETHEUS_FILE_BYTES_MAX {
        let message = format!(
            "the file has more than {PROMETHEUS_FILE_BYTES_MAX} bytes: move jobs to files of \
             scrape_config_files"
        );
        reader.problem_at_start(message);
        return None;
    }
    reader.document(text).filter(|node| !node.is_null())
}

fn read_jobs(
    reader: &mut Reader,
    fields: &Fields<'_>,
    global: &Global,
    names: &mut HashMap<String, u32>,
) -> Vec<Arc<JobConfig>> {
    let mut jobs = Vec::new();
    for node in reader.items(fields.get("scrape_configs"), "scrape_configs") {
        let Some(job) = job::read(reader, node, global) else {
            continue;
        };
        match names.get(&job.name) {
            Some(0) => {
                let message = format!("the job {:?} is in another file too: rename one", job.name);
                reader.problem(node, message);
            }
            Some(line) => {
                let message = format!(
                    "the job {:?} is in line {line} already: rename one",
                    job.name
                );
                reader.problem(node, message);
            }
            None if jobs.len() == JOBS_MAX => {
                reader.problem(node, format!("there are more than {JOBS_MAX} jobs"));
                return jobs;
            }
            None => {
                names.insert(job.name.clone(), node.line);
                jobs.push(Arc::new(job));
            }
        }
    }
    jobs
}

fn finish<T>(reader: Reader, read: T) -> Result<T, Vec<Problem>> {
    let problems = reader.into_problems();
    match problems.is_empty() {
        true => Ok(read),
        false => Err(problems),
    }
}
