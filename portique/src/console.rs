//! The web console: its files, and who is signed in to it.
//!
//! [`assets`] serves what the build embedded, below `/console/`; every path there that is no file is a
//! page of the console, so that links into it work. [`session`] exchanges a name and password, or a token, for a
//! cookie, which opens what they open. [`first`] is where the first user is made, [`oidc`] where
//! one signs in by a provider of identities. [`settings`] tells the
//! configuration that is in effect, without secrets. The console is a client of the public API and of nothing else.
//!
//! A cookie is sent by the browser whoever asked it to, so a request that changes something shows the
//! session's second secret in a header too, which only the console's own script can read.

mod assets;
mod first;
mod oidc;
mod session;
mod settings;

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;

pub(crate) use settings::Settings;

use crate::access::{Gate, Providers};

/// The console's pages and files, the routes by which one signs in and out, and what the hub was told.
pub(crate) fn router(gate: Gate, providers: Providers, settings: Settings) -> OpenApiRouter {
    let gate = Arc::new(gate);
    session::router(gate.clone())
        .merge(first::router(gate.clone()))
        .merge(oidc::router(gate, providers))
        .merge(settings::router(Arc::new(settings)))
        .merge(assets::router())
}
