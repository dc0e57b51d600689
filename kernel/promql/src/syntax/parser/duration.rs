//! Durations in brackets and after `offset`.

use super::{EXPRESSION_NESTING_MAX, Parser, Stop};
use crate::syntax::duration::{DurationExpr, DurationOp, QueryDuration, SECONDS_MAX};
use crate::syntax::operator::{BinaryOp, UnaryOp};
use crate::syntax::span::Span;
use crate::syntax::token::{Keyword, Kind};

const EXPECTED: &str = "number, duration, step(), or range()";
/// Loosest of the operators that durations know.
const SUM: u8 = 4;
const POWER: u8 = 6;

impl Parser<'_> {
    /// A range or step: any arithmetic, above 0 as far as that can be seen now.
    pub(super) fn length(&mut self, context: &str) -> Result<DurationExpr, Stop> {
        self.duration_parts = 0;
        let length = self.duration(SUM, context)?;
        if let DurationExpr::Literal { seconds, span, .. } = length
            && seconds <= 0.0
        {
            self.note(span, "duration must be greater than 0");
        }
        Ok(length)
    }

    /// What follows `offset`: arithmetic only in parentheses, because operators after it are the
    /// expression's.
    pub(super) fn shift(&mut self) -> Result<DurationExpr, Stop> {
        const CONTEXT: &str = "offset";
        self.duration_parts = 0;
        match self.sign() {
            Some((op, sign)) => {
                let operand = self.duration_operand(CONTEXT)?;
                Ok(self.with_sign(op, sign, operand))
            }
            None => self.duration_operand(CONTEXT),
        }
    }

    /// Whether a duration may begin here.
    pub(super) fn begins_duration(&self) -> bool {
        match self.kind() {
            Kind::Number | Kind::Duration | Kind::LeftParen => true,
            Kind::Operator(op) => matches!(op, BinaryOp::Add | BinaryOp::Sub),
            Kind::Keyword(keyword) => keyword.is_function(),
            _ => false,
        }
    }

    fn duration(&mut self, precedence_min: u8, context: &str) -> Result<DurationExpr, Stop> {
        self.count_duration()?;
        let mut lhs = match self.sign() {
            Some((op, sign)) => {
                let operand = self.duration(POWER, context)?;
                self.with_sign(op, sign, operand)
            }
            None => self.duration_operand(context)?,
        };
        while let Some((op, precedence)) = self.duration_op(precedence_min) {
            self.count_duration()?;
            let op_span = self.take();
            let tighter = if op == DurationOp::Pow {
                precedence
            } else {
                precedence + 1
            };
            let rhs = self.duration(tighter, context)?;
            lhs = self.duration_of(op, op_span, lhs, rhs);
        }
        Ok(lhs)
    }

    /// A duration may have as many parts as an expression may be nested, so that it is never too deep.
    fn count_duration(&mut self) -> Result<(), Stop> {
        self.duration_parts += 1;
        let span = self.token().span;
        self.allow(self.duration_parts, EXPRESSION_NESTING_MAX, span)
    }

    fn duration_op(&self, precedence_min: u8) -> Option<(DurationOp, u8)> {
        let Kind::Operator(written) = *self.kind() else {
            return None;
        };
        let op = match written {
            BinaryOp::Add => DurationOp::Add,
            BinaryOp::Sub => DurationOp::Sub,
            BinaryOp::Mul => DurationOp::Mul,
            BinaryOp::Div => DurationOp::Div,
            BinaryOp::Mod => DurationOp::Mod,
            BinaryOp::Pow => DurationOp::Pow,
            _ => return None,
        };
        let precedence = written.precedence();
        (precedence >= precedence_min).then_some((op, precedence))
    }

    fn duration_of(
        &mut self,
        op: DurationOp,
        op_span: Span,
        lhs: DurationExpr,
        rhs: DurationExpr,
    ) -> DurationExpr {
        let by_zero = matches!(rhs, DurationExpr::Literal { seconds: 0.0, .. });
        match op {
            DurationOp::Div if by_zero => self.note(op_span, "division by zero"),
            DurationOp::Mod if by_zero => self.note(op_span, "modulo by zero"),
            _ => {}
        }
        DurationExpr::Binary {
            op,
            span: lhs.span().to(rhs.span()),
            lhs: Box::new(lhs),
            rhs: Box::new(rhs),
        }
    }

    /// A literal takes the sign into its number.
    fn with_sign(&mut self, op: UnaryOp, sign: Span, operand: DurationExpr) -> DurationExpr {
        let span = sign.to(operand.span());
        match (op, operand) {
            (
                UnaryOp::Minus,
                DurationExpr::Literal {
                    seconds,
                    is_duration,
                    ..
                },
            ) => DurationExpr::Literal {
                seconds: -seconds,
                is_duration,
                span,
            },
            (UnaryOp::Minus, operand) => DurationExpr::Negative {
                operand: Box::new(operand),
                span,
            },
            (UnaryOp::Plus, operand) => operand,
        }
    }

    fn duration_operand(&mut self, context: &str) -> Result<DurationExpr, Stop> {
        if let Some(literal) = self.number_literal() {
            let (mut seconds, span) = (literal.value, literal.span);
            if !(-SECONDS_MAX..=SECONDS_MAX).contains(&seconds) {
                self.note(span, "duration out of range");
                // Something in range, so that it is not said twice.
                seconds = 1.0;
            }
            let is_duration = literal.is_duration;
            return Ok(DurationExpr::Literal {
                seconds,
                is_duration,
                span,
            });
        }
        match *self.kind() {
            Kind::Keyword(Keyword::Step) => self.query_duration(QueryDuration::Step, context),
            Kind::Keyword(Keyword::Range) => self.query_duration(QueryDuration::Range, context),
            Kind::Keyword(Keyword::MinOf) => self.of_two(DurationOp::Min, context),
            Kind::Keyword(Keyword::MaxOf) => self.of_two(DurationOp::Max, context),
            Kind::LeftParen => {
                let left = self.take();
                let operand = Box::new(self.duration(SUM, context)?);
                let right = self.want(&Kind::RightParen, context, EXPECTED)?;
                let span = left.to(right);
                Ok(DurationExpr::Paren { operand, span })
            }
            _ => self.unexpected(context, EXPECTED),
        }
    }

    fn query_duration(
        &mut self,
        quantity: QueryDuration,
        context: &str,
    ) -> Result<DurationExpr, Stop> {
        let name = self.take();
        self.want(&Kind::LeftParen, context, EXPECTED)?;
        let right = self.want(&Kind::RightParen, context, EXPECTED)?;
        let span = name.to(right);
        Ok(DurationExpr::Query { quantity, span })
    }

    fn of_two(&mut self, op: DurationOp, context: &str) -> Result<DurationExpr, Stop> {
        let name = self.take();
        self.want(&Kind::LeftParen, context, EXPECTED)?;
        let lhs = Box::new(self.duration(SUM, context)?);
        self.want(&Kind::Comma, context, EXPECTED)?;
        let rhs = Box::new(self.duration(SUM, context)?);
        let right = self.want(&Kind::RightParen, context, EXPECTED)?;
        let span = name.to(right);
        Ok(DurationExpr::Binary { op, lhs, rhs, span })
    }
}
