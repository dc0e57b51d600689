use std::collections::BTreeMap;
use std::path::Path;

use super::problem::Place;
use super::{Overrides, TlsOverride};

/// Where a value of the configuration comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody said it.
    Default,
    /// A line of the configuration's file.
    File(Place),
    /// A flag, or its variable in the environment.
    CommandLine,
}

/// Where each value comes from, by the key that the file has for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origins {
    written: BTreeMap<String, Place>,
    flags: Vec<&'static str>,
}

impl Origins {
    /// Of what stands in the file, unless the command line says otherwise.
    pub(super) fn new(written: &BTreeMap<String, Place>, overrides: &Overrides) -> Self {
        let flags = [
            ("listen", overrides.listen.is_some()),
            ("grpc_listen", overrides.grpc_listen.is_some()),
            ("prometheus_listen", overrides.prometheus_listen.is_some()),
            (
                "tls.certificate",
                matches!(overrides.tls, Some(TlsOverride::Files { .. })),
            ),
            (
                "tls.key",
                matches!(overrides.tls, Some(TlsOverride::Files { .. })),
            ),
            ("tls.self_signed", overrides.tls.is_some()),
            ("data", overrides.data.is_some() || overrides.is_ephemeral),
            ("log.format", overrides.log_format.is_some()),
            ("log.filter", overrides.log_filter.is_some()),
        ];
        let said = flags.iter().filter(|(_, is_said)| *is_said);
        Self {
            written: written.clone(),
            flags: said.map(|(key, _)| *key).collect(),
        }
    }

    /// Where the value of this key comes from.
    pub fn of(&self, key: &str) -> Origin {
        if self.flags.contains(&key) {
            return Origin::CommandLine;
        }
        let place = self.written.get(key);
        place.map_or(Origin::Default, |place| Origin::File(place.clone()))
    }

    /// The configuration's file, as far as anything is written in it.
    pub fn file(&self) -> Option<&Path> {
        let place = self.written.values().next();
        place.map(|place| place.path.as_path())
    }
}
