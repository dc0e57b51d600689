//! The formats in which telemetry travels: from bytes into a [`Batch`](portique_series::Batch), and back.
//!
//! ```text
//! text, OpenMetrics, delimited protobuf ─┐
//! remote write 1.0 and 2.0 ──────────────┤   what is good   ──► Batch ──► the store
//! OTLP, Influx lines, Graphite lines ────┴─► what is not    ──► Rejections: place, reason, remedy
//! ```
//!
//! Every reader keeps what is good where its format lets it tell where the bad ends, and says of the rest which
//! line or series it was, what is wrong and what would be right. A body that cannot be read at all is an
//! [`Error`]. Reading allocates for what it keeps only: sizes that a body declares are compared with a limit
//! before they are believed.
//!
//! Nothing here opens a port, reads a clock or knows a request: bytes in, batch out.

mod budget;
mod error;
mod exemplar;
mod float_text;
mod graphite;
mod gzip;
mod influx;
mod lines;
mod metric_kind;
mod native;
mod otlp;
mod rejection;
mod remote_read;
mod remote_write;
mod scrape;
mod snappy;
mod text;
mod wire;

pub use budget::BODY_SAMPLES_MAX;
pub use error::Error;
pub use float_text::bound_text;
pub use graphite::{LineCounts, read_graphite};
pub use gzip::decompress_gzip;
pub use influx::{InfluxOptions, InfluxPrecision, read_influx};
pub use lines::LINE_BYTES_MAX;
pub use otlp::{OtlpCounts, OtlpFormat, otlp_response, read_otlp};
pub use rejection::{Place, REJECTIONS_KEPT_MAX, Reason, Rejection, Rejections};
pub use remote_read::{READ_QUERIES_MAX, ReadEncoder, ReadHints, ReadQuery, read_request};
pub use remote_write::{WriteCounts, WriteEncoder, WriteReader, WriteSeries, WriteVersion};
pub use scrape::{
    SCRAPE_ACCEPT, ScrapeCounts, ScrapeFormat, ScrapeOptions, read_protobuf, read_scrape,
};
pub use snappy::{DECOMPRESSED_BYTES_MAX, compress_snappy, decompress_snappy};
pub use text::{NameEscaping, TextFormat, TextWriter, read_text};
