//! Remote write, out.

use std::collections::HashMap;

use portique_series::{Exemplar, Labels, Metadata, MetricKind, Samples};

use crate::metric_kind::to_write;
use crate::remote_write::{WriteVersion, histogram};
use crate::wire::Writer;
use crate::{Error, compress_snappy};

/// Builds one body after the other; the caller begins another when [`len`](Self::len) or its own count says so.
#[derive(Debug)]
pub struct WriteEncoder {
    version: WriteVersion,
    message: Writer,
    symbols: Symbols,
}

/// One series of a body.
#[derive(Debug, Clone, Copy)]
pub struct WriteSeries<'a> {
    /// Its labels, with the metric's name.
    pub labels: &'a Labels,
    /// Its samples, oldest first.
    pub samples: &'a Samples,
    /// Exemplars of it.
    pub exemplars: &'a [Exemplar],
    /// What its metric is: the second version says so with each series, the first apart.
    pub metadata: Option<&'a Metadata>,
}

impl WriteEncoder {
    /// An empty body.
    pub fn new(version: WriteVersion) -> Self {
        Self {
            version,
            message: Writer::default(),
            symbols: Symbols::default(),
        }
    }

    /// Bytes so far, before compression.
    pub fn len(&self) -> usize {
        self.message.len() + self.symbols.message.len()
    }

    /// Whether there is nothing in it yet.
    pub fn is_empty(&self) -> bool {
        self.message.len() == 0
    }

    /// Adds a series.
    pub fn series(&mut self, series: &WriteSeries<'_>) {
        match self.version {
            WriteVersion::V1 => self.message.message(1, |out| {
                write_series_v1(out, series.labels, series.samples);
                for exemplar in series.exemplars {
                    out.message(3, |out| exemplar_v1(out, exemplar));
                }
            }),
            WriteVersion::V2 => {
                let symbols = &mut self.symbols;
                self.message
                    .message(5, |out| series_v2(out, symbols, series));
            }
        }
    }

    /// Says what a metric is; only the first version has a place for it.
    pub fn metadata(&mut self, metric: &str, metadata: &Metadata) {
        if self.version == WriteVersion::V1 {
            self.message.message(3, |out| {
                out.uint(1, to_write(metadata.kind));
                out.text(2, metric);
                out.text(4, &metadata.help);
                out.text(5, &metadata.unit);
            });
        }
    }

    /// The compressed body; the encoder is empty afterwards.
    ///
    /// # Errors
    /// When the body takes 4 GiB or more.
    pub fn finish(&mut self) -> Result<Vec<u8>, Error> {
        let message = std::mem::take(&mut self.message).into_bytes();
        let mut body = std::mem::take(&mut self.symbols).message.into_bytes();
        body.extend_from_slice(&message);
        compress_snappy(&body)
    }
}

/// The labels and samples of a series as the first version and remote read have them.
pub(crate) fn write_series_v1(out: &mut Writer, labels: &Labels, samples: &Samples) {
    for (name, value) in labels.iter() {
        out.message(1, |out| label_v1(out, name, value));
    }
    for (index, (&timestamp_ms, &value)) in
        samples.timestamps.iter().zip(&samples.floats).enumerate()
    {
        match samples.histograms.get(index).and_then(Option::as_ref) {
            Some(found) => out.message(4, |out| histogram::write(out, found, timestamp_ms, 0)),
            None => out.message(2, |out| {
                out.double(1, value);
                out.int(2, timestamp_ms);
            }),
        }
    }
}

fn label_v1(out: &mut Writer, name: &str, value: &str) {
    out.text(1, name);
    out.text(2, value);
}

fn exemplar_v1(out: &mut Writer, exemplar: &Exemplar) {
    for (name, value) in exemplar.labels.iter() {
        out.message(1, |out| label_v1(out, name, value));
    }
    out.double(2, exemplar.value);
    out.int(3, exemplar.timestamp_ms);
}

fn series_v2(out: &mut Writer, symbols: &mut Symbols, series: &WriteSeries<'_>) {
    let samples = series.samples;
    references(out, symbols, series.labels);
    for (index, (&timestamp_ms, &value)) in
        samples.timestamps.iter().zip(&samples.floats).enumerate()
    {
        let start_ms = samples.starts.get(index).copied().unwrap_or(0);
        match samples.histograms.get(index).and_then(Option::as_ref) {
            Some(found) => {
                out.message(3, |out| {
                    histogram::write(out, found, timestamp_ms, start_ms)
                });
            }
            None => out.message(2, |out| {
                out.double(1, value);
                out.int(2, timestamp_ms);
                out.int(3, start_ms);
            }),
        }
    }
    for exemplar in series.exemplars {
        out.message(4, |out| {
            references(out, symbols, &exemplar.labels);
            out.double(2, exemplar.value);
            out.int(3, exemplar.timestamp_ms);
        });
    }
    if let Some(metadata) = series.metadata.filter(|metadata| says_something(metadata)) {
        out.message(5, |out| {
            out.uint(1, to_write(metadata.kind));
            out.uint(3, symbols.of(&metadata.help));
            out.uint(4, symbols.of(&metadata.unit));
        });
    }
}

fn says_something(metadata: &Metadata) -> bool {
    metadata.kind != MetricKind::Unknown || !metadata.help.is_empty() || !metadata.unit.is_empty()
}

fn references(out: &mut Writer, symbols: &mut Symbols, labels: &Labels) {
    let pairs = labels.iter().flat_map(|(name, value)| [name, value]);
    out.varints(1, pairs.map(|text| symbols.of(text)));
}

/// The table of texts, as the message's first fields.
#[derive(Debug)]
struct Symbols {
    numbers: HashMap<String, u64>,
    message: Writer,
}

impl Default for Symbols {
    /// The first symbol is the empty text.
    fn default() -> Self {
        let mut symbols = Self {
            numbers: HashMap::new(),
            message: Writer::default(),
        };
        symbols.of("");
        symbols
    }
}

impl Symbols {
    fn of(&mut self, text: &str) -> u64 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = self.numbers.len() as u64;
        self.numbers.insert(text.to_owned(), number);
        self.message.text_always(4, text);
        number
    }
}
