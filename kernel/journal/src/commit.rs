use std::io;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use thread_priority::{
    RealtimeThreadSchedulePolicy, ThreadPriority, ThreadPriorityValue, ThreadSchedulePolicy,
    set_thread_priority_and_policy, thread_native_id,
};

use crate::shared::Shared;
use crate::upkeep::Upkeep;
use crate::write::Writer;

/// The lowest real-time priority: enough to run before every ordinary thread, below whatever else
/// on the machine is real-time on purpose.
const REALTIME_PRIORITY: u8 = 1;

/// The loop that makes records durable, and beside it the one that keeps the next segment ready.
pub struct Committer {
    shared: Arc<Shared>,
    /// Locked for one step at a time, also by who waits alone and writes in its place.
    writer: Arc<Mutex<Writer>>,
    upkeep: Upkeep,
}

impl std::fmt::Debug for Committer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Committer")
            .field("shared", &self.shared)
            .finish_non_exhaustive()
    }
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

/// How the committer's thread is scheduled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheduling {
    /// `SCHED_FIFO`: it runs as soon as the disk has answered.
    Fifo,
    /// As any other thread, because the system allows no more: on a busy machine a commit then
    /// waits for its turn, which costs more than the disk.
    Ordinary,
}

impl Committer {
    pub(crate) fn new(shared: Arc<Shared>, writer: Writer) -> Self {
        let upkeep = Upkeep::new(shared.clone());
        Self {
            shared,
            writer: Arc::new(Mutex::new(writer)),
            upkeep,
        }
    }

    /// Commits until the journal is closed or poisoned, blocking the thread; a second thread
    /// prepares segments meanwhile.
    pub fn run(self) {
        let Self {
            shared,
            writer,
            mut upkeep,
        } = self;
        // Before the other thread starts, which inherits it: a writer that overtakes the zeros
        // waits for them, and on a busy machine they would wait for their turn after every piece.
        prefer(&shared);
        thread::scope(|scope| {
            let keep = {
                let shared = shared.clone();
                move || repeat(|| upkeep.step(), |limit| shared.wait_for_upkeep(limit))
            };
            let upkeep = thread::Builder::new().name("journal-upkeep".to_owned());
            if let Err(error) = upkeep.spawn_scoped(scope, keep) {
                // The writer ends the journal when it is dropped.
                tracing::error!(error = %error, "no thread to prepare journal segments");
                return;
            }
            // Its end ends the upkeep, which the scope waits for.
            let writer = writer;
            shared.share_writer(Arc::downgrade(&writer));
            repeat(|| write(&writer), |limit| shared.wait_for_work(limit));
        });
    }

    /// Does one bounded piece of work without waiting, for a caller that drives the journal by
    /// itself, such as a simulation; the two threads of [`run`](Self::run) share this work.
    pub fn step(&mut self) -> Step {
        let written = write(&self.writer);
        self.shared
            .keep_time(matches!(written, Step::Idle(Some(_))));
        match written {
            Step::Idle(wait) => match self.upkeep.step() {
                Step::Worked => Step::Worked,
                Step::Idle(other) => Step::Idle(wait.into_iter().chain(other).min()),
                Step::Done => write(&self.writer),
            },
            step => step,
        }
    }

    /// From now on whoever waits alone writes, as beside [`run`](Self::run), for a simulation of
    /// that: who drives the journal by [`step`](Self::step) is otherwise the only one that
    /// writes.
    #[cfg(any(test, feature = "simulation"))]
    pub fn let_waiters_write(&self) {
        self.shared.share_writer(Arc::downgrade(&self.writer));
    }

    /// Whether nobody has told it of anything to do since its last step, so that a thread would
    /// sleep on.
    #[cfg(any(test, feature = "simulation"))]
    pub fn may_sleep(&self) -> bool {
        let inner = self.shared.lock();
        !inner.work_signal && !inner.upkeep_signal
    }
}

/// One step of the writer; when somebody who wrote in the committer's place has panicked, the end.
fn write(writer: &Mutex<Writer>) -> Step {
    writer.lock().map_or(Step::Done, |mut writer| writer.step())
}

/// Runs the committer on a thread of its own, with real-time priority where the system allows it:
/// see [`Journal::scheduling`](crate::Journal::scheduling).
///
/// # Errors
/// What the operating system says when it gives no thread.
pub fn spawn(committer: Committer) -> io::Result<JoinHandle<()>> {
    thread::Builder::new()
        .name("journal-commit".to_owned())
        .spawn(move || committer.run())
}

fn repeat(mut step: impl FnMut() -> Step, wait: impl Fn(Option<Duration>)) {
    loop {
        match step() {
            Step::Worked => {}
            Step::Idle(limit) => wait(limit),
            Step::Done => return,
        }
    }
}

fn prefer(shared: &Shared) {
    let priority =
        ThreadPriorityValue::try_from(REALTIME_PRIORITY).expect("1 is within the crate's 0 to 99");
    let policy = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::Fifo);
    let thread = thread_native_id();
    let asked =
        set_thread_priority_and_policy(thread, ThreadPriority::Crossplatform(priority), policy);
    let scheduling = if asked.is_ok() {
        Scheduling::Fifo
    } else {
        Scheduling::Ordinary
    };
    tracing::debug!(?scheduling, "the journal's committer runs");
    // A committer runs once, so nobody has said otherwise.
    let _ = shared.scheduling.set(scheduling);
}
