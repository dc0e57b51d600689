//! From a text to a tree whose types are checked, and back.

mod ast;
mod check;
mod duration;
mod error;
mod function;
mod lexer;
mod number;
mod operator;
mod options;
mod parser;
mod pretty;
mod print;
mod span;
#[cfg(test)]
mod tests;
mod text;
mod token;

pub use ast::{
    Aggregate, At, Binary, Call, Cardinality, Expr, Extension, MatrixSelector, NumberLiteral,
    Paren, StringLiteral, Subquery, Unary, VectorMatching, VectorSelector,
};
pub use duration::{DurationContext, DurationExpr, DurationOp, QueryDuration};
pub use error::{ParseError, ParseErrors};
pub use function::{Function, Signature, Variadic};
pub use number::duration_ms;
pub use operator::{AggregateOp, BinaryOp, UnaryOp, ValueType};
pub use options::Options;
pub use parser::{
    EXPRESSION_BYTES_MAX, EXPRESSION_DEPTH_MAX, EXPRESSION_NESTING_MAX, parse, parse_selector,
};
pub use span::{Position, Span};
pub use text::quote;
