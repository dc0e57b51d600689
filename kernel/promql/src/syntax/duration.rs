//! Durations as expressions, and what they come to within a query.

use super::error::ParseError;
use super::span::Span;

/// A duration that may depend on the query it is evaluated in.
#[derive(Debug, Clone, PartialEq)]
pub enum DurationExpr {
    /// `5m`, `300`.
    Literal {
        /// How long, in seconds; negative after a sign.
        seconds: f64,
        /// Whether it was written as a duration.
        is_duration: bool,
        /// Where it is written.
        span: Span,
    },
    /// `step()` or `range()`.
    Query {
        /// Which of the two.
        quantity: QueryDuration,
        /// Where it is written.
        span: Span,
    },
    /// `-d`.
    Negative {
        /// What is negated.
        operand: Box<Self>,
        /// Where it is written.
        span: Span,
    },
    /// `5m * 2`, `min_of(step(), 1m)`.
    Binary {
        /// What is computed.
        op: DurationOp,
        /// On the left, or first.
        lhs: Box<Self>,
        /// On the right, or second.
        rhs: Box<Self>,
        /// Where it is written.
        span: Span,
    },
    /// `(5m)`.
    Paren {
        /// What is within.
        operand: Box<Self>,
        /// Where it is written.
        span: Span,
    },
}

/// A duration that the query has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum QueryDuration {
    /// `step()`: between two evaluations; 0 for an instant.
    Step,
    /// `range()`: from the first evaluation to the last; 0 for an instant.
    Range,
}

/// What is computed of two durations, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DurationOp {
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
    /// `/`
    Div,
    /// `%`
    Mod,
    /// `^`
    Pow,
    /// `min_of(a, b)`
    Min,
    /// `max_of(a, b)`
    Max,
}

/// The durations of the query that an expression is evaluated in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DurationContext {
    /// Between two evaluations, milliseconds; 0 for an instant.
    pub step_ms: i64,
    /// From the first to the last evaluation, milliseconds; 0 for an instant.
    pub range_ms: i64,
}

/// Beyond this a duration does not fit into nanoseconds of 64 bits, which is Prometheus' bound.
pub(super) const SECONDS_MAX: f64 = 9_223_372_036.0;

impl DurationExpr {
    /// Where it is written.
    pub fn span(&self) -> Span {
        match self {
            Self::Literal { span, .. }
            | Self::Query { span, .. }
            | Self::Negative { span, .. }
            | Self::Binary { span, .. }
            | Self::Paren { span, .. } => *span,
        }
    }

    /// The length of a range or step, in milliseconds.
    ///
    /// # Errors
    /// When it is not above 0, too long, or divides by 0.
    pub fn length_ms(&self, context: DurationContext) -> Result<i64, ParseError> {
        let seconds = self.seconds(context)?;
        if seconds <= 0.0 || seconds.is_nan() {
            return Err(ParseError::new(
                self.span(),
                "duration must be greater than 0",
            ));
        }
        self.to_ms(seconds)
    }

    /// The shift of an offset, in milliseconds; may be negative.
    ///
    /// # Errors
    /// When it is too long, or divides by 0.
    pub fn shift_ms(&self, context: DurationContext) -> Result<i64, ParseError> {
        let seconds = self.seconds(context)?;
        self.to_ms(seconds)
    }

    fn to_ms(&self, seconds: f64) -> Result<i64, ParseError> {
        if !(-SECONDS_MAX..=SECONDS_MAX).contains(&seconds) {
            return Err(ParseError::new(self.span(), "duration out of range"));
        }
        // 1001ms must not become 1000: what is a hair below a whole nanosecond is that nanosecond. The rest is cut
        // off, and within the range of the integers by the check above.
        Ok(((seconds * 1e9).round() / 1e6) as i64)
    }

    fn seconds(&self, context: DurationContext) -> Result<f64, ParseError> {
        match self {
            Self::Literal { seconds, .. } => Ok(*seconds),
            Self::Query { quantity, .. } => Ok(match quantity {
                QueryDuration::Step => context.step_ms as f64 / 1000.0,
                QueryDuration::Range => context.range_ms as f64 / 1000.0,
            }),
            Self::Negative { operand, .. } => Ok(-operand.seconds(context)?),
            Self::Binary { op, lhs, rhs, span } => {
                op.apply(lhs.seconds(context)?, rhs.seconds(context)?, *span)
            }
            Self::Paren { operand, .. } => operand.seconds(context),
        }
    }
}

impl DurationOp {
    /// As written; `min_of` and `max_of` are written as calls.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Sub => "-",
            Self::Mul => "*",
            Self::Div => "/",
            Self::Mod => "%",
            Self::Pow => "^",
            Self::Min => "min_of",
            Self::Max => "max_of",
        }
    }

    fn apply(self, lhs: f64, rhs: f64, span: Span) -> Result<f64, ParseError> {
        match self {
            Self::Add => Ok(lhs + rhs),
            Self::Sub => Ok(lhs - rhs),
            Self::Mul => Ok(lhs * rhs),
            Self::Div if rhs == 0.0 => Err(ParseError::new(span, "division by zero")),
            Self::Div => Ok(lhs / rhs),
            Self::Mod if rhs == 0.0 => Err(ParseError::new(span, "modulo by zero")),
            Self::Mod => Ok(lhs % rhs),
            Self::Pow => Ok(lhs.powf(rhs)),
            Self::Min => Ok(lhs.min(rhs)),
            Self::Max => Ok(lhs.max(rhs)),
        }
    }
}
