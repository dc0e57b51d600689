use std::collections::VecDeque;

use serde_json::Value;

use crate::error::Error;
use crate::visit::Answer;

/// Longest event: a snapshot of many missions is well under it.
const EVENT_BYTES_MAX: usize = 4 << 20;

/// A server-sent event.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StreamEvent {
    /// What kind, such as `log`.
    pub(crate) name: String,
    /// Its content.
    pub(crate) data: Value,
}

/// Server-sent events, one JSON value each (HTML standard, section 9.2).
pub(crate) struct EventStream {
    response: Answer,
    hub: String,
    parser: Parser,
}

impl EventStream {
    pub(super) fn new(response: Answer, hub: String) -> Self {
        Self {
            response,
            hub,
            parser: Parser::default(),
        }
    }

    /// The next event; `None` when the hub ended the stream.
    ///
    /// # Errors
    /// [`Error::Unreachable`] when the connection broke, [`Error::Answer`] for what is no event, or
    /// with what the hub says when it gives the stream up.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    pub(crate) async fn next(&mut self) -> Result<Option<StreamEvent>, Error> {
        loop {
            if let Some((name, data)) = self.parser.ready.pop_front() {
                if name == "error" {
                    return Err(self.unexpected(String::from_utf8_lossy(&data).into_owned()));
                }
                return serde_json::from_slice(&data)
                    .map(|data| Some(StreamEvent { name, data }))
                    .map_err(|error| self.unexpected(error.to_string()));
            }
            let chunk = self
                .response
                .chunk()
                .await
                .map_err(|fault| Error::not_reached(&self.hub, fault))?;
            let Some(chunk) = chunk else { return Ok(None) };
            self.parser
                .feed(&chunk)
                .map_err(|problem| self.unexpected(problem))?;
        }
    }

    fn unexpected(&self, problem: String) -> Error {
        Error::Answer {
            url: self.hub.clone(),
            problem,
        }
    }
}

/// Cuts bytes into events, wherever the network cut them.
#[derive(Debug, Default)]
struct Parser {
    line: Vec<u8>,
    name: String,
    data: Vec<u8>,
    ready: VecDeque<(String, Vec<u8>)>,
}

impl Parser {
    fn feed(&mut self, bytes: &[u8]) -> Result<(), String> {
        for byte in bytes {
            match byte {
                b'\n' => self.end_of_line(),
                b'\r' => {}
                byte => self.line.push(*byte),
            }
            if self.line.len() + self.data.len() > EVENT_BYTES_MAX {
                return Err(format!("an event over {EVENT_BYTES_MAX} bytes"));
            }
        }
        Ok(())
    }

    fn end_of_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            let name = std::mem::take(&mut self.name);
            if !self.data.is_empty() {
                self.ready.push_back((name, std::mem::take(&mut self.data)));
            }
            return;
        }
        if let Some(name) = line.strip_prefix(b"event:") {
            self.name = String::from_utf8_lossy(name).trim().to_owned();
        }
        if let Some(data) = line.strip_prefix(b"data:") {
            if !self.data.is_empty() {
                self.data.push(b'\n');
            }
            self.data
                .extend_from_slice(data.strip_prefix(b" ").unwrap_or(data));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(chunks: &[&str]) -> Vec<String> {
        let mut parser = Parser::default();
        for chunk in chunks {
            parser.feed(chunk.as_bytes()).unwrap();
        }
        let text = |(name, data)| format!("{name} {}", String::from_utf8(data).unwrap());
        parser.ready.into_iter().map(text).collect()
    }

    #[test]
    fn events_are_found_wherever_the_network_cuts() {
        let whole = "event: log\ndata: {\"a\":\ndata: 1}\n\n: still there\n\ndata:{}\r\n\r\n";
        let expected = ["log {\"a\":\n1}", " {}"];
        assert_eq!(events(&[whole]), expected);
        for cut in 0..whole.len() {
            let (left, right) = whole.split_at(cut);
            assert_eq!(events(&[left, right]), expected, "cut at {cut}");
        }
    }

    #[test]
    fn half_an_event_is_none() {
        assert!(events(&["data: {}\n"]).is_empty());
    }
}
