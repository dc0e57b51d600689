use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use clap::Args;
use portique_clock::{Clock, WallClock};
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::super::input;
use super::super::output::{Output, Table, write_result};
use super::super::visitor::{Content, Visitor};
use crate::error::Error;

pub(super) const EXAMPLES: &str = "\
Examples:
  portique events publish shop.orders.created com.example.order.created '{\"order\": 7}'
  portique events publish shop.orders.created com.example.order.created @order.json --key ann
  portique events publish --bulk @events.ndjson

With --bulk each line is an event in CloudEvents' JSON format, at most 1,000 lines; they are
published all or none.";

/// Random bytes of an event's id: no two ever meet.
const ID_BYTES: usize = 16;
/// Who says so, when nobody is named.
const SOURCE_DEFAULT: &str = "/portique/cli";

/// `portique events publish`.
#[derive(Debug, Args)]
pub(super) struct Publish {
    /// Where the event belongs, and what filters match, such as shop.orders.created.
    #[arg(required_unless_present = "bulk")]
    subject: Option<String>,
    /// What kind of happening, such as com.example.order.created.
    #[arg(value_name = "TYPE", required_unless_present = "bulk")]
    kind: Option<String>,
    /// What happened: JSON, @FILE, or - for standard input.
    #[arg(value_name = "DATA")]
    body: Option<String>,
    /// Publish each line of @FILE or of standard input.
    #[arg(long, value_name = "INPUT", num_args = 0..=1, default_missing_value = "-")]
    bulk: Option<String>,
    /// Who says so, as a URI reference.
    #[arg(long, value_name = "URI", default_value = SOURCE_DEFAULT)]
    source: String,
    /// The event's id, unique within its source [default: a new one].
    #[arg(long)]
    id: Option<String>,
    /// Events of one key keep their order (the extension partitionkey).
    #[arg(long)]
    key: Option<String>,
    /// The data's media type, when it is not JSON.
    #[arg(long, value_name = "TYPE")]
    content_type: Option<String>,
}

impl Publish {
    pub(super) async fn run(self, visitor: &Visitor, output: Output) -> Result<(), Error> {
        let batch = match &self.bulk {
            Some(source) => lines(&input::read(source)?)?,
            None => vec![self.event()?],
        };
        let content = Content::of(
            "application/cloudevents-batch+json",
            Value::Array(batch).to_string(),
        );
        let answer = visitor
            .change(Method::POST, &["events"], &[], content)
            .await?;
        write_result(output, &answer, |answer| vec![published(answer)])
    }

    fn event(&self) -> Result<Value, Error> {
        let id = match &self.id {
            Some(id) => id.clone(),
            None => new_id()?,
        };
        let mut event = Map::from_iter([
            ("specversion".to_owned(), json!("1.0")),
            ("id".to_owned(), json!(id)),
            ("source".to_owned(), json!(self.source)),
            ("type".to_owned(), json!(self.kind)),
            ("subject".to_owned(), json!(self.subject)),
            ("time".to_owned(), json!(WallClock::new().now())),
        ]);
        if let Some(key) = &self.key {
            event.insert("partitionkey".into(), json!(key));
        }
        if let Some(body) = &self.body {
            self.with_data(&mut event, &input::read(body)?)?;
        }
        Ok(Value::Object(event))
    }

    fn with_data(&self, event: &mut Map<String, Value>, bytes: &[u8]) -> Result<(), Error> {
        let media_type = self.content_type.as_deref().unwrap_or("application/json");
        event.insert("datacontenttype".into(), json!(media_type));
        if self.content_type.is_none() || media_type == "application/json" {
            let data: Value = serde_json::from_slice(bytes).map_err(|error| Error::Usage {
                message: format!(
                    "the data is not JSON ({error}): write JSON, or name what it is with \
                     --content-type"
                ),
            })?;
            event.insert("data".into(), data);
            return Ok(());
        }
        match std::str::from_utf8(bytes) {
            Ok(text) => event.insert("data".into(), json!(text)),
            Err(_) => event.insert("data_base64".into(), json!(BASE64.encode(bytes))),
        };
        Ok(())
    }
}

fn new_id() -> Result<String, Error> {
    let mut bytes = [0_u8; ID_BYTES];
    getrandom::fill(&mut bytes).map_err(|error| Error::Runtime {
        source: std::io::Error::other(error),
    })?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn lines(text: &[u8]) -> Result<Vec<Value>, Error> {
    let lines = text.split(|byte| *byte == b'\n').enumerate();
    lines
        .filter(|(_, line)| !line.trim_ascii().is_empty())
        .map(|(index, line)| {
            serde_json::from_slice(line).map_err(|error| Error::Usage {
                message: format!("line {}: not JSON: {error}", index + 1),
            })
        })
        .collect()
}

fn published(answer: &Value) -> Table {
    let mut table = Table::new(&["sequence"]);
    for sequence in answer["sequences"].as_array().into_iter().flatten() {
        table.row([sequence.to_string()]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_line_is_named() {
        assert_eq!(lines(b"{}\n\n[]").unwrap(), [json!({}), json!([])]);
        let refused = lines(b"{}\n{").unwrap_err().to_string();
        assert!(refused.starts_with("line 2: "), "{refused}");
    }
}
