//! How many workers a backlog needs, and the life of the workers.
//!
//! ```text
//!  queue --> Backlog --.
//!                      +--> Autoscaler::observe --> Decision --> Pool::tick --> Command --> processes
//!  pool --> Workforce -'                          (a fact)          ^                          |
//!                                                                   '--- started, beat, ended -'
//! ```
//!
//! An [`Autoscaler`] is shown what waits and who works, and decides how many workers there are to be; each
//! [`Decision`] holds what it was made of, so that it can be explained later and made again under another
//! [`Policy`]. A [`Pool`] turns the number into workers that are started, watched, drained and replaced.
//! Both are state machines: time is a parameter, and who runs processes or pods stands elsewhere.
//!
//! # Invariants
//! - What is unknown is not zero: without a reading the number stays.
//! - A busy worker is asked to drain and is ended only past its deadline; who is idle goes first.
//! - A pool never has more workers than its policy's `max` and the room of its machine allow, but for one more
//!   while it replaces old ones.
//!
//! Not here: reading queues, starting processes, a clock.

mod autoscaler;
mod decision;
mod error;
mod estimate;
mod observation;
mod policy;
mod pool;

pub use autoscaler::{Autoscaler, Mode};
pub use decision::{Decision, Hold, Inputs, Move, Terms};
pub use error::Error;
pub use observation::{Backlog, Observation, Workforce};
pub use policy::Policy;
pub use pool::{
    Command, Ended, Generation, Heartbeat, Pool, PoolEvent, PoolOptions, Ticked, Why, Worker,
    WorkerId, WorkerState,
};
