//! Remote read: what another Prometheus asks for, and the samples it gets.
//!
//! Answers are samples, never streamed chunks: a caller names both or none, and every caller reads samples.

use portique_series::{Labels, MatchOp, Matcher, Samples};

use crate::remote_write::write_series_v1;
use crate::wire::{Message, Writer};
use crate::{Error, compress_snappy, decompress_snappy};

/// Most queries of one request: a Prometheus sends one.
pub const READ_QUERIES_MAX: usize = 100;
/// Most matchers of one query.
const MATCHERS_MAX: usize = 100;
const MESSAGE: &str = "prometheus.ReadRequest";
/// The number of samples among the kinds of answers.
const SAMPLES: u64 = 0;

/// One selection of a request.
#[derive(Debug, Clone)]
pub struct ReadQuery {
    /// First timestamp wanted, Unix milliseconds, inclusive.
    pub from_ms: i64,
    /// Last timestamp wanted, inclusive.
    pub to_ms: i64,
    /// All must match.
    pub matchers: Vec<Matcher>,
    /// What the samples are for.
    pub hints: ReadHints,
}

/// What the asking side will do with the samples; to make use of or not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReadHints {
    /// Milliseconds between steps; 0 when there are none.
    pub step_ms: i64,
    /// The function around the selector, such as `rate`, or empty.
    pub function: String,
    /// The range of the selector in milliseconds; 0 for an instant one.
    pub range_ms: i64,
}

/// The queries of a compressed request.
///
/// # Errors
/// When the body is too large, no snappy block or not the message, has too many queries, a pattern that cannot be
/// compiled, or wants streamed chunks only.
pub fn read_request(body: &[u8]) -> Result<Vec<ReadQuery>, Error> {
    let mut bytes = Vec::new();
    decompress_snappy(body, &mut bytes)?;
    let mut message = Message::new(&bytes, MESSAGE);
    let (mut queries, mut accepted) = (Vec::new(), Vec::new());
    while let Some((number, field)) = message.next()? {
        match number {
            1 if queries.len() == READ_QUERIES_MAX => {
                return Err(message.malformed("there are more than 100 queries"));
            }
            1 => queries.push(query(message.inner(field.bytes()))?),
            2 => message.varints(field, |kind| accepted.push(kind))?,
            _ => {}
        }
    }
    if !accepted.is_empty() && !accepted.contains(&SAMPLES) {
        return Err(message.malformed("it accepts no samples: accept SAMPLES too"));
    }
    Ok(queries)
}

fn query(mut message: Message<'_>) -> Result<ReadQuery, Error> {
    let mut query = ReadQuery {
        from_ms: 0,
        to_ms: 0,
        matchers: Vec::new(),
        hints: ReadHints::default(),
    };
    while let Some((number, field)) = message.next()? {
        match number {
            1 => query.from_ms = field.int(),
            2 => query.to_ms = field.int(),
            3 if query.matchers.len() == MATCHERS_MAX => {
                return Err(message.malformed("a query has more than 100 matchers"));
            }
            3 => query.matchers.push(matcher(message.inner(field.bytes()))?),
            4 => query.hints = hints(message.inner(field.bytes()))?,
            _ => {}
        }
    }
    Ok(query)
}

fn matcher(mut message: Message<'_>) -> Result<Matcher, Error> {
    let (mut kind, mut name, mut value) = (0, &[][..], &[][..]);
    while let Some((number, field)) = message.next()? {
        match number {
            1 => kind = field.uint(),
            2 => name = field.bytes(),
            3 => value = field.bytes(),
            _ => {}
        }
    }
    let op = match kind {
        0 => MatchOp::Equal,
        1 => MatchOp::NotEqual,
        2 => MatchOp::Regex,
        3 => MatchOp::NotRegex,
        _ => return Err(message.malformed("a matcher is of a kind that does not exist")),
    };
    let (Ok(name), Ok(value)) = (str::from_utf8(name), str::from_utf8(value)) else {
        return Err(message.malformed("a matcher is not UTF-8"));
    };
    Matcher::new(name, op, value).map_err(|source| Error::Matcher { source })
}

fn hints(mut message: Message<'_>) -> Result<ReadHints, Error> {
    let mut hints = ReadHints::default();
    while let Some((number, field)) = message.next()? {
        match number {
            1 => hints.step_ms = field.int(),
            2 => hints.function = String::from_utf8_lossy(field.bytes()).into_owned(),
            7 => hints.range_ms = field.int(),
            _ => {}
        }
    }
    Ok(hints)
}

/// Builds the answer to a request, result by result in the order of its queries.
#[derive(Debug, Default)]
pub struct ReadEncoder {
    response: Writer,
    result: Option<Writer>,
}

impl ReadEncoder {
    /// An answer without results.
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins the result of the next query, which may stay empty.
    pub fn result(&mut self) {
        self.end_result();
        self.result = Some(Writer::default());
    }

    /// Adds a series to the result; its samples ascend.
    pub fn series(&mut self, labels: &Labels, samples: &Samples) {
        let result = self.result.get_or_insert_default();
        result.message(1, |out| write_series_v1(out, labels, samples));
    }

    /// Bytes so far, before compression.
    pub fn len(&self) -> usize {
        self.response.len() + self.result.as_ref().map_or(0, Writer::len)
    }

    /// Whether there is nothing in it yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The compressed answer.
    ///
    /// # Errors
    /// When it takes 4 GiB or more.
    pub fn finish(mut self) -> Result<Vec<u8>, Error> {
        self.end_result();
        compress_snappy(&self.response.into_bytes())
    }

    fn end_result(&mut self) {
        if let Some(result) = self.result.take() {
            self.response.bytes(1, &result.into_bytes());
        }
    }
}

#[cfg(test)]
mod tests;
