//! Telemetry: what a series is, and where its samples are kept.
//!
//! A *series* is a set of [`Labels`]; its samples are a timestamp in milliseconds and a [`Value`]: a
//! float or a native [`Histogram`]. Readers go through [`Source`], which hands out one series at a
//! time as columns of [`Samples`]. Nothing here reads a clock or opens a port: time is a parameter,
//! so that the whole runs in simulated time.
//!
//! A [`Batch`] is what every way in fills. A [`Store`] decides what of it is taken, logs that, and applies it to the
//! head: the newest samples of all series, in memory. Full two hours leave the head for blocks, a folder for each
//! class of retention; readers see head and blocks as one. `docs/formats/series.md` describes the files.
//!
//! # Invariants
//! - What [`Store::append`] took is there after any crash; what it refused is named with the reason.
//! - What was selected stands still: no append and no compaction shows in it. What is deleted may be gone from it.
//! - A time of a series has one value: the first that was taken.
//! - Known series go on when a limit of series is reached; memory grows with series and the last hours only.
//! - Retention counts back from the newest sample, never from the wall clock.

mod appended;
mod batch;
mod block;
mod chunk;
mod config;
mod error;
mod head;
mod histogram;
mod index;
mod labels;
mod log;
mod matcher;
mod metadata;
mod reserved;
mod samples;
mod source;
mod store;

pub use appended::{Appended, REFUSALS_LISTED_MAX, Refusal, RefusalKind, RefusalReason};
pub use batch::{Batch, BatchSeries, LABELS_MAX, LabelsFault};
pub use block::{
    Aggregate, Block, BlockFolder, BlockMeta, BlockWriter, Compacted, CompactionConfig,
    CompactionStep, Deletion, LostBlock, OpenedBlocks, PAGE_SAMPLES_MAX, TierConfig,
    plan_compaction, run_compaction,
};
pub use chunk::{CHUNK_SAMPLES_MAX, Chunk, ChunkKind, Refused, SealedChunk};
pub use config::{Config, Limits, Retention, RetentionClass};
pub use error::Error;
pub use histogram::{
    BUCKETS_MAX, BadHistogram, Bucket, ClassicBucket, Compensated, CounterReset, FractionNote,
    Histogram, HistogramMean, HistogramSum, Merged, QuantileNote, SCHEMA_CUSTOM, SCHEMA_MAX,
    SCHEMA_MIN, Span, Trim,
};
pub use labels::{Labels, LabelsBuilder};
pub use matcher::{MatchOp, Matcher};
pub use metadata::{Exemplar, Metadata, MetricKind};
pub use reserved::ReservedSink;
pub use samples::{STALE, Samples, Value, is_stale};
pub use source::{Selected, Selection, Sink, Source};
pub use store::{Deleted, FailingStep, Figures, Largest, Listing, Maintained, Store, Submitted};

/// The label that holds a metric's name.
pub const METRIC_NAME: &str = "__name__";
