//! How samples are read, and where they are given to be kept.

use crate::{Aggregate, Batch, Error, Labels, Matcher, Samples, Submitted};

/// Something that keeps samples: the store, or whoever stands before it and looks at what arrives.
///
/// Calls may block on a disk for a moment: async callers run them where that is allowed.
pub trait Sink: Send + Sync {
    /// Takes a batch; readers see it at once, it is durable when what is returned was waited for. Samples that are
    /// refused do not keep the others out.
    ///
    /// # Errors
    /// [`Error::Unavailable`], with the time after which to send the same batch again: a part of it may have been
    /// taken, which is no harm, as equal samples are taken once.
    fn submit(&self, batch: &Batch) -> Result<Submitted, Error>;
}

/// Which series and which time a reader wants.
#[derive(Debug, Clone)]
pub struct Selection {
    /// All must match; at least one must not match an empty value.
    pub matchers: Vec<Matcher>,
    /// First timestamp wanted, Unix milliseconds, inclusive.
    pub from_ms: i64,
    /// Last timestamp wanted, inclusive.
    pub to_ms: i64,
}

/// Something that has series to read: the store, a remote one, or a test's memory.
///
/// Calls may block on a disk: async callers run them where that is allowed.
pub trait Source: Send + Sync {
    /// The series that match and have, or may have, a sample in the time wanted; sorted by labels.
    ///
    /// What is handed out stands still: later appends do not show in it.
    ///
    /// # Errors
    /// When stored data is damaged, or a limit of the store refuses the selection.
    fn select(&self, selection: &Selection) -> Result<Box<dyn Selected>, Error>;
}

/// The series of one [`Selection`], to be read in any order and from several threads.
pub trait Selected: Send + Sync {
    /// How many series there are.
    fn len(&self) -> usize;

    /// Whether there is none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The labels of a series.
    ///
    /// # Panics
    /// When the index is not below [`len`](Self::len).
    fn labels(&self, index: usize) -> &Labels;

    /// Clears `into` and fills it with the samples from `from_ms` to `to_ms`, both inclusive, stale markers among them.
    ///
    /// # Errors
    /// When stored data is damaged.
    ///
    /// # Panics
    /// When the index is not below [`len`](Self::len).
    fn read(&self, index: usize, from_ms: i64, to_ms: i64, into: &mut Samples)
    -> Result<(), Error>;

    /// As [`read`](Self::read), but where only intervals are kept, what their samples come to, at
    /// the end of each, instead of the last of them.
    ///
    /// # Errors
    /// When stored data is damaged.
    ///
    /// # Panics
    /// When the index is not below [`len`](Self::len).
    fn read_as(
        &self,
        index: usize,
        _aggregate: Aggregate,
        from_ms: i64,
        to_ms: i64,
        into: &mut Samples,
    ) -> Result<(), Error> {
        self.read(index, from_ms, to_ms, into)
    }

    /// The newest sample from `from_ms` to `to_ms`, both inclusive, as the only one of `into`; cheaper than
    /// [`read`](Self::read) where the store keeps last values apart.
    ///
    /// # Errors
    /// When stored data is damaged.
    fn read_last(
        &self,
        index: usize,
        from_ms: i64,
        to_ms: i64,
        into: &mut Samples,
    ) -> Result<(), Error> {
        self.read(index, from_ms, to_ms, into)?;
        into.keep_last();
        Ok(())
    }
}
