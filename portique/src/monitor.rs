//! Rules and alerts as the hub runs them: what stands around `portique_monitor`, which decides.

pub(crate) mod keeper;
