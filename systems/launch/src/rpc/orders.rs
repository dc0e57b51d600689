//! Commands and answers on the wire.

use std::time::Duration;

use portique_clock::Timestamp;
use tonic::Status;

use crate::rpc;
use crate::rpc::answer::Answer as WireAnswer;
use crate::rpc::command::Order as Wire;
use crate::{Answer, Command, InjectedFault, Order};

/// Longest command id, in bytes: it is kept in the module's ledger.
const COMMAND_ID_BYTES_MAX: usize = 64;

impl rpc::Command {
    /// The message for `command`, sent at `now`.
    pub(crate) fn sent(command: &Command, now: Timestamp) -> Self {
        Self {
            id: command.id.clone(),
            sent_unix_ns: now.as_nanos(),
            valid_for_ns: i64::try_from(command.valid_for.as_nanos()).unwrap_or(i64::MAX),
            order: Some((&command.order).into()),
        }
    }

    /// The command, and when it was sent.
    pub(crate) fn checked(self) -> Result<(Command, Timestamp), Status> {
        if self.id.is_empty() || self.id.len() > COMMAND_ID_BYTES_MAX {
            return Err(Status::invalid_argument("id: write 1 to 64 bytes"));
        }
        let valid_for = u64::try_from(self.valid_for_ns)
            .map_err(|_| Status::invalid_argument("valid_for_ns: must not be negative"))?;
        let order = self.order.ok_or_else(|| {
            Status::invalid_argument("order: missing, or one that this module does not know")
        })?;
        let command = Command {
            id: self.id,
            order: order.try_into()?,
            valid_for: Duration::from_nanos(valid_for),
        };
        Ok((command, Timestamp::from_nanos(self.sent_unix_ns)))
    }
}

impl From<&Order> for Wire {
    fn from(order: &Order) -> Self {
        match order {
            Order::InternalPower => Self::InternalPower(rpc::Nothing {}),
            Order::Startup => Self::Startup(rpc::Nothing {}),
            Order::StartEngines => Self::StartEngines(rpc::Nothing {}),
            Order::Safe => Self::Safe(rpc::Nothing {}),
            Order::Throttle { fraction } => Self::Throttle(rpc::Throttle {
                fraction: *fraction,
            }),
            Order::Stage => Self::Stage(rpc::Nothing {}),
            Order::DeployPayload => Self::DeployPayload(rpc::Nothing {}),
            Order::Destroy => Self::Destroy(rpc::Nothing {}),
            Order::Inject { fault } => Self::Inject(rpc::Fault::from(*fault).into()),
        }
    }
}

impl TryFrom<Wire> for Order {
    type Error = Status;

    fn try_from(order: Wire) -> Result<Self, Status> {
        Ok(match order {
            Wire::InternalPower(_) => Self::InternalPower,
            Wire::Startup(_) => Self::Startup,
            Wire::StartEngines(_) => Self::StartEngines,
            Wire::Safe(_) => Self::Safe,
            Wire::Throttle(throttle) => Self::Throttle {
                fraction: throttle.fraction,
            },
            Wire::Stage(_) => Self::Stage,
            Wire::DeployPayload(_) => Self::DeployPayload,
            Wire::Destroy(_) => Self::Destroy,
            Wire::Inject(fault) => Self::Inject {
                fault: injected(fault)?,
            },
        })
    }
}

impl From<InjectedFault> for rpc::Fault {
    fn from(fault: InjectedFault) -> Self {
        match fault {
            InjectedFault::EngineOut => Self::EngineOut,
            InjectedFault::DenseAir => Self::DenseAir,
            InjectedFault::FrozenSensors => Self::FrozenSensors,
            InjectedFault::ControlCrash => Self::ControlCrash,
            InjectedFault::TelemetryCrash => Self::TelemetryCrash,
            InjectedFault::ComputerCrash => Self::ComputerCrash,
            InjectedFault::BiasedSensors => Self::BiasedSensors,
            InjectedFault::TankPressureDrop => Self::TankPressureDrop,
            InjectedFault::PropellantLeak => Self::PropellantLeak,
            InjectedFault::AttitudeDrift => Self::AttitudeDrift,
            InjectedFault::StuckSeparation => Self::StuckSeparation,
            InjectedFault::LegFailure => Self::LegFailure,
            InjectedFault::TelemetrySilence => Self::TelemetrySilence,
            // It is the ground's to make: a module that is told of it refuses.
            InjectedFault::Link(_) => Self::Unspecified,
        }
    }
}

pub(super) fn injected(fault: i32) -> Result<InjectedFault, Status> {
    match rpc::Fault::try_from(fault) {
        Ok(rpc::Fault::EngineOut) => Ok(InjectedFault::EngineOut),
        Ok(rpc::Fault::DenseAir) => Ok(InjectedFault::DenseAir),
        Ok(rpc::Fault::FrozenSensors) => Ok(InjectedFault::FrozenSensors),
        Ok(rpc::Fault::ControlCrash) => Ok(InjectedFault::ControlCrash),
        Ok(rpc::Fault::TelemetryCrash) => Ok(InjectedFault::TelemetryCrash),
        Ok(rpc::Fault::ComputerCrash) => Ok(InjectedFault::ComputerCrash),
        Ok(rpc::Fault::BiasedSensors) => Ok(InjectedFault::BiasedSensors),
        Ok(rpc::Fault::TankPressureDrop) => Ok(InjectedFault::TankPressureDrop),
        Ok(rpc::Fault::PropellantLeak) => Ok(InjectedFault::PropellantLeak),
        Ok(rpc::Fault::AttitudeDrift) => Ok(InjectedFault::AttitudeDrift),
        Ok(rpc::Fault::StuckSeparation) => Ok(InjectedFault::StuckSeparation),
        Ok(rpc::Fault::LegFailure) => Ok(InjectedFault::LegFailure),
        Ok(rpc::Fault::TelemetrySilence) => Ok(InjectedFault::TelemetrySilence),
        Ok(rpc::Fault::Unspecified) | Err(_) => Err(Status::invalid_argument(format!(
            "inject: {fault} names no fault"
        ))),
    }
}

impl From<Answer> for rpc::Answer {
    fn from(answer: Answer) -> Self {
        let answer = match answer {
            Answer::Accepted => WireAnswer::Accepted(rpc::Nothing {}),
            Answer::Refused { reason } => WireAnswer::Refused(reason),
        };
        Self {
            answer: Some(answer),
        }
    }
}

impl TryFrom<rpc::Answer> for Answer {
    type Error = Status;

    fn try_from(message: rpc::Answer) -> Result<Self, Status> {
        match message.answer {
            Some(WireAnswer::Accepted(_)) => Ok(Self::Accepted),
            Some(WireAnswer::Refused(reason)) => Ok(Self::Refused {
                reason: rpc::text(&reason),
            }),
            None => Err(Status::internal("the module's answer is empty")),
        }
    }
}
