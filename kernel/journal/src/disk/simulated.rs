/// A disk in memory.
#[derive(Debug, Default)]
pub struct SimulatedDisk;
/// What goes wrong on it.
#[derive(Debug, Default)]
pub struct SimulatedFaults;
