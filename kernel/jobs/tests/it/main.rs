//! The queues' state machine against one that anyone can check by reading.

mod command;
mod model;
mod naive;
mod shell;
mod total;
