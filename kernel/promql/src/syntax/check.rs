//! Whether the parts of an expression fit together.

use super::ast::{Aggregate, Binary, Call, Cardinality, Expr, VectorMatching, VectorSelector};
use super::error::ParseError;
use super::function::{Function, Variadic};
use super::operator::ValueType;
use super::span::Span;
use super::text::quote;

use portique_series::METRIC_NAME;

/// Finds what does not fit, and settles how the vectors of each operator are matched.
pub(super) fn check(text: &str, expr: &mut Expr) -> Vec<ParseError> {
    let mut checker = Checker {
        text,
        errors: Vec::new(),
    };
    checker.expr(expr);
    checker.errors
}

struct Checker<'a> {
    text: &'a str,
    errors: Vec<ParseError>,
}

impl Checker<'_> {
    fn note(&mut self, span: Span, message: impl Into<String>) {
        self.errors.push(ParseError::new(span, message));
    }

    /// Checks an expression and says what it yields.
    fn expr(&mut self, expr: &mut Expr) -> ValueType {
        match expr {
            Expr::Number(_) | Expr::String(_) => {}
            Expr::Vector(selector) => self.selector(selector, true),
            Expr::Matrix(matrix) => self.selector(&matrix.selector, true),
            Expr::Subquery(subquery) => {
                let inner = self.expr(&mut subquery.expr);
                if inner != ValueType::Vector {
                    let got = inner.as_str();
                    let allowed = "subquery is only allowed on instant vector";
                    self.note(subquery.span, format!("{allowed}, got {got} instead"));
                }
            }
            Expr::Call(call) => self.call(call),
            Expr::Aggregate(aggregate) => self.aggregate(aggregate),
            Expr::Binary(binary) => self.binary(binary),
            Expr::Unary(unary) => {
                let inner = self.expr(&mut unary.expr);
                if !is_scalar_or_vector(inner) {
                    let allowed = "unary expression only allowed on expressions of type scalar \
                                   or instant vector";
                    let got = quote(inner.documented().as_bytes());
                    self.note(unary.span, format!("{allowed}, got {got}"));
                }
            }
            Expr::Paren(paren) => {
                self.expr(&mut paren.expr);
            }
        }
        expr.value_type()
    }

    fn expect(&mut self, expr: &mut Expr, wanted: ValueType, context: &str) {
        let got = self.expr(expr);
        if got != wanted {
            let (wanted, got) = (wanted.documented(), got.documented());
            self.note(
                expr.span(),
                format!("expected type {wanted} in {context}, got {got}"),
            );
        }
    }

    fn selector(&mut self, selector: &VectorSelector, needs_condition: bool) {
        let Some(name) = &selector.name else {
            let selects_all = selector.matchers.iter().all(|m| m.matches_empty());
            if needs_condition && selects_all {
                let message = "vector selector must contain at least one non-empty matcher";
                self.note(selector.span, message);
            }
            return;
        };
        let written = selector
            .matchers
            .split_last()
            .map_or(&[][..], |(_, rest)| rest);
        for matcher in written.iter().filter(|m| m.name() == METRIC_NAME) {
            let (first, second) = (quote(name.as_bytes()), quote(matcher.value().as_bytes()));
            let message = format!("metric name must not be set twice: {first} or {second}");
            self.note(selector.span, message);
        }
    }

    fn aggregate(&mut self, aggregate: &mut Aggregate) {
        self.expect(
            &mut aggregate.expr,
            ValueType::Vector,
            "aggregation expression",
        );
        if let (Some(param), Some(wanted)) = (&mut aggregate.param, aggregate.op.parameter()) {
            self.expect(param, wanted, "aggregation parameter");
        }
    }

    fn call(&mut self, call: &mut Call) {
        let signature = call.function.signature();
        let name = quote(signature.name.as_bytes());
        if let Some(expected) = wrong_count(call) {
            let given = call.args.len();
            let message = format!("expected {expected} argument(s) in call to {name}, got {given}");
            self.note(call.span, message);
        }
        if call.function == Function::Info {
            return self.info(call);
        }
        let context = format!("call to function {name}");
        for (index, arg) in call.args.iter_mut().enumerate() {
            let wanted = match signature.args.get(index) {
                Some(wanted) => wanted,
                None if signature.variadic == Variadic::Exact => return,
                None => signature.args.last().expect("variadic functions list one"),
            };
            self.expect(arg, *wanted, &context);
        }
    }

    /// The second argument selects labels, not series: it has no name, and may match all.
    fn info(&mut self, call: &mut Call) {
        let context = "call to function \"info\"";
        let mut args = call.args.iter_mut();
        if let Some(vector) = args.next() {
            self.expect(vector, ValueType::Vector, context);
        }
        let Some(labels) = args.next() else { return };
        match labels {
            Expr::Vector(selector) if selector.name.is_none() => self.selector(selector, false),
            Expr::Vector(selector) => {
                let message = "expected label selectors only, got vector selector instead";
                self.note(selector.span, message);
            }
            other => {
                self.note(other.span(), "expected label selectors only");
                self.expect(other, ValueType::Vector, context);
            }
        }
    }

    fn binary(&mut self, binary: &mut Binary) {
        let left = self.expr(&mut binary.lhs);
        let right = self.expr(&mut binary.rhs);
        let both_scalar = left == ValueType::Scalar && right == ValueType::Scalar;
        let both_vector = left == ValueType::Vector && right == ValueType::Vector;
        let op_span = self.operator_span(binary);
        if binary.return_bool && !binary.op.is_comparison() {
            self.note(
                op_span,
                "bool modifier can only be used on comparison operators",
            );
        }
        if binary.op.is_comparison() && !binary.return_bool && both_scalar {
            self.note(
                op_span,
                "comparisons between scalars must use BOOL modifier",
            );
        }
        if let Some(matching) = binary.matching.as_mut() {
            if binary.op.is_set() && matching.cardinality == Cardinality::OneToOne {
                matching.cardinality = Cardinality::ManyToMany;
            }
            self.on_and_group(matching, op_span);
        }
        for (side, value_type) in [(&binary.lhs, left), (&binary.rhs, right)] {
            if !is_scalar_or_vector(value_type) {
                let message = "binary expression must contain only scalar and instant vector types";
                self.note(side.span(), message);
            }
        }
        if !both_vector {
            self.matching_without_vectors(binary);
        } else if binary.op.is_set() {
            self.set_matching(binary);
        }
        if binary.op.is_set() && (left == ValueType::Scalar || right == ValueType::Scalar) {
            let op = quote(binary.op.as_str().as_bytes());
            let message = format!("set operator {op} not allowed in binary scalar expression");
            self.note(binary.span, message);
        }
    }

    fn on_and_group(&mut self, matching: &VectorMatching, op_span: Span) {
        if !matching.on {
            return;
        }
        for label in &matching.labels {
            for _ in matching
                .include
                .iter()
                .filter(|included| *included == label)
            {
                let label = quote(label.as_bytes());
                let rule = "must not occur in ON and GROUP clause at once";
                self.note(op_span, format!("label {label} {rule}"));
            }
        }
    }

    fn matching_without_vectors(&mut self, binary: &mut Binary) {
        let Some(matching) = binary.matching.take() else {
            return;
        };
        if !matching.labels.is_empty() {
            let message = "vector matching only allowed between instant vectors";
            self.note(binary.span, message);
        }
        if has_fill(&matching) {
            let message = "filling in missing series only allowed between instant vectors";
            self.note(binary.span, message);
        }
    }

    fn set_matching(&mut self, binary: &Binary) {
        let Some(matching) = &binary.matching else {
            return;
        };
        let span = binary.span;
        if matching.cardinality != Cardinality::ManyToMany {
            let op = quote(binary.op.as_str().as_bytes());
            self.note(span, format!("no grouping allowed for {op} operation"));
            self.note(span, "set operations must always be many-to-many");
        }
        if has_fill(matching) {
            self.note(
                span,
                "filling in missing series not allowed for set operators",
            );
        }
    }

    /// From after the left side to before the right one, without the room around.
    fn operator_span(&self, binary: &Binary) -> Span {
        let (start, end) = (binary.lhs.span().end, binary.rhs.span().start);
        let between = self.text.get(start..end).unwrap_or("");
        let room = between.len() - between.trim_start().len();
        Span::new(start + room, start + between.trim_end().len())
    }
}

fn is_scalar_or_vector(value_type: ValueType) -> bool {
    matches!(value_type, ValueType::Scalar | ValueType::Vector)
}

fn has_fill(matching: &VectorMatching) -> bool {
    matching.fill_left.is_some() || matching.fill_right.is_some()
}

/// How many arguments there should be, if there are others.
fn wrong_count(call: &Call) -> Option<String> {
    let signature = call.function.signature();
    let (listed, given) = (signature.args.len(), call.args.len());
    let more = match signature.variadic {
        Variadic::Exact => return (given != listed).then(|| listed.to_string()),
        Variadic::Optional(more) => Some(more),
        Variadic::Repeated => None,
    };
    let least = listed - 1;
    if given < least {
        return Some(format!("at least {least}"));
    }
    let most = least + more?;
    (given > most).then(|| format!("at most {most}"))
}
