//! The real binary, started, visited, mistreated and killed.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up shall fail there"
)]

mod access;
mod alerts;
mod amtool_peer;
mod api;
mod api_access;
mod api_events;
mod api_jobs;
mod api_queues;
mod api_rig;
mod api_webhooks;
mod cli_queue;
mod cli_rules;
mod console;
mod dashboards;
mod debian;
mod forward;
mod grpc_client;
mod hub_process;
mod in_process;
mod intake;
mod journal;
mod kills;
mod modules;
mod notify;
mod notify_faults;
mod notify_mail;
mod notify_rig;
#[path = "../../../engines/oidc/tests/it/peer.rs"]
mod oidc_peer;
mod own_figures;
mod pages;
mod payments;
mod payments_cli;
mod pools;
mod program_worker;
mod prometheus_peer;
mod python_worker;
mod queue_kills;
mod refusals;
mod replay;
mod scrape;
mod shipped_rules;
mod start_and_stop;
mod stories;
mod telemetry_push;
mod telemetry_store;
mod tls;
mod watch;
