use std::io::BufRead;

use reqwest::Method;
use serde_json::{Map, Value, json};

use super::super::super::input::next_line;
use super::super::super::output::{Output, write_line, write_text};
use super::super::super::visitor::{Content, Visitor};
use crate::error::Error;

/// Jobs of one request: enough that the disk is synced seldom, few enough that a refused batch is
/// soon found.
const BATCH_JOBS_MAX: usize = 1_000;
/// Bytes of one request: the hub takes 1 MiB, and a line is no longer than that either.
const BATCH_BYTES_MAX: usize = 512 << 10;

/// Many jobs, a line each.
pub(super) struct Bulk<'a> {
    pub(super) queue: &'a str,
    /// Each line is a payload of this kind; without it, each is a whole job.
    pub(super) kind: Option<&'a str>,
    /// What every job has that does not say otherwise.
    pub(super) shared: &'a Map<String, Value>,
}

impl Bulk<'_> {
    /// Sends all of them, batch by batch, each durable before the next is sent.
    ///
    /// # Errors
    /// The first refusal, with the lines that were queued before it.
    pub(super) async fn run(
        &self,
        mut lines: Box<dyn BufRead>,
        visitor: &Visitor,
        output: Output,
    ) -> Result<(), Error> {
        let (mut line, mut sent, mut is_end) = (0, 0, false);
        while !is_end {
            let mut batch = String::new();
            let mut jobs = 0;
            while jobs < BATCH_JOBS_MAX && batch.len() < BATCH_BYTES_MAX {
                let Some(text) = next_line(&mut *lines, line + 1)? else {
                    is_end = true;
                    break;
                };
                line += 1;
                if !text.trim_ascii().is_empty() {
                    batch.push_str(&self.job(&text, line)?.to_string());
                    batch.push('\n');
                    jobs += 1;
                }
            }
            if jobs > 0 {
                self.send(batch, visitor)
                    .await
                    .map_err(|error| after(error, sent, line))?;
                sent += jobs;
            }
        }
        match output {
            Output::Json => write_text(&format!("{:#}\n", json!({ "queued": sent }))),
            Output::Table => write_line(&format!("{}: {sent} jobs queued", self.queue)),
        }
    }

    async fn send(&self, batch: String, visitor: &Visitor) -> Result<(), Error> {
        let path = ["queues", self.queue, "jobs", "batch"];
        let content = Content::of("application/x-ndjson", batch);
        visitor.change(Method::POST, &path, &[], content).await?;
        Ok(())
    }

    fn job(&self, text: &[u8], line: usize) -> Result<Value, Error> {
        let wrong = |problem: String| Error::Usage {
            message: format!("line {line}: {problem}"),
        };
        let value: Value =
            serde_json::from_slice(text).map_err(|error| wrong(format!("not JSON: {error}")))?;
        let mut job = self.shared.clone();
        match (self.kind, value) {
            (Some(kind), payload) => {
                job.insert("kind".into(), json!(kind));
                job.insert("payload".into(), payload);
            }
            (None, Value::Object(own)) => job.extend(own),
            (None, _) => {
                let problem = "not a job: write an object with kind and payload, or name the KIND";
                return Err(wrong(problem.into()));
            }
        }
        Ok(Value::Object(job))
    }
}

/// Says how far it came: what was queued stays queued.
fn after(error: Error, sent: usize, line: usize) -> Error {
    match error {
        Error::Refused { status, detail } => Error::Refused {
            status,
            detail: format!(
                "{detail} (within the batch that ends with line {line}; {sent} jobs before it are \
                 queued)"
            ),
        },
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(kind: Option<&str>, line: &str) -> Result<Value, Error> {
        let shared = Map::from_iter([("priority".to_owned(), json!(3))]);
        let bulk = Bulk {
            queue: "q",
            kind,
            shared: &shared,
        };
        bulk.job(line.as_bytes(), 7)
    }

    #[test]
    fn a_line_is_a_payload_or_a_whole_job() {
        let payload = job(Some("mail"), "[1]").unwrap();
        assert_eq!(
            payload,
            json!({ "kind": "mail", "payload": [1], "priority": 3 })
        );
        let whole = job(None, r#"{"kind":"k","priority":9}"#).unwrap();
        assert_eq!(whole, json!({ "kind": "k", "priority": 9 }));
        for line in ["[1]", "{"] {
            let refused = job(None, line).unwrap_err().to_string();
            assert!(refused.starts_with("line 7: "), "{refused}");
        }
    }
}
