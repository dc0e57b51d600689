//! Queries that ask for too much, or are no longer wanted.
