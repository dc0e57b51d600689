//! Who may do what in this hub: the permissions there are, what each route and method takes, and the one
//! function that all of them pass.
//!
//! [`Gate::pass`] makes a caller of what a request shows and asks whether the caller holds what the
//! [table](table::ROUTES) says. What is refused is in the audit journal. People, roles and tokens themselves are
//! `portique_access`'s.

mod admitted;
mod calls;
mod deed;
mod gate;
mod permissions;
mod providers;
mod table;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use axum::http::Method;
use futures_util::FutureExt;
use futures_util::future::ready;
pub(crate) use portique_access::Visit;
use portique_access::{ADMIN, Access, BuiltInToken, Cost, Digest, Options, Worker};
use portique_clock::Clock;
use portique_records::Records;

use crate::error::Error;
use crate::http::{Ask, LabelledFigure, Labels, Samples};
use crate::token::Token;
pub(crate) use admitted::Admitted;
pub(crate) use deed::Deed;
pub(crate) use gate::{Asked, CSRF_HEADER, Gate, Peer, is_meant};
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

/// What a request is, for the audit journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Does {
    /// Changes nothing.
    Look,
    /// Is something that a person, or a program for one, wants done: it is written down.
    Order,
    /// Is one of the many that make up the flow of data: what came of it is the data.
    Flow,
    /// Is written down by the part that does it, with more than is known at the gate.
    Told,
}

/// What a route or method takes, and does.
type Line = (Needs, Does);

/// By route, what each of its methods takes.
static ROUTES: LazyLock<HashMap<&'static str, Vec<(&'static str, Line)>>> = LazyLock::new(|| {
    let mut routes: HashMap<_, Vec<_>> = HashMap::new();
    for (needs, does, listed) in table::ROUTES {
        for (method, route) in listed.iter().filter_map(|line| line.split_once(' ')) {
            let line = (method, (*needs, *does));
            routes.entry(route).or_default().push(line);
        }
    }
    routes
});

static CALLS: LazyLock<HashMap<&'static str, Line>> = LazyLock::new(|| {
    let calls = calls::CALLS.iter();
    let calls = calls.flat_map(|(needs, does, listed)| {
        let lines = listed.iter();
        lines.map(|call| (*call, (*needs, *does)))
    });
    calls.collect()
});

/// What is in no table is nobody's but administrators', and is written down.
const UNLISTED: Line = (Needs::Permission(ADMIN), Does::Order);

/// Of a request with this method to this route.
pub(crate) fn route(method: &Method, route: &str) -> (Needs, Does) {
    let method = match *method {
        Method::HEAD => "GET",
        _ => method.as_str(),
    };
    let listed = ROUTES.get(route).into_iter().flatten();
    let mut listed = listed.filter(|(known, _)| *known == method);
    listed.next().map_or(UNLISTED, |(_, line)| *line)
}

/// Of a call of a gRPC method, such as `/portique.bus.v1.Bus/Publish`, likewise.
pub(crate) fn call(path: &str) -> (Needs, Does) {
    CALLS.get(path).copied().unwrap_or(UNLISTED)
}

impl Needs {
    /// Of a request with this method to this route.
    pub(crate) fn of(method: &Method, path: &str) -> Self {
        route(method, path).0
    }
}

/// How many orders are not in the audit journal.
pub(crate) fn lost_figure(access: Access) -> Ask {
    Box::new(move || {
        let lost = access.audit_lost();
        let samples = Samples::Counters(vec![(Labels::new(), lost)]);
        let (name, help) = (
            "access_audit_lost",
            "Orders that are not in the audit journal",
        );
        ready(vec![LabelledFigure {
            name,
            help,
            samples,
        }])
        .boxed()
    })
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
