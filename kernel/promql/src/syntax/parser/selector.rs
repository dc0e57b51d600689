//! What selects series.

use portique_series::{METRIC_NAME, MatchOp, Matcher};

use super::{Parser, Stop};
use crate::syntax::ast::VectorSelector;
use crate::syntax::operator::BinaryOp;
use crate::syntax::span::Span;
use crate::syntax::text::{quote, unquote};
use crate::syntax::token::Kind;

const CONTEXT: &str = "label matching";

impl Parser<'_> {
    /// A name, matchers in braces, or both.
    pub(super) fn vector_selector(&mut self) -> Result<VectorSelector, Stop> {
        let mut span = self.token().span;
        let mut name = None;
        if self.token().is_metric_name() {
            let name_span = self.take();
            name = Some(self.written(name_span).to_owned());
        } else if *self.kind() != Kind::LeftBrace {
            return self.unexpected("", "");
        }
        let mut matchers = Vec::new();
        if let Some(left) = self.take_if(&Kind::LeftBrace) {
            span = span.to(self.matchers(&mut matchers)?);
            span.start = span.start.min(left.start);
        }
        if let Some(name) = &name {
            matchers.push(Matcher::equal(METRIC_NAME, name));
        }
        Ok(VectorSelector {
            name,
            matchers,
            offset: None,
            at: None,
            extension: None,
            span,
        })
    }

    /// What is between braces; where the right one is.
    fn matchers(&mut self, matchers: &mut Vec<Matcher>) -> Result<Span, Stop> {
        if let Some(right) = self.take_if(&Kind::RightBrace) {
            return Ok(right);
        }
        loop {
            matchers.extend(self.matcher()?);
            if let Some(right) = self.take_if(&Kind::RightBrace) {
                return Ok(right);
            }
            self.want(&Kind::Comma, CONTEXT, "\",\" or \"}\"")?;
            if let Some(right) = self.take_if(&Kind::RightBrace) {
                return Ok(right);
            }
        }
    }

    /// One condition; nothing when it is wrong in itself.
    fn matcher(&mut self) -> Result<Option<Matcher>, Stop> {
        let quoted = *self.kind() == Kind::String;
        if !quoted && *self.kind() != Kind::Identifier {
            return self.unexpected(CONTEXT, "identifier or \"}\"");
        }
        let name_span = self.take();
        let Some(name) = self.matcher_text(name_span, quoted) else {
            return self.skip_condition();
        };
        let Some(op) = self.match_op() else {
            return match quoted {
                true => Ok(Some(Matcher::equal(METRIC_NAME, &name))),
                false => self.unexpected(CONTEXT, "label matching operator"),
            };
        };
        let value_span = self.want(&Kind::String, CONTEXT, "string")?;
        let Some(value) = self.matcher_text(value_span, true) else {
            return Ok(None);
        };
        let matcher = Matcher::new(&name, op, &value);
        Ok(matcher
            .map_err(|error| self.note(name_span.to(value_span), bad_pattern(&value, &error)))
            .ok())
    }

    /// Takes the rest of a condition whose name is wrong.
    fn skip_condition(&mut self) -> Result<Option<Matcher>, Stop> {
        if self.match_op().is_some() {
            self.want(&Kind::String, CONTEXT, "string")?;
        }
        Ok(None)
    }

    /// The text at a place; labels hold text only, so bytes that are none are noted.
    fn matcher_text(&mut self, span: Span, quoted: bool) -> Option<String> {
        let written = self.written(span);
        if !quoted {
            return Some(written.to_owned());
        }
        let text = String::from_utf8(unquote(written));
        text.map_err(|error| {
            let shown = quote(error.as_bytes());
            self.note(
                span,
                format!("label matching needs valid UTF-8, got {shown}"),
            );
        })
        .ok()
    }

    fn match_op(&mut self) -> Option<MatchOp> {
        let op = match self.kind() {
            Kind::Assign => MatchOp::Equal,
            Kind::Operator(BinaryOp::NotEqual) => MatchOp::NotEqual,
            Kind::MatchRegex => MatchOp::Regex,
            Kind::MatchNotRegex => MatchOp::NotRegex,
            _ => return None,
        };
        self.take();
        Some(op)
    }
}

fn bad_pattern(pattern: &str, error: &portique_series::Error) -> String {
    let reason = match error {
        portique_series::Error::BadPattern { reason, .. } => reason.as_str(),
        _ => "it cannot be compiled",
    };
    // The parser's message shows the pattern first and says what is wrong in its last line.
    let reason = reason.lines().last().unwrap_or(reason);
    let reason = reason.strip_prefix("error: ").unwrap_or(reason);
    format!("error parsing regexp: {reason}: `{pattern}`")
}
