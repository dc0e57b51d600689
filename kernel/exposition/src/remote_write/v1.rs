use portique_series::{Batch, METRIC_NAME, MetricKind};

use crate::budget::Budget;
use crate::exemplar::exemplar_labels;
use crate::metric_kind::of_write;
use crate::rejection::Bad;
use crate::remote_write::{LABELS_LATE, WriteCounts, WriteVersion, histogram};
use crate::wire::Message;
use crate::{Error, Place, Reason, Rejections};

/// Reads a `prometheus.WriteRequest`.
pub(super) fn read(
    body: &[u8],
    batch: &mut Batch,
    rejections: &mut Rejections,
) -> Result<WriteCounts, Error> {
    let mut reader = Reader {
        batch,
        rejections,
        counts: WriteCounts::default(),
        budget: Budget::default(),
        series: 0,
    };
    let mut request = Message::new(body, WriteVersion::V1.message());
    while let Some((number, field)) = request.next()? {
        match number {
            1 => reader.series(request.inner(field.bytes()))?,
            3 => reader.metadata(request.inner(field.bytes()))?,
            _ => {}
        }
    }
    Ok(reader.counts)
}

struct Reader<'b> {
    batch: &'b mut Batch,
    rejections: &'b mut Rejections,
    counts: WriteCounts,
    budget: Budget,
    series: u64,
}

impl Reader<'_> {
    fn series(&mut self, message: Message<'_>) -> Result<(), Error> {
        self.series += 1;
        let mut fields = message.clone();
        let mut labels = Labels::default();
        self.batch.begin();
        let mut next = fields.next()?;
        while let Some((1, field)) = next {
            self.label(fields.inner(field.bytes()), &mut labels)?;
            next = fields.next()?;
        }
        if let Err(bad) = self.end_labels(labels) {
            self.reject(bad, &message);
            return Ok(());
        }
        while let Some((number, field)) = next {
            let inner = fields.inner(field.bytes());
            match number {
                1 => return Err(fields.malformed(LABELS_LATE)),
                2 => self.sample(inner)?,
                3 => self.exemplar(inner, &message)?,
                4 => self.histogram(inner, &message)?,
                _ => {}
            }
            next = fields.next()?;
        }
        Ok(())
    }

    #[inline]
    fn label(&mut self, fields: Message<'_>, labels: &mut Labels) -> Result<(), Error> {
        let (name, value) = name_and_value(fields)?;
        self.budget.label(name.len() + value.len())?;
        match (str::from_utf8(name), str::from_utf8(value)) {
            (Ok(name), Ok(value)) => {
                labels.is_named |= name == METRIC_NAME && !value.is_empty();
                self.batch.label(name, value);
            }
            _ => labels.is_not_utf8 = true,
        }
        Ok(())
    }

    fn end_labels(&mut self, labels: Labels) -> Result<(), Bad> {
        if labels.is_not_utf8 {
            return Err(Bad::new(Reason::NotUtf8, "a label is not UTF-8"));
        }
        if !labels.is_named {
            return Err(Bad::new(Reason::NoName, "the series has no label __name__"));
        }
        Ok(self.batch.end_labels()?)
    }

    #[inline]
    fn sample(&mut self, mut fields: Message<'_>) -> Result<(), Error> {
        let (mut value, mut timestamp_ms) = (0.0, 0);
        while let Some((number, field)) = fields.next()? {
            match number {
                1 => value = field.double(),
                2 => timestamp_ms = field.int(),
                _ => {}
            }
        }
        self.budget.sample()?;
        self.counts.samples += 1;
        self.batch.float(timestamp_ms, value);
        Ok(())
    }

    fn histogram(&mut self, fields: Message<'_>, series: &Message<'_>) -> Result<(), Error> {
        self.budget.sample()?;
        let sample = histogram::read(fields)?;
        match sample.histogram {
            Ok(histogram) => {
                self.counts.histograms += 1;
                self.batch.histogram(sample.timestamp_ms, histogram);
            }
            Err(bad) => self.reject(bad, series),
        }
        Ok(())
    }

    fn exemplar(&mut self, mut fields: Message<'_>, series: &Message<'_>) -> Result<(), Error> {
        let (mut pairs, mut value, mut timestamp_ms) = (Vec::new(), 0.0, 0);
        while let Some((number, field)) = fields.next()? {
            match number {
                1 => {
                    let (name, value) = name_and_value(fields.inner(field.bytes()))?;
                    pairs.push((
                        String::from_utf8_lossy(name),
                        String::from_utf8_lossy(value),
                    ));
                }
                2 => value = field.double(),
                3 => timestamp_ms = field.int(),
                _ => {}
            }
        }
        match exemplar_labels(pairs.iter().map(|(name, value)| (&**name, &**value))) {
            Ok(labels) => {
                self.counts.exemplars += 1;
                self.batch.exemplar(labels, value, timestamp_ms);
            }
            Err(bad) => self.reject(bad, series),
        }
        Ok(())
    }

    fn metadata(&mut self, mut fields: Message<'_>) -> Result<(), Error> {
        let mut kind = MetricKind::Unknown;
        let (mut name, mut help, mut unit) = (&[][..], &[][..], &[][..]);
        while let Some((number, field)) = fields.next()? {
            match number {
                1 => kind = of_write(field.uint()),
                2 => name = field.bytes(),
                4 => help = field.bytes(),
                5 => unit = field.bytes(),
                _ => {}
            }
        }
        self.budget.label(name.len() + help.len() + unit.len())?;
        if let (Ok(name), Ok(help), Ok(unit)) = (
            str::from_utf8(name),
            str::from_utf8(help),
            str::from_utf8(unit),
        ) && !name.is_empty()
        {
            self.batch.metadata(name, kind, help, unit);
        } else {
            let bad = Bad::new(Reason::BadMetadata, "metadata without a name, or not UTF-8");
            self.rejections.add(Place::Series(self.series), bad, name);
        }
        Ok(())
    }

    fn reject(&mut self, bad: Bad, series: &Message<'_>) {
        let mut fields = series.clone();
        let labels = std::iter::from_fn(|| match fields.next() {
            Ok(Some((1, field))) => name_and_value(fields.inner(field.bytes())).ok(),
            _ => None,
        });
        let place = Place::Series(self.series);
        self.rejections.add_series(place, bad, labels);
    }
}

/// What was seen of a series' labels.
#[derive(Default)]
struct Labels {
    is_named: bool,
    is_not_utf8: bool,
}

#[inline]
fn name_and_value<'a>(mut fields: Message<'a>) -> Result<(&'a [u8], &'a [u8]), Error> {
    let (mut name, mut value) = (&[][..], &[][..]);
    while let Some((number, field)) = fields.next()? {
        match number {
            1 => name = field.bytes(),
            2 => value = field.bytes(),
            _ => {}
        }
    }
    Ok((name, value))
}
