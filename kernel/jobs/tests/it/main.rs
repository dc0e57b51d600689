//! The queues' state machine against one that anyone can check by reading.

#[cfg(test)]
mod command;
#[cfg(test)]
mod model;
#[cfg(test)]
mod naive;
#[cfg(test)]
mod shell;
#[cfg(test)]
mod total;
