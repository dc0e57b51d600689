//! The range of every figure of a vehicle.

use super::{Error, Vehicle};

pub(super) fn vehicle(_v: &Vehicle) -> Result<(), Error> {
    Ok(())
}
