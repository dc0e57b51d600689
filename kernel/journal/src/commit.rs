use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::shared::Shared;
use crate::{Entry, Sequence, State};

/// The loop that makes records durable.
#[derive(Debug)]
pub struct Committer {
    shared: Arc<Shared>,
}

/// What one step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// It wrote; there may be more to do.
    Worked,
    /// There is nothing to do until records are submitted, or this long has passed.
    Idle(Option<Duration>),
    /// The journal has ended.
    Done,
}

impl Committer {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Commits until the journal is closed or poisoned.
    pub fn run(mut self) {
        loop {
            match self.step() {
                Step::Worked => {}
                Step::Idle(_) => {
                    let inner = self.shared.lock();
                    let idle = |inner: &mut crate::shared::Inner| {
                        inner.queue.is_empty() && !inner.closing
                    };
                    drop(self.shared.work.wait_while(inner, idle));
                }
                Step::Done => return,
            }
        }
    }

    /// Does one thing that does not wait for records: writes a frame, or nothing.
    pub fn step(&mut self) -> Step {
        let mut inner = self.shared.lock();
        let Some(batch) = inner.queue.pop_front() else {
            let closing = inner.closing;
            drop(inner);
            if closing {
                self.shared.end(State::Closed);
                return Step::Done;
            }
            return Step::Idle(None);
        };
        inner.queued_bytes -= batch.bytes;
        let time = self.shared.clock.now();
        let mut sequence = Sequence(batch.first);
        for record in batch.records {
            inner.kept.push(Entry { sequence, time, kind: record.kind, body: record.body });
            sequence = sequence.next();
        }
        drop(inner);
        self.shared.advance(sequence.0 - 1);
        Step::Worked
    }
}

/// Runs the committer on a thread of its own.
///
/// # Errors
/// What the operating system says when it gives no thread.
pub fn spawn(committer: Committer) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name("journal-commit".to_owned()).spawn(move || committer.run())
}
