//! From a tree to text, over several lines where one would be too long.

use super::ast::{Aggregate, Binary, Expr};
use super::print::{aggregation, operator, subquery_suffix};

/// Longer expressions are split.
const LINE_BYTES_MAX: usize = 100;

impl Expr {
    /// Over several lines where one would be longer than 100 bytes, as Prometheus' `format_query` gives it.
    pub fn pretty(&self) -> String {
        pretty(self, 0)
    }
}

/// The text of an expression at a depth; its first line is indented.
fn pretty(expr: &Expr, level: usize) -> String {
    let line = expr.to_string();
    let indent = "  ".repeat(level);
    let too_long = line.len() > LINE_BYTES_MAX;
    match expr {
        Expr::Unary(unary) => {
            let inner = pretty(&unary.expr, level);
            format!("{indent}{}{}", unary.op.as_str(), inner.trim())
        }
        Expr::Aggregate(aggregate) if too_long => split_aggregate(aggregate, level),
        Expr::Binary(binary) if too_long => split_binary(binary, level),
        Expr::Call(call) if too_long => {
            let args: Vec<_> = call.args.iter().map(|arg| pretty(arg, level + 1)).collect();
            format!(
                "{indent}{}(\n{}\n{indent})",
                call.function,
                args.join(",\n")
            )
        }
        Expr::Paren(paren) if too_long => {
            format!("{indent}(\n{}\n{indent})", pretty(&paren.expr, level + 1))
        }
        Expr::Subquery(subquery) if too_long => {
            format!(
                "{}{}",
                pretty(&subquery.expr, level),
                subquery_suffix(subquery)
            )
        }
        _ => format!("{indent}{line}"),
    }
}

fn split_aggregate(aggregate: &Aggregate, level: usize) -> String {
    let indent = "  ".repeat(level);
    let mut lines = format!("{indent}{}(\n", aggregation(aggregate));
    if let Some(param) = &aggregate.param {
        lines.push_str(&pretty(param, level + 1));
        lines.push_str(",\n");
    }
    lines.push_str(&pretty(&aggregate.expr, level + 1));
    lines.push_str(&format!("\n{indent})"));
    lines
}

fn split_binary(binary: &Binary, level: usize) -> String {
    let indent = "  ".repeat(level);
    let (lhs, rhs) = (
        pretty(&binary.lhs, level + 1),
        pretty(&binary.rhs, level + 1),
    );
    format!("{lhs}\n{indent}{}\n{rhs}", operator(binary))
}
