//! `portique jobs add`: one job from its arguments, or many from lines. Payloads are read whole and
//! are bounded; lines are sent batch by batch, each durable before the next.

mod bulk;

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use clap::Args;
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::super::input;
use super::super::output::{Output, Table, write_result};
use super::super::span::span;
use super::super::visitor::{Content, Visitor};
use super::super::words::text;
use crate::error::Error;

pub(super) const EXAMPLES: &str = "\
Examples:
  portique jobs add emails welcome '{\"to\": \"ann@example.org\"}'
  portique jobs add emails welcome @letter.json --delay 10m --priority 5
  portique jobs add scans thumbnail @scan.png --content-type image/png
  generate-letters | portique jobs add emails welcome --bulk
  portique jobs add emails --bulk @jobs.ndjson

With --bulk each line is one job: its payload when KIND is given, or a whole job as the API takes
it, such as {\"kind\": \"welcome\", \"payload\": {\"to\": \"ann@example.org\"}, \"priority\": 5}.";

/// `portique jobs add`.
#[derive(Debug, Args)]
pub(super) struct Add {
    /// The queue; made with default options when it does not exist.
    queue: String,
    /// What kind of work it is, for the worker to choose its code by.
    #[arg(required_unless_present = "bulk")]
    kind: Option<String>,
    /// What it is about: JSON, @FILE, or - for standard input.
    #[arg(default_value = "{}")]
    payload: String,
    /// Queue each line of @FILE or of standard input.
    #[arg(long, value_name = "INPUT", num_args = 0..=1, default_missing_value = "-")]
    bulk: Option<String>,
    #[command(flatten)]
    options: Options,
}

/// How a job is queued.
#[derive(Debug, Args)]
struct Options {
    /// The payload's media type, when it is not JSON.
    #[arg(long, value_name = "TYPE", conflicts_with = "bulk")]
    content_type: Option<String>,
    /// Higher first.
    #[arg(long, allow_negative_numbers = true)]
    priority: Option<i16>,
    /// Not before this long from now, such as 10m.
    #[arg(long, value_name = "TIME", value_parser = span, conflicts_with = "run_at")]
    delay: Option<Duration>,
    /// Not before this time, such as 2026-12-24T18:00:00Z.
    #[arg(long, value_name = "WHEN")]
    run_at: Option<String>,
    /// Dead when it has not been completed by this time.
    #[arg(long, value_name = "WHEN")]
    deadline: Option<String>,
    /// Whose fair share it is taken from.
    #[arg(long)]
    group: Option<String>,
    /// Jobs with the same key share the queue's limits per key.
    #[arg(long)]
    key: Option<String>,
    /// Names this job: adding it again gives the same one.
    #[arg(long, value_name = "KEY", conflicts_with = "bulk")]
    idempotency_key: Option<String>,
    /// At most one job of this key that is not finished.
    #[arg(long, value_name = "KEY", conflicts_with = "bulk")]
    unique: Option<String>,
    /// With --unique: what a second job of the same key comes to.
    #[arg(long, value_name = "MODE", requires = "unique", default_value = "until_finished",
        value_parser = ["until_finished", "until_claimed", "replace"])]
    unique_mode: String,
    /// Failed attempts before it is dead, instead of the queue's policy.
    #[arg(long)]
    attempts: Option<u32>,
    /// Wait until this job is completed; may be given again.
    #[arg(long, value_name = "ID")]
    after: Vec<u64>,
    /// Carried to the worker, as name=value; may be given again.
    #[arg(long, value_name = "NAME=VALUE", value_parser = header)]
    header: Vec<(String, String)>,
}

impl Add {
    pub(super) async fn run(self, visitor: &Visitor, output: Output) -> Result<(), Error> {
        if let Some(source) = &self.bulk {
            let shared = self.options.fields();
            let source = input::lines(source)?;
            let sent = bulk::Bulk {
                queue: &self.queue,
                kind: self.kind.as_deref(),
                shared: &shared,
            };
            return sent.run(source, visitor, output).await;
        }
        let kind = self.kind.unwrap_or_default();
        let mut job = self.options.fields();
        job.insert("kind".into(), json!(kind));
        let bytes = input::read(&self.payload)?;
        with_payload(&mut job, bytes, self.options.content_type.as_deref())?;
        let path = ["queues", &self.queue, "jobs", "batch"];
        let batch = Content::json(&json!([job]));
        let answer = visitor.change(Method::POST, &path, &[], batch).await?;
        write_result(output, &answer, |answer| vec![enqueued(answer)])
    }
}

impl Options {
    /// As members of a job of the API.
    fn fields(&self) -> Map<String, Value> {
        let headers: Map<String, Value> = self
            .header
            .iter()
            .map(|(name, value)| (name.clone(), json!(value)))
            .collect();
        let mode = &self.unique_mode;
        let unique = self.unique.as_ref();
        let unique = unique.map(|key| json!({ "key": key, "mode": mode }));
        let retry = self
            .attempts
            .map(|attempts| json!({ "attempts": attempts }));
        let after: Vec<Value> = self.after.iter().map(|id| json!({ "job": id })).collect();
        let fields = [
            ("priority", json!(self.priority)),
            (
                "delay_s",
                json!(self.delay.map(|delay| delay.as_secs_f64())),
            ),
            ("run_at", json!(self.run_at)),
            ("deadline", json!(self.deadline)),
            ("group", json!(self.group)),
            ("key", json!(self.key)),
            ("idempotency_key", json!(self.idempotency_key)),
            ("unique", json!(unique)),
            ("retry", json!(retry)),
            ("after", Value::Array(after)),
            ("headers", Value::Object(headers)),
        ];
        let is_given = |value: &Value| match value {
            Value::Null => false,
            Value::Array(list) => !list.is_empty(),
            Value::Object(map) => !map.is_empty(),
            _ => true,
        };
        fields
            .into_iter()
            .filter(|(_, value)| is_given(value))
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }
}

/// Puts a payload into a job: JSON as it is, anything else as bytes with their media type.
fn with_payload(
    job: &mut Map<String, Value>,
    bytes: Vec<u8>,
    content_type: Option<&str>,
) -> Result<(), Error> {
    match content_type {
        None | Some("application/json") => {
            let payload: Value = serde_json::from_slice(&bytes).map_err(|error| Error::Usage {
                message: format!(
                    "the payload is not JSON ({error}): write JSON, or name what it is with \
                     --content-type"
                ),
            })?;
            job.insert("payload".into(), payload);
        }
        Some(media_type) => {
            job.insert("content_type".into(), json!(media_type));
            job.insert("payload_base64".into(), json!(BASE64.encode(&bytes)));
        }
    }
    Ok(())
}

fn header(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write name=value".into()),
    }
}

/// What became of each job.
fn enqueued(answer: &Value) -> Table {
    let mut table = Table::new(&["id", "new"]);
    for job in answer.as_array().into_iter().flatten() {
        let new = match job["new"].as_bool() {
            Some(false) => "no: it was there",
            _ => "yes",
        };
        table.row([text(job, "id"), new.to_owned()]);
    }
    table
}
