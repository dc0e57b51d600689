use std::path::PathBuf;

use clap::Args;

use super::super::output::Output;
use crate::error::Error;

/// `portique launch replay`.
#[derive(Debug, Args)]
pub(super) struct Replay {
    /// The recording: CSV with time_s, velocity_m_s, altitude_km.
    flight: PathBuf,
}

impl Replay {
    pub(super) fn run(self, _output: Output) -> Result<(), Error> {
        Err(Error::Usage {
            message: format!("cannot replay {} yet", self.flight.display()),
        })
    }
}
