//! Operators, and what they stand between.

use super::{Deep, EXPRESSION_NESTING_MAX, Parser, Stop};
use crate::syntax::ast::{
    Binary, Cardinality, Expr, NumberLiteral, Paren, StringLiteral, Unary, VectorMatching,
};
use crate::syntax::number::{parse_duration, parse_number};
use crate::syntax::operator::{BinaryOp, UnaryOp};
use crate::syntax::span::Span;
use crate::syntax::text::unquote;
use crate::syntax::token::{Keyword, Kind};

/// `^` and tighter: what a sign stands before.
const POWER: u8 = 6;

impl Parser<'_> {
    /// An expression of operators that bind at least this tightly.
    pub(super) fn expression(&mut self, precedence_min: u8) -> Result<Deep, Stop> {
        self.open += 1;
        self.allow(self.open, EXPRESSION_NESTING_MAX, self.token().span)?;
        let parsed = self.operators(precedence_min);
        self.open -= 1;
        parsed
    }

    fn operators(&mut self, precedence_min: u8) -> Result<Deep, Stop> {
        let mut lhs = self.signed()?;
        loop {
            let Kind::Operator(op) = *self.kind() else {
                return Ok(lhs);
            };
            let precedence = op.precedence();
            if precedence < precedence_min {
                return Ok(lhs);
            }
            self.take();
            lhs = self.right_side(lhs, op, precedence)?;
        }
    }

    fn right_side(&mut self, lhs: Deep, op: BinaryOp, precedence: u8) -> Result<Deep, Stop> {
        let return_bool = self.take_keyword(Keyword::Bool);
        let matching = self.matching()?;
        // Only `^` groups from the right.
        let tighter = if op == BinaryOp::Pow {
            precedence
        } else {
            precedence + 1
        };
        let rhs = self.expression(tighter)?;
        let span = lhs.expr.span().to(rhs.expr.span());
        let fills = matching.fill_left.is_some() || matching.fill_right.is_some();
        if fills && !self.options.fill_modifiers {
            self.note(
                span,
                "binop fill modifiers are experimental and not enabled",
            );
        }
        let binary = Expr::Binary(Binary {
            op,
            lhs: Box::new(lhs.expr),
            rhs: Box::new(rhs.expr),
            return_bool,
            matching: Some(matching),
            span,
        });
        self.around(binary, &[lhs.depth, rhs.depth])
    }

    fn matching(&mut self) -> Result<VectorMatching, Stop> {
        let mut matching = VectorMatching {
            cardinality: Cardinality::OneToOne,
            on: false,
            labels: Vec::new(),
            include: Vec::new(),
            fill_left: None,
            fill_right: None,
        };
        matching.on = self.take_keyword(Keyword::On);
        if matching.on || self.take_keyword(Keyword::Ignoring) {
            matching.labels = self.label_names()?;
            self.grouping(&mut matching)?;
        }
        self.fills(&mut matching)?;
        Ok(matching)
    }

    fn grouping(&mut self, matching: &mut VectorMatching) -> Result<(), Stop> {
        matching.cardinality = if self.take_keyword(Keyword::GroupLeft) {
            Cardinality::ManyToOne
        } else if self.take_keyword(Keyword::GroupRight) {
            Cardinality::OneToMany
        } else {
            return Ok(());
        };
        if *self.kind() == Kind::LeftParen {
            matching.include = self.label_names()?;
        }
        Ok(())
    }

    fn fills(&mut self, matching: &mut VectorMatching) -> Result<(), Stop> {
        if self.take_keyword(Keyword::Fill) {
            let value = self.fill_value()?;
            matching.fill_left = Some(value);
            matching.fill_right = Some(value);
        } else if self.take_keyword(Keyword::FillLeft) {
            matching.fill_left = Some(self.fill_value()?);
            if self.take_keyword(Keyword::FillRight) {
                matching.fill_right = Some(self.fill_value()?);
            }
        } else if self.take_keyword(Keyword::FillRight) {
            matching.fill_right = Some(self.fill_value()?);
            if self.take_keyword(Keyword::FillLeft) {
                matching.fill_left = Some(self.fill_value()?);
            }
        }
        Ok(())
    }

    fn fill_value(&mut self) -> Result<f64, Stop> {
        self.want(&Kind::LeftParen, "", "")?;
        let sign = self.sign();
        let Some(literal) = self.number_literal() else {
            return self.unexpected("", "");
        };
        self.want(&Kind::RightParen, "", "")?;
        Ok(match sign {
            Some((UnaryOp::Minus, _)) => -literal.value,
            _ => literal.value,
        })
    }

    /// Takes a `+` or `-`.
    pub(super) fn sign(&mut self) -> Option<(UnaryOp, Span)> {
        let op = match self.kind() {
            Kind::Operator(BinaryOp::Add) => UnaryOp::Plus,
            Kind::Operator(BinaryOp::Sub) => UnaryOp::Minus,
            _ => return None,
        };
        Some((op, self.take()))
    }

    fn signed(&mut self) -> Result<Deep, Stop> {
        let Some((op, sign)) = self.sign() else {
            let operand = self.operand()?;
            return self.modifiers(operand);
        };
        // A sign binds as tightly as `*`: -2^2 is -4, and -2*3 is (-2)*3.
        let operand = self.expression(POWER)?;
        let span = sign.to(operand.expr.span());
        match operand.expr {
            Expr::Number(literal) => {
                let negative = op == UnaryOp::Minus;
                let value = if negative {
                    -literal.value
                } else {
                    literal.value
                };
                let literal = NumberLiteral {
                    value,
                    span,
                    ..literal
                };
                Ok(Expr::Number(literal).into())
            }
            expr => {
                let expr = Box::new(expr);
                self.around(Expr::Unary(Unary { op, expr, span }), &[operand.depth])
            }
        }
    }

    fn operand(&mut self) -> Result<Deep, Stop> {
        let before_paren = *self.kind_after() == Kind::LeftParen;
        match self.kind() {
            Kind::Number | Kind::Duration => {
                let span = self.token().span;
                let literal = self.number_literal().map(Expr::Number);
                Ok(literal.unwrap_or_else(|| Self::placeholder(span)).into())
            }
            Kind::String => {
                let span = self.take();
                let bytes = unquote(self.written(span));
                Ok(Expr::String(StringLiteral { bytes, span }).into())
            }
            Kind::LeftParen => self.parens(),
            Kind::Aggregate(op) if self.begins_aggregation() => {
                let op = *op;
                self.aggregation(op)
            }
            Kind::Identifier if before_paren => self.call(),
            Kind::Keyword(keyword) if keyword.is_function() && before_paren => self.call(),
            Kind::LeftBrace => self.selector(),
            _ if self.token().is_metric_name() => self.selector(),
            _ => self.unexpected("", ""),
        }
    }

    fn parens(&mut self) -> Result<Deep, Stop> {
        let left = self.take();
        let inner = self.expression(0)?;
        let right = self.want(&Kind::RightParen, "", "")?;
        let paren = Expr::Paren(Paren {
            expr: Box::new(inner.expr),
            span: left.to(right),
        });
        self.around(paren, &[inner.depth])
    }

    fn selector(&mut self) -> Result<Deep, Stop> {
        Ok(Expr::Vector(self.vector_selector()?).into())
    }

    /// Takes a number or a duration; one that is wrong is noted and counts as 0.
    pub(super) fn number_literal(&mut self) -> Option<NumberLiteral> {
        let is_duration = match self.kind() {
            Kind::Number => false,
            Kind::Duration => true,
            _ => return None,
        };
        let span = self.take();
        let written = self.written(span);
        let value = match is_duration {
            false => parse_number(written),
            true => parse_duration(written).map(|ms| ms as f64 / 1000.0),
        };
        let value = value.unwrap_or_else(|message| {
            self.note(span, message);
            0.0
        });
        Some(NumberLiteral {
            value,
            is_duration,
            span,
        })
    }
}
