//! What every engine must do, as tests over the port.
