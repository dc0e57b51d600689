use portique_series::{Batch, METRIC_NAME, MetricKind};

use crate::budget::Budget;
use crate::exemplar::exemplar_labels;
use crate::metric_kind::{family_of, of_write};
use crate::rejection::Bad;
use crate::remote_write::{LABELS_LATE, WriteCounts, WriteVersion, histogram};
use crate::wire::{Field, Message};
use crate::{Error, Place, Reason, Rejections};

/// Most symbols of one body: each takes two bytes at least there, and sixteen here.
const SYMBOLS_MAX: usize = 4_000_000;

/// Reads an `io.prometheus.write.v2.Request`.
pub(super) fn read(
    body: &[u8],
    batch: &mut Batch,
    rejections: &mut Rejections,
) -> Result<WriteCounts, Error> {
    let request = Message::new(body, WriteVersion::V2.message());
    let symbols = Symbols::read(request.clone())?;
    let mut reader = Reader {
        batch,
        rejections,
        described: vec![false; symbols.texts.len()],
        symbols,
        references: Vec::new(),
        counts: WriteCounts::default(),
        budget: Budget::default(),
        series: 0,
    };
    let mut fields = request;
    while let Some((number, field)) = fields.next()? {
        if number == 5 {
            reader.series(fields.inner(field.bytes()))?;
        }
    }
    Ok(reader.counts)
}

/// The table of texts that everything else refers to by index.
struct Symbols<'a> {
    texts: Vec<Option<&'a str>>,
}

impl<'a> Symbols<'a> {
    fn read(mut request: Message<'a>) -> Result<Self, Error> {
        let mut texts = Vec::new();
        while let Some((number, field)) = request.next()? {
            if number != 4 {
                continue;
            }
            if texts.len() == SYMBOLS_MAX {
                return Err(request.malformed("there are more symbols than are allowed"));
            }
            texts.push(str::from_utf8(field.bytes()).ok());
        }
        if let Some(Some(first)) = texts.first()
            && !first.is_empty()
        {
            return Err(request.malformed("the first symbol is not empty"));
        }
        Ok(Self { texts })
    }

    #[inline]
    fn at(&self, reference: u32) -> Result<&'a str, Bad> {
        match self.texts.get(reference as usize) {
            Some(Some(text)) => Ok(text),
            Some(None) => {
                let wrong = format!("the symbol {reference} is not UTF-8");
                Err(Bad::new(Reason::NotUtf8, wrong))
            }
            None => {
                let symbols = self.texts.len();
                let wrong = format!("a reference to symbol {reference}, but there are {symbols}");
                Err(Bad::new(Reason::BadSymbol, wrong))
            }
        }
    }

    fn pairs(&self, references: &[u32]) -> Result<Vec<(&'a str, &'a str)>, Bad> {
        let (pairs, odd) = references.as_chunks();
        if !odd.is_empty() {
            return Err(odd_references());
        }
        let pair = |[name, value]: &[u32; 2]| Ok((self.at(*name)?, self.at(*value)?));
        pairs.iter().map(pair).collect()
    }
}

fn odd_references() -> Bad {
    let wrong = "the references of the labels are no pairs of name and value";
    Bad::new(Reason::BadSymbol, wrong)
}

struct Reader<'a, 'b> {
    symbols: Symbols<'a>,
    batch: &'b mut Batch,
    rejections: &'b mut Rejections,
    /// Of which names the metadata went into the batch already, by symbol.
    described: Vec<bool>,
    /// Those of the series at hand.
    references: Vec<u32>,
    counts: WriteCounts,
    budget: Budget,
    series: u64,
}

impl Reader<'_, '_> {
    fn series(&mut self, mut fields: Message<'_>) -> Result<(), Error> {
        self.series += 1;
        self.references.clear();
        let mut next = fields.next()?;
        while let Some((1, field)) = next {
            references(&fields, field, &mut self.references)?;
            next = fields.next()?;
        }
        let name = match self.labels()? {
            Ok(name) => name,
            Err(bad) => {
                self.reject(bad);
                return Ok(());
            }
        };
        let before = self.budget.samples;
        while let Some((number, field)) = next {
            let inner = fields.inner(field.bytes());
            match number {
                1 => return Err(fields.malformed(LABELS_LATE)),
                2 => self.sample(inner)?,
                3 => self.histogram(inner)?,
                4 => self.exemplar(inner)?,
                5 => self.metadata(inner, name)?,
                _ => {}
            }
            next = fields.next()?;
        }
        if self.budget.samples == before {
            let wrong = "the series has neither a sample nor a histogram";
            self.reject(Bad::new(Reason::BadValue, wrong));
        }
        Ok(())
    }

    /// The symbol of the metric's name, once the labels are in the batch.
    fn labels(&mut self) -> Result<Result<u32, Bad>, Error> {
        self.batch.begin();
        let (pairs, odd) = self.references.as_chunks();
        if !odd.is_empty() {
            return Ok(Err(odd_references()));
        }
        let mut metric = None;
        for [name, value] in pairs {
            let (label, text) = match (self.symbols.at(*name), self.symbols.at(*value)) {
                (Ok(label), Ok(text)) => (label, text),
                (Err(bad), _) | (_, Err(bad)) => return Ok(Err(bad)),
            };
            self.budget.label(label.len() + text.len())?;
            if label == METRIC_NAME && !text.is_empty() {
                metric = Some(*value);
            }
            self.batch.label(label, text);
        }
        let Some(metric) = metric else {
            let wrong = "the series has no label __name__";
            return Ok(Err(Bad::new(Reason::NoName, wrong)));
        };
        let ended = self.batch.end_labels();
        Ok(ended.map(|()| metric).map_err(Bad::from))
    }

    #[inline]
    fn sample(&mut self, mut fields: Message<'_>) -> Result<(), Error> {
        let (mut value, mut timestamp_ms, mut start_ms) = (0.0, 0, 0);
        while let Some((number, field)) = fields.next()? {
            match number {
                1 => value = field.double(),
                2 => timestamp_ms = field.int(),
                3 => start_ms = field.int(),
                _ => {}
            }
        }
        self.budget.sample()?;
        self.counts.samples += 1;
        self.batch.float(timestamp_ms, value);
        self.batch.start(start_ms);
        Ok(())
    }

    fn histogram(&mut self, fields: Message<'_>) -> Result<(), Error> {
        self.budget.sample()?;
        let sample = histogram::read(fields)?;
        match sample.histogram {
            Ok(histogram) => {
                self.counts.histograms += 1;
                self.batch.histogram(sample.timestamp_ms, histogram);
                self.batch.start(sample.start_ms);
            }
            Err(bad) => self.reject(bad),
        }
        Ok(())
    }

    fn exemplar(&mut self, mut fields: Message<'_>) -> Result<(), Error> {
        let (mut labels, mut value, mut timestamp_ms) = (Vec::new(), 0.0, 0);
        while let Some((number, field)) = fields.next()? {
            match number {
                1 => references(&fields, field, &mut labels)?,
                2 => value = field.double(),
                3 => timestamp_ms = field.int(),
                _ => {}
            }
        }
        let pairs = self.symbols.pairs(&labels);
        match pairs.and_then(|pairs| exemplar_labels(pairs.into_iter())) {
            Ok(labels) => {
                self.counts.exemplars += 1;
                self.batch.exemplar(labels, value, timestamp_ms);
            }
            Err(bad) => self.reject(bad),
        }
        Ok(())
    }

    /// Senders repeat the metadata with each series of a metric: one of a body is enough.
    fn metadata(&mut self, mut fields: Message<'_>, name: u32) -> Result<(), Error> {
        let (mut kind, mut help, mut unit) = (MetricKind::Unknown, 0, 0);
        while let Some((number, field)) = fields.next()? {
            match number {
                1 => kind = of_write(field.uint()),
                3 => help = field.uint32(),
                4 => unit = field.uint32(),
                _ => {}
            }
        }
        let says_nothing = kind == MetricKind::Unknown && help == 0 && unit == 0;
        let described = self.described.get_mut(name as usize);
        if says_nothing || described.is_none_or(|described| std::mem::replace(described, true)) {
            return Ok(());
        }
        match self.symbols.pairs(&[help, unit, name, name]).as_deref() {
            Ok([(help, unit), (name, _)]) => {
                self.budget.label(help.len() + unit.len() + name.len())?;
                self.batch.metadata(family_of(name, kind), kind, help, unit);
            }
            Ok(_) => {}
            Err(bad) => self.reject(bad.clone()),
        }
        Ok(())
    }

    fn reject(&mut self, bad: Bad) {
        let (pairs, _) = self.references.as_chunks();
        let text = |reference: &u32| self.symbols.at(*reference).unwrap_or("?").as_bytes();
        let labels = pairs.iter().map(|[name, value]| (text(name), text(value)));
        let place = Place::Series(self.series);
        self.rejections.add_series(place, bad, labels);
    }
}

fn references(message: &Message<'_>, field: Field<'_>, into: &mut Vec<u32>) -> Result<(), Error> {
    message.varints(field, |value| {
        into.push(u32::try_from(value).unwrap_or(u32::MAX));
    })
}
