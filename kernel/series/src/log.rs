//! What the store writes to its journal; see `docs/formats/series.md`.

mod checkpoint;
mod floats;
mod record;

pub(crate) use checkpoint::{
    CheckpointReader, CheckpointWriter, Page, Place, discard_checkpoint, find_checkpoint,
};
pub(crate) use floats::{FloatsReader, FloatsWriter, LoggedFloat};
pub(crate) use record::{
    LogRecord, RecordKind, put_bytes, put_chunk, put_exemplar, put_metadata, put_series,
};
