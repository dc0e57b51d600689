//! The web console: its files, and who is signed in to it.
//!
//! [`assets`] serves what the build embedded, below `/console/`; every path there that is no file is a
//! page of the console, so that links into it work. [`session`] exchanges a name and password, or a token, for a
//! cookie, which opens what they open. [`first`] is where the first user is made. The console is a client of the
//! public API and of nothing else.
//!
//! A cookie is sent by the browser whoever asked it to, so a request that changes something shows the
//! session's second secret in a header too, which only the console's own script can read.

mod assets;
mod first;
mod session;

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;

use crate::access::Gate;

/// The console's pages and files, and the routes by which one signs in and out.
pub(crate) fn router(gate: Gate) -> OpenApiRouter {
    let gate = Arc::new(gate);
    session::router(gate.clone())
        .merge(first::router(gate))
        .merge(assets::router())
}
