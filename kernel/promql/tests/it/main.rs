//! Queries against data, told by scripts.

mod case;
mod compare;
mod data;
mod limits;
mod notation;
mod run;
mod script;
mod steps;
mod suite;
