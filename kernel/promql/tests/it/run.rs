//! Runs scripts.

use portique_promql::syntax::{self, At, Expr, Function};
use portique_promql::{
    Config, Engine, Error, Options, Output, QueryValue, TimeRange, VectorSample,
};
use portique_series::Matcher;

use crate::case::{Case, Command, Expected, Times};
use crate::compare;
use crate::data::Memory;
use crate::script;

/// Distance of the steps around an instant when it is evaluated again as one step of a range.
const AROUND_MS: i64 = 60_000;

/// Which part of the language a case needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Class {
    /// Stable, floats only.
    Core,
    /// Stable, with native histograms.
    Histograms,
    /// Experimental.
    Experimental,
    /// Both.
    ExperimentalHistograms,
}

/// What became of one case.
pub(crate) struct Outcome {
    pub(crate) class: Class,
    pub(crate) line: usize,
    pub(crate) query: String,
    pub(crate) result: Result<(), String>,
}

/// The settings that scripts assume.
pub(crate) fn config() -> Config {
    Config {
        syntax: syntax::Options::all(),
        delayed_name_removal: true,
        ..Config::default()
    }
}

/// Runs a script; of each `eval` there is an outcome.
pub(crate) fn script(name: &str, text: &str, config: &Config) -> Vec<Outcome> {
    let commands = script::parse(text).unwrap_or_else(|error| panic!("{name}: {error}"));
    let engine = Engine::new(Config {
        type_and_unit_labels: config.type_and_unit_labels || name.starts_with("type_and_unit"),
        ..config.clone()
    });
    let mut memory = Memory::default();
    let mut outcomes = Vec::new();
    for command in commands {
        match command {
            Command::Clear => memory = Memory::default(),
            Command::Load(loaded) => {
                for series in loaded {
                    memory.add(&series.labels, &series.samples);
                }
            }
            Command::Eval(case) => outcomes.push(Outcome {
                class: class(name, &case, &memory),
                line: case.line,
                query: case.query.clone(),
                result: check(&engine, &memory, &case),
            }),
        }
    }
    outcomes
}

fn check(engine: &Engine, memory: &Memory, case: &Case) -> Result<(), String> {
    let query = &case.query;
    let result = match case.times {
        Times::Instant(time_ms) => engine.instant(memory, query, time_ms, &Options::default()),
        Times::Range {
            from_ms,
            to_ms,
            step_ms,
        } => {
            let range = TimeRange {
                from_ms,
                to_ms,
                step_ms,
            };
            engine.range(memory, query, range, &Options::default())
        }
    };
    let output = match (&case.expected, result) {
        (Expected::Fail(text), Err(error)) => {
            return compare::failure(text, &portique_fault_chain(&error));
        }
        (_, Err(error)) => return Err(format!("error: {}", portique_fault_chain(&error))),
        (_, Ok(output)) => output,
    };
    compare::output(case, query, &output)?;
    let Times::Instant(time_ms) = case.times else {
        return Ok(());
    };
    as_range(engine, memory, case, time_ms).map_err(|error| format!("as a range: {error}"))?;
    pinned(engine, memory, case, time_ms).map_err(|error| format!("pinned by @: {error}"))
}

fn portique_fault_chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// The same value comes of a step in the middle of a range.
fn as_range(engine: &Engine, memory: &Memory, case: &Case, time_ms: i64) -> Result<(), String> {
    let asks_query = ["start()", "end()", "range()", "step()"];
    if case.ordered || asks_query.iter().any(|call| case.query.contains(call)) {
        return Ok(());
    }
    let range = TimeRange {
        from_ms: time_ms - AROUND_MS,
        to_ms: time_ms + AROUND_MS,
        step_ms: AROUND_MS,
    };
    let run = || engine.range(memory, &case.query, range, &Options::default());
    match &case.expected {
        Expected::Vector(expected) => {
            let output = run().map_err(|error| portique_fault_chain(&error))?;
            compare::vector(expected, &at(&output, time_ms))
        }
        Expected::Scalar(expected) => {
            let output = run().map_err(|error| portique_fault_chain(&error))?;
            let found = at(&output, time_ms);
            let wanted = [(
                portique_series::Labels::empty(),
                Some(portique_series::Value::Float(*expected)),
            )];
            compare::vector(&wanted, &found)
        }
        _ => Ok(()),
    }
}

/// The samples of a range's result at one time.
fn at(output: &Output, time_ms: i64) -> Vec<VectorSample> {
    let QueryValue::Matrix(series) = &output.value else {
        return Vec::new();
    };
    let sample = |series: &portique_promql::MatrixSeries| {
        let point = series.points.iter().find(|(time, _)| *time == time_ms);
        point.map(|(timestamp_ms, value)| VectorSample {
            labels: series.labels.clone(),
            timestamp_ms: *timestamp_ms,
            value: value.clone(),
        })
    };
    series.iter().filter_map(sample).collect()
}

/// With every selector pinned to the time of evaluation, the same comes out at any other time.
fn pinned(engine: &Engine, memory: &Memory, case: &Case, time_ms: i64) -> Result<(), String> {
    let Expected::Vector(expected) = &case.expected else {
        return Ok(());
    };
    let Ok(mut expr) = syntax::parse(&case.query, &syntax::Options::all()) else {
        return Ok(());
    };
    if reads_time(&expr) || case.ordered {
        return Ok(());
    }
    pin(&mut expr, time_ms);
    let query = expr.to_string();
    let others = match time_ms {
        0 => vec![-1_000, 0, 1_000],
        _ => vec![-10 * time_ms, 0, time_ms / 5, time_ms, 10 * time_ms],
    };
    for other in others {
        let output = engine
            .instant(memory, &query, other, &Options::default())
            .map_err(|error| format!("{query}: {}", portique_fault_chain(&error)))?;
        let QueryValue::Vector(found) = &output.value else {
            return Err(format!("{query}: another kind"));
        };
        compare::vector(expected, found).map_err(|error| format!("{query} at {other}: {error}"))?;
    }
    Ok(())
}

fn reads_time(expr: &Expr) -> bool {
    use Function::{
        DayOfMonth, DayOfWeek, DayOfYear, DaysInMonth, End, Hour, Minute, Month, PredictLinear,
        Range, Start, StartTimestamp, Step, Time, Timestamp, Year,
    };
    let unsafe_call = match expr {
        Expr::Call(call) => matches!(
            call.function,
            DayOfMonth
                | DayOfWeek
                | DayOfYear
                | DaysInMonth
                | End
                | Hour
                | Minute
                | Month
                | PredictLinear
                | Range
                | Start
                | StartTimestamp
                | Step
                | Time
                | Timestamp
                | Year
        ),
        _ => false,
    };
    unsafe_call || expr.children().into_iter().any(reads_time)
}

fn pin(expr: &mut Expr, time_ms: i64) {
    let at = |at: &mut Option<At>| *at = at.or(Some(At::Timestamp(time_ms)));
    match expr {
        Expr::Vector(selector) => at(&mut selector.at),
        Expr::Matrix(matrix) => at(&mut matrix.selector.at),
        // What is within is evaluated at times that are pinned by this.
        Expr::Subquery(subquery) => at(&mut subquery.at),
        Expr::Call(call) if call.function == Function::Info => pin(&mut call.args[0], time_ms),
        Expr::Call(call) => call.args.iter_mut().for_each(|arg| pin(arg, time_ms)),
        Expr::Aggregate(aggregate) => {
            pin(&mut aggregate.expr, time_ms);
            if let Some(param) = &mut aggregate.param {
                pin(param, time_ms);
            }
        }
        Expr::Binary(binary) => {
            pin(&mut binary.lhs, time_ms);
            pin(&mut binary.rhs, time_ms);
        }
        Expr::Unary(unary) => pin(&mut unary.expr, time_ms),
        Expr::Paren(paren) => pin(&mut paren.expr, time_ms),
        Expr::Number(_) | Expr::String(_) => {}
    }
}

fn class(name: &str, case: &Case, memory: &Memory) -> Class {
    let mut needs = Needs {
        memory,
        experimental: name.starts_with("type_and_unit"),
        histograms: expects_histograms(&case.expected),
    };
    if let Ok(expr) = syntax::parse(&case.query, &syntax::Options::all()) {
        needs.visit(&expr);
    }
    match (needs.experimental, needs.histograms) {
        (false, false) => Class::Core,
        (false, true) => Class::Histograms,
        (true, false) => Class::Experimental,
        (true, true) => Class::ExperimentalHistograms,
    }
}

fn expects_histograms(expected: &Expected) -> bool {
    let histogram =
        |value: &portique_series::Value| matches!(value, portique_series::Value::Histogram(_));
    match expected {
        Expected::Vector(series) => series
            .iter()
            .any(|(_, v)| v.as_ref().is_some_and(histogram)),
        Expected::Matrix(series) => series
            .iter()
            .any(|(_, p)| p.iter().any(|(_, v)| histogram(v))),
        _ => false,
    }
}

struct Needs<'a> {
    memory: &'a Memory,
    experimental: bool,
    histograms: bool,
}

impl Needs<'_> {
    fn visit(&mut self, expr: &Expr) {
        match expr {
            Expr::Vector(selector) => {
                self.experimental |= selector.extension.is_some();
                self.selects(&selector.matchers);
            }
            Expr::Matrix(matrix) => {
                self.experimental |= matrix.selector.extension.is_some();
                self.selects(&matrix.selector.matchers);
            }
            Expr::Call(call) => self.experimental |= call.function.signature().experimental,
            Expr::Aggregate(aggregate) => self.experimental |= aggregate.op.is_experimental(),
            Expr::Binary(binary) => {
                let matching = binary.matching.as_ref();
                self.experimental |=
                    matching.is_some_and(|m| m.fill_left.is_some() || m.fill_right.is_some());
                let trims = [syntax::BinaryOp::TrimLower, syntax::BinaryOp::TrimUpper];
                self.histograms |= trims.contains(&binary.op);
            }
            _ => {}
        }
        expr.children()
            .into_iter()
            .for_each(|child| self.visit(child));
    }

    fn selects(&mut self, matchers: &[Matcher]) {
        let (histograms, starts) = self.memory.kinds(|labels| {
            matchers
                .iter()
                .all(|m| m.matches(labels.get(m.name()).unwrap_or("")))
        });
        self.histograms |= histograms;
        self.experimental |= starts;
    }
}
