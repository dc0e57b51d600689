//! Columns: runs of up to [`PAGE_SAMPLES_MAX`](super::PAGE_SAMPLES_MAX) numbers in the form that takes the least.

mod floats;
mod integers;
mod pcodec;
#[cfg(test)]
mod tests;

pub(super) use floats::{put_floats, read_floats};
pub(super) use integers::{put_integers, read_integers};
