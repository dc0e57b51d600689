//! The delimited protobuf of a scrape.

mod fields;

use portique_series::{Batch, METRIC_NAME, MetricKind};

use crate::budget::Budget;
use crate::exemplar::exemplar_labels;
use crate::float_text::write_bound;
use crate::native::Parts;
use crate::rejection::Bad;
use crate::scrape::{ScrapeCounts, ScrapeOptions};
use crate::wire::{Field, Message};
use crate::{Error, Place, Reason, Rejections};
use fields::{Bucket, kind_of, pair, part, timestamp, two_doubles};

const MESSAGE: &str = "io.prometheus.client.MetricFamily";

/// Adds what a delimited protobuf body holds to the batch, one series after the other.
///
/// A histogram that is both native and classic goes in as a native one only, as a Prometheus takes it.
///
/// Source: Prometheus client model, `io/prometheus/client/metrics.proto`.
///
/// # Errors
/// When the body is damaged; what came before is in the batch.
pub fn read_protobuf(
    body: &[u8],
    options: &ScrapeOptions,
    batch: &mut Batch,
    rejections: &mut Rejections,
) -> Result<ScrapeCounts, Error> {
    let mut reader = Reader {
        options,
        batch,
        rejections,
        counts: ScrapeCounts {
            is_complete: true,
            ..ScrapeCounts::default()
        },
        budget: Budget::default(),
        metric: 0,
        name: String::new(),
        bound: String::new(),
    };
    let mut families = Message::new(body, MESSAGE);
    while let Some(family) = families.next_delimited()? {
        reader.family(families.inner(family))?;
    }
    Ok(reader.counts)
}

struct Reader<'o, 'b> {
    options: &'o ScrapeOptions,
    batch: &'b mut Batch,
    rejections: &'b mut Rejections,
    counts: ScrapeCounts,
    budget: Budget,
    metric: u64,
    name: String,
    bound: String,
}

/// One metric of a family: its labels and its time.
struct Metric<'a> {
    family: &'a str,
    labels: Vec<(&'a str, &'a str)>,
    timestamp_ms: i64,
}

/// What tells one series of a metric from the others.
#[derive(Clone, Copy)]
enum Piece<'a> {
    Whole,
    Suffix(&'a str),
    Part(&'a str, &'a str, f64),
}

impl Reader<'_, '_> {
    fn family(&mut self, fields: Message<'_>) -> Result<(), Error> {
        let (mut name, mut help, mut unit) = (Ok(""), Ok(""), Ok(""));
        // The first kind has the number 0, which newer encoders leave out.
        let mut kind = MetricKind::Counter;
        let mut all = fields.clone();
        while let Some((number, field)) = all.next()? {
            match number {
                1 => name = str::from_utf8(field.bytes()),
                2 => help = str::from_utf8(field.bytes()),
                3 => kind = kind_of(field.uint()),
                5 => unit = str::from_utf8(field.bytes()),
                _ => {}
            }
        }
        let (Ok(name), Ok(help), Ok(unit)) = (name, help, unit) else {
            let bad = Bad::new(
                Reason::NotUtf8,
                "a family's name, help or unit is not UTF-8",
            );
            self.rejections
                .add(Place::Metric(self.metric + 1), bad, b"");
            return Ok(());
        };
        if kind != MetricKind::Unknown || !help.is_empty() {
            self.batch.metadata(name, kind, help, unit);
        }
        let mut all = fields;
        while let Some((number, field)) = all.next()? {
            if number == 4 {
                self.metric += 1;
                self.metric(name, all.inner(field.bytes()))?;
            }
        }
        Ok(())
    }

    fn metric(&mut self, family: &str, fields: Message<'_>) -> Result<(), Error> {
        let mut labels = Vec::new();
        let mut timestamp_ms = None;
        let mut all = fields.clone();
        while let Some((number, field)) = all.next()? {
            match number {
                1 => labels.push(pair(all.inner(field.bytes()))?),
                6 => timestamp_ms = Some(field.int()),
                _ => {}
            }
        }
        let Some(labels) = labels.into_iter().collect::<Option<Vec<_>>>() else {
            let bad = Bad::new(Reason::NotUtf8, "a label is not UTF-8");
            self.reject(bad, family);
            return Ok(());
        };
        let metric = Metric {
            family,
            labels,
            timestamp_ms: self.options.timestamp_ms(timestamp_ms),
        };
        let mut all = fields;
        while let Some((number, field)) = all.next()? {
            let value = all.inner(field.bytes());
            match number {
                2 | 3 | 5 => self.number(&metric, value)?,
                4 => self.summary(&metric, value)?,
                7 => self.histogram(&metric, value)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// A gauge, a counter or an untyped number: they differ in the exemplar and the start only.
    fn number(&mut self, metric: &Metric<'_>, mut fields: Message<'_>) -> Result<(), Error> {
        let (mut value, mut exemplar, mut start_ms) = (0.0, None, 0);
        while let Some((number, field)) = fields.next()? {
            match number {
                1 => value = field.double(),
                2 => exemplar = Some(field),
                3 => start_ms = timestamp(fields.inner(field.bytes()))?,
                _ => {}
            }
        }
        self.float(metric, Piece::Whole, value, start_ms)?;
        self.exemplars(metric, &fields, exemplar)
    }

    fn summary(&mut self, metric: &Metric<'_>, mut fields: Message<'_>) -> Result<(), Error> {
        let (mut count, mut sum, mut start_ms) = (0.0, 0.0, 0);
        let mut quantiles = Vec::new();
        while let Some((number, field)) = fields.next()? {
            match number {
                1 => count = field.uint() as f64,
                2 => sum = field.double(),
                3 => quantiles.push(two_doubles(fields.inner(field.bytes()))?),
                4 => start_ms = timestamp(fields.inner(field.bytes()))?,
                _ => {}
            }
        }
        for (quantile, value) in quantiles {
            self.float(
                metric,
                Piece::Part("", "quantile", quantile),
                value,
                start_ms,
            )?;
        }
        self.float(metric, Piece::Suffix("_sum"), sum, start_ms)?;
        self.float(metric, Piece::Suffix("_count"), count, start_ms)?;
        Ok(())
    }

    fn histogram(&mut self, metric: &Metric<'_>, fields: Message<'_>) -> Result<(), Error> {
        let (mut parts, mut start_ms) = (Parts::default(), 0);
        let mut exemplars = Vec::new();
        let mut all = fields.clone();
        while let Some((number, field)) = all.next()? {
            match number {
                15 => start_ms = timestamp(all.inner(field.bytes()))?,
                16 => exemplars.push(field),
                _ => {
                    if let Some(part) = part(number) {
                        parts.take(part, field, &all)?;
                    }
                }
            }
        }
        if !parts.is_native() {
            return self.classic(metric, fields, start_ms);
        }
        match parts.finish() {
            Ok(histogram) => {
                if self.begin(metric, Piece::Whole)? {
                    self.batch.histogram(metric.timestamp_ms, histogram);
                    self.batch.start(start_ms);
                    self.counts.samples += 1;
                }
                self.exemplars(metric, &all, exemplars)
            }
            Err(bad) => {
                self.reject(bad, metric.family);
                Ok(())
            }
        }
    }

    fn classic(
        &mut self,
        metric: &Metric<'_>,
        mut fields: Message<'_>,
        start_ms: i64,
    ) -> Result<(), Error> {
        let (mut count, mut sum, mut has_infinite) = (0.0, 0.0, false);
        while let Some((number, field)) = fields.next()? {
            match number {
                1 => count = field.uint() as f64,
                4 => count = field.double(),
                2 => sum = field.double(),
                3 => {
                    let bucket = Bucket::read(fields.inner(field.bytes()))?;
                    has_infinite |= bucket.bound == f64::INFINITY;
                    let piece = Piece::Part("_bucket", "le", bucket.bound);
                    self.float(metric, piece, bucket.count, start_ms)?;
                    self.exemplars(metric, &fields, bucket.exemplar)?;
                }
                _ => {}
            }
        }
        if !has_infinite {
            let piece = Piece::Part("_bucket", "le", f64::INFINITY);
            self.float(metric, piece, count, start_ms)?;
        }
        self.float(metric, Piece::Suffix("_sum"), sum, start_ms)?;
        self.float(metric, Piece::Suffix("_count"), count, start_ms)?;
        Ok(())
    }

    fn float(
        &mut self,
        metric: &Metric<'_>,
        piece: Piece<'_>,
        value: f64,
        start_ms: i64,
    ) -> Result<(), Error> {
        if self.begin(metric, piece)? {
            self.batch.float(metric.timestamp_ms, value);
            self.batch.start(start_ms);
            self.counts.samples += 1;
        }
        Ok(())
    }

    fn begin(&mut self, metric: &Metric<'_>, piece: Piece<'_>) -> Result<bool, Error> {
        self.budget.sample()?;
        self.name.clear();
        self.name.push_str(metric.family);
        self.batch.begin();
        for (name, value) in &metric.labels {
            self.budget.label(name.len() + value.len())?;
            self.batch.label(name, value);
        }
        match piece {
            Piece::Whole => {}
            Piece::Suffix(suffix) => self.name.push_str(suffix),
            Piece::Part(suffix, label, bound) => {
                self.name.push_str(suffix);
                self.bound.clear();
                write_bound(&mut self.bound, bound);
                self.batch.label(label, &self.bound);
            }
        }
        self.batch.label(METRIC_NAME, &self.name);
        let ended = match metric.family.is_empty() {
            true => Err(Bad::new(Reason::NoName, "the family has no name")),
            false => self.batch.end_labels().map_err(Bad::from),
        };
        let ended = ended.map_err(|bad| self.reject(bad, metric.family));
        Ok(ended.is_ok())
    }

    /// Adds exemplars to the series begun last.
    fn exemplars<'a>(
        &mut self,
        metric: &Metric<'_>,
        message: &Message<'a>,
        fields: impl IntoIterator<Item = Field<'a>>,
    ) -> Result<(), Error> {
        for field in fields {
            let (mut labels, mut value, mut timestamp_ms) = (Vec::new(), 0.0, metric.timestamp_ms);
            let mut all = message.inner(field.bytes());
            while let Some((number, field)) = all.next()? {
                match number {
                    1 => labels.push(pair(all.inner(field.bytes()))?.unwrap_or(("", ""))),
                    2 => value = field.double(),
                    3 => timestamp_ms = timestamp(all.inner(field.bytes()))?,
                    _ => {}
                }
            }
            match exemplar_labels(labels.into_iter()) {
                Ok(labels) => {
                    self.batch.exemplar(labels, value, timestamp_ms);
                    self.counts.exemplars += 1;
                }
                Err(bad) => self.reject(bad, metric.family),
            }
        }
        Ok(())
    }

    fn reject(&mut self, bad: Bad, family: &str) {
        let place = Place::Metric(self.metric);
        self.rejections.add(place, bad, family.as_bytes());
    }
}
