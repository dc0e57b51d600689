use std::net::SocketAddr;
use std::sync::Arc;

use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use portique_access::{Access, Caller, Permissions, Session, Visit, Who};
use portique_fault::{Code, Report, Retry};

use super::{Deed, Does, Needs, permissions, service_holds};
use crate::error::Error;

/// Shown with the console's cookie by every request that changes something.
pub(crate) const CSRF_HEADER: &str = "x-csrf-token";
/// Longest header of cookies that is looked through: browsers send no more.
const COOKIES_BYTES_MAX: usize = 8192;

/// Where a connection comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// What comes to the gate.
pub(crate) struct Asked<'a> {
    /// What it needs.
    pub(crate) needs: Needs,
    /// What it is.
    pub(crate) does: Does,
    /// Where it goes, with its parameters' values; nothing where the route says it all.
    pub(crate) path: &'a str,
    /// The method, or `gRPC`.
    pub(crate) method: &'a str,
    /// The route, with its parameters' names.
    pub(crate) route: &'a str,
    pub(crate) headers: &'a HeaderMap,
    /// Whether a cookie alone is not enough.
    pub(crate) is_change: bool,
    pub(crate) peer: Option<SocketAddr>,
}

/// Everybody passes here.
#[derive(Clone)]
pub(crate) struct Gate {
    access: Access,
    open: Arc<Permissions>,
    /// The cookie's name.
    cookie: Arc<str>,
    is_over_tls: bool,
}

/// What somebody showed, which is a secret.
pub(crate) struct Credentials {
    token: Option<String>,
    session: Option<String>,
}

/// Why somebody does not pass, and who it is.
struct Refused {
    caller: Caller,
    code: Code,
    message: String,
}

impl Gate {
    /// `port` is the hub's, by which browsers tell the cookies of two hubs on one machine apart. What is open is
    /// so for whoever shows nothing.
    ///
    /// # Errors
    /// [`Error::Part`].
    pub(crate) fn new(
        access: Access,
        port: u16,
        opens_reads: bool,
        opens_writes: bool,
    ) -> Result<Self, Error> {
        let open = permissions::open(opens_reads, opens_writes);
        let open = open.map_err(|error| Error::part("the access control", &error))?;
        let cookie = format!("portique_session_{port}").into();
        Ok(Self {
            access,
            open,
            cookie,
            is_over_tls: false,
        })
    }

    /// The same, where browsers come over TLS only: they keep the cookie to themselves otherwise, and take it from
    /// nobody else of the same name (RFC 6265bis, section 4.1.3.2).
    pub(crate) fn over_tls(self) -> Self {
        Self {
            cookie: format!("__Host-{}", self.cookie).into(),
            is_over_tls: true,
            ..self
        }
    }

    /// Whether browsers come over TLS only.
    pub(crate) fn is_over_tls(&self) -> bool {
        self.is_over_tls
    }

    /// The same, where nothing is open to whoever shows nothing.
    pub(crate) fn closed(&self) -> Self {
        Self {
            open: Arc::default(),
            ..self.clone()
        }
    }

    /// Who knows everybody.
    pub(crate) fn access(&self) -> &Access {
        &self.access
    }

    /// What whoever shows nothing holds.
    pub(crate) fn open(&self) -> &Permissions {
        &self.open
    }

    /// The cookie's name.
    pub(crate) fn cookie(&self) -> &str {
        &self.cookie
    }

    /// Lets pass whoever holds what is needed. What every route and every method passes.
    ///
    /// # Errors
    /// Unauthenticated or permission denied, which is in the audit journal then.
    pub(crate) fn pass(&self, asked: &Asked<'_>) -> Result<Visit, Report> {
        let from = || from(asked.peer);
        let caller = match asked.needs {
            // Looking a token up that is not needed would only slow what is open.
            Needs::Nothing | Needs::ModuleToken => Ok(self.nobody()),
            // Whoever only looks is there all the same: their session does not end for want of requests.
            Needs::Permission(needed) if self.open.contains(needed) => {
                let session = self.session(asked.headers);
                Ok(session.map_or_else(|| self.nobody(), |(_, _, caller)| caller))
            }
            Needs::Permission(needed) => self.holder_of(needed, asked),
        };
        match caller {
            Ok(caller) => Ok(Visit {
                caller,
                from: from(),
            }),
            Err(refused) => {
                let action = format!("{} {}", asked.method, asked.route);
                let (caller, message) = (&refused.caller, &refused.message);
                self.access.refused(caller, &from(), &action, message);
                Err(Report {
                    code: refused.code,
                    message: refused.message,
                    retry: Retry::No,
                })
            }
        }
    }

    /// The order that this request is, if it is one; to be told what came of it.
    pub(crate) fn deed(&self, asked: &Asked<'_>, visit: &Visit) -> Option<Deed> {
        (asked.does == Does::Order).then(|| {
            let action = format!("{} {}", asked.method, asked.route);
            let (access, path) = (self.access.clone(), asked.path.to_owned());
            Deed::new(access, visit.clone(), action, path)
        })
    }

    /// Has it written down that whoever passed was refused all the same, by the part that they asked. What writes its
    /// refusals down itself is left to do so.
    pub(crate) fn refused_within(&self, does: Does, visit: &Visit, action: &str, reason: &str) {
        if does != Does::Told {
            self.access
                .refused(&visit.caller, &visit.from, action, reason);
        }
    }

    /// The session whose cookie a request carries, with its id and whose it is.
    pub(crate) fn session<'a>(&self, headers: &'a HeaderMap) -> Option<(&'a str, Session, Caller)> {
        let id = self.cookie_of(headers)?;
        let (session, caller) = self.access.by_session(id)?;
        Some((id, session, caller))
    }

    /// Whether whoever showed this would pass again. Nothing is written down, and no session lasts longer by it.
    pub(crate) fn still_admits(&self, needed: &str, shown: &Credentials) -> bool {
        if self.open.contains(needed) {
            return true;
        }
        let caller = match (&shown.token, &shown.session) {
            (Some(token), _) => self.access.by_token(token),
            (None, Some(id)) => self.access.look_at_session(id),
            (None, None) => None,
        };
        caller.is_some_and(|caller| caller.holds(needed))
    }

    /// What a request shows, kept for [`still_admits`](Self::still_admits).
    pub(crate) fn credentials(&self, headers: &HeaderMap) -> Credentials {
        Credentials {
            token: shown(headers),
            session: self.cookie_of(headers).map(str::to_owned),
        }
    }

    fn nobody(&self) -> Caller {
        Caller::nobody(self.open.clone())
    }

    fn holder_of(&self, needed: &'static str, asked: &Asked<'_>) -> Result<Caller, Refused> {
        let caller = self.caller(needed, asked)?;
        match caller.check(needed) {
            Ok(()) => Ok(caller),
            Err(_) if caller.who == Who::Nobody => Err(self.refused(missing(needed))),
            Err(error) if caller.must_change => Err(Refused {
                caller,
                code: Code::PermissionDenied,
                message: error.to_string(),
            }),
            Err(error) => Err(Refused {
                message: format!(
                    "{error}: ask an administrator for it, or show the commander token, which is in the \
                     file commander.token of the hub's data folder"
                ),
                caller,
                code: Code::PermissionDenied,
            }),
        }
    }

    /// Who asks: by the token they show, or else by the console's cookie.
    fn caller(&self, needed: &str, asked: &Asked<'_>) -> Result<Caller, Refused> {
        if asked.headers.contains_key(header::AUTHORIZATION) {
            let shown = shown(asked.headers).ok_or_else(|| self.refused(missing(needed)))?;
            let unknown = "this token is not the hub's, or it opens nothing any more: the commander token \
                           is in the file commander.token of the hub's data folder, that of queues and \
                           events in service.token";
            let caller = self.access.by_token(&shown);
            return caller.ok_or_else(|| self.refused(unknown.into()));
        }
        let Some((_, session, caller)) = self.session(asked.headers) else {
            return Ok(self.nobody());
        };
        if asked.is_change && !is_meant(&session, asked.headers) {
            return Err(Refused {
                caller,
                code: Code::PermissionDenied,
                message: format!(
                    "this came with the console's cookie and not with the session's {CSRF_HEADER}: \
                     changes need that header, as GET /api/v1/session says it"
                ),
            });
        }
        Ok(caller)
    }

    fn refused(&self, message: String) -> Refused {
        Refused {
            caller: self.nobody(),
            code: Code::Unauthenticated,
            message,
        }
    }

    fn cookie_of<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        self.cookie_called(&self.cookie, headers)
    }

    /// A cookie's value, among all cookies of the request.
    pub(crate) fn cookie_called<'a>(&self, name: &str, headers: &'a HeaderMap) -> Option<&'a str> {
        let all = headers.get_all(header::COOKIE).iter();
        let all = all.filter(|value| value.len() <= COOKIES_BYTES_MAX);
        all.filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(other, _)| *other == name)
            .map(|(_, value)| value)
    }
}

/// Whether a request shows its session's second secret.
pub(crate) fn is_meant(session: &Session, headers: &HeaderMap) -> bool {
    let shown = headers.get(CSRF_HEADER);
    session.is_meant(shown.and_then(|text| text.to_str().ok()))
}

/// The address as the audit journal writes it; a port is another for each connection, and says nothing.
pub(crate) fn from(peer: Option<SocketAddr>) -> String {
    peer.map_or_else(|| "unknown".into(), |peer| peer.ip().to_string())
}

fn missing(needed: &str) -> String {
    let files = match service_holds(needed) {
        true => "service.token or commander.token",
        false => "commander.token",
    };
    format!(
        "this needs the permission {needed}: sign in, or send the header `Authorization: Bearer TOKEN` with a \
         token that has it, such as the content of {files} in the hub's data folder"
    )
}

/// The token that a request shows: as a bearer's, or as the password of whatever user, for clients that know
/// nothing else.
pub(super) fn shown(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    // Influx' clients say Token, and mean the same.
    let schemes = ["bearer", "token"];
    if schemes
        .iter()
        .any(|known| scheme.eq_ignore_ascii_case(known))
    {
        return Some(token.trim().to_owned());
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = BASE64.decode(token.trim()).ok()?;
    let decoded = String::from_utf8(decoded).ok()?;
    decoded
        .split_once(':')
        .map(|(_, password)| password.to_owned())
}
