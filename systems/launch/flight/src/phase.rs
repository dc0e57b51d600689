//! What a module is doing.

use crate::words::words;

words! {
    /// What a module is doing, as its autopilot sees it.
    Phase, "phase", {
        /// On the pad, on ground power, engines locked.
        Safe => "safe",
        /// On the pad, on its own batteries.
        InternalPower => "internal_power",
        /// On the pad, launch programme running, ready for ignition.
        Startup => "startup",
        /// First-stage engines running, held down.
        Ignition => "ignition",
        /// Booster: carrying the stack up.
        Ascent => "ascent",
        /// Engines off between first-stage cut-off and what comes next.
        Coast => "coast",
        /// Second stage: burning towards the target orbit.
        SecondStageBurn => "second_stage_burn",
        /// Second stage: in orbit.
        Orbit => "orbit",
        /// Booster: turning round after separation.
        Flip => "flip",
        /// Booster: burning back towards the landing site.
        Boostback => "boostback",
        /// Booster: falling towards the air, engines off.
        ReentryCoast => "reentry_coast",
        /// Booster: braking before the dense air.
        EntryBurn => "entry_burn",
        /// Booster: steering with its fins.
        AeroGuidance => "aero_guidance",
        /// Booster: braking to zero speed at zero altitude.
        LandingBurn => "landing_burn",
        /// Booster: standing on its legs, engines off.
        Landed => "landed",
        /// Second stage or payload: carried by what is below it, after lift-off.
        Attached => "attached",
        /// Payload: free in its orbit.
        Deployed => "deployed",
        /// Falling without engines or guidance.
        Ballistic => "ballistic",
        /// Destroyed by order.
        Destroyed => "destroyed",
        /// Gone without an order, such as by impact.
        Lost => "lost",
    }
}

#[expect(clippy::derivable_impls, reason = "the words macro owns the derives")]
impl Default for Phase {
    fn default() -> Self {
        Self::Safe
    }
}

impl Phase {
    /// Whether the module stands on the pad before its lift-off.
    pub const fn is_on_pad(self) -> bool {
        matches!(
            self,
            Self::Safe | Self::InternalPower | Self::Startup | Self::Ignition
        )
    }

    /// Whether nothing more will happen in this phase.
    pub const fn is_final(self) -> bool {
        matches!(
            self,
            Self::Landed | Self::Deployed | Self::Destroyed | Self::Lost
        )
    }
}
