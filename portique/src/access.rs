//! Who may do what in this hub: the permissions there are, what each route and method takes, and the one
//! function that all of them pass.
//!
//! [`Gate::pass`] makes a caller of what a request shows and asks whether the caller holds what the
//! [table](table::ROUTES) says. What is refused is in the audit journal. People, roles and tokens themselves are
//! `portique_access`'s.

mod calls;
mod gate;
mod permissions;
mod providers;
mod table;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use axum::http::Method;
use portique_access::{ADMIN, Access, BuiltInToken, Cost, Digest, Options, Worker};
use portique_clock::Clock;
use portique_records::Records;

use crate::error::Error;
use crate::token::Token;
pub(crate) use gate::{Asked, CSRF_HEADER, Gate, Peer, Visit, is_meant};
pub(crate) use permissions::{COMMANDER, RESERVE, SERVICE, is_open_read, service_holds};
pub(crate) use providers::{Providers, Refused};

/// What a route or method takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    /// Nothing: it tells nothing private, or it is where one shows a secret.
    Nothing,
    /// A caller who holds this.
    Permission(&'static str),
    /// The token of modules, which the method itself looks at.
    ModuleToken,
}

/// By route, what each of its methods takes.
static ROUTES: LazyLock<HashMap<&'static str, Vec<(&'static str, Needs)>>> = LazyLock::new(|| {
    let mut routes: HashMap<_, Vec<_>> = HashMap::new();
    for (needs, listed) in table::ROUTES {
        for (method, route) in listed.iter().filter_map(|line| line.split_once(' ')) {
            routes.entry(route).or_default().push((method, *needs));
        }
    }
    routes
});

static CALLS: LazyLock<HashMap<&'static str, Needs>> = LazyLock::new(|| {
    let calls = calls::CALLS.iter();
    let calls = calls.flat_map(|(needs, listed)| listed.iter().map(|call| (*call, *needs)));
    calls.collect()
});

impl Needs {
    /// Of a request with this method to this route; what is not in the table is nobody's but administrators'.
    pub(crate) fn of(method: &Method, route: &str) -> Self {
        let method = match *method {
            Method::HEAD => "GET",
            _ => method.as_str(),
        };
        let listed = ROUTES.get(route).into_iter().flatten();
        let mut listed = listed.filter(|(known, _)| *known == method);
        listed
            .next()
            .map_or(Self::Permission(ADMIN), |(_, needs)| *needs)
    }

    /// Of a call of a gRPC method, such as `/portique.bus.v1.Bus/Publish`, likewise.
    pub(crate) fn of_call(path: &str) -> Self {
        CALLS.get(path).copied().unwrap_or(Self::Permission(ADMIN))
    }
}

/// What the gate of a hub is made of.
pub(crate) struct Parts<'a> {
    pub(crate) records: Arc<dyn Records>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) commander: &'a Token,
    pub(crate) service: &'a Token,
}

/// Reads people, roles and tokens. The two tokens of the data folder are tokens with a role each.
///
/// # Errors
/// [`Error::Part`].
pub(crate) async fn open(parts: Parts<'_>) -> Result<(Access, Worker), Error> {
    let part = |error: portique_access::Error| Error::part("the access control", &error);
    let built_in = |name: &str, role: &str, token: &Token| {
        Ok(BuiltInToken {
            name: name.parse()?,
            digest: Digest::of(token.as_str()),
            role: role.parse()?,
        })
    };
    let tokens = [
        built_in(COMMANDER, "administrator", parts.commander),
        built_in(SERVICE, SERVICE, parts.service),
    ];
    let built_in = tokens.into_iter().collect::<Result<_, _>>().map_err(part)?;
    let options = Options {
        records: parts.records,
        clock: parts.clock,
        catalogue: permissions::catalogue().map_err(part)?,
        built_in,
        cost: Cost::OWASP,
    };
    Box::pin(Access::open(options)).await.map_err(part)
}
