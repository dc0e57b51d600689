//! The web console: its files, and who is signed in to it.
//!
//! [`assets`] serves what the build embedded, below `/console/`; every path there that is no file is a
//! page of the console, so that links into it work. [`session`] exchanges a token for a cookie, which
//! opens what the token opens; [`Sessions`] remembers them. [`settings`] tells the configuration that is in
//! effect, without secrets. The console is a client of the public API and of nothing else.
//!
//! A cookie is sent by the browser whoever asked it to, so a request that changes something shows the
//! session's second secret in a header too, which only the console's own script can read. People and
//! roles are not known here yet: a session is as mighty as the token it was given for.

mod assets;
mod session;
mod sessions;
mod settings;

use std::sync::Arc;

use portique_clock::Clock;
use utoipa_axum::router::OpenApiRouter;

pub(crate) use session::AREA;
pub(crate) use sessions::{Role, Sessions};
pub(crate) use settings::Settings;

use crate::token::Token;

/// Who may sign in, and who has.
pub(crate) struct Entrance {
    token: Token,
    service_token: Token,
    sessions: Arc<Sessions>,
}

impl Entrance {
    /// For holders of these tokens; `port` is the hub's, by which browsers tell the cookies of two hubs
    /// on one machine apart.
    pub(crate) fn new(
        token: Token,
        service_token: Token,
        clock: Arc<dyn Clock>,
        port: u16,
    ) -> Self {
        Self {
            token,
            service_token,
            sessions: Arc::new(Sessions::new(clock, port)),
        }
    }

    /// Who is signed in.
    pub(crate) fn sessions(&self) -> Arc<Sessions> {
        self.sessions.clone()
    }
}

/// The console's pages and files, the routes by which one signs in and out, and what the hub was told.
pub(crate) fn router(entrance: Entrance, settings: Settings) -> OpenApiRouter {
    session::router(Arc::new(entrance))
        .merge(settings::router(Arc::new(settings)))
        .merge(assets::router())
}
