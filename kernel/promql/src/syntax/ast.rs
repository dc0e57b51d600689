//! The tree of an expression, with the place of every part.

use portique_series::Matcher;

use super::duration::DurationExpr;
use super::function::Function;
use super::operator::{AggregateOp, BinaryOp, UnaryOp, ValueType};
use super::span::Span;

/// An expression whose types have been checked.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    /// `1.5`, `0x1f`, `5m`.
    Number(NumberLiteral),
    /// `"text"`.
    String(StringLiteral),
    /// `up{job="a"} offset 5m`.
    Vector(VectorSelector),
    /// `up[5m]`.
    Matrix(MatrixSelector),
    /// `rate(up[5m])[1h:1m]`.
    Subquery(Subquery),
    /// `rate(up[5m])`.
    Call(Call),
    /// `sum by (job) (up)`.
    Aggregate(Aggregate),
    /// `a + on (job) b`.
    Binary(Binary),
    /// `-a`.
    Unary(Unary),
    /// `(a)`.
    Paren(Paren),
}

impl Expr {
    /// Where it is written, modifiers included.
    pub fn span(&self) -> Span {
        match self {
            Self::Number(expr) => expr.span,
            Self::String(expr) => expr.span,
            Self::Vector(expr) => expr.span,
            Self::Matrix(expr) => expr.span,
            Self::Subquery(expr) => expr.span,
            Self::Call(expr) => expr.span,
            Self::Aggregate(expr) => expr.span,
            Self::Binary(expr) => expr.span,
            Self::Unary(expr) => expr.span,
            Self::Paren(expr) => expr.span,
        }
    }

    /// What it yields.
    pub fn value_type(&self) -> ValueType {
        match self {
            Self::Number(_) => ValueType::Scalar,
            Self::String(_) => ValueType::String,
            Self::Vector(_) | Self::Aggregate(_) => ValueType::Vector,
            Self::Matrix(_) | Self::Subquery(_) => ValueType::Matrix,
            Self::Call(call) => call.function.signature().returns,
            Self::Binary(binary) => binary.value_type(),
            Self::Unary(unary) => unary.expr.value_type(),
            Self::Paren(paren) => paren.expr.value_type(),
        }
    }

    /// The expression within any number of parentheses.
    pub fn without_parens(&self) -> &Self {
        let mut expr = self;
        while let Self::Paren(paren) = expr {
            expr = &paren.expr;
        }
        expr
    }

    /// The expressions it is made of, in the order written; an aggregation's parameter is before its operand.
    pub fn children(&self) -> Vec<&Self> {
        match self {
            Self::Number(_) | Self::String(_) | Self::Vector(_) | Self::Matrix(_) => Vec::new(),
            Self::Subquery(subquery) => vec![&subquery.expr],
            Self::Call(call) => call.args.iter().collect(),
            Self::Aggregate(aggregate) => {
                let param = aggregate.param.as_deref();
                param.into_iter().chain([&*aggregate.expr]).collect()
            }
            Self::Binary(binary) => vec![&binary.lhs, &binary.rhs],
            Self::Unary(unary) => vec![&unary.expr],
            Self::Paren(paren) => vec![&paren.expr],
        }
    }
}

/// A number, or a duration that stands for its seconds.
#[derive(Debug, Clone, PartialEq)]
pub struct NumberLiteral {
    /// The number; of a duration, its seconds.
    pub value: f64,
    /// Whether it was written as a duration.
    pub is_duration: bool,
    /// Where it is written.
    pub span: Span,
}

/// A text; escapes can make bytes of it that are no UTF-8.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StringLiteral {
    /// The bytes, unescaped.
    pub bytes: Vec<u8>,
    /// Where it is written, quotes included.
    pub span: Span,
}

impl StringLiteral {
    /// The text, unless it is no UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.bytes).ok()
    }

    /// In double quotes with escapes, as messages show it.
    pub fn quoted(&self) -> String {
        super::text::quote(&self.bytes)
    }
}

/// Which of the time modifiers `anchored` and `smoothed` a selector has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Extension {
    /// `anchored`: reads one sample before the range.
    Anchored,
    /// `smoothed`: interpolates at the range's borders.
    Smoothed,
}

impl Extension {
    /// As written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Anchored => "anchored",
            Self::Smoothed => "smoothed",
        }
    }
}

/// The time that an `@` pins a selector to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum At {
    /// Unix milliseconds.
    Timestamp(i64),
    /// `start()` of the query.
    Start,
    /// `end()` of the query.
    End,
}

/// Selects series by their labels.
#[derive(Debug, Clone, PartialEq)]
pub struct VectorSelector {
    /// The metric's name, when it stands before the braces; `matchers` hold it too.
    pub name: Option<String>,
    /// All conditions, the one on the metric's name last if the name stands before the braces.
    pub matchers: Vec<Matcher>,
    /// How far back the time is shifted; negative is forward.
    pub offset: Option<DurationExpr>,
    /// The time it is pinned to.
    pub at: Option<At>,
    /// `anchored` or `smoothed`.
    pub extension: Option<Extension>,
    /// Where it is written; within a range selector, without the range and what follows.
    pub span: Span,
}

/// Selects the samples of a time range; offset, `@` and extension are in `selector`.
#[derive(Debug, Clone, PartialEq)]
pub struct MatrixSelector {
    /// Whose samples.
    pub selector: VectorSelector,
    /// How much time.
    pub range: DurationExpr,
    /// Where it is written.
    pub span: Span,
}

/// Evaluates an expression again and again over a time range.
#[derive(Debug, Clone, PartialEq)]
pub struct Subquery {
    /// What is evaluated.
    pub expr: Box<Expr>,
    /// How much time.
    pub range: DurationExpr,
    /// How often; the engine's default when absent.
    pub step: Option<DurationExpr>,
    /// How far back the time is shifted.
    pub offset: Option<DurationExpr>,
    /// The time it is pinned to.
    pub at: Option<At>,
    /// Where it is written.
    pub span: Span,
}

/// A call of a function; number and types of the arguments fit its signature.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// What is called.
    pub function: Function,
    /// With what.
    pub args: Vec<Expr>,
    /// Where it is written.
    pub span: Span,
}

/// An aggregation over series.
#[derive(Debug, Clone, PartialEq)]
pub struct Aggregate {
    /// What is made of them.
    pub op: AggregateOp,
    /// Of what.
    pub expr: Box<Expr>,
    /// The parameter of those that take one.
    pub param: Option<Box<Expr>>,
    /// The labels after `by` or `without`.
    pub grouping: Vec<String>,
    /// Whether `grouping` is what is left out.
    pub without: bool,
    /// Where it is written.
    pub span: Span,
}

/// How many series of one side meet how many of the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cardinality {
    /// One and one.
    OneToOne,
    /// `group_left`.
    ManyToOne,
    /// `group_right`.
    OneToMany,
    /// The set operators.
    ManyToMany,
}

/// Which series of both sides belong together.
#[derive(Debug, Clone, PartialEq)]
pub struct VectorMatching {
    /// How many meet how many.
    pub cardinality: Cardinality,
    /// Whether `labels` are those that must be equal; otherwise those that may differ.
    pub on: bool,
    /// The labels after `on` or `ignoring`.
    pub labels: Vec<String>,
    /// The labels after `group_left` or `group_right`, taken from the one side.
    pub include: Vec<String>,
    /// The value of series that the left side lacks.
    pub fill_left: Option<f64>,
    /// The value of series that the right side lacks.
    pub fill_right: Option<f64>,
}

/// An operator between two expressions.
#[derive(Debug, Clone, PartialEq)]
pub struct Binary {
    /// The operator.
    pub op: BinaryOp,
    /// On its left.
    pub lhs: Box<Expr>,
    /// On its right.
    pub rhs: Box<Expr>,
    /// `bool`: a comparison yields 0 or 1 and drops nothing.
    pub return_bool: bool,
    /// Present when both sides are vectors.
    pub matching: Option<VectorMatching>,
    /// Where it is written.
    pub span: Span,
}

impl Binary {
    fn value_type(&self) -> ValueType {
        let both_scalar = [&self.lhs, &self.rhs]
            .iter()
            .all(|side| side.value_type() == ValueType::Scalar);
        if both_scalar {
            ValueType::Scalar
        } else {
            ValueType::Vector
        }
    }
}

/// A sign before a scalar or vector.
#[derive(Debug, Clone, PartialEq)]
pub struct Unary {
    /// The sign.
    pub op: UnaryOp,
    /// Before what.
    pub expr: Box<Expr>,
    /// Where it is written.
    pub span: Span,
}

/// An expression in parentheses.
#[derive(Debug, Clone, PartialEq)]
pub struct Paren {
    /// What is within.
    pub expr: Box<Expr>,
    /// Where it is written, parentheses included.
    pub span: Span,
}
