//! Parts of an XML message, read one after the other so that a large message is never held as a whole.

use portique_fault::{Code, Fault, Retry};
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

/// Bytes of a message at most: a hundred thousand transfers.
pub const MESSAGE_BYTES_MAX: usize = 256 << 20;
/// Elements inside each other at most; the messages of the standard have a dozen.
const DEPTH_MAX: usize = 32;
/// Elements of one part at most: a transfer has some dozens.
const ELEMENTS_MAX: usize = 2_000;
/// Bytes of a text at most; the standard's longest is 2,000 characters.
const TEXT_MAX: usize = 8_192;

/// Why a message is not read at all; nothing of it was taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// It is over the limit.
    #[error("the message has {given} bytes, the limit is {max}: send several")]
    TooLarge {
        /// Its bytes.
        given: usize,
        /// The limit.
        max: usize,
    },
    /// It is no XML, or not what the standard allows.
    #[error("line {line}: {problem}")]
    Malformed {
        /// Where, from 1.
        line: usize,
        /// What is wrong, and what would be right.
        problem: String,
    },
    /// What it says of itself is not what it holds.
    #[error("the message says {field} {said}, and holds {found}: nothing of it was taken")]
    Disagrees {
        /// Which field.
        field: &'static str,
        /// What it says.
        said: String,
        /// What it holds.
        found: String,
    },
}

impl Fault for MessageError {
    fn code(&self) -> Code {
        match self {
            Self::TooLarge { .. } => Code::ResourceExhausted,
            _ => Code::InvalidArgument,
        }
    }

    fn retry(&self) -> Retry {
        Retry::No
    }
}

/// An element with all that is in it.
#[derive(Debug, Default)]
pub(super) struct Element {
    pub(super) name: String,
    pub(super) line: usize,
    /// The attribute `Ccy`, the only one that matters.
    pub(super) currency: Option<String>,
    pub(super) text: String,
    children: Vec<Element>,
}

impl Element {
    /// The first element on a path such as `PmtId/EndToEndId`.
    pub(super) fn at(&self, path: &str) -> Option<&Self> {
        path.split('/').try_fold(self, |element, name| {
            element.children.iter().find(|child| child.name == name)
        })
    }

    /// The text of the first element on a path.
    pub(super) fn text_at(&self, path: &str) -> Option<&str> {
        self.at(path).map(|element| element.text.as_str())
    }
}

/// What comes next on the level that is read.
pub(super) enum Next {
    Begins(Begun),
    /// The element around it ends.
    Ends,
}

/// The beginning of an element.
pub(super) struct Begun {
    pub(super) name: String,
    pub(super) namespace: Option<String>,
    currency: Option<String>,
    line: usize,
    is_empty: bool,
}

/// Reads a message from its beginning to its end.
pub(super) struct Message<'a> {
    bytes: &'a str,
    reader: Reader<&'a [u8]>,
    /// Up to where lines were counted, and how many.
    counted: (usize, usize),
}

impl<'a> Message<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Result<Self, MessageError> {
        if bytes.len() > MESSAGE_BYTES_MAX {
            return Err(MessageError::TooLarge {
                given: bytes.len(),
                max: MESSAGE_BYTES_MAX,
            });
        }
        let text = std::str::from_utf8(bytes).map_err(|error| MessageError::Malformed {
            line: 1 + lines(&bytes[..error.valid_up_to()]),
            problem: "this is not UTF-8: send the message in UTF-8".into(),
        })?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        Ok(Self {
            bytes: text,
            reader: Reader::from_str(text),
            counted: (0, 1),
        })
    }

    /// The line that is read, from 1.
    pub(super) fn line(&mut self) -> usize {
        let position = usize::try_from(self.reader.buffer_position()).unwrap_or(usize::MAX);
        let position = position.min(self.bytes.len());
        let (from, line) = self.counted;
        if position > from {
            let line = line + lines(&self.bytes.as_bytes()[from..position]);
            self.counted = (position, line);
        }
        self.counted.1
    }

    pub(super) fn malformed(&mut self, problem: impl Into<String>) -> MessageError {
        MessageError::Malformed {
            line: self.line(),
            problem: problem.into(),
        }
    }

    /// Goes into the body of a message whose namespace contains `message`.
    pub(super) fn open(
        &mut self,
        message: &str,
        body: &str,
        remedy: &str,
    ) -> Result<(), MessageError> {
        let Next::Begins(document) = self.next()? else {
            return Err(self.malformed("there is no element"));
        };
        let namespace = document.namespace.unwrap_or_default();
        if document.name != "Document" || !namespace.contains(message) {
            let name = document.name;
            let problem =
                format!("this is {name} of {namespace:?}, not a Document of {message}*: {remedy}");
            return Err(self.malformed(problem));
        }
        match self.next()? {
            Next::Begins(found) if found.name == body => Ok(()),
            _ => Err(self.malformed(format!("{body} is missing"))),
        }
    }

    /// The next element on this level, or the end of the one around it.
    pub(super) fn next(&mut self) -> Result<Next, MessageError> {
        loop {
            match self.event()? {
                Event::Start(start) => return self.begin(&start, false).map(Next::Begins),
                Event::Empty(start) => return self.begin(&start, true).map(Next::Begins),
                Event::End(_) => return Ok(Next::Ends),
                Event::Eof => return Err(self.malformed("the message ends in the middle")),
                _ => {}
            }
        }
    }

    /// Reads all that is in an element.
    pub(super) fn element(&mut self, begun: Begun) -> Result<Element, MessageError> {
        let mut left = ELEMENTS_MAX;
        self.inside(begun, 1, &mut left)
    }

    /// Passes over all that is in an element.
    pub(super) fn skip(&mut self, begun: &Begun) -> Result<(), MessageError> {
        let mut depth = usize::from(!begun.is_empty);
        while depth > 0 {
            match self.event()? {
                Event::Start(_) => depth += 1,
                Event::End(_) => depth -= 1,
                Event::Eof => return Err(self.malformed("the message ends in the middle")),
                _ => {}
            }
            if depth > DEPTH_MAX {
                return Err(
                    self.malformed(format!("more than {DEPTH_MAX} elements inside each other"))
                );
            }
        }
        Ok(())
    }

    fn inside(
        &mut self,
        begun: Begun,
        depth: usize,
        left: &mut usize,
    ) -> Result<Element, MessageError> {
        *left = left.checked_sub(1).ok_or_else(|| {
            self.malformed(format!("more than {ELEMENTS_MAX} elements in one part"))
        })?;
        if depth > DEPTH_MAX {
            return Err(self.malformed(format!("more than {DEPTH_MAX} elements inside each other")));
        }
        let mut element = Element {
            name: begun.name,
            line: begun.line,
            currency: begun.currency,
            ..Element::default()
        };
        if begun.is_empty {
            return Ok(element);
        }
        loop {
            match self.event()? {
                Event::Start(start) => {
                    let child = self.begin(&start, false)?;
                    element.children.push(self.inside(child, depth + 1, left)?);
                }
                Event::Empty(start) => {
                    let child = self.begin(&start, true)?;
                    element.children.push(self.inside(child, depth + 1, left)?);
                }
                Event::Text(text) => element.text.push_str(&text.xml10_content()),
                Event::CData(text) => element.text.push_str(&text.xml10_content()),
                Event::GeneralRef(reference) => element.text.push(self.resolve(&reference)?),
                Event::End(_) => break,
                Event::Eof => return Err(self.malformed("the message ends in the middle")),
                _ => {}
            }
            if element.text.len() > TEXT_MAX {
                return Err(self.malformed(format!("a text of more than {TEXT_MAX} bytes")));
            }
        }
        element.text = element.text.trim().to_owned();
        Ok(element)
    }

    fn event(&mut self) -> Result<Event<'a>, MessageError> {
        match self.reader.read_event() {
            // What is declared there could stand for anything, and for any amount of it.
            Ok(Event::DocType(_)) => Err(self.malformed("a DOCTYPE is not taken: leave it out")),
            Ok(event) => Ok(event),
            Err(error) => {
                let problem = error.to_string();
                Err(self.malformed(problem))
            }
        }
    }

    fn begin(&mut self, start: &BytesStart<'_>, is_empty: bool) -> Result<Begun, MessageError> {
        let prefix = start.name().prefix();
        let namespace = prefix.map_or("xmlns".to_owned(), |prefix| {
            format!("xmlns:{}", prefix.into_inner())
        });
        let mut begun = Begun {
            name: start.local_name().into_inner().to_owned(),
            namespace: None,
            currency: None,
            line: self.line(),
            is_empty,
        };
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|error| self.malformed(error.to_string()))?;
            let value = || attribute.normalized_value(XmlVersion::Implicit1_0);
            let value = value().map_err(|error| self.malformed(error.to_string()))?;
            match attribute.key.into_inner() {
                "Ccy" => begun.currency = Some(value.into_owned()),
                name if name == namespace => begun.namespace = Some(value.into_owned()),
                _ => {}
            }
        }
        Ok(begun)
    }

    fn resolve(&mut self, reference: &BytesRef<'_>) -> Result<char, MessageError> {
        let character = reference.resolve_char_ref().ok().flatten();
        let named = || match &*reference.xml10_content() {
            "lt" => Some('<'),
            "gt" => Some('>'),
            "amp" => Some('&'),
            "apos" => Some('\''),
            "quot" => Some('"'),
            _ => None,
        };
        character.or_else(named).ok_or_else(|| {
            let name = reference
                .xml10_content()
                .chars()
                .take(40)
                .collect::<String>();
            self.malformed(format!("&{name}; is not known"))
        })
    }
}

fn lines(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'\n').count()
}
