//! Which expressions have the same value at every step.

use crate::syntax::{Expr, Function};

/// Whether an expression does not depend on the time of evaluation.
pub(super) fn is_invariant(expr: &Expr) -> bool {
    match expr {
        Expr::Number(_) | Expr::String(_) => true,
        Expr::Vector(selector) => selector.at.is_some(),
        Expr::Matrix(matrix) => matrix.selector.at.is_some(),
        Expr::Subquery(subquery) => subquery.at.is_some(),
        Expr::Call(call) => !reads_time(call.function) && call.args.iter().all(is_invariant),
        Expr::Aggregate(_) | Expr::Binary(_) | Expr::Unary(_) | Expr::Paren(_) => {
            expr.children().into_iter().all(is_invariant)
        }
    }
}

/// Functions whose value changes with the time even if their arguments do not.
fn reads_time(function: Function) -> bool {
    matches!(
        function,
        Function::DayOfMonth
            | Function::DayOfWeek
            | Function::DayOfYear
            | Function::DaysInMonth
            | Function::Hour
            | Function::Minute
            | Function::Month
            | Function::PredictLinear
            | Function::StartTimestamp
            | Function::Time
            | Function::Timestamp
            | Function::Year
    )
}
