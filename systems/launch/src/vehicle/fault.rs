//! What a rehearsal can be made to suffer.

use serde::{Deserialize, Serialize};

/// Faults that a simulated vehicle can be given.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum InjectedFault {
    /// One engine stops.
    EngineOut,
    /// The air is denser than it should be, so that dynamic pressure passes its limit.
    DenseAir,
    /// The sensors repeat their last values.
    FrozenSensors,
    /// The climb and speed sensors read too much.
    BiasedSensors,
    /// The pressure in the tanks falls.
    TankPressureDrop,
    /// Propellant runs out through a hole.
    PropellantLeak,
    /// The nose turns away from where the computer wants it.
    AttitudeDrift,
    /// The joint above the module does not open.
    StuckSeparation,
    /// The legs stay in.
    LegFailure,
    /// The telemetry task says nothing for ten seconds.
    TelemetrySilence,
    /// The control task of the on-board computer crashes.
    ControlCrash,
    /// The telemetry task of the on-board computer crashes.
    TelemetryCrash,
    /// The whole on-board computer crashes.
    ComputerCrash,
    /// The link to the module is slow or loses what it carries, until it is given another fault.
    Link(LinkFault),
}

/// How bad the link to one module is, both ways. All zero is a sound link.
///
/// The same seed gives the n-th message of a kind the same fate in every rehearsal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(try_from = "RawLinkFault")]
pub struct LinkFault {
    /// Milliseconds that everything takes one way, 0 to 2000.
    #[serde(default)]
    pub latency_ms: u32,
    /// Milliseconds on top, 0 to 2000: each message takes a share of them, drawn evenly.
    #[serde(default)]
    pub jitter_ms: u32,
    /// The share of messages that never arrive, 0 to 1.
    #[serde(default)]
    pub loss: f64,
    /// What the shares are drawn from.
    #[serde(default)]
    pub seed: u64,
}

impl LinkFault {
    /// Greatest latency, and greatest jitter: with both a message still comes before a silent link is
    /// taken for dead.
    pub const DELAY_MS_MAX: u32 = 2_000;

    /// Whether there is no fault.
    pub fn is_none(&self) -> bool {
        self.latency_ms == 0 && self.jitter_ms == 0 && self.loss == 0.0
    }
}

/// A fault of a link as written.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct RawLinkFault {
    latency_ms: u32,
    jitter_ms: u32,
    loss: f64,
    seed: u64,
}

impl TryFrom<RawLinkFault> for LinkFault {
    type Error = String;

    fn try_from(raw: RawLinkFault) -> Result<Self, String> {
        let RawLinkFault {
            latency_ms,
            jitter_ms,
            loss,
            seed,
        } = raw;
        let most = Self::DELAY_MS_MAX;
        for (name, given) in [("latency_ms", latency_ms), ("jitter_ms", jitter_ms)] {
            if given > most {
                return Err(format!("{name}: {given} is too much, write 0 to {most}"));
            }
        }
        if !(0.0..=1.0).contains(&loss) {
            return Err(format!("loss: {loss} is no share, write 0 to 1"));
        }
        Ok(Self {
            latency_ms,
            jitter_ms,
            loss,
            seed,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_of_the_link_is_written_beside_the_others() {
        let read = |text: &str| serde_json::from_str::<InjectedFault>(text);
        let fault = LinkFault {
            latency_ms: 600,
            loss: 0.25,
            seed: 7,
            ..LinkFault::default()
        };
        let written = r#"{"link":{"latency_ms":600,"loss":0.25,"seed":7}}"#;
        assert_eq!(read(written).unwrap(), InjectedFault::Link(fault));
        let sound = read(r#"{"link":{}}"#).unwrap();
        assert!(matches!(sound, InjectedFault::Link(fault) if fault.is_none()));
        let again = serde_json::to_string(&InjectedFault::Link(fault)).unwrap();
        assert_eq!(read(&again).unwrap(), InjectedFault::Link(fault));
        assert_eq!(
            read(r#""engine_out""#).unwrap(),
            InjectedFault::EngineOut,
            "the others are words"
        );
    }

    #[test]
    fn a_link_is_not_made_worse_than_a_link_can_be() {
        for (written, words) in [
            (r#"{"link":{"loss":1.5}}"#, "0 to 1"),
            (r#"{"link":{"loss":-0.1}}"#, "0 to 1"),
            (r#"{"link":{"latency_ms":2001}}"#, "latency_ms"),
            (r#"{"link":{"jitter_ms":60000}}"#, "jitter_ms"),
            (r#"{"link":{"latency_ms":-1}}"#, "-1"),
            (r#"{"link":{"lag_ms":1}}"#, "lag_ms"),
            (r#""link""#, "newtype"),
        ] {
            let refused = serde_json::from_str::<InjectedFault>(written).unwrap_err();
            assert!(refused.to_string().contains(words), "{written}: {refused}");
        }
    }
}
