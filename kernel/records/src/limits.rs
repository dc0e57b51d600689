//! What one definition, document, call or query may hold, and why.

/// Longest collection name, in bytes.
pub(crate) const NAME_BYTES_MAX: usize = 48;

/// Indexes per collection: each costs one more tree to write on every insert.
pub(crate) const INDEXES_MAX: usize = 32;

/// Full-text fields per collection: they share one search index, so the limit is for the reader.
pub(crate) const FULL_TEXT_FIELDS_MAX: usize = 16;

/// Longest dotted path, in bytes.
pub(crate) const FIELD_BYTES_MAX: usize = 128;

/// Longest document id, in bytes.
pub(crate) const ID_BYTES_MAX: usize = 255;

/// Longest document body as JSON, in bytes: a page of 1000 must fit in memory.
pub(crate) const BODY_BYTES_MAX: usize = 1 << 20;

/// Longest indexed text, in bytes: it is copied into its index and into cursors, which travel in URLs.
pub(crate) const INDEXED_TEXT_BYTES_MAX: usize = 1024;

/// Documents per insert: enough for a bulk load, few enough that other writers wait seconds at most.
pub(crate) const DOCUMENTS_PER_CALL_MAX: usize = 100_000;

/// Bytes of ids and bodies per insert: half of what may wait for the writer.
pub(crate) const BYTES_PER_CALL_MAX: usize = 32 << 20;

/// Conditions per query: the planner's time grows with them.
pub(crate) const CONDITIONS_MAX: usize = 64;

/// Documents per page.
pub(crate) const PAGE_DOCUMENTS_MAX: usize = 1000;

/// Longest search text, in bytes; people type less.
pub(crate) const TEXT_BYTES_MAX: usize = 1024;

/// Longest cursor, in bytes: an id and an indexed text, JSON-escaped at six for one, in hexadecimal.
pub(crate) const CURSOR_BYTES_MAX: usize = 2 * (6 * (ID_BYTES_MAX + INDEXED_TEXT_BYTES_MAX) + 128);
