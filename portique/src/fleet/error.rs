use portique_fault::{Code, Fault, Retry};

/// Why a fleet does not do what was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// No pool has this name.
    #[error(
        "there is no pool {name:?}: the pools of this hub are [{known}]; they are written in its configuration, under \
         [[pools]]"
    )]
    UnknownPool {
        /// What was given.
        name: String,
        /// The pools there are.
        known: String,
    },
    /// More workers than a pool may have.
    #[error(
        "{workers} workers are more than the pool {pool} may have: write 0 to {max}, or raise its max"
    )]
    TooMany {
        /// Which pool.
        pool: String,
        /// What was given.
        workers: u32,
        /// Its `max`.
        max: u32,
    },
    /// A pool's policy cannot be followed.
    #[error("the policy of the pool {pool} cannot be followed")]
    Policy {
        /// Which pool.
        pool: String,
        #[source]
        source: portique_fleet::Error,
    },
    /// The records did not take or give what is kept of pools.
    #[error("the records do not keep what is decided about pools")]
    Records(#[source] portique_records::Error),
    /// The bus did not give what was decided before.
    #[error("the bus does not give what was decided about pools")]
    Bus(#[source] portique_bus::Error),
}

impl Fault for Error {
    fn code(&self) -> Code {
        match self {
            Self::UnknownPool { .. } => Code::NotFound,
            Self::TooMany { .. } => Code::InvalidArgument,
            Self::Policy { source, .. } => source.code(),
            Self::Records(source) => source.code(),
            Self::Bus(source) => source.code(),
        }
    }

    fn retry(&self) -> Retry {
        match self {
            Self::UnknownPool { .. } | Self::TooMany { .. } => Retry::No,
            Self::Policy { source, .. } => source.retry(),
            Self::Records(source) => source.retry(),
            Self::Bus(source) => source.retry(),
        }
    }
}
