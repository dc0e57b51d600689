use std::io::Write;
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use clap::Args;
use reqwest::Method;
use serde_json::Value;

use super::super::input;
use super::super::output::{Output, say, write_done};
use super::super::visitor::{Content, Visitor};
use super::super::words::text;
use crate::data_folder::file_error;
use crate::error::Error;

pub(super) const EXAMPLES: &str = "\
Examples:
  portique dead edit 4711                        opens $VISUAL or $EDITOR
  portique dead edit 4711 @letter.json
  portique dead edit 4711 '{\"to\": \"bob@example.org\"}'
  portique dead edit 4711 @scan.png --content-type image/png";

/// Named in this order; the last is on nearly every machine.
const EDITOR_VARIABLES: [&str; 2] = ["VISUAL", "EDITOR"];
const EDITOR_DEFAULT: &str = "vi";
const JSON: &str = "application/json";

/// `portique dead edit`.
#[derive(Debug, Args)]
pub(super) struct Edit {
    /// The job's id.
    id: u64,
    /// The new payload: JSON, @FILE, or - for standard input [default: opens an editor].
    payload: Option<String>,
    /// The new payload's media type [default: as it was].
    #[arg(long, value_name = "TYPE")]
    content_type: Option<String>,
}

/// What a dead job is about now.
struct Before {
    content_type: String,
    bytes: Vec<u8>,
}

impl Edit {
    pub(super) async fn run(self, visitor: &Visitor, output: Output) -> Result<(), Error> {
        let id = self.id.to_string();
        let before = before(visitor, &id).await?;
        let bytes = match &self.payload {
            Some(payload) => input::read(payload)?,
            None => in_editor(&before)?,
        };
        let content_type = self.content_type.unwrap_or(before.content_type);
        if self.payload.is_none() && bytes == before.bytes {
            say("nothing was changed");
            return Ok(());
        }
        if content_type == JSON {
            let checked: Result<Value, _> = serde_json::from_slice(&bytes);
            checked.map_err(|error| Error::Usage {
                message: format!("the new payload is not JSON: {error}; nothing was changed"),
            })?;
        }
        let path = ["dead", id.as_str()];
        let content = Content::of(&content_type, bytes);
        let answer = visitor.change(Method::PUT, &path, &[], content).await?;
        let edited = format!("{id}: edited; `portique dead replay {id}` queues it again");
        write_done(output, &answer, &edited)
    }
}

async fn before(visitor: &Visitor, id: &str) -> Result<Before, Error> {
    let job = visitor.get(&["jobs", id], &[]).await?;
    let payload = &job["payload"];
    let content_type = match payload.get("content_type") {
        Some(Value::String(content_type)) => content_type.clone(),
        _ => JSON.to_owned(),
    };
    let bytes = match (payload.get("value"), payload.get("base64")) {
        (Some(Value::String(text)), _) if content_type != JSON => text.clone().into_bytes(),
        (Some(value), _) => format!("{value:#}\n").into_bytes(),
        (None, Some(_)) => BASE64.decode(text(payload, "base64")).unwrap_or_default(),
        (None, None) => Vec::new(),
    };
    Ok(Before {
        content_type,
        bytes,
    })
}

/// What the person makes of it.
fn in_editor(before: &Before) -> Result<Vec<u8>, Error> {
    let suffix = if before.content_type == JSON {
        ".json"
    } else {
        ".txt"
    };
    let folder = std::env::temp_dir();
    let mut file = tempfile::Builder::new()
        .prefix("portique-")
        .suffix(suffix)
        .tempfile()
        .map_err(|source| file_error("make a file in", &folder, source))?;
    let path = file.path().to_path_buf();
    file.write_all(&before.bytes)
        .map_err(|source| file_error("write", &path, source))?;
    let editor = EDITOR_VARIABLES
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
        .unwrap_or_else(|| EDITOR_DEFAULT.into());
    // A variable such as `code --wait` has arguments of its own, which the shell tells apart.
    let status = Command::new("sh")
        .args(["-c", &format!("{editor} \"$1\""), "sh"])
        .arg(&path)
        .status()
        .map_err(|source| file_error("start an editor for", &path, source))?;
    if !status.success() {
        let message = format!("the editor {editor:?} ended with {status}: nothing was changed");
        return Err(Error::Usage { message });
    }
    // By its name, as many editors put a new file in the old one's place.
    input::read_file(&path)
}
