//! Calls and aggregations.

use super::{Deep, Parser, Stop};
use crate::syntax::ast::{Aggregate, Call, Expr};
use crate::syntax::function::Function;
use crate::syntax::operator::AggregateOp;
use crate::syntax::span::Span;
use crate::syntax::text::{quote, unquote};
use crate::syntax::token::{Keyword, Kind};

impl Parser<'_> {
    /// A call; a name and a `(` are next.
    pub(super) fn call(&mut self) -> Result<Deep, Stop> {
        let name_span = self.take();
        let name = self.written(name_span);
        let (args, right) = self.arguments()?;
        let span = name_span.to(right);
        let quoted = quote(name.as_bytes());
        let Some(function) = Function::named(name) else {
            self.note(name_span, format!("unknown function with name {quoted}"));
            return Ok(Self::placeholder(span).into());
        };
        if function.signature().experimental && !self.options.experimental_functions {
            self.note(name_span, format!("function {quoted} is not enabled"));
        }
        let (args, depths): (Vec<_>, Vec<_>) =
            args.into_iter().map(|arg| (arg.expr, arg.depth)).unzip();
        let call = Expr::Call(Call {
            function,
            args,
            span,
        });
        self.around(call, &depths)
    }

    /// Arguments in parentheses, and where the right one is.
    fn arguments(&mut self) -> Result<(Vec<Deep>, Span), Stop> {
        self.want(&Kind::LeftParen, "", "")?;
        let mut args = Vec::new();
        if let Some(right) = self.take_if(&Kind::RightParen) {
            return Ok((args, right));
        }
        loop {
            args.push(self.expression(0)?);
            if let Some(right) = self.take_if(&Kind::RightParen) {
                return Ok((args, right));
            }
            let comma = self.want(&Kind::Comma, "", "")?;
            if let Some(right) = self.take_if(&Kind::RightParen) {
                self.note(comma, "trailing commas not allowed in function call args");
                return Ok((args, right));
            }
        }
    }

    /// Whether the aggregation's name that is next is no metric's name.
    pub(super) fn begins_aggregation(&self) -> bool {
        use Keyword::{By, Without};
        matches!(
            self.kind_after(),
            Kind::LeftParen | Kind::Keyword(By | Without)
        )
    }

    /// An aggregation; its name is next.
    pub(super) fn aggregation(&mut self, op: AggregateOp) -> Result<Deep, Stop> {
        let name_span = self.take();
        let mut modifier = self.aggregation_modifier()?;
        if *self.kind() != Kind::LeftParen {
            return self.unexpected("aggregation", "");
        }
        let (mut args, right) = self.arguments()?;
        let mut span = name_span.to(right);
        if modifier.is_none() {
            modifier = self.aggregation_modifier()?;
            if modifier.is_some() {
                span.end = self.tokens[self.next - 1].span.end;
            }
        }
        let Some(arguments) = self.aggregation_arguments(op, &mut args, name_span, span) else {
            return Ok(Self::placeholder(span).into());
        };
        let (param, operand) = arguments;
        let (without, grouping) = modifier.unwrap_or_default();
        let depths = [operand.depth, param.as_ref().map_or(0, |param| param.depth)];
        let aggregate = Expr::Aggregate(Aggregate {
            op,
            expr: Box::new(operand.expr),
            param: param.map(|param| Box::new(param.expr)),
            grouping,
            without,
            span,
        });
        self.around(aggregate, &depths)
    }

    /// Takes `by (…)` or `without (…)`; whether it is `without`, and the labels.
    fn aggregation_modifier(&mut self) -> Result<Option<(bool, Vec<String>)>, Stop> {
        let without = self.take_keyword(Keyword::Without);
        if !without && !self.take_keyword(Keyword::By) {
            return Ok(None);
        }
        Ok(Some((without, self.label_names()?)))
    }

    /// The parameter and the operand, if the arguments are those.
    fn aggregation_arguments(
        &mut self,
        op: AggregateOp,
        args: &mut Vec<Deep>,
        name_span: Span,
        span: Span,
    ) -> Option<(Option<Deep>, Deep)> {
        if args.is_empty() {
            self.note(span, "no arguments for aggregate expression provided");
            return None;
        }
        if op.is_experimental() && !self.options.experimental_functions {
            let name = self.written(name_span);
            let flag = "--enable-feature=promql-experimental-functions";
            let message = format!("{name}() is experimental and must be enabled with {flag}");
            self.note(span, message);
            return None;
        }
        let wanted = if op.parameter().is_some() { 2 } else { 1 };
        if args.len() != wanted {
            let what = "wrong number of arguments for aggregate expression provided";
            let given = args.len();
            self.note(span, format!("{what}, expected {wanted}, got {given}"));
            return None;
        }
        let operand = args.pop()?;
        Some((args.pop(), operand))
    }

    /// Labels' names in parentheses.
    pub(super) fn label_names(&mut self) -> Result<Vec<String>, Stop> {
        const CONTEXT: &str = "grouping opts";
        self.want(&Kind::LeftParen, CONTEXT, "\"(\"")?;
        let mut names = Vec::new();
        loop {
            if self.take_if(&Kind::RightParen).is_some() {
                return Ok(names);
            }
            names.push(self.label_name(CONTEXT)?);
            if self.take_if(&Kind::Comma).is_none() && *self.kind() != Kind::RightParen {
                return self.unexpected(CONTEXT, "\",\" or \")\"");
            }
        }
    }

    fn label_name(&mut self, context: &str) -> Result<String, Stop> {
        if *self.kind() == Kind::String {
            let span = self.take();
            let name = unquote(self.written(span));
            match String::from_utf8(name) {
                Ok(name) if !name.is_empty() => return Ok(name),
                Ok(name) => self.bad_label_name(span, name.as_bytes()),
                Err(error) => self.bad_label_name(span, error.as_bytes()),
            }
            return Ok(String::new());
        }
        if !self.token().is_label_name() {
            return self.unexpected(context, "label");
        }
        let span = self.take();
        Ok(self.written(span).to_owned())
    }

    fn bad_label_name(&mut self, span: Span, name: &[u8]) {
        let message = format!("invalid label name for grouping: {}", quote(name));
        self.note(span, message);
    }
}
