use std::sync::Arc;

use crate::shared::Shared;
use crate::{Entry, Error, Sequence};

/// Reads durable records in order.
///
/// It ends at the watermark of the moment; calling it again later goes on from there. It blocks on
/// the disk, so it belongs on a thread that may.
#[derive(Debug)]
pub struct Reader {
    shared: Arc<Shared>,
    next: Sequence,
}

impl Reader {
    pub(crate) fn new(shared: Arc<Shared>, next: Sequence) -> Self {
        Self { shared, next }
    }

    /// The sequence it reads next.
    pub fn sequence(&self) -> Sequence {
        self.next
    }
}

impl Iterator for Reader {
    type Item = Result<Entry, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let inner = self.shared.lock();
        let index = usize::try_from(self.next.0 - 1).ok()?;
        let entry = inner.kept.get(index)?.clone();
        self.next = self.next.next();
        Some(Ok(entry))
    }
}
