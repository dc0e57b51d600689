//! What one module may say: bad messages and messages about others are dropped and counted.

use portique_flight::{Body, EventKind};
use tonic::Status;

use crate::link::uplink::freeze::Freeze;
use crate::rpc::{self, downlink};
use crate::{Downlink, FlightEvent, ModuleId};

/// Hears one module out, over any number of streams.
#[derive(Debug)]
pub(super) struct Hearing {
    module: ModuleId,
    freeze: Freeze,
    /// Which count of the module `after` belongs to.
    incarnation: u64,
    /// The last sequence that was handed on.
    after: u64,
    dropped: u64,
}

impl Hearing {
    pub(super) fn new(module: ModuleId) -> Self {
        Self {
            module,
            freeze: Freeze::default(),
            incarnation: 0,
            after: 0,
            dropped: 0,
        }
    }

    /// Asks for what was not handed on yet.
    pub(super) fn request(&self, rate_hz: f64) -> rpc::TelemetryRequest {
        rpc::TelemetryRequest {
            rate_hz,
            after: self.after,
            incarnation: self.incarnation,
        }
    }

    /// Whether a message was handed on before.
    pub(super) fn knows(&self, sequence: u64, incarnation: u64) -> bool {
        sequence != 0 && incarnation == self.incarnation && sequence <= self.after
    }

    /// Notes that a message was handed on, so that it is not asked for again.
    pub(super) fn handed_on(&mut self, sequence: u64, incarnation: u64) {
        if sequence != 0 {
            (self.after, self.incarnation) = (sequence, incarnation);
        }
    }

    /// What the module says.
    ///
    /// # Errors
    /// What is wrong with a message that must be dropped.
    pub(super) fn read(&mut self, message: downlink::Message) -> Result<Downlink, Status> {
        let module = self.module.clone();
        Ok(match message {
            downlink::Message::Sample(sample) => {
                Downlink::Sample(module, self.freeze.mark(sample.try_into()?))
            }
            downlink::Message::Event(event) => {
                let named = event.module.clone();
                let event = FlightEvent::try_from(event)?;
                Downlink::Event(self.happened_to(&named, event.kind)?, event)
            }
            downlink::Message::Log(line) => Downlink::Log(module, rpc::text(&line)),
            downlink::Message::Ended(reason) => Downlink::Ended(module, rpc::text(&reason)),
        })
    }

    /// Counts a dropped message; gives a line for people at the first, second, fourth and so on.
    pub(super) fn dropped(&mut self, why: &Status) -> Option<String> {
        self.dropped += 1;
        self.dropped.is_power_of_two().then(|| {
            let (count, why) = (self.dropped, rpc::reason(why));
            rpc::text(&format!(
                "{count} of its messages dropped so far, last: {why}"
            ))
        })
    }

    /// The module that an event is about: this one, or a neighbour that a stage lets go of. Nobody
    /// speaks for another.
    fn happened_to(&self, named: &str, kind: EventKind) -> Result<ModuleId, Status> {
        if named.is_empty() || named == self.module.as_str() {
            return Ok(self.module.clone());
        }
        let is_body = |name: &str| name.parse::<Body>().is_ok();
        if kind == EventKind::Detached && is_body(self.module.as_str()) && is_body(named) {
            return ModuleId::new(named)
                .map_err(|error| Status::invalid_argument(error.to_string()));
        }
        Err(Status::permission_denied(format!(
            "{} tells {kind} of {named}: a module speaks for itself only",
            self.module
        )))
    }
}
