//! A query's tree as JSON.

use portique_promql::syntax::{
    At, Cardinality, DurationContext, DurationExpr, Expr, Signature, Variadic, VectorMatching,
    VectorSelector,
};
use portique_series::Matcher;
use serde_json::{Value, json};

/// The tree of an expression, with the names that Prometheus gives its parts.
pub(super) fn of(expr: &Expr) -> Value {
    match expr {
        Expr::Number(literal) => json!({
            "type": "numberLiteral",
            "val": number(literal.value),
        }),
        Expr::String(literal) => json!({
            "type": "stringLiteral",
            "val": String::from_utf8_lossy(&literal.bytes),
        }),
        Expr::Vector(selector) => {
            let mut tree = selector_tree(selector);
            tree["type"] = "vectorSelector".into();
            tree
        }
        Expr::Matrix(matrix) => {
            let mut tree = selector_tree(&matrix.selector);
            tree["type"] = "matrixSelector".into();
            tree["range"] = length(&matrix.range);
            tree
        }
        Expr::Subquery(subquery) => json!({
            "type": "subquery",
            "expr": of(&subquery.expr),
            "range": length(&subquery.range),
            "step": subquery.step.as_ref().map_or(json!(0), length),
            "offset": offset(subquery.offset.as_ref()),
            "timestamp": timestamp(subquery.at),
            "startOrEnd": start_or_end(subquery.at),
        }),
        Expr::Call(call) => json!({
            "type": "call",
            "func": function(call.function.signature()),
            "args": call.args.iter().map(of).collect::<Vec<_>>(),
        }),
        Expr::Aggregate(aggregate) => json!({
            "type": "aggregation",
            "op": aggregate.op.as_str(),
            "expr": of(&aggregate.expr),
            "param": aggregate.param.as_deref().map(of),
            "grouping": aggregate.grouping,
            "without": aggregate.without,
        }),
        Expr::Binary(binary) => json!({
            "type": "binaryExpr",
            "op": binary.op.as_str(),
            "lhs": of(&binary.lhs),
            "rhs": of(&binary.rhs),
            "matching": binary.matching.as_ref().map(matching),
            "bool": binary.return_bool,
        }),
        Expr::Unary(unary) => json!({
            "type": "unaryExpr",
            "op": unary.op.as_str(),
            "expr": of(&unary.expr),
        }),
        Expr::Paren(paren) => json!({ "type": "parenExpr", "expr": of(&paren.expr) }),
    }
}

fn number(value: f64) -> String {
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    value.to_string()
}

fn selector_tree(selector: &VectorSelector) -> Value {
    json!({
        "name": selector.name.as_deref().unwrap_or(""),
        "matchers": selector.matchers.iter().map(matcher).collect::<Vec<_>>(),
        "offset": offset(selector.offset.as_ref()),
        "timestamp": timestamp(selector.at),
        "startOrEnd": start_or_end(selector.at),
        "anchored": selector.extension.is_some_and(|e| e.as_str() == "anchored"),
        "smoothed": selector.extension.is_some_and(|e| e.as_str() == "smoothed"),
    })
}

fn matcher(matcher: &Matcher) -> Value {
    json!({ "name": matcher.name(), "type": matcher.op().as_str(), "value": matcher.value() })
}

/// Milliseconds of a duration that does not depend on the query's times; 0 of one that does.
fn length(duration: &DurationExpr) -> Value {
    let fixed = matches!(duration, DurationExpr::Literal { .. });
    let ms = duration.length_ms(DurationContext::default()).unwrap_or(0);
    json!(if fixed { ms } else { 0 })
}

fn offset(duration: Option<&DurationExpr>) -> Value {
    match duration {
        Some(literal @ DurationExpr::Literal { .. }) => {
            json!(literal.shift_ms(DurationContext::default()).unwrap_or(0))
        }
        _ => json!(0),
    }
}

fn timestamp(at: Option<At>) -> Value {
    match at {
        Some(At::Timestamp(ms)) => json!(ms),
        _ => Value::Null,
    }
}

fn start_or_end(at: Option<At>) -> Value {
    match at {
        Some(At::Start) => json!("start"),
        Some(At::End) => json!("end"),
        _ => Value::Null,
    }
}

fn function(signature: &Signature) -> Value {
    let args: Vec<_> = signature.args.iter().map(|arg| arg.as_str()).collect();
    let variadic = match signature.variadic {
        Variadic::Exact => json!(0),
        Variadic::Optional(more) => json!(more),
        Variadic::Repeated => json!(-1),
    };
    json!({
        "name": signature.name,
        "argTypes": args,
        "variadic": variadic,
        "returnType": signature.returns.as_str(),
    })
}

fn matching(matching: &VectorMatching) -> Value {
    let card = match matching.cardinality {
        Cardinality::OneToOne => "one-to-one",
        Cardinality::ManyToOne => "many-to-one",
        Cardinality::OneToMany => "one-to-many",
        Cardinality::ManyToMany => "many-to-many",
    };
    json!({
        "card": card,
        "labels": matching.labels,
        "on": matching.on,
        "include": matching.include,
        "fillValues": { "lhs": matching.fill_left, "rhs": matching.fill_right },
    })
}
