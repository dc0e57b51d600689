//! Remote write, in and out: both versions of the message that a Prometheus sends.
//!
//! Fields go from the decompressed body straight into the batch. A series is read in the order of its fields'
//! numbers, as every sender writes them; labels after samples make the body unreadable, for the samples are in
//! the batch by then.
//!
//! Source: Prometheus, Remote-Write specifications 1.0 and 2.0.

mod encode;
mod histogram;
mod v1;
mod v2;

pub(crate) use encode::write_series_v1;
pub use encode::{WriteEncoder, WriteSeries};

use portique_series::Batch;

use crate::{Error, Rejections, decompress_snappy};

/// What errors call the order that samples and labels came in.
const LABELS_LATE: &str = "labels come after samples: write fields in the order of their numbers";

/// Which message a body holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WriteVersion {
    /// `prometheus.WriteRequest`.
    V1,
    /// `io.prometheus.write.v2.Request`.
    V2,
}

impl WriteVersion {
    /// What a content type says; `None` when it is another one.
    ///
    /// Without `proto`, it is the first version.
    pub fn of_content_type(content_type: &str) -> Option<Self> {
        let mut parts = content_type.split(';').map(str::trim);
        let kind = parts.next().unwrap_or("");
        if !kind.eq_ignore_ascii_case("application/x-protobuf") {
            return None;
        }
        for part in parts {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            if name.trim().eq_ignore_ascii_case("proto") {
                return Self::of_message(value.trim().trim_matches('"'));
            }
        }
        Some(Self::V1)
    }

    fn of_message(name: &str) -> Option<Self> {
        [Self::V1, Self::V2]
            .into_iter()
            .find(|version| version.message() == name)
    }

    /// The name of its message.
    pub fn message(self) -> &'static str {
        match self {
            Self::V1 => "prometheus.WriteRequest",
            Self::V2 => "io.prometheus.write.v2.Request",
        }
    }
}

/// What a body held that went into the batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WriteCounts {
    /// Floats, stale markers among them.
    pub samples: usize,
    /// Native histograms.
    pub histograms: usize,
    /// Exemplars.
    pub exemplars: usize,
}

/// Reads bodies one after the other, and keeps the room that the last one took.
#[derive(Debug, Default)]
pub struct WriteReader {
    decompressed: Vec<u8>,
}

impl WriteReader {
    /// A reader without room yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds what a compressed body holds to the batch, series by series in its order.
    ///
    /// # Errors
    /// When the body is too large, no snappy block or not the message: the batch is cleared then.
    pub fn read(
        &mut self,
        version: WriteVersion,
        body: &[u8],
        batch: &mut Batch,
        rejections: &mut Rejections,
    ) -> Result<WriteCounts, Error> {
        let read = decompress_snappy(body, &mut self.decompressed).and_then(|()| match version {
            WriteVersion::V1 => v1::read(&self.decompressed, batch, rejections),
            WriteVersion::V2 => v2::read(&self.decompressed, batch, rejections),
        });
        read.inspect_err(|_| batch.clear())
    }
}

#[cfg(test)]
mod tests;
