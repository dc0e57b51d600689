//! The real binary, started, visited, mistreated and killed.

mod api;
mod hub_process;
mod in_process;
mod journal;
mod kills;
mod modules;
mod refusals;
mod replay;
mod start_and_stop;
mod stories;
