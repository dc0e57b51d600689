//! From a text to a tree whose types are checked, and back.

mod ast;
mod duration;
mod error;
mod function;
mod operator;
mod options;
mod parser;
mod span;
mod text;

pub use ast::{
    Aggregate, At, Binary, Call, Cardinality, Expr, Extension, MatrixSelector, NumberLiteral,
    Paren, StringLiteral, Subquery, Unary, VectorMatching, VectorSelector,
};
pub use duration::{DurationContext, DurationExpr, DurationOp, QueryDuration};
pub use error::{ParseError, ParseErrors};
pub use function::{Function, Signature, Variadic};
pub use operator::{AggregateOp, BinaryOp, UnaryOp, ValueType};
pub use options::Options;
pub use parser::parse;
pub use span::{Position, Span};
pub use text::quote;
