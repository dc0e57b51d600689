use portique_fault::{Code, Fault, Retry};

/// Why a policy cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A value of a policy is out of its range.
    #[error("{name} is {given}: {rule}")]
    Policy {
        /// Which.
        name: &'static str,
        /// What was given.
        given: String,
        /// What would be right.
        rule: &'static str,
    },
}

impl Fault for Error {
    fn code(&self) -> Code {
        Code::InvalidArgument
    }

    fn retry(&self) -> Retry {
        Retry::No
    }
}
