//! The suite that every engine of the records port passes.
