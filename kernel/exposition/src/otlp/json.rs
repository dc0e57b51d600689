//! OTLP's JSON, turned into the protobuf that everything else reads.

use serde_json::Value;

use crate::Error;
use crate::wire::Writer;

/// The fields of a message: the name in JSON, the number, and what it holds.
struct Schema(&'static [(&'static str, u32, Kind)]);

/// What a field holds, and how protobuf writes it.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    /// Bytes in hexadecimal digits: identifiers.
    Hex,
    Bool,
    Uint,
    Int,
    Sint32,
    Fixed64,
    Sfixed64,
    Double,
    Temporality,
    /// Unsigned integers in a packed field.
    Uints,
    Fixed64s,
    Doubles,
    Message(&'static Schema),
    Messages(&'static Schema),
}

static REQUEST: Schema = Schema(&[("resourceMetrics", 1, Kind::Messages(&RESOURCE_METRICS))]);
static RESOURCE_METRICS: Schema = Schema(&[
    ("resource", 1, Kind::Message(&RESOURCE)),
    ("scopeMetrics", 2, Kind::Messages(&SCOPE_METRICS)),
]);
static RESOURCE: Schema = Schema(&[("attributes", 1, Kind::Messages(&KEY_VALUE))]);
static KEY_VALUE: Schema = Schema(&[
    ("key", 1, Kind::Text),
    ("value", 2, Kind::Message(&ANY_VALUE)),
]);
static ANY_VALUE: Schema = Schema(&[
    ("stringValue", 1, Kind::Text),
    ("boolValue", 2, Kind::Bool),
    ("intValue", 3, Kind::Int),
    ("doubleValue", 4, Kind::Double),
    ("arrayValue", 5, Kind::Message(&ARRAY_VALUE)),
    ("kvlistValue", 6, Kind::Message(&KEY_VALUE_LIST)),
    // They come in base 64, which is the text that they become anyway.
    ("bytesValue", 1, Kind::Text),
]);
static ARRAY_VALUE: Schema = Schema(&[("values", 1, Kind::Messages(&ANY_VALUE))]);
static KEY_VALUE_LIST: Schema = Schema(&[("values", 1, Kind::Messages(&KEY_VALUE))]);
static SCOPE_METRICS: Schema = Schema(&[("metrics", 2, Kind::Messages(&METRIC))]);
static METRIC: Schema = Schema(&[
    ("name", 1, Kind::Text),
    ("description", 2, Kind::Text),
    ("unit", 3, Kind::Text),
    ("gauge", 5, Kind::Message(&NUMBERS)),
    ("sum", 7, Kind::Message(&NUMBERS)),
    ("histogram", 9, Kind::Message(&HISTOGRAM)),
    (
        "exponentialHistogram",
        10,
        Kind::Message(&EXPONENTIAL_HISTOGRAM),
    ),
    ("summary", 11, Kind::Message(&SUMMARY)),
]);
static NUMBERS: Schema = Schema(&[
    ("dataPoints", 1, Kind::Messages(&NUMBER_POINT)),
    ("aggregationTemporality", 2, Kind::Temporality),
    ("isMonotonic", 3, Kind::Bool),
]);
static HISTOGRAM: Schema = Schema(&[
    ("dataPoints", 1, Kind::Messages(&HISTOGRAM_POINT)),
    ("aggregationTemporality", 2, Kind::Temporality),
]);
static EXPONENTIAL_HISTOGRAM: Schema = Schema(&[
    ("dataPoints", 1, Kind::Messages(&EXPONENTIAL_POINT)),
    ("aggregationTemporality", 2, Kind::Temporality),
]);
static SUMMARY: Schema = Schema(&[("dataPoints", 1, Kind::Messages(&SUMMARY_POINT))]);
static NUMBER_POINT: Schema = Schema(&[
    ("startTimeUnixNano", 2, Kind::Fixed64),
    ("timeUnixNano", 3, Kind::Fixed64),
    ("asDouble", 4, Kind::Double),
    ("exemplars", 5, Kind::Messages(&EXEMPLAR)),
    ("asInt", 6, Kind::Sfixed64),
    ("attributes", 7, Kind::Messages(&KEY_VALUE)),
    ("flags", 8, Kind::Uint),
]);
static HISTOGRAM_POINT: Schema = Schema(&[
    ("startTimeUnixNano", 2, Kind::Fixed64),
    ("timeUnixNano", 3, Kind::Fixed64),
    ("count", 4, Kind::Fixed64),
    ("sum", 5, Kind::Double),
    ("bucketCounts", 6, Kind::Fixed64s),
    ("explicitBounds", 7, Kind::Doubles),
    ("exemplars", 8, Kind::Messages(&EXEMPLAR)),
    ("attributes", 9, Kind::Messages(&KEY_VALUE)),
    ("flags", 10, Kind::Uint),
]);
static EXPONENTIAL_POINT: Schema = Schema(&[
    ("attributes", 1, Kind::Messages(&KEY_VALUE)),
    ("startTimeUnixNano", 2, Kind::Fixed64),
    ("timeUnixNano", 3, Kind::Fixed64),
    ("count", 4, Kind::Fixed64),
    ("sum", 5, Kind::Double),
    ("scale", 6, Kind::Sint32),
    ("zeroCount", 7, Kind::Fixed64),
    ("positive", 8, Kind::Message(&BUCKETS)),
    ("negative", 9, Kind::Message(&BUCKETS)),
    ("flags", 10, Kind::Uint),
    ("exemplars", 11, Kind::Messages(&EXEMPLAR)),
    ("zeroThreshold", 14, Kind::Double),
]);
static BUCKETS: Schema = Schema(&[
    ("offset", 1, Kind::Sint32),
    ("bucketCounts", 2, Kind::Uints),
]);
static SUMMARY_POINT: Schema = Schema(&[
    ("startTimeUnixNano", 2, Kind::Fixed64),
    ("timeUnixNano", 3, Kind::Fixed64),
    ("count", 4, Kind::Fixed64),
    ("sum", 5, Kind::Double),
    ("quantileValues", 6, Kind::Messages(&QUANTILE)),
    ("attributes", 7, Kind::Messages(&KEY_VALUE)),
    ("flags", 8, Kind::Uint),
]);
static QUANTILE: Schema = Schema(&[("quantile", 1, Kind::Double), ("value", 2, Kind::Double)]);
static EXEMPLAR: Schema = Schema(&[
    ("timeUnixNano", 2, Kind::Fixed64),
    ("asDouble", 3, Kind::Double),
    ("spanId", 4, Kind::Hex),
    ("traceId", 5, Kind::Hex),
    ("asInt", 6, Kind::Sfixed64),
    ("filteredAttributes", 7, Kind::Messages(&KEY_VALUE)),
]);

/// The same request as protobuf.
///
/// # Errors
/// When the body is not JSON, or a field holds something else than the message says.
pub(super) fn to_protobuf(body: &[u8]) -> Result<Vec<u8>, Error> {
    let value: Value = serde_json::from_slice(body).map_err(|fault| Error::Json {
        path: format!("line {} column {}", fault.line(), fault.column()),
        problem: "this is no JSON".to_owned(),
    })?;
    let mut writer = Writer::default();
    let mut path = Vec::new();
    message(&mut writer, &REQUEST, &value, &mut path).map_err(|expected| Error::Json {
        path: shown(&path),
        problem: format!("{expected} is expected"),
    })?;
    Ok(writer.into_bytes())
}

/// One step on the way to a field.
enum Step {
    Field(&'static str),
    Index(usize),
}

/// What was expected in place of what is there.
type Expected = &'static str;

/// Steps stay on the path when something is wrong: they say where.
fn message(
    out: &mut Writer,
    schema: &'static Schema,
    value: &Value,
    path: &mut Vec<Step>,
) -> Result<(), Expected> {
    let object = value.as_object().ok_or("an object")?;
    for &(name, number, kind) in schema.0 {
        match object.get(name) {
            None | Some(Value::Null) => {}
            Some(value) => {
                path.push(Step::Field(name));
                field(out, number, kind, value, path)?;
                path.pop();
            }
        }
    }
    Ok(())
}

fn field(
    out: &mut Writer,
    number: u32,
    kind: Kind,
    value: &Value,
    path: &mut Vec<Step>,
) -> Result<(), Expected> {
    match kind {
        Kind::Text => out.text_always(number, value.as_str().ok_or("a text")?),
        Kind::Hex => out.bytes(number, &hex(value)?),
        Kind::Bool => out.uint(number, u64::from(value.as_bool().ok_or("true or false")?)),
        Kind::Uint => out.uint(number, uint(value)?),
        Kind::Int => out.uint_always(number, int(value)?.cast_unsigned()),
        Kind::Sint32 => {
            let small = i32::try_from(int(value)?);
            out.sint32(number, small.map_err(|_| "an integer of 32 bits")?);
        }
        Kind::Fixed64 => out.fixed64(number, uint(value)?),
        Kind::Sfixed64 => out.fixed64(number, int(value)?.cast_unsigned()),
        Kind::Double => out.double_always(number, double(value)?),
        Kind::Temporality => out.uint(number, temporality(value)?),
        Kind::Uints => out.varints(number, list(value, path, uint)?),
        Kind::Fixed64s => {
            let values = list(value, path, uint)?;
            values
                .into_iter()
                .for_each(|value| out.fixed64(number, value));
        }
        Kind::Doubles => out.doubles(number, &list(value, path, double)?),
        Kind::Message(schema) => nested(out, number, schema, value, path)?,
        Kind::Messages(schema) => {
            for (index, value) in value.as_array().ok_or("an array")?.iter().enumerate() {
                path.push(Step::Index(index));
                nested(out, number, schema, value, path)?;
                path.pop();
            }
        }
    }
    Ok(())
}

fn nested(
    out: &mut Writer,
    number: u32,
    schema: &'static Schema,
    value: &Value,
    path: &mut Vec<Step>,
) -> Result<(), Expected> {
    let mut inner = Writer::default();
    message(&mut inner, schema, value, path)?;
    out.bytes(number, &inner.into_bytes());
    Ok(())
}

fn list<T>(
    value: &Value,
    path: &mut Vec<Step>,
    read: impl Fn(&Value) -> Result<T, Expected>,
) -> Result<Vec<T>, Expected> {
    let mut values = Vec::new();
    for (index, value) in value.as_array().ok_or("an array")?.iter().enumerate() {
        path.push(Step::Index(index));
        values.push(read(value)?);
        path.pop();
    }
    Ok(values)
}

/// Integers of 64 bits come as text, for JavaScript's sake; numbers are taken too.
fn int(value: &Value) -> Result<i64, Expected> {
    let text = value.as_str().and_then(|text| text.parse().ok());
    text.or_else(|| value.as_i64())
        .ok_or("an integer, or one in quotes")
}

fn uint(value: &Value) -> Result<u64, Expected> {
    let text = value.as_str().and_then(|text| text.parse().ok());
    text.or_else(|| value.as_u64())
        .ok_or("an integer from 0, or one in quotes")
}

fn double(value: &Value) -> Result<f64, Expected> {
    // `NaN`, `Infinity` and `-Infinity` come as text.
    let text = value.as_str().and_then(|text| text.parse().ok());
    text.or_else(|| value.as_f64()).ok_or("a number")
}

fn temporality(value: &Value) -> Result<u64, Expected> {
    match value.as_str() {
        Some("AGGREGATION_TEMPORALITY_UNSPECIFIED") => Ok(0),
        Some("AGGREGATION_TEMPORALITY_DELTA") => Ok(1),
        Some("AGGREGATION_TEMPORALITY_CUMULATIVE") => Ok(2),
        _ => uint(value).map_err(|_| "1 for delta or 2 for cumulative"),
    }
}

fn hex(value: &Value) -> Result<Vec<u8>, Expected> {
    const EXPECTED: Expected = "an even number of hexadecimal digits";
    let digits = value.as_str().ok_or(EXPECTED)?;
    let (pairs, odd) = digits.as_bytes().as_chunks::<2>();
    if !odd.is_empty() {
        return Err(EXPECTED);
    }
    let byte = |pair: &[u8; 2]| {
        let [high, low] = pair.map(|digit| char::from(digit).to_digit(16));
        let byte = high?.checked_mul(16)?.checked_add(low?)?;
        u8::try_from(byte).ok()
    };
    pairs
        .iter()
        .map(|pair| byte(pair).ok_or(EXPECTED))
        .collect()
}

fn shown(path: &[Step]) -> String {
    let mut shown = String::new();
    for step in path {
        match step {
            Step::Field(name) if shown.is_empty() => shown.push_str(name),
            Step::Field(name) => shown.extend([".", name]),
            Step::Index(index) => shown.push_str(&format!("[{index}]")),
        }
    }
    match shown.is_empty() {
        true => "the top".to_owned(),
        false => shown,
    }
}
