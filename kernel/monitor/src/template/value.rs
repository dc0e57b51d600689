use std::collections::BTreeMap;
use std::sync::Arc;

use portique_series::Labels;

use super::layout::Time;

/// What a template works with.
#[derive(Debug, Clone)]
pub enum Value {
    /// Nothing; printed as `<no value>`.
    Nil,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// A text.
    Text(Arc<str>),
    /// A text that is HTML already and is not escaped.
    Html(Arc<str>),
    /// A moment in a time zone.
    Time(Time),
    /// A span of time in nanoseconds.
    Duration(i64),
    /// Values in order.
    List(Arc<[Value]>),
    /// Values by name; a name that is not there is [`Value::Nil`].
    Map(Arc<BTreeMap<String, Value>>),
    /// Labels as Prometheus gives them: a name that is not there is an empty text.
    Labels(Arc<BTreeMap<String, String>>),
    /// Labels as Alertmanager gives them: with `SortedPairs`, `Names`, `Values` and `Remove`.
    Kv(Arc<BTreeMap<String, String>>),
    /// Names and values in order, with `Names` and `Values`.
    Pairs(Arc<[(String, String)]>),
    /// Alerts in order, with `Firing` and `Resolved`.
    Alerts(Arc<[Value]>),
    /// A value with a fixed set of fields.
    Record(Arc<Record>),
}

/// A value with a fixed set of fields; asking for another one is an error.
#[derive(Debug, Clone)]
pub struct Record {
    /// What it is, for messages, such as `alert`.
    pub kind: &'static str,
    /// Its fields, named as templates write them without the dot.
    pub fields: BTreeMap<&'static str, Value>,
}

/// One answer to a query in a template.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Its labels, the metric's name among them.
    pub labels: Labels,
    /// Its value.
    pub value: f64,
}

impl Value {
    /// A text.
    pub fn text(text: impl AsRef<str>) -> Self {
        Self::Text(Arc::from(text.as_ref()))
    }

    /// Labels as Prometheus gives them to annotations.
    pub fn labels(labels: &Labels) -> Self {
        Self::Labels(Arc::new(owned(labels)))
    }

    /// Labels as Alertmanager gives them to messages.
    pub fn kv(labels: &Labels) -> Self {
        Self::Kv(Arc::new(owned(labels)))
    }

    /// A value with fixed fields.
    pub fn record<const N: usize>(kind: &'static str, fields: [(&'static str, Self); N]) -> Self {
        let fields = BTreeMap::from(fields);
        Self::Record(Arc::new(Record { kind, fields }))
    }

    /// Values in order.
    pub fn list(values: impl IntoIterator<Item = Self>) -> Self {
        Self::List(values.into_iter().collect())
    }

    /// What a query found: records with `Labels` and `Value`.
    pub(super) fn samples(samples: &[Sample]) -> Self {
        Self::list(samples.iter().map(|sample| {
            let labels = Self::labels(&sample.labels);
            Self::record(
                "sample",
                [("Labels", labels), ("Value", Self::Float(sample.value))],
            )
        }))
    }

    /// What it is, for messages.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Nil => "nil",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Float(_) => "float64",
            Self::Text(_) | Self::Html(_) => "string",
            Self::Time(_) => "time",
            Self::Duration(_) => "duration",
            Self::List(_) => "list",
            Self::Map(_) => "map",
            Self::Labels(_) | Self::Kv(_) => "label set",
            Self::Pairs(_) => "label pairs",
            Self::Alerts(_) => "alerts",
            Self::Record(record) => record.kind,
        }
    }

    /// Whether `if` takes it: not nil, false, zero or empty.
    pub(super) fn is_true(&self) -> bool {
        match self {
            Self::Nil => false,
            Self::Bool(value) => *value,
            Self::Int(value) | Self::Duration(value) => *value != 0,
            Self::Float(value) => *value != 0.0,
            Self::Time(_) | Self::Record(_) => true,
            _ => self.len() != Some(0),
        }
    }

    /// How many elements or bytes it has, if it has any.
    pub(super) fn len(&self) -> Option<usize> {
        match self {
            Self::Text(text) | Self::Html(text) => Some(text.len()),
            Self::List(list) | Self::Alerts(list) => Some(list.len()),
            Self::Map(map) => Some(map.len()),
            Self::Labels(map) | Self::Kv(map) => Some(map.len()),
            Self::Pairs(pairs) => Some(pairs.len()),
            _ => None,
        }
    }

    /// Its text, if it is one.
    pub(super) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Html(text) => Some(text),
            _ => None,
        }
    }

    /// The element at a place of a list.
    pub(super) fn at(&self, place: usize) -> Option<Self> {
        match self {
            Self::List(list) | Self::Alerts(list) => list.get(place).cloned(),
            Self::Pairs(pairs) => pairs.get(place).map(pair),
            _ => None,
        }
    }

    /// Keys or places with their elements, as `range` goes through them; `None` when it cannot.
    pub(super) fn entries(&self) -> Option<Vec<(Self, Self)>> {
        match self {
            Self::Nil => Some(Vec::new()),
            Self::Map(map) => {
                let entries = map.iter().map(|(k, v)| (Self::text(k), v.clone()));
                Some(entries.collect())
            }
            Self::Labels(map) | Self::Kv(map) => {
                let entries = map.iter().map(|(k, v)| (Self::text(k), Self::text(v)));
                Some(entries.collect())
            }
            Self::List(_) | Self::Alerts(_) | Self::Pairs(_) => {
                let places = 0..self.len().unwrap_or(0);
                let entries = places.map(|i| (index(i), self.at(i).unwrap_or(Self::Nil)));
                Some(entries.collect())
            }
            _ => None,
        }
    }
}

fn owned(labels: &Labels) -> BTreeMap<String, String> {
    let pairs = labels.iter().map(|(n, v)| (n.to_owned(), v.to_owned()));
    pairs.collect()
}

/// A place as a number; lists are far shorter than numbers are large.
pub(super) fn index(place: usize) -> Value {
    Value::Int(i64::try_from(place).unwrap_or(i64::MAX))
}

fn pair((name, value): &(String, String)) -> Value {
    Value::record(
        "pair",
        [("Name", Value::text(name)), ("Value", Value::text(value))],
    )
}
