//! Bodies of remote write 1.0.

use snap::raw::Encoder;

/// A body that is ready to be sent.
#[derive(Debug)]
pub(crate) struct Body {
    /// Bodies of one lane go through one connection, so that the samples of a series stay in order.
    pub(crate) lane: usize,
    pub(crate) samples: usize,
    pub(crate) bytes: Vec<u8>,
}

/// Builds a `prometheus.WriteRequest`.
#[derive(Debug, Default)]
pub(crate) struct Request {
    message: Vec<u8>,
    series: Vec<u8>,
    samples: usize,
}

impl Request {
    /// Adds a series with its samples, each a timestamp in Unix milliseconds and a value; `labels` as
    /// [`encode_labels`] made them.
    pub(crate) fn series(&mut self, labels: &[u8], samples: &[(i64, f64)]) {
        self.series.clear();
        self.series.extend_from_slice(labels);
        for (timestamp_ms, value) in samples {
            let mut sample = [0; 20];
            sample[0] = 0x09;
            sample[1..9].copy_from_slice(&value.to_le_bytes());
            sample[9] = 0x10;
            let end = put_varint(&mut sample[10..], *timestamp_ms as u64) + 10;
            self.series.extend_from_slice(&[0x12, end as u8]);
            self.series.extend_from_slice(&sample[..end]);
        }
        self.samples += samples.len();
        put_bytes(&mut self.message, 0x0a, &self.series);
    }

    /// The body, compressed; what follows is another.
    pub(crate) fn finish(&mut self, lane: usize) -> anyhow::Result<Body> {
        let bytes = Encoder::new().compress_vec(&self.message)?;
        self.message.clear();
        let samples = std::mem::take(&mut self.samples);
        Ok(Body {
            lane,
            samples,
            bytes,
        })
    }
}

/// Labels as fields of a `prometheus.TimeSeries`, sorted by name.
pub(crate) fn encode_labels(labels: &[(&str, &str)]) -> Vec<u8> {
    let mut sorted = labels.to_vec();
    sorted.sort_unstable();
    let mut encoded = Vec::new();
    for (name, value) in sorted {
        let mut label = Vec::new();
        put_bytes(&mut label, 0x0a, name.as_bytes());
        put_bytes(&mut label, 0x12, value.as_bytes());
        put_bytes(&mut encoded, 0x0a, &label);
    }
    encoded
}

fn put_bytes(into: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    let mut length = [0; 10];
    let end = put_varint(&mut length, bytes.len() as u64);
    into.push(tag);
    into.extend_from_slice(&length[..end]);
    into.extend_from_slice(bytes);
}

/// How many bytes it took.
fn put_varint(into: &mut [u8], mut value: u64) -> usize {
    let mut at = 0;
    while value >= 0x80 {
        into[at] = value as u8 | 0x80;
        value >>= 7;
        at += 1;
    }
    into[at] = value as u8;
    at + 1
}
