//! The real binary, started, visited, mistreated and killed.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up shall fail there"
)]

mod api;
mod api_access;
mod api_events;
mod api_jobs;
mod api_queues;
mod api_rig;
mod api_webhooks;
mod cli_queue;
mod cli_rules;
mod grpc_client;
mod hub_process;
mod in_process;
mod intake;
mod journal;
mod kills;
mod modules;
mod pages;
mod prometheus_peer;
mod python_worker;
mod queue_kills;
mod refusals;
mod replay;
mod start_and_stop;
mod stories;
mod telemetry_push;
mod telemetry_store;
mod watch;
