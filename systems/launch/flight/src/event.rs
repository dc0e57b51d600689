//! Standard events of a flight.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Body;
use crate::words::words;

words! {
    /// A standard event.
    EventKind, "event kind", {
        /// Preparation of the launch began.
        Preparation => "preparation",
        /// The module went to its own batteries.
        InternalPower => "internal_power",
        /// The launch programme started.
        Startup => "startup",
        /// The first-stage engines were ignited.
        EngineStart => "engine_start",
        /// The clamps let go and the stack moved.
        Liftoff => "liftoff",
        /// The speed of sound was passed.
        Mach1 => "mach_1",
        /// The engines were throttled down before Max Q.
        ThrottleDown => "throttle_down",
        /// The engines were throttled up after Max Q.
        ThrottleUp => "throttle_up",
        /// The greatest dynamic pressure of the ascent.
        MaxQ => "max_q",
        /// Main engine cut-off: the first stage's work is done.
        Meco => "meco",
        /// The stages parted.
        StageSeparation => "stage_separation",
        /// Second-stage engine start.
        Ses1 => "ses1",
        /// The fairing was dropped.
        FairingSeparation => "fairing_separation",
        /// Second-stage engine cut-off.
        Seco1 => "seco1",
        /// The payload was released.
        PayloadSeparation => "payload_separation",
        /// The booster began to turn round.
        Flip => "flip",
        /// The boost-back burn began.
        BoostbackStart => "boostback_start",
        /// The boost-back burn ended.
        BoostbackEnd => "boostback_end",
        /// The entry burn began.
        EntryBurnStart => "entry_burn_start",
        /// The entry burn ended.
        EntryBurnEnd => "entry_burn_end",
        /// Steering with fins began.
        Guidance => "guidance",
        /// The landing burn began.
        LandingBurnStart => "landing_burn_start",
        /// The legs are out.
        LegsDeployed => "legs_deployed",
        /// The legs touched the ground.
        Landing => "landing",
        /// Engines off, standing.
        Landed => "landed",
        /// An engine lost its chamber pressure.
        EngineOut => "engine_out",
        /// The module was cut loose from a neighbour that is to be destroyed.
        Detached => "detached",
        /// The module was destroyed by order.
        Destroyed => "destroyed",
        /// The module is gone without an order.
        Lost => "lost",
    }
}

/// Something that happened to one module.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// What happened.
    pub kind: EventKind,
    /// To which module.
    pub body: Body,
    /// Seconds since lift-off; negative before.
    pub t_s: f64,
    /// The values behind it, by name with unit, such as `altitude_m`.
    pub values: BTreeMap<String, f64>,
}
