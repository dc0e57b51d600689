//! PromQL as the language of rules.

use std::sync::Arc;

use portique_fault::chain;
use portique_promql::syntax::{Binary, BinaryOp, Expr, UnaryOp, ValueType, VectorSelector, parse};
use portique_promql::{Engine, Error, Interrupt, Options, QueryValue};
use portique_series::{Labels, Matcher, Source, Value};

use crate::{Comparison, Language, Point, Query, QueryError, Threshold};

/// PromQL, evaluated by an engine.
#[derive(Clone)]
pub struct PromQl {
    engine: Arc<Engine>,
    deadlines: Option<Deadlines>,
}

/// Makes for each evaluation what tells it to end.
type Deadlines = Arc<dyn Fn() -> Box<dyn Interrupt> + Send + Sync>;

impl PromQl {
    /// Rules are evaluated by this engine, within its limits.
    pub fn new(engine: Arc<Engine>) -> Self {
        Self {
            engine,
            deadlines: None,
        }
    }

    /// Each evaluation is told to end by what this makes for it.
    #[must_use]
    pub fn with_deadlines(
        self,
        deadlines: impl Fn() -> Box<dyn Interrupt> + Send + Sync + 'static,
    ) -> Self {
        Self {
            deadlines: Some(Arc::new(deadlines)),
            ..self
        }
    }

    fn query(&self, expr: &Expr) -> Result<PromQuery, QueryError> {
        let mut selectors = Vec::new();
        collect_selectors(expr, &mut selectors);
        let prepared = self.engine.prepare(&expr.to_string());
        Ok(PromQuery {
            language: self.clone(),
            prepared: prepared.map_err(|error| QueryError::new(chain(&error)))?,
            selectors,
            threshold: self.threshold(expr)?,
        })
    }

    fn threshold(&self, expr: &Expr) -> Result<Option<Threshold>, QueryError> {
        let Expr::Binary(binary) = expr.without_parens() else {
            return Ok(None);
        };
        let Some(op) = comparison(binary.op).filter(|_| !binary.return_bool) else {
            return Ok(None);
        };
        let (subject, op, bound) = match (constant(&binary.lhs), constant(&binary.rhs)) {
            (None, Some(bound)) => (&binary.lhs, op, bound),
            (Some(bound), None) => (&binary.rhs, op.swapped(), bound),
            _ => return Ok(None),
        };
        if subject.value_type() != ValueType::Vector {
            return Ok(None);
        }
        let is_plain =
            matches!(subject.without_parens(), Expr::Vector(selector) if is_now(selector));
        Ok(Some(Threshold {
            subject: Arc::new(self.query(subject)?),
            op,
            bound,
            is_plain,
        }))
    }
}

impl Language for PromQl {
    fn compile(&self, text: &str) -> Result<Arc<dyn Query>, QueryError> {
        let options = &self.engine.config().syntax;
        let expr = parse(text, options).map_err(|error| QueryError::new(error.to_string()))?;
        match expr.value_type() {
            ValueType::Scalar | ValueType::Vector => Ok(Arc::new(self.query(&expr)?)),
            ValueType::Matrix | ValueType::String => Err(QueryError::new(NO_VECTOR)),
        }
    }
}

/// As Prometheus says it.
const NO_VECTOR: &str = "rule result is not a vector or scalar";

struct PromQuery {
    language: PromQl,
    /// Parsed: an evaluation does none of that.
    prepared: portique_promql::Query,
    selectors: Vec<Vec<Matcher>>,
    threshold: Option<Threshold>,
}

impl Query for PromQuery {
    fn text(&self) -> &str {
        self.prepared.text()
    }

    fn instant(&self, source: &dyn Source, at_ms: i64) -> Result<Vec<Point>, QueryError> {
        let PromQl { engine, deadlines } = &self.language;
        let interrupt = deadlines.as_ref().map(|begin| begin());
        let options = Options {
            interrupt: interrupt.as_deref(),
            ..Options::default()
        };
        let output = engine
            .instant_of(source, &self.prepared, at_ms, &options)
            .map_err(|error: Error| QueryError::new(chain(&error)))?;
        match output.value {
            QueryValue::Scalar(_, value) => Ok(vec![Point {
                labels: Labels::empty(),
                value: Value::Float(value),
            }]),
            QueryValue::Vector(samples) => {
                let points = samples.into_iter().map(|sample| Point {
                    labels: sample.labels,
                    value: sample.value,
                });
                Ok(points.collect())
            }
            QueryValue::String(..) | QueryValue::Matrix(_) => Err(QueryError::new(NO_VECTOR)),
        }
    }

    fn selectors(&self) -> &[Vec<Matcher>] {
        &self.selectors
    }

    fn threshold(&self) -> Option<&Threshold> {
        self.threshold.as_ref()
    }
}

fn collect_selectors(expr: &Expr, into: &mut Vec<Vec<Matcher>>) {
    match expr {
        Expr::Vector(selector) => into.push(selector.matchers.clone()),
        Expr::Matrix(matrix) => into.push(matrix.selector.matchers.clone()),
        _ => {}
    }
    for child in expr.children() {
        collect_selectors(child, into);
    }
}

fn is_now(selector: &VectorSelector) -> bool {
    selector.offset.is_none() && selector.at.is_none() && selector.extension.is_none()
}

fn comparison(op: BinaryOp) -> Option<Comparison> {
    match op {
        BinaryOp::Equal => Some(Comparison::Equal),
        BinaryOp::NotEqual => Some(Comparison::NotEqual),
        BinaryOp::Greater => Some(Comparison::Greater),
        BinaryOp::GreaterOrEqual => Some(Comparison::GreaterOrEqual),
        BinaryOp::Less => Some(Comparison::Less),
        BinaryOp::LessOrEqual => Some(Comparison::LessOrEqual),
        _ => None,
    }
}

/// The number that an expression of numbers comes to.
fn constant(expr: &Expr) -> Option<f64> {
    match expr.without_parens() {
        Expr::Number(number) => Some(number.value),
        Expr::Unary(unary) => {
            let number = constant(&unary.expr)?;
            Some(match unary.op {
                UnaryOp::Plus => number,
                UnaryOp::Minus => -number,
            })
        }
        Expr::Binary(binary) => arithmetic(binary),
        _ => None,
    }
}

fn arithmetic(binary: &Binary) -> Option<f64> {
    let (left, right) = (constant(&binary.lhs)?, constant(&binary.rhs)?);
    match binary.op {
        BinaryOp::Add => Some(left + right),
        BinaryOp::Sub => Some(left - right),
        BinaryOp::Mul => Some(left * right),
        BinaryOp::Div => Some(left / right),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use portique_promql::Config;

    use super::*;

    fn compile(text: &str) -> Result<Arc<dyn Query>, QueryError> {
        PromQl::new(Arc::new(Engine::new(Config::default()))).compile(text)
    }

    #[test]
    fn comparisons_with_a_number_are_thresholds() {
        for (text, op, bound, is_plain) in [
            ("temp > 90", Comparison::Greater, 90.0, true),
            ("90 < (temp{tank=\"lox\"})", Comparison::Greater, 90.0, true),
            ("(temp <= -1.5)", Comparison::LessOrEqual, -1.5, true),
            ("temp != 2 * (3 + 1)", Comparison::NotEqual, 8.0, true),
            ("temp offset 5m > 90", Comparison::Greater, 90.0, false),
            ("temp @ 10 > 90", Comparison::Greater, 90.0, false),
            ("rate(temp[5m]) > 90", Comparison::Greater, 90.0, false),
        ] {
            let query = compile(text).unwrap();
            let threshold = query.threshold().unwrap();
            assert_eq!(
                (threshold.op, threshold.bound, threshold.is_plain),
                (op, bound, is_plain),
                "{text}"
            );
        }
        for text in [
            "temp",
            "temp > bool 90",
            "temp > time()",
            "1 > bool 2",
            "a > b",
            "temp + 90",
        ] {
            assert!(compile(text).unwrap().threshold().is_none(), "{text}");
        }
    }

    #[test]
    fn all_selectors_are_found() {
        let query =
            compile("sum(rate(a[5m])) / on () b offset 1m > max_over_time(c[1h:1m])").unwrap();
        let names: Vec<_> = query
            .selectors()
            .iter()
            .flatten()
            .map(Matcher::value)
            .collect();
        assert_eq!(names, ["a", "b", "c"]);
    }

    #[test]
    fn what_is_no_rule_is_refused_in_prometheus_words() {
        let error = |text: &str| compile(text).err().unwrap().to_string();
        assert!(
            error("temp >").contains("parse error"),
            "{}",
            error("temp >")
        );
        assert_eq!(error("temp[5m]"), NO_VECTOR);
    }
}
