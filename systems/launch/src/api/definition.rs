use portique_flight::Vehicle;
use serde::{Deserialize, Serialize};

use crate::abort::AbortMatrix;
use crate::count::{self, Plan};
use crate::mission::Definition;
use crate::vehicle::ACTORS;
use crate::{Error, LinkKind, PadId, RocketId, Station};

/// Stations of one roster.
const ROSTER_MAX: usize = 32;

/// A rocket to add.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRocket {
    /// Its name.
    pub rocket: RocketId,
    /// A built-in vehicle (`reference`, `light`); `reference` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vehicle: Option<String>,
    /// A vehicle of one's own, as TOML; instead of `vehicle`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vehicle_toml: Option<String>,
    /// Where it stands; `pad-1` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pad: Option<PadId>,
    /// How it is reached; simulated when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<LinkKind>,
    /// A count that ships with the system (`short`, `full`); `short` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<String>,
    /// A count of one's own, as TOML; instead of `count`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count_toml: Option<String>,
    /// What to do about critical anomalies, as TOML; the standard abort matrix when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aborts_toml: Option<String>,
    /// Seconds of count and flight per second, 0.1 to 1000; 1 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_factor: Option<f64>,
    /// Who votes; `weather, rocket, payload, telemetry` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roster: Option<Vec<Station>>,
}

pub(super) fn define(new: NewRocket) -> Result<Definition, Error> {
    let time_factor = new.time_factor.unwrap_or(1.0);
    count::check_rate(time_factor)?;
    let count = match (&new.count_toml, &new.count) {
        (Some(_), Some(_)) => return Err(both("count", "count_toml")),
        (Some(text), None) => Plan::parse(text)?,
        (None, name) => Plan::named(name.as_deref().unwrap_or("short"))?,
    };
    let vehicle = match (&new.vehicle_toml, &new.vehicle) {
        (Some(_), Some(_)) => return Err(both("vehicle", "vehicle_toml")),
        (Some(text), None) => Vehicle::parse(text),
        (None, name) => Vehicle::named(name.as_deref().unwrap_or("reference")),
    };
    let vehicle = vehicle.map_err(|error| Error::Input {
        what: "vehicle",
        problem: portique_fault::chain(&error),
    })?;
    Ok(Definition {
        rocket: new.rocket,
        vehicle: toml::to_string(&vehicle).expect("a vehicle that was read can be written"),
        pad: new.pad.map_or_else(|| PadId::new("pad-1"), Ok)?,
        link: new.link.unwrap_or(LinkKind::Simulated),
        count,
        time_factor,
        roster: roster(new.roster)?,
        aborts: match &new.aborts_toml {
            Some(text) => AbortMatrix::parse(text)?,
            None => AbortMatrix::standard(),
        },
    })
}

fn roster(asked: Option<Vec<Station>>) -> Result<Vec<Station>, Error> {
    let Some(mut roster) = asked else {
        return ["weather", "rocket", "payload", "telemetry"]
            .map(Station::new)
            .into_iter()
            .collect();
    };
    roster.sort();
    roster.dedup();
    if let Some(station) = roster.iter().find(|s| ACTORS.contains(&s.as_str())) {
        let actors = ACTORS.join(", ");
        let problem = format!("names {station}: {actors} act in the mission log themselves");
        return Err(Error::Input {
            what: "roster",
            problem,
        });
    }
    if roster.is_empty() || roster.len() > ROSTER_MAX {
        let problem = format!("needs 1 to {ROSTER_MAX} different stations");
        return Err(Error::Input {
            what: "roster",
            problem,
        });
    }
    Ok(roster)
}

fn both(one: &'static str, other: &str) -> Error {
    Error::Input {
        what: one,
        problem: format!("and {other} are both given; give one"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_station_votes_under_the_name_of_another_actor() {
        for name in ACTORS {
            let refused = roster(Some(vec![Station::new(name).unwrap()])).unwrap_err();
            assert!(refused.to_string().contains(name), "{refused}");
        }
        assert_eq!(roster(None).unwrap().len(), 4);
    }
}
