//! Records other than floats.

use crate::chunk::{ByteReader, Damage, put_varint, put_zigzag};
use crate::{Exemplar, Labels, Metadata, MetricKind};

/// Longest text of a record, far over what fits one: a length that is damage ends here.
const TEXT_BYTES_MAX: usize = 64 << 20;

/// What a record of the log holds; the journal carries the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RecordKind {
    Series = 1,
    Floats = 2,
    Chunks = 3,
    Metadata = 4,
    Exemplars = 5,
    Deleted = 6,
}

impl RecordKind {
    pub(crate) fn from_byte(byte: u8) -> Result<Self, Damage> {
        match byte {
            1 => Ok(Self::Series),
            2 => Ok(Self::Floats),
            3 => Ok(Self::Chunks),
            4 => Ok(Self::Metadata),
            5 => Ok(Self::Exemplars),
            6 => Ok(Self::Deleted),
            _ => Err("its kind is unknown"),
        }
    }
}

pub(crate) fn put_text(into: &mut Vec<u8>, text: &str) {
    put_bytes(into, text.as_bytes());
}

pub(crate) fn put_series(into: &mut Vec<u8>, slot: u32, labels: &str) {
    put_varint(into, u64::from(slot));
    put_text(into, labels);
}

pub(crate) fn put_chunk(into: &mut Vec<u8>, slot: u32, chunk: &[u8]) {
    put_varint(into, u64::from(slot));
    put_bytes(into, chunk);
}

pub(crate) fn put_bytes(into: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(into, bytes.len() as u64);
    into.extend_from_slice(bytes);
}

pub(crate) fn put_metadata(into: &mut Vec<u8>, metric: &str, metadata: &Metadata) {
    put_text(into, metric);
    into.push(metadata.kind as u8);
    put_text(into, &metadata.help);
    put_text(into, &metadata.unit);
}

pub(crate) fn put_exemplar(into: &mut Vec<u8>, slot: u32, exemplar: &Exemplar) {
    put_varint(into, u64::from(slot));
    put_zigzag(into, exemplar.timestamp_ms);
    into.extend_from_slice(&exemplar.value.to_le_bytes());
    put_text(into, exemplar.labels.packed());
}

/// Reads the entries of a record, one after another.
#[derive(Debug)]
pub(crate) struct LogRecord<'a> {
    from: ByteReader<'a>,
}

impl<'a> LogRecord<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self {
            from: ByteReader::new(bytes),
        }
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.from.is_at_end()
    }

    pub(crate) fn slot(&mut self) -> Result<u32, Damage> {
        u32::try_from(self.from.varint()?).map_err(|_| "a slot is out of range")
    }

    pub(crate) fn labels(&mut self) -> Result<Labels, Damage> {
        let packed = self.text()?;
        Labels::parse_packed(packed).ok_or("its labels are not packed as labels are")
    }

    pub(crate) fn count(&mut self, max: usize) -> Result<usize, Damage> {
        self.from.count(max)
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], Damage> {
        let length = self.from.count(TEXT_BYTES_MAX)?;
        self.from.take(length)
    }

    pub(crate) fn zigzag(&mut self) -> Result<i64, Damage> {
        self.from.zigzag()
    }

    pub(crate) fn metadata(&mut self) -> Result<(&'a str, Metadata), Damage> {
        let metric = self.text()?;
        let kind = MetricKind::from_byte(self.from.u8()?).ok_or("a metric's kind is unknown")?;
        let metadata = Metadata {
            kind,
            help: self.text()?.to_owned(),
            unit: self.text()?.to_owned(),
        };
        Ok((metric, metadata))
    }

    pub(crate) fn exemplar(&mut self) -> Result<(u32, Exemplar), Damage> {
        let slot = self.slot()?;
        let timestamp_ms = self.from.zigzag()?;
        let value = self.from.f64()?;
        let exemplar = Exemplar {
            labels: self.labels()?,
            value,
            timestamp_ms,
        };
        Ok((slot, exemplar))
    }

    fn text(&mut self) -> Result<&'a str, Damage> {
        std::str::from_utf8(self.bytes()?).map_err(|_| "a text is not UTF-8")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_back() {
        let labels = Labels::from_pairs([("a", "é"), ("b", "1")]);
        let metadata = Metadata {
            kind: MetricKind::StateSet,
            help: "h".into(),
            unit: "s".into(),
        };
        let exemplar = Exemplar {
            labels: labels.clone(),
            value: -0.5,
            timestamp_ms: -7,
        };
        let mut bytes = Vec::new();
        put_series(&mut bytes, 7, labels.packed());
        put_metadata(&mut bytes, "m", &metadata);
        put_exemplar(&mut bytes, u32::MAX, &exemplar);
        let mut record = LogRecord::new(&bytes);
        assert_eq!((record.slot(), record.labels()), (Ok(7), Ok(labels)));
        assert_eq!(record.metadata(), Ok(("m", metadata)));
        assert_eq!(record.exemplar(), Ok((u32::MAX, exemplar)));
        assert!(record.is_at_end());
    }

    #[test]
    fn damage_is_told_not_guessed() {
        let mut bytes = Vec::new();
        put_series(&mut bytes, 7, "\u{5}ab");
        let mut record = LogRecord::new(&bytes);
        assert_eq!(record.slot(), Ok(7));
        assert!(record.labels().is_err(), "a length beyond the end");
        assert!(LogRecord::new(&[0xff; 3]).slot().is_err());
        assert!(RecordKind::from_byte(7).is_err());
    }
}
