//! Rules and alerts as the hub runs them: what stands around `portique_monitor`, which decides.

#[expect(dead_code, reason = "the loops that decide facts are joined next")]
pub(crate) mod keeper;
