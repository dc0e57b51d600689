//! What a reader left out, and why.

use std::fmt;

use portique_series::LabelsFault;

/// So many rejections of one body are kept with their text; all of them are counted.
pub const REJECTIONS_KEPT_MAX: usize = 20;
/// So much of a bad line goes into its rejection: enough to find it, too little to fill a memory.
const EXCERPT_CHARS_MAX: usize = 120;
/// Enough labels to find a series by.
const EXCERPT_LABELS_MAX: usize = 8;

/// Where in a body something bad was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A line, counted from 1.
    Line(u64),
    /// A series of a message, counted from 1.
    Series(u64),
    /// A metric of a message, counted from 1.
    Metric(u64),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(number) => write!(f, "line {number}"),
            Self::Series(number) => write!(f, "series {number}"),
            Self::Metric(number) => write!(f, "metric {number}"),
        }
    }
}

/// Why something was left out, in words that make a metric's label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The bytes are not UTF-8.
    NotUtf8,
    /// A line does not follow its format's grammar.
    Syntax,
    /// A line ends with a carriage return.
    CarriageReturn,
    /// A line is longer than a reader accepts.
    LineTooLong,
    /// A series without a metric name.
    NoName,
    /// Labels that no series can have.
    BadLabels,
    /// A value that is no number.
    BadValue,
    /// A timestamp that is none, or out of range.
    BadTimestamp,
    /// A native histogram whose parts do not fit together.
    BadHistogram,
    /// An exemplar that cannot be kept; the sample was.
    BadExemplar,
    /// A HELP, TYPE or UNIT that is none.
    BadMetadata,
    /// A reference to a symbol that is not in the table.
    BadSymbol,
    /// Something after the end that the format marks.
    AfterEnd,
    /// The end that the format marks is not there: the body may have been cut.
    NoEnd,
    /// Counts since the last report rather than since the start.
    Delta,
    /// A part of the format that is not supported.
    Unsupported,
}

impl Reason {
    /// All of them, in the order of their counts.
    pub const ALL: [Self; 16] = [
        Self::NotUtf8,
        Self::Syntax,
        Self::CarriageReturn,
        Self::LineTooLong,
        Self::NoName,
        Self::BadLabels,
        Self::BadValue,
        Self::BadTimestamp,
        Self::BadHistogram,
        Self::BadExemplar,
        Self::BadMetadata,
        Self::BadSymbol,
        Self::AfterEnd,
        Self::NoEnd,
        Self::Delta,
        Self::Unsupported,
    ];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotUtf8 => "not_utf8",
            Self::Syntax => "syntax",
            Self::CarriageReturn => "carriage_return",
            Self::LineTooLong => "line_too_long",
            Self::NoName => "no_name",
            Self::BadLabels => "bad_labels",
            Self::BadValue => "bad_value",
            Self::BadTimestamp => "bad_timestamp",
            Self::BadHistogram => "bad_histogram",
            Self::BadExemplar => "bad_exemplar",
            Self::BadMetadata => "bad_metadata",
            Self::BadSymbol => "bad_symbol",
            Self::AfterEnd => "after_end",
            Self::NoEnd => "no_end",
            Self::Delta => "delta",
            Self::Unsupported => "unsupported",
        }
    }
}

/// One thing that was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// Where it was.
    pub place: Place,
    /// Why, as a word.
    pub reason: Reason,
    /// What is wrong and what would be right.
    pub detail: String,
    /// The line, or the series' labels, cut to their beginning; bytes that are not UTF-8 are replaced.
    pub excerpt: String,
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.detail)?;
        if !self.excerpt.is_empty() {
            write!(f, ": {:?}", self.excerpt)?;
        }
        Ok(())
    }
}

/// What the readers of one body, or of one connection, left out: all counted, the first few kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rejections {
    kept: Vec<Rejection>,
    counts: [u64; Reason::ALL.len()],
}

impl Rejections {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The first [`REJECTIONS_KEPT_MAX`], in the order they came.
    pub fn kept(&self) -> &[Rejection] {
        &self.kept
    }

    /// How many there were, kept or not.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Whether there was none.
    pub fn is_empty(&self) -> bool {
        self.total() == 0
    }

    /// How many there were for a reason.
    pub fn count(&self, reason: Reason) -> u64 {
        self.counts[reason as usize]
    }

    /// The reasons that occurred, with how often.
    pub fn counts(&self) -> impl Iterator<Item = (Reason, u64)> + '_ {
        let all = Reason::ALL.into_iter().zip(self.counts);
        all.filter(|(_, count)| *count > 0)
    }

    /// Forgets everything and keeps the room.
    pub fn clear(&mut self) {
        self.kept.clear();
        self.counts = Default::default();
    }

    /// Counts what a reader outside of this crate leaves out, and keeps it while there is room.
    pub fn reject(&mut self, place: Place, reason: Reason, detail: impl Into<String>) {
        self.add(place, Bad::new(reason, detail), b"");
    }

    /// Counts one, and keeps it while there is room.
    pub(crate) fn add(&mut self, place: Place, bad: Bad, excerpt: &[u8]) {
        self.add_with(place, bad, || cut(excerpt));
    }

    /// The same with an excerpt of labels, which is made only when it is kept.
    pub(crate) fn add_series<'a>(
        &mut self,
        place: Place,
        bad: Bad,
        labels: impl Iterator<Item = (&'a [u8], &'a [u8])>,
    ) {
        self.add_with(place, bad, || {
            let mut text = String::new();
            for (name, value) in labels.take(EXCERPT_LABELS_MAX) {
                let comma = if text.is_empty() { "" } else { "," };
                text.extend([comma, &cut(name), "=", &cut(value)]);
            }
            cut(text.as_bytes())
        });
    }

    fn add_with(&mut self, place: Place, bad: Bad, excerpt: impl FnOnce() -> String) {
        self.counts[bad.reason as usize] += 1;
        if self.kept.len() < REJECTIONS_KEPT_MAX {
            self.kept.push(Rejection {
                place,
                reason: bad.reason,
                detail: bad.detail,
                excerpt: excerpt(),
            });
        }
    }
}

/// Why one line or series is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bad {
    pub(crate) reason: Reason,
    pub(crate) detail: String,
}

impl Bad {
    pub(crate) fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self {
            reason,
            detail: detail.into(),
        }
    }
}

impl From<LabelsFault> for Bad {
    fn from(fault: LabelsFault) -> Self {
        Self::new(Reason::BadLabels, fault.to_string())
    }
}

fn cut(bytes: &[u8]) -> String {
    // A char takes at most four bytes.
    let bytes = &bytes[..bytes.len().min(EXCERPT_CHARS_MAX * 4)];
    let text = String::from_utf8_lossy(bytes);
    text.chars().take(EXCERPT_CHARS_MAX).collect()
}
