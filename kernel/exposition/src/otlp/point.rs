use std::sync::Arc;

use portique_series::{Histogram, METRIC_NAME, STALE};

use crate::exemplar::exemplar_labels;
use crate::float_text::write_bound;
use crate::otlp::Sink;
use crate::otlp::attributes::{Attributes, hex};
use crate::otlp::resource::Resource;
use crate::rejection::Bad;
use crate::wire::Message;
use crate::{Error, Reason};

const NANOSECONDS_IN_MS: u64 = 1_000_000;
/// The flag of a point that says that there is no value any more.
const NO_RECORDED_VALUE: u32 = 1;

/// Why a point was not taken.
pub(super) enum Stop {
    /// The point is bad; the next may be good.
    Bad(Bad),
    /// The body is.
    Unreadable(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Unreadable(error)
    }
}

impl From<Bad> for Stop {
    fn from(bad: Bad) -> Self {
        Self::Bad(bad)
    }
}

/// What points of all kinds have.
pub(super) struct Point<'a, 'r> {
    name: &'r str,
    resource: &'r Resource,
    pub(super) attributes: Attributes,
    labels: Vec<(String, String)>,
    pub(super) timestamp_ms: i64,
    start_ms: i64,
    pub(super) is_absent: bool,
    pub(super) exemplars: Vec<Message<'a>>,
}

impl<'a, 'r> Point<'a, 'r> {
    pub(super) fn new(name: &'r str, resource: &'r Resource) -> Self {
        Self {
            name,
            resource,
            attributes: Attributes::default(),
            labels: Vec::new(),
            timestamp_ms: 0,
            start_ms: 0,
            is_absent: false,
            exemplars: Vec::new(),
        }
    }

    pub(super) fn start(&mut self, nanoseconds: u64) {
        self.start_ms = milliseconds(nanoseconds);
    }

    pub(super) fn time(&mut self, nanoseconds: u64) {
        self.timestamp_ms = milliseconds(nanoseconds);
    }

    pub(super) fn flags(&mut self, flags: u32) {
        self.is_absent = flags & NO_RECORDED_VALUE != 0;
    }

    /// Makes labels of the attributes, which must be complete.
    pub(super) fn end_attributes(&mut self) {
        let own = self.resource.labels();
        let is_own = |name: &str| {
            name == METRIC_NAME
                || own
                    .iter()
                    .any(|(own, value)| *own == name && !value.is_empty())
        };
        self.labels = self.attributes.labels();
        self.labels.retain(|(name, _)| !is_own(name));
    }

    /// Adds a float under the name with a suffix, and with one more label if there is one.
    fn float(
        &self,
        sink: &mut Sink<'_>,
        suffix: &str,
        part: Option<(&str, &str)>,
        value: f64,
    ) -> Result<(), Stop> {
        self.begin(sink, suffix, part)?;
        let value = if self.is_absent { STALE } else { value };
        sink.batch.float(self.timestamp_ms, value);
        sink.batch.start(self.start_ms);
        sink.counts.samples += 1;
        Ok(())
    }

    /// Adds a native histogram with its exemplars.
    pub(super) fn native(&self, sink: &mut Sink<'_>, histogram: Histogram) -> Result<(), Stop> {
        self.begin(sink, "", None)?;
        sink.batch.histogram(self.timestamp_ms, Arc::new(histogram));
        sink.batch.start(self.start_ms);
        sink.counts.samples += 1;
        for exemplar in &self.exemplars {
            Exemplar::read(exemplar.clone())?.add(sink);
        }
        Ok(())
    }

    fn begin(
        &self,
        sink: &mut Sink<'_>,
        suffix: &str,
        part: Option<(&str, &str)>,
    ) -> Result<(), Stop> {
        let name = format!("{}{suffix}", self.name);
        let labels = self.labels.iter().map(|(name, value)| (&**name, &**value));
        let labels = labels.filter(|(name, _)| part.is_none_or(|(part, _)| part != *name));
        let labels = labels.chain(self.resource.labels()).chain(part);
        Ok(sink.begin(labels.chain([(METRIC_NAME, &*name)]))??)
    }
}

/// Reads a point of a gauge or a sum.
pub(super) fn number<'a>(
    point: &mut Point<'a, '_>,
    mut fields: Message<'a>,
    sink: &mut Sink<'_>,
) -> Result<(), Stop> {
    let mut value = 0.0;
    while let Some((number, field)) = fields.next()? {
        match number {
            2 => point.start(field.uint()),
            3 => point.time(field.uint()),
            4 => value = field.double(),
            5 => point.exemplars.push(fields.inner(field.bytes())),
            6 => value = field.int() as f64,
            7 => point.attributes.take(fields.inner(field.bytes()))?,
            8 => point.flags(field.uint32()),
            _ => {}
        }
    }
    point.end_attributes();
    point.float(sink, "", None, value)?;
    for exemplar in &point.exemplars {
        Exemplar::read(exemplar.clone())?.add(sink);
    }
    Ok(())
}

/// Reads a point of a histogram with explicit bounds.
pub(super) fn histogram<'a>(
    point: &mut Point<'a, '_>,
    mut fields: Message<'a>,
    sink: &mut Sink<'_>,
) -> Result<(), Stop> {
    let (mut count, mut sum) = (0, None);
    let (mut counts, mut bounds) = (Vec::new(), Vec::new());
    while let Some((number, field)) = fields.next()? {
        match number {
            2 => point.start(field.uint()),
            3 => point.time(field.uint()),
            4 => count = field.uint(),
            5 => sum = Some(field.double()),
            6 => fields.fixed64s(field, &mut counts)?,
            7 => fields.doubles(field, &mut bounds)?,
            8 => point.exemplars.push(fields.inner(field.bytes())),
            9 => point.attributes.take(fields.inner(field.bytes()))?,
            10 => point.flags(field.uint32()),
            _ => {}
        }
    }
    point.end_attributes();
    check_bounds(&counts, &bounds)?;
    if let Some(sum) = sum {
        point.float(sink, "_sum", None, sum)?;
    }
    point.float(sink, "_count", None, count as f64)?;
    buckets(point, sink, count, &counts, &bounds)
}

fn check_bounds(counts: &[u64], bounds: &[f64]) -> Result<(), Bad> {
    let fits = counts.len() == bounds.len() + 1 || counts.is_empty() && bounds.is_empty();
    if !fits {
        let (counts, bounds) = (counts.len(), bounds.len());
        let wrong =
            format!("{counts} buckets and {bounds} bounds: send one bucket more than bounds");
        return Err(Bad::new(Reason::BadHistogram, wrong));
    }
    match bounds.is_sorted_by(|a, b| a < b) {
        true => Ok(()),
        false => Err(Bad::new(Reason::BadHistogram, "the bounds do not ascend")),
    }
}

/// Adds cumulative buckets, each with the exemplars that fall into it.
fn buckets(
    point: &Point<'_, '_>,
    sink: &mut Sink<'_>,
    count: u64,
    counts: &[u64],
    bounds: &[f64],
) -> Result<(), Stop> {
    let mut exemplars = Vec::new();
    for exemplar in &point.exemplars {
        exemplars.push(Exemplar::read(exemplar.clone())?);
    }
    let (mut total, mut below) = (0_u64, f64::NEG_INFINITY);
    let mut bound_text = String::new();
    let finite = bounds.iter().copied().zip(counts.iter().copied());
    for (bound, bucket) in finite
        .map(|(bound, bucket)| (bound, Some(bucket)))
        .chain([(f64::INFINITY, None)])
    {
        total = bucket.map_or(count, |bucket| total.saturating_add(bucket));
        bound_text.clear();
        write_bound(&mut bound_text, bound);
        point.float(sink, "_bucket", Some(("le", &bound_text)), total as f64)?;
        for exemplar in &exemplars {
            if exemplar.value > below && exemplar.value <= bound {
                exemplar.add(sink);
            }
        }
        below = bound;
    }
    Ok(())
}

/// Reads a point of a summary.
pub(super) fn summary<'a>(
    point: &mut Point<'a, '_>,
    mut fields: Message<'a>,
    sink: &mut Sink<'_>,
) -> Result<(), Stop> {
    let (mut count, mut sum) = (0, 0.0);
    let mut quantiles = Vec::new();
    while let Some((number, field)) = fields.next()? {
        match number {
            2 => point.start(field.uint()),
            3 => point.time(field.uint()),
            4 => count = field.uint(),
            5 => sum = field.double(),
            6 => quantiles.push(fields.inner(field.bytes())),
            7 => point.attributes.take(fields.inner(field.bytes()))?,
            8 => point.flags(field.uint32()),
            _ => {}
        }
    }
    point.end_attributes();
    point.float(sink, "_sum", None, sum)?;
    point.float(sink, "_count", None, count as f64)?;
    for mut fields in quantiles {
        let (mut quantile, mut value) = (0.0, 0.0);
        while let Some((number, field)) = fields.next()? {
            match number {
                1 => quantile = field.double(),
                2 => value = field.double(),
                _ => {}
            }
        }
        let mut text = String::new();
        write_bound(&mut text, quantile);
        point.float(sink, "", Some(("quantile", &text)), value)?;
    }
    Ok(())
}

struct Exemplar {
    value: f64,
    timestamp_ms: i64,
    ids: Vec<(String, String)>,
    attributes: Attributes,
}

impl Exemplar {
    fn read(mut fields: Message<'_>) -> Result<Self, Error> {
        let mut exemplar = Self {
            value: 0.0,
            timestamp_ms: 0,
            ids: Vec::new(),
            attributes: Attributes::default(),
        };
        while let Some((number, field)) = fields.next()? {
            let bytes = field.bytes();
            match number {
                2 => exemplar.timestamp_ms = milliseconds(field.uint()),
                3 => exemplar.value = field.double(),
                4 if !bytes.is_empty() => exemplar.ids.push(("span_id".to_owned(), hex(bytes))),
                5 if !bytes.is_empty() => exemplar.ids.push(("trace_id".to_owned(), hex(bytes))),
                6 => exemplar.value = field.int() as f64,
                7 => exemplar.attributes.take(fields.inner(bytes))?,
                _ => {}
            }
        }
        Ok(exemplar)
    }

    /// Adds it to the series begun last; where its attributes are too long, with the trace only.
    fn add(&self, sink: &mut Sink<'_>) {
        let attributes = self.attributes.labels();
        let ids = self.ids.iter();
        let all = ids.clone().chain(&attributes);
        let labels = exemplar_labels(all.map(|(name, value)| (&**name, &**value)));
        let labels =
            labels.or_else(|_| exemplar_labels(ids.map(|(name, value)| (&**name, &**value))));
        match labels {
            Ok(labels) => sink.batch.exemplar(labels, self.value, self.timestamp_ms),
            Err(bad) => sink.reject(bad, "", 0),
        }
    }
}

/// Nanoseconds since 1970 as milliseconds.
fn milliseconds(nanoseconds: u64) -> i64 {
    (nanoseconds / NANOSECONDS_IN_MS).cast_signed()
}
