//! From a tree to text, on one line.

use std::fmt::{self, Display, Formatter, Write as _};

use portique_series::{METRIC_NAME, MatchOp, Matcher};

use super::ast::{
    Aggregate, At, Binary, Call, Cardinality, Expr, MatrixSelector, NumberLiteral, Subquery,
    VectorMatching, VectorSelector,
};
use super::duration::{DurationExpr, DurationOp, QueryDuration};
use super::number::{format_duration, format_number};
use super::text::quote;

/// On one line, as Prometheus writes it.
impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(literal) => literal.fmt(f),
            Self::String(literal) => f.write_str(&literal.quoted()),
            Self::Vector(selector) => selector.fmt(f),
            Self::Matrix(matrix) => matrix.fmt(f),
            Self::Subquery(subquery) => {
                write!(f, "{}{}", subquery.expr, subquery_suffix(subquery))
            }
            Self::Call(call) => call.fmt(f),
            Self::Aggregate(aggregate) => aggregate.fmt(f),
            Self::Binary(binary) => {
                let operator = operator(binary);
                write!(f, "{} {operator} {}", binary.lhs, binary.rhs)
            }
            Self::Unary(unary) => write!(f, "{}{}", unary.op.as_str(), unary.expr),
            Self::Paren(paren) => write!(f, "({})", paren.expr),
        }
    }
}

impl Display for NumberLiteral {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&match self.is_duration {
            true => format_duration(self.value),
            false => format_number(self.value),
        })
    }
}

impl Display for VectorSelector {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write_name_and_matchers(self, f)?;
        write_at(self.at, f)?;
        write_extension(self, f)?;
        write_offset(self.offset.as_ref(), f)
    }
}

impl Display for MatrixSelector {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write_name_and_matchers(&self.selector, f)?;
        write!(f, "[{}]", length(&self.range))?;
        write_extension(&self.selector, f)?;
        write_at(self.selector.at, f)?;
        write_offset(self.selector.offset.as_ref(), f)
    }
}

impl Display for Call {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}(", self.function)?;
        write_list(self.args.iter(), f)?;
        f.write_char(')')
    }
}

impl Display for Aggregate {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}(", aggregation(self))?;
        write_list(self.param.as_deref().into_iter().chain([&*self.expr]), f)?;
        f.write_char(')')
    }
}

fn write_list(exprs: impl Iterator<Item = impl Display>, f: &mut Formatter<'_>) -> fmt::Result {
    for (index, expr) in exprs.enumerate() {
        if index > 0 {
            f.write_str(", ")?;
        }
        expr.fmt(f)?;
    }
    Ok(())
}

/// The aggregation up to its arguments: `sum by (job) `.
pub(super) fn aggregation(aggregate: &Aggregate) -> String {
    let op = aggregate.op.as_str();
    match (aggregate.without, aggregate.grouping.is_empty()) {
        (true, _) => format!("{op} without ({}) ", labels(&aggregate.grouping)),
        (false, false) => format!("{op} by ({}) ", labels(&aggregate.grouping)),
        (false, true) => op.to_owned(),
    }
}

/// The operator and its modifiers: `> bool on (job) group_left ()`.
pub(super) fn operator(binary: &Binary) -> String {
    let mut written = binary.op.as_str().to_owned();
    if binary.return_bool {
        written.push_str(" bool");
    }
    if let Some(matching) = &binary.matching {
        push_matching(&mut written, matching);
    }
    written
}

fn push_matching(written: &mut String, matching: &VectorMatching) {
    let group = match matching.cardinality {
        Cardinality::ManyToOne => Some("left"),
        Cardinality::OneToMany => Some("right"),
        Cardinality::OneToOne | Cardinality::ManyToMany => None,
    };
    if !matching.labels.is_empty() || matching.on || group.is_some() {
        let word = if matching.on { "on" } else { "ignoring" };
        written.push_str(&format!(" {word} ({})", labels(&matching.labels)));
    }
    if let Some(side) = group {
        written.push_str(&format!(" group_{side} ({})", labels(&matching.include)));
    }
    match (matching.fill_left, matching.fill_right) {
        (Some(left), Some(right)) if left.to_bits() == right.to_bits() => {
            written.push_str(&format!(" fill ({})", format_number(left)));
        }
        (left, right) => {
            for (side, value) in [("left", left), ("right", right)] {
                if let Some(value) = value {
                    written.push_str(&format!(" fill_{side} ({})", format_number(value)));
                }
            }
        }
    }
}

fn labels(names: &[String]) -> String {
    let names: Vec<_> = names.iter().map(|name| label(name)).collect();
    names.join(", ")
}

/// A label's name, quoted unless it is a plain word.
fn label(name: &str) -> String {
    let mut chars = name.chars();
    let begins = chars
        .next()
        .is_some_and(|c| c == '_' || c.is_ascii_alphabetic());
    match begins && chars.all(|c| c == '_' || c.is_ascii_alphanumeric()) {
        true => name.to_owned(),
        false => quote(name.as_bytes()),
    }
}

fn write_name_and_matchers(selector: &VectorSelector, f: &mut Formatter<'_>) -> fmt::Result {
    let name = selector.name.as_deref().unwrap_or("");
    let is_name = |matcher: &&Matcher| {
        matcher.name() == METRIC_NAME
            && matcher.op() == MatchOp::Equal
            && matcher.value() == name
            && !name.is_empty()
    };
    let shown = selector.matchers.iter().filter(|matcher| !is_name(matcher));
    let mut shown: Vec<_> = shown.map(condition).collect();
    shown.sort_unstable();
    f.write_str(name)?;
    if !shown.is_empty() {
        write!(f, "{{{}}}", shown.join(","))?;
    }
    Ok(())
}

fn condition(matcher: &Matcher) -> String {
    let value = quote(matcher.value().as_bytes());
    format!("{}{}{value}", label(matcher.name()), matcher.op().as_str())
}

fn write_extension(selector: &VectorSelector, f: &mut Formatter<'_>) -> fmt::Result {
    match selector.extension {
        Some(extension) => write!(f, " {}", extension.as_str()),
        None => Ok(()),
    }
}

fn write_at(at: Option<At>, f: &mut Formatter<'_>) -> fmt::Result {
    f.write_str(&at_suffix(at))
}

fn at_suffix(at: Option<At>) -> String {
    match at {
        Some(At::Timestamp(ms)) => format!(" @ {:.3}", ms as f64 / 1000.0),
        Some(At::Start) => " @ start()".to_owned(),
        Some(At::End) => " @ end()".to_owned(),
        None => String::new(),
    }
}

fn write_offset(offset: Option<&DurationExpr>, f: &mut Formatter<'_>) -> fmt::Result {
    f.write_str(&offset_suffix(offset))
}

fn offset_suffix(offset: Option<&DurationExpr>) -> String {
    offset.map_or_else(String::new, |offset| format!(" offset {}", length(offset)))
}

/// The range, the step and the modifiers of a subquery.
pub(super) fn subquery_suffix(subquery: &Subquery) -> String {
    let range = length(&subquery.range);
    let step = subquery.step.as_ref().map_or_else(String::new, length);
    let (at, offset) = (
        at_suffix(subquery.at),
        offset_suffix(subquery.offset.as_ref()),
    );
    format!("[{range}:{step}]{at}{offset}")
}

/// A whole duration: a number alone is written with units.
fn length(duration: &DurationExpr) -> String {
    match duration {
        DurationExpr::Literal { seconds, .. } => format_duration(*seconds),
        other => other.to_string(),
    }
}

impl Display for DurationExpr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal {
                seconds,
                is_duration,
                ..
            } => f.write_str(&match is_duration {
                true => format_duration(*seconds),
                false => format_number(*seconds),
            }),
            Self::Query { quantity, .. } => f.write_str(match quantity {
                QueryDuration::Step => "step()",
                QueryDuration::Range => "range()",
            }),
            Self::Negative { operand, .. } => write!(f, "-{operand}"),
            Self::Binary { op, lhs, rhs, .. } => match op {
                DurationOp::Min => write!(f, "min_of({lhs}, {rhs})"),
                DurationOp::Max => write!(f, "max_of({lhs}, {rhs})"),
                op => write!(f, "{lhs} {} {rhs}", op.as_str()),
            },
            Self::Paren { operand, .. } => write!(f, "({operand})"),
        }
    }
}
