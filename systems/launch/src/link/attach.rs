//! The modules that are attached to one rocket, whoever started them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use subtle::ConstantTimeEq;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::Status;

use crate::link::LinkError;
use crate::link::medium::Medium;
use crate::link::outlet::Outlet;
use crate::link::presence::{Line, Presence};
use crate::link::uplink::{Address, Uplink};
use crate::{Answer, Command, InjectedFault, LinkFault, ModuleId, Order};

/// Modules of one rocket: a launcher with every tank and engine bay attached for itself.
const MODULES_MAX: usize = 64;

/// Longest address of a module: a host name has at most 253 characters.
const ENDPOINT_BYTES_MAX: usize = 256;

/// The attached modules of one rocket.
pub(crate) struct Attachments {
    outlet: Arc<Outlet>,
    expected: BTreeMap<ModuleId, Expected>,
    /// The token that admits modules attached by hand, under any name but an expected one.
    by_hand: String,
    sample_rate_hz: f64,
    uplinks: Mutex<BTreeMap<ModuleId, Arc<Uplink>>>,
    tracker: TaskTracker,
    stop: CancellationToken,
}

/// A module whose computer the hub itself runs.
#[derive(Clone)]
pub(crate) struct Expected {
    /// The one token that admits it.
    pub(crate) token: String,
    /// Shared with whoever reports how its computer ends.
    pub(crate) presence: Arc<Presence>,
    /// What carries its messages, which can be spoilt.
    pub(crate) medium: Arc<Medium>,
}

/// What [`Attachments`] stands on.
pub(crate) struct AttachmentsOptions {
    pub(crate) outlet: Arc<Outlet>,
    pub(crate) expected: BTreeMap<ModuleId, Expected>,
    pub(crate) by_hand: String,
    pub(crate) sample_rate_hz: f64,
    pub(crate) tracker: TaskTracker,
    pub(crate) stop: CancellationToken,
}

impl Attachments {
    pub(crate) fn new(options: AttachmentsOptions) -> Self {
        let AttachmentsOptions {
            outlet,
            expected,
            by_hand,
            sample_rate_hz,
            tracker,
            stop,
        } = options;
        Self {
            outlet,
            expected,
            by_hand,
            sample_rate_hz,
            uplinks: Mutex::default(),
            tracker,
            stop,
        }
    }

    /// Whether `token` may speak for `module`: nobody takes the name of a module that the hub runs.
    pub(crate) fn admit(&self, module: &ModuleId, token: &str) -> Result<(), Status> {
        let secret = match self.expected.get(module) {
            Some(expected) => &expected.token,
            None => &self.by_hand,
        };
        if same(secret, token) {
            Ok(())
        } else {
            Err(Status::permission_denied(format!(
                "the token does not admit module {module} to rocket {}",
                self.outlet.rocket()
            )))
        }
    }

    /// Whether `token` is that of a module whose computer the hub runs.
    pub(crate) fn expects(&self, token: &str) -> bool {
        self.expected
            .values()
            .any(|expected| same(&expected.token, token))
    }

    /// Registers a module, or renews its registration, and keeps hearing it from then on.
    ///
    /// # Errors
    /// A status for the module: no address, too many modules, or a living namesake.
    pub(crate) fn attach(
        &self,
        module: &ModuleId,
        endpoint: String,
        token: String,
    ) -> Result<(), Status> {
        let mut uplinks = self.uplinks.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(uplink) = uplinks.get(module) {
            return renew(uplink, module, endpoint, token);
        }
        if uplinks.len() >= MODULES_MAX {
            return Err(Status::resource_exhausted(
                "this rocket has 64 modules already",
            ));
        }
        let presence = match self.expected.get(module) {
            Some(expected) => Arc::clone(&expected.presence),
            None => {
                let outlet = Arc::clone(&self.outlet);
                Arc::new(Presence::new(module.clone(), outlet, false))
            }
        };
        let address = address(endpoint, token)?;
        let uplink = Uplink::new(presence, self.medium(module), self.sample_rate_hz, address);
        let uplink = Arc::new(uplink);
        uplinks.insert(module.clone(), Arc::clone(&uplink));
        let stop = self.stop.clone();
        self.tracker.spawn(async move {
            _ = stop.run_until_cancelled(uplink.listen()).await;
        });
        Ok(())
    }

    /// What carries a module's messages; that of a module attached by hand is never spoilt.
    pub(crate) fn medium(&self, module: &ModuleId) -> Arc<Medium> {
        match self.expected.get(module) {
            Some(expected) => Arc::clone(&expected.medium),
            None => Arc::default(),
        }
    }

    /// Sends a command to a module. A fault of its link is made here, whatever the link is like.
    pub(crate) async fn command(
        &self,
        module: &ModuleId,
        command: &Command,
    ) -> Result<Answer, LinkError> {
        if let Order::Inject {
            fault: InjectedFault::Link(fault),
        } = command.order
        {
            return Ok(self.spoil(module, fault));
        }
        let uplink = {
            let uplinks = self.uplinks.lock().unwrap_or_else(PoisonError::into_inner);
            uplinks.get(module).cloned()
        };
        match uplink {
            Some(uplink) => uplink.command(command).await,
            None => Err(LinkError::Unreachable {
                rocket: self.outlet.rocket().clone(),
                module: module.clone(),
                reason: "it has not attached itself yet".into(),
            }),
        }
    }
}

impl Attachments {
    fn spoil(&self, module: &ModuleId, fault: LinkFault) -> Answer {
        match self.expected.get(module) {
            Some(expected) => {
                expected.medium.spoil(fault);
                Answer::Accepted
            }
            None => Answer::Refused {
                reason: format!("the link to {module} is real: only a simulated one can be spoilt"),
            },
        }
    }
}

fn renew(
    uplink: &Uplink,
    module: &ModuleId,
    endpoint: String,
    token: String,
) -> Result<(), Status> {
    match uplink.line() {
        Line::Ended => Err(Status::permission_denied(format!(
            "module {module} is no more"
        ))),
        Line::Up if uplink.endpoint() != endpoint => Err(Status::already_exists(format!(
            "module {module} answers at {}; end that computer first",
            uplink.endpoint()
        ))),
        Line::Absent | Line::Up | Line::Broken | Line::Down => {
            uplink.announce(address(endpoint, token)?);
            Ok(())
        }
    }
}

fn address(endpoint: String, token: String) -> Result<Address, Status> {
    if endpoint.len() > ENDPOINT_BYTES_MAX {
        return Err(Status::invalid_argument(
            "endpoint: longer than 256 bytes; write http://HOST:PORT",
        ));
    }
    Address::new(endpoint, token).map_err(|error| Status::invalid_argument(error.to_string()))
}

fn same(secret: &str, token: &str) -> bool {
    !secret.is_empty() && bool::from(secret.as_bytes().ct_eq(token.as_bytes()))
}
