//! Lines sent batch by batch, and what became of them.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Map, Value, json};

use super::super::input::{lines, next_line};
use super::super::output::{Output, Table, say, write_result};
use super::super::visitor::{Content, Visitor};
use super::super::words::text;
use super::ROOT;
use crate::error::Error;

/// Lines of one request: what the pipeline carries as one batch.
pub(super) const BATCH_LINES_MAX: usize = 1_000;
/// Bytes of one request: the longest lines fill it before their number does.
const BATCH_BYTES_MAX: usize = 1 << 20;
/// Refused lines that are shown; more are counted.
const REFUSED_SHOWN: usize = 100;
/// How long a request waits that was told to come later, and how often in turn.
const LATER_PAUSE: Duration = Duration::from_secs(1);
const LATER_TRIES: u32 = 600;
/// The hub is behind.
const TOO_MANY_REQUESTS: u16 = 429;

/// What became of all lines so far.
#[derive(Debug, Default)]
pub(super) struct Sent {
    /// Each number of the answers, added up.
    counts: Map<String, Value>,
    refused: Vec<Value>,
}

impl Sent {
    /// Adds an answer; `first` is the number of the batch's first line.
    pub(super) fn enter(&mut self, first: usize, answer: &Value) {
        for (name, count) in answer.as_object().into_iter().flatten() {
            if let Some(count) = count.as_u64() {
                let sum = self.count(name) + count;
                self.counts.insert(name.clone(), json!(sum));
            }
        }
        for refused in answer["refused"].as_array().into_iter().flatten() {
            if self.refused.len() < REFUSED_SHOWN {
                let line = refused["line"].as_u64().unwrap_or(1) + first as u64 - 1;
                self.refused
                    .push(json!({ "line": line, "reason": refused["reason"] }));
            }
        }
    }

    /// What a number of the answers came to.
    pub(super) fn count(&self, name: &str) -> u64 {
        self.counts
            .get(name)
            .and_then(Value::as_u64)
            .unwrap_or_default()
    }

    /// Writes these numbers and the refused lines.
    ///
    /// # Errors
    /// [`Error::Refused`] when a line was, for whoever asks for the exit status; the others are done.
    pub(super) fn write(mut self, output: Output, names: &[&'static str]) -> Result<(), Error> {
        let refused_lines = self.count("refused_lines");
        let refused = std::mem::take(&mut self.refused);
        let mut result = self.counts.clone();
        result.insert("refused".into(), Value::Array(refused));
        write_result(output, &Value::Object(result), |result| {
            let mut counts = Table::new(&["lines", "count"]);
            for name in names.iter().chain(&["refused_lines"]) {
                counts.row([name.replace('_', " "), self.count(name).to_string()]);
            }
            let mut refused = Table::new(&["line", "reason"]);
            for line in result["refused"].as_array().into_iter().flatten() {
                refused.row([text(line, "line"), text(line, "reason")]);
            }
            let tables = [counts, refused].into_iter();
            tables.filter(|table| !table.is_empty()).collect()
        })?;
        match refused_lines {
            0 => Ok(()),
            lines => Err(Error::Refused {
                status: 422,
                detail: format!("{lines} lines; the others are done"),
            }),
        }
    }
}

/// Gives the lines of a source batch by batch: the number of the first, and the lines as they are.
///
/// # Errors
/// As the source, and as `take`: what was sent before is done.
pub(super) async fn each(
    source: &str,
    mut take: impl AsyncFnMut(usize, String) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut source = lines(source)?;
    let (mut first, mut number) = (1, 0);
    loop {
        let mut batch = Vec::new();
        while number + 1 - first < BATCH_LINES_MAX && batch.len() < BATCH_BYTES_MAX {
            let Some(line) = next_line(&mut *source, number + 1)? else {
                break;
            };
            number += 1;
            batch.extend_from_slice(&line);
        }
        if batch.is_empty() {
            return Ok(());
        }
        // A line that is no text is refused by the hub, with its number.
        take(first, String::from_utf8_lossy(&batch).into_owned()).await?;
        first = number + 1;
    }
}

/// Sends lines to a route of payments; waits and tries again while the hub is behind.
///
/// # Errors
/// [`Error::Refused`] and what else a request comes to.
pub(super) async fn send(route: &str, lines: String, visitor: &Visitor) -> Result<Value, Error> {
    let path = [ROOT, route];
    for tried in 1.. {
        let content = Content::of("application/x-ndjson", lines.clone());
        match visitor.change(Method::POST, &path, &[], content).await {
            Err(Error::Refused { status, detail })
                if status == TOO_MANY_REQUESTS && tried < LATER_TRIES =>
            {
                if tried == 1 {
                    say(&format!("waiting: {detail}"));
                }
                tokio::time::sleep(LATER_PAUSE).await;
            }
            answer => return answer,
        }
    }
    Ok(Value::Null)
}

/// An object without the members that are not given.
pub(super) fn without_nulls(mut object: Value) -> Value {
    if let Some(members) = object.as_object_mut() {
        members.retain(|_, value| !value.is_null() && *value != json!(false));
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refused_lines_keep_their_number_in_the_whole() {
        let mut sent = Sent::default();
        sent.enter(
            1,
            &json!({ "accepted": 1_000, "refused_lines": 0, "refused": [] }),
        );
        let answer = json!({ "accepted": 998, "refused_lines": 2,
            "refused": [{ "number": 3, "line": 3, "reason": "amount" }, { "line": 7, "reason": "id" }] });
        sent.enter(1_001, &answer);
        assert_eq!(
            (sent.count("accepted"), sent.count("refused_lines")),
            (1_998, 2)
        );
        let lines: Vec<_> = sent.refused.iter().map(|it| it["line"].as_u64()).collect();
        assert_eq!(lines, [Some(1_003), Some(1_007)]);
    }

    #[tokio::test]
    async fn lines_come_in_batches_with_the_number_of_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lines");
        std::fs::write(&path, "{}\n".repeat(BATCH_LINES_MAX * 2 + 1)).unwrap();
        let mut seen = Vec::new();
        each(&format!("@{}", path.display()), async |first, lines| {
            seen.push((first, lines.lines().count()));
            Ok(())
        })
        .await
        .unwrap();
        let size = BATCH_LINES_MAX;
        assert_eq!(seen, [(1, size), (size + 1, size), (2 * size + 1, 1)]);
    }
}
