use portique_series::MetricKind;

use crate::otlp::names::{NameKind, metric_name, unit_words};
use crate::otlp::point::{self, Point};
use crate::otlp::resource::Resource;
use crate::otlp::{Sink, exponential};
use crate::rejection::Bad;
use crate::wire::Message;
use crate::{Error, Reason};

/// Fields of a metric that hold its data, by number.
const GAUGE: u32 = 5;
const SUM: u32 = 7;
const HISTOGRAM: u32 = 9;
const EXPONENTIAL: u32 = 10;
const SUMMARY: u32 = 11;
/// Since when the points of a metric count: 1 since the last report, 2 since the start.
const DELTA: u64 = 1;
const CUMULATIVE: u64 = 2;

/// A metric without its points.
struct Metric<'a> {
    name: &'a str,
    description: &'a str,
    unit: &'a str,
    data: Data<'a>,
}

struct Data<'a> {
    number: u32,
    message: Message<'a>,
    temporality: u64,
    is_monotonic: bool,
    points: u64,
}

/// Reads one metric with all its points.
pub(super) fn read(
    message: Message<'_>,
    resource: &mut Resource,
    sink: &mut Sink<'_>,
) -> Result<(), Error> {
    let metric = match decode(message)? {
        Ok(Some(metric)) => metric,
        Ok(None) => return Ok(()),
        Err(bad) => {
            sink.reject(bad, "", 0);
            return Ok(());
        }
    };
    let data = &metric.data;
    if let Err(bad) = check(&metric) {
        sink.reject(bad, metric.name, data.points);
        return Ok(());
    }
    let (name_kind, kind) = kinds(data);
    let name = metric_name(metric.name, metric.unit, name_kind);
    let unit = unit_words(metric.unit);
    sink.budget
        .label(name.len() + metric.description.len() + unit.len())?;
    sink.batch.metadata(&name, kind, metric.description, &unit);
    let mut points = data.message.clone();
    while let Some((number, field)) = points.next()? {
        if number != 1 {
            continue;
        }
        let fields = points.inner(field.bytes());
        let mut point = Point::new(&name, resource);
        let read = match data.number {
            HISTOGRAM => point::histogram(&mut point, fields, sink),
            EXPONENTIAL => exponential::read(&mut point, fields, sink),
            SUMMARY => point::summary(&mut point, fields, sink),
            _ => point::number(&mut point, fields, sink),
        };
        match read {
            Ok(()) => {
                let timestamp_ms = point.timestamp_ms;
                sink.counts.points += 1;
                resource.saw(timestamp_ms);
            }
            Err(point::Stop::Bad(bad)) => sink.reject(bad, &name, 1),
            Err(point::Stop::Unreadable(error)) => return Err(error),
        }
    }
    Ok(())
}

fn decode(mut fields: Message<'_>) -> Result<Result<Option<Metric<'_>>, Bad>, Error> {
    let (mut name, mut description, mut unit) = (Ok(""), Ok(""), Ok(""));
    let mut data = None;
    while let Some((number, field)) = fields.next()? {
        match number {
            1 => name = str::from_utf8(field.bytes()),
            2 => description = str::from_utf8(field.bytes()),
            3 => unit = str::from_utf8(field.bytes()),
            GAUGE | SUM | HISTOGRAM | EXPONENTIAL | SUMMARY => {
                data = Some(decode_data(number, fields.inner(field.bytes()))?);
            }
            _ => {}
        }
    }
    let (Ok(name), Ok(description), Ok(unit)) = (name, description, unit) else {
        let wrong = "the name, description or unit of a metric is not UTF-8";
        return Ok(Err(Bad::new(Reason::NotUtf8, wrong)));
    };
    Ok(Ok(data.map(|data| Metric {
        name,
        description,
        unit,
        data,
    })))
}

fn decode_data(number: u32, message: Message<'_>) -> Result<Data<'_>, Error> {
    let mut data = Data {
        number,
        message: message.clone(),
        temporality: 0,
        is_monotonic: false,
        points: 0,
    };
    let mut fields = message;
    while let Some((number, field)) = fields.next()? {
        match number {
            1 => data.points += 1,
            2 => data.temporality = field.uint(),
            3 => data.is_monotonic = field.uint() != 0,
            _ => {}
        }
    }
    Ok(data)
}

fn check(metric: &Metric<'_>) -> Result<(), Bad> {
    if !metric
        .name
        .contains(|char: char| char.is_ascii_alphanumeric())
    {
        let wrong = "the metric's name has neither a letter nor a digit of ASCII";
        return Err(Bad::new(Reason::NoName, wrong));
    }
    let has_temporality = matches!(metric.data.number, SUM | HISTOGRAM | EXPONENTIAL);
    match metric.data.temporality {
        _ if !has_temporality => Ok(()),
        CUMULATIVE => Ok(()),
        DELTA => {
            let wrong = "the metric is a delta since the last report: set the exporter's temporality preference to \
                         cumulative";
            Err(Bad::new(Reason::Delta, wrong))
        }
        _ => {
            let wrong =
                "the metric does not say since when it counts: set its temporality to cumulative";
            Err(Bad::new(Reason::Delta, wrong))
        }
    }
}

fn kinds(data: &Data<'_>) -> (NameKind, MetricKind) {
    match data.number {
        GAUGE => (NameKind::Gauge, MetricKind::Gauge),
        SUM if data.is_monotonic => (NameKind::Counter, MetricKind::Counter),
        SUM => (NameKind::Other, MetricKind::Gauge),
        SUMMARY => (NameKind::Other, MetricKind::Summary),
        _ => (NameKind::Other, MetricKind::Histogram),
    }
}
