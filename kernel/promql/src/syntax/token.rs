//! The words of the language.

use super::operator::{AggregateOp, BinaryOp};
use super::span::Span;
use super::text::{clip, quote};

/// What a word is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// The end of the input.
    End,
    /// The input cannot be read on, and why.
    Error(String),
    /// `,`
    Comma,
    /// `:`
    Colon,
    /// `(`
    LeftParen,
    /// `)`
    RightParen,
    /// `{`
    LeftBrace,
    /// `}`
    RightBrace,
    /// `[`
    LeftBracket,
    /// `]`
    RightBracket,
    /// `=`
    Assign,
    /// `=~`
    MatchRegex,
    /// `!~`
    MatchNotRegex,
    /// `@`
    At,
    /// An operator between expressions; `!=` is in matchers too.
    Operator(BinaryOp),
    /// `sum` and the like.
    Aggregate(AggregateOp),
    /// A word with a meaning of its own.
    Keyword(Keyword),
    /// A name without colons.
    Identifier,
    /// A name with colons.
    MetricIdentifier,
    /// `1.5`, `inf`.
    Number,
    /// `5m`.
    Duration,
    /// A quoted text.
    String,
}

/// A word that has a meaning in some places and is a name in others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keyword {
    Anchored,
    Bool,
    By,
    End,
    Fill,
    FillLeft,
    FillRight,
    GroupLeft,
    GroupRight,
    Ignoring,
    MaxOf,
    MinOf,
    Offset,
    On,
    Range,
    Smoothed,
    Start,
    Step,
    Without,
}

impl Keyword {
    /// Those that are functions when a parenthesis follows; messages quote them like punctuation.
    pub(super) fn is_function(self) -> bool {
        use Keyword::{End, MaxOf, MinOf, Range, Start, Step};
        matches!(self, End | MaxOf | MinOf | Range | Start | Step)
    }

    fn is_fill(self) -> bool {
        matches!(self, Self::Fill | Self::FillLeft | Self::FillRight)
    }
}

/// A word and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) span: Span,
}

/// Messages show this many characters of a long text.
const SHOWN_CHARS_MAX: usize = 10;

impl Token {
    /// As error messages name it.
    pub(super) fn describe(&self, text: &str) -> String {
        let written = text.get(self.span.start..self.span.end).unwrap_or("");
        let shown = || quote_clipped(written);
        match &self.kind {
            Kind::End => "end of input".to_owned(),
            Kind::Error(reason) => reason.clone(),
            Kind::At | Kind::MatchRegex | Kind::MatchNotRegex | Kind::Operator(_) => {
                format!("<op:{written}>")
            }
            Kind::Aggregate(_) => format!("<aggr:{written}>"),
            Kind::Keyword(keyword) if !keyword.is_function() => format!("<{written}>"),
            Kind::Identifier => format!("identifier {}", quote(written.as_bytes())),
            Kind::MetricIdentifier => format!("metric identifier {}", quote(written.as_bytes())),
            Kind::Number => format!("number {}", shown()),
            Kind::Duration => format!("duration {}", shown()),
            Kind::String => format!("string {}", shown()),
            _ => quote(written.as_bytes()),
        }
    }

    /// Whether it can be a metric's name.
    pub(super) fn is_metric_name(&self) -> bool {
        use Keyword::{Bool, GroupLeft, GroupRight, Ignoring, On};
        match &self.kind {
            Kind::Identifier | Kind::MetricIdentifier | Kind::Aggregate(_) => true,
            Kind::Operator(op) => op.is_set(),
            Kind::Keyword(keyword) => {
                !matches!(keyword, Bool | GroupLeft | GroupRight | Ignoring | On)
            }
            _ => false,
        }
    }

    /// Whether it can be a label's name in a list in parentheses.
    pub(super) fn is_label_name(&self) -> bool {
        match &self.kind {
            Kind::Identifier | Kind::MetricIdentifier | Kind::Aggregate(_) => true,
            Kind::Operator(op) => op.is_set() || *op == BinaryOp::Atan2,
            Kind::Keyword(keyword) => *keyword != Keyword::Without,
            _ => false,
        }
    }
}

fn quote_clipped(written: &str) -> String {
    let clipped = clip(written, SHOWN_CHARS_MAX);
    let dots = if clipped.len() < written.len() {
        "..."
    } else {
        ""
    };
    format!("{}{dots}", quote(clipped.as_bytes()))
}

/// What a word outside braces and brackets is; `before_paren` says whether a `(` follows.
pub(super) fn word_kind(word: &str, before_paren: bool) -> Kind {
    let lower = word.to_ascii_lowercase();
    let known = keyword(&lower)
        .map(Kind::Keyword)
        .or_else(|| symbol(&lower));
    match known {
        // Metrics of these names are older than the modifiers.
        Some(Kind::Keyword(keyword)) if keyword.is_fill() && !before_paren => Kind::Identifier,
        Some(kind) => kind,
        None if word.contains(':') => Kind::MetricIdentifier,
        None => Kind::Identifier,
    }
}

fn symbol(word: &str) -> Option<Kind> {
    let aggregate = AggregateOp::ALL.into_iter().find(|op| op.as_str() == word);
    if let Some(op) = aggregate {
        return Some(Kind::Aggregate(op));
    }
    match word {
        "and" => Some(Kind::Operator(BinaryOp::And)),
        "or" => Some(Kind::Operator(BinaryOp::Or)),
        "unless" => Some(Kind::Operator(BinaryOp::Unless)),
        "atan2" => Some(Kind::Operator(BinaryOp::Atan2)),
        "inf" | "nan" => Some(Kind::Number),
        _ => None,
    }
}

fn keyword(word: &str) -> Option<Keyword> {
    Some(match word {
        "anchored" => Keyword::Anchored,
        "bool" => Keyword::Bool,
        "by" => Keyword::By,
        "end" => Keyword::End,
        "fill" => Keyword::Fill,
        "fill_left" => Keyword::FillLeft,
        "fill_right" => Keyword::FillRight,
        "group_left" => Keyword::GroupLeft,
        "group_right" => Keyword::GroupRight,
        "ignoring" => Keyword::Ignoring,
        "max_of" => Keyword::MaxOf,
        "min_of" => Keyword::MinOf,
        "offset" => Keyword::Offset,
        "on" => Keyword::On,
        "range" => Keyword::Range,
        "smoothed" => Keyword::Smoothed,
        "start" => Keyword::Start,
        "step" => Keyword::Step,
        "without" => Keyword::Without,
        _ => return None,
    })
}
