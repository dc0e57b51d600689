use crate::Reason;
use crate::rejection::Bad;

/// A line, and how far it is scanned.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'a> {
    text: &'a str,
    at: usize,
}

/// A run of a line, or of the text that escapes were resolved into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) begin: usize,
    pub(super) end: usize,
    pub(super) is_resolved: bool,
}

impl<'a> Line<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    pub(super) fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.at == self.text.len()
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Takes an ASCII character if it is next.
    pub(super) fn eat(&mut self, wanted: char) -> bool {
        let is_next = self.rest().starts_with(wanted);
        self.at += usize::from(is_next);
        is_next
    }

    /// Takes spaces and tabs; whether there were any.
    pub(super) fn skip_blanks(&mut self) -> bool {
        let begin = self.at;
        while let Some(b' ' | b'\t') = self.peek() {
            self.at += 1;
        }
        self.at > begin
    }

    /// Takes characters of a name; `is_metric` allows colons. Empty when there is no name here.
    pub(super) fn name(&mut self, is_metric: bool) -> Run {
        let begin = self.at;
        while let Some(byte) = self.peek()
            && (byte.is_ascii_alphabetic()
                || byte == b'_'
                || byte == b':' && is_metric
                || byte.is_ascii_digit() && self.at > begin)
        {
            self.at += 1;
        }
        self.run_from(begin)
    }

    /// Takes everything up to the next blank.
    pub(super) fn word(&mut self) -> &'a str {
        let rest = self.rest();
        let end = rest.find([' ', '\t']).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    /// Takes what is between quotes, if a quote is next; escapes are resolved into `resolved`.
    pub(super) fn quoted(&mut self, resolved: &mut String) -> Option<Result<Run, Bad>> {
        self.eat('"').then(|| {
            let begin = self.at;
            let rest = self.rest().as_bytes();
            match memchr::memchr2(b'"', b'\\', rest) {
                Some(end) if rest[end] == b'"' => {
                    let run = Run {
                        begin,
                        end: begin + end,
                        is_resolved: false,
                    };
                    self.at = run.end + 1;
                    Ok(run)
                }
                Some(_) => self.escaped(resolved),
                None => {
                    Err(self.wrong("a quote is not closed: end it with \" before the line ends"))
                }
            }
        })
    }

    fn escaped(&mut self, resolved: &mut String) -> Result<Run, Bad> {
        let begin = resolved.len();
        let mut chars = self.rest().char_indices();
        while let Some((at, char)) = chars.next() {
            match char {
                '"' => {
                    self.at += at + 1;
                    return Ok(Run {
                        begin,
                        end: resolved.len(),
                        is_resolved: true,
                    });
                }
                '\\' => match chars.next() {
                    Some((_, 'n')) => resolved.push('\n'),
                    Some((_, escaped @ ('"' | '\\'))) => resolved.push(escaped),
                    // Other escapes mean nothing, and stay as they are written.
                    Some((_, other)) => resolved.extend(['\\', other]),
                    None => break,
                },
                other => resolved.push(other),
            }
        }
        Err(self.wrong("a quote is not closed: end it with \" before the line ends"))
    }

    pub(super) fn run_from(&self, begin: usize) -> Run {
        Run {
            begin,
            end: self.at,
            is_resolved: false,
        }
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// What is wrong here, with the column.
    pub(super) fn wrong(&self, problem: &str) -> Bad {
        let column = self.text[..self.at].chars().count() + 1;
        Bad::new(Reason::Syntax, format!("column {column}: {problem}"))
    }
}
