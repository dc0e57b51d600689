//! What follows a selector: ranges, `offset`, `@`, `anchored`, `smoothed`.

use super::{Deep, Parser, Stop};
use crate::syntax::ast::{At, Expr, Extension, MatrixSelector, Subquery, VectorSelector};
use crate::syntax::duration::DurationExpr;
use crate::syntax::operator::UnaryOp;
use crate::syntax::span::Span;
use crate::syntax::token::{Keyword, Kind};

/// What a modifier stands after.
enum Modified<'e> {
    Selector(&'e mut VectorSelector),
    /// The range's end moves, the selector's within does not.
    Range(&'e mut VectorSelector, &'e mut Span),
    Subquery(&'e mut Subquery),
}

impl<'e> Modified<'e> {
    fn of(expr: &'e mut Expr) -> Option<Self> {
        match expr {
            Expr::Vector(selector) => Some(Self::Selector(selector)),
            Expr::Matrix(matrix) => Some(Self::Range(&mut matrix.selector, &mut matrix.span)),
            Expr::Subquery(subquery) => Some(Self::Subquery(subquery)),
            _ => None,
        }
    }

    fn offset_and_at(
        self,
    ) -> (
        &'e mut Option<DurationExpr>,
        &'e mut Option<At>,
        &'e mut Span,
    ) {
        match self {
            Self::Selector(s) => (&mut s.offset, &mut s.at, &mut s.span),
            Self::Range(s, span) => (&mut s.offset, &mut s.at, span),
            Self::Subquery(s) => (&mut s.offset, &mut s.at, &mut s.span),
        }
    }
}

impl Parser<'_> {
    /// Everything that follows an operand.
    pub(super) fn modifiers(&mut self, mut operand: Deep) -> Result<Deep, Stop> {
        loop {
            match self.kind() {
                Kind::LeftBracket => operand = self.brackets(operand)?,
                Kind::At => self.at(&mut operand.expr)?,
                Kind::Keyword(Keyword::Offset) => self.offset(&mut operand.expr)?,
                Kind::Keyword(Keyword::Anchored) => {
                    self.extension(&mut operand.expr, Extension::Anchored);
                }
                Kind::Keyword(Keyword::Smoothed) => {
                    self.extension(&mut operand.expr, Extension::Smoothed);
                }
                _ => return Ok(operand),
            }
        }
    }

    fn brackets(&mut self, operand: Deep) -> Result<Deep, Stop> {
        let left = self.take();
        let range = self.length("subquery or range selector")?;
        if self.take_if(&Kind::Colon).is_none() {
            let right = self.want(&Kind::RightBracket, "subquery or range", "\":\" or \"]\"")?;
            return self.range(operand, range, left.to(right));
        }
        let context = "subquery selector";
        let mut step = None;
        if *self.kind() != Kind::RightBracket {
            if !self.begins_duration() {
                let expected = "number, duration, step(), range(), or \"]\"";
                return self.unexpected(context, expected);
            }
            step = Some(self.length("subquery or range selector")?);
        }
        let right = self.want(&Kind::RightBracket, context, "\"]\"")?;
        let span = operand.expr.span().to(right);
        let subquery = Expr::Subquery(Subquery {
            expr: Box::new(operand.expr),
            range,
            step,
            offset: None,
            at: None,
            span,
        });
        self.around(subquery, &[operand.depth])
    }

    fn range(&mut self, operand: Deep, range: DurationExpr, span: Span) -> Result<Deep, Stop> {
        let problem = match &operand.expr {
            Expr::Vector(selector) if selector.offset.is_some() => {
                "no offset modifiers allowed before range"
            }
            Expr::Vector(selector) if selector.at.is_some() => {
                "no @ modifiers allowed before range"
            }
            Expr::Vector(_) => "",
            _ => "ranges only allowed for vector selectors",
        };
        if !problem.is_empty() {
            self.note(span, problem);
        }
        match operand.expr {
            Expr::Vector(selector) => {
                let span = selector.span.to(span);
                Ok(Expr::Matrix(MatrixSelector {
                    selector,
                    range,
                    span,
                })
                .into())
            }
            expr => Ok(Deep { expr, ..operand }),
        }
    }

    fn offset(&mut self, expr: &mut Expr) -> Result<(), Stop> {
        self.take();
        let duration = self.shift()?;
        let end = duration.span().end;
        let before = expr.span();
        let Some(modified) = Modified::of(expr) else {
            self.note(before, misplaced("offset"));
            return Ok(());
        };
        let (offset, _, span) = modified.offset_and_at();
        if offset.is_some() {
            self.note(before, "offset may not be set multiple times");
            return Ok(());
        }
        // No shift is the same as none written.
        let is_zero = matches!(duration, DurationExpr::Literal { seconds: 0.0, .. });
        *offset = (!is_zero).then_some(duration);
        span.end = end;
        Ok(())
    }

    fn at(&mut self, expr: &mut Expr) -> Result<(), Stop> {
        self.take();
        let before = expr.span();
        let (time, end) = self.at_time(before)?;
        let Some(modified) = Modified::of(expr) else {
            self.note(before, misplaced("@"));
            return Ok(());
        };
        let (_, at, span) = modified.offset_and_at();
        if at.is_some() {
            self.note(before, "@ <timestamp> may not be set multiple times");
            return Ok(());
        }
        *at = Some(time);
        span.end = end;
        Ok(())
    }

    /// The time after an `@`, and where it ends.
    fn at_time(&mut self, before: Span) -> Result<(At, usize), Stop> {
        const EXPECTED: (&str, &str) = ("@", "timestamp");
        for (keyword, at) in [(Keyword::Start, At::Start), (Keyword::End, At::End)] {
            if self.take_keyword(keyword) {
                self.want(&Kind::LeftParen, EXPECTED.0, EXPECTED.1)?;
                let right = self.want(&Kind::RightParen, EXPECTED.0, EXPECTED.1)?;
                return Ok((at, right.end));
            }
        }
        let sign = self.sign();
        let Some(literal) = self.number_literal() else {
            return self.unexpected(EXPECTED.0, EXPECTED.1);
        };
        let seconds = match sign {
            Some((UnaryOp::Minus, _)) => -literal.value,
            _ => literal.value,
        };
        let timestamp_ms = (seconds * 1000.0).round();
        // Beyond this the milliseconds do not fit into 64 bits.
        let is_bounded = timestamp_ms.abs() < i64::MAX as f64;
        if !is_bounded {
            let message = format!("timestamp out of bounds for @ modifier: {seconds:.6}");
            self.note(
                before,
                message.replace("inf", "Inf").replace(": Inf", ": +Inf"),
            );
        }
        Ok((At::Timestamp(timestamp_ms as i64), literal.span.end))
    }

    fn extension(&mut self, expr: &mut Expr, extension: Extension) {
        self.take();
        let name = extension.as_str();
        let span = expr.span();
        if !self.options.extended_range_selectors {
            self.note(
                span,
                format!("{name} modifier is experimental and not enabled"),
            );
            return;
        }
        let selector = match Modified::of(expr) {
            Some(Modified::Selector(selector) | Modified::Range(selector, _)) => selector,
            Some(Modified::Subquery(_)) => {
                self.note(
                    span,
                    format!("{name} modifier is not supported for subqueries"),
                );
                return;
            }
            None => {
                self.note(span, format!("{name} modifier not implemented"));
                return;
            }
        };
        if selector.extension.is_some_and(|other| other != extension) {
            let message = "anchored and smoothed modifiers cannot be used together";
            self.note(span, message);
            return;
        }
        selector.extension = Some(extension);
    }
}

fn misplaced(modifier: &str) -> String {
    let places = "an instant vector selector or range vector selector or a subquery";
    format!("{modifier} modifier must be preceded by {places}")
}
