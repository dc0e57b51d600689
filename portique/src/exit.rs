use std::process::ExitCode;

/// What the exit status of `portique` means; scripts may rely on the numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It worked.
    Ok,
    /// It failed, for a reason that none of the others names.
    Failure,
    /// The command line or the configuration is wrong; nothing was started.
    Usage,
    /// The hub understood the request and refused it.
    Refused,
    /// No hub answers at the address.
    Unreachable,
    /// Stored data is damaged.
    Damaged,
    /// No token, or one that the hub does not know.
    Unauthenticated,
    /// A port or the data folder is in use by another process.
    Busy,
    /// The flight of `up --demo --exit` was not nominal.
    NotNominal,
    /// The on-board computer has ended for good: its module was destroyed.
    Destroyed,
    /// The hub stopped because its journal could not write any more.
    Poisoned,
}

impl Exit {
    /// Every status, in the order of its number.
    pub const ALL: [Self; 11] = [
        Self::Ok,
        Self::Failure,
        Self::Usage,
        Self::Refused,
        Self::Unreachable,
        Self::Damaged,
        Self::Unauthenticated,
        Self::Busy,
        Self::NotNominal,
        Self::Destroyed,
        Self::Poisoned,
    ];

    /// The number that the shell sees.
    pub fn status(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Failure => 1,
            Self::Usage => 2,
            Self::Refused => 3,
            Self::Unreachable => 4,
            Self::Damaged => 5,
            Self::Unauthenticated => 6,
            Self::Busy => 7,
            Self::NotNominal => 8,
            Self::Destroyed => 9,
            Self::Poisoned => 10,
        }
    }

    /// What it means, for the help text.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Ok => "done",
            Self::Failure => "failed",
            Self::Usage => "the command line or the configuration is wrong",
            Self::Refused => "the hub refused the request",
            Self::Unreachable => "no hub answers",
            Self::Damaged => "stored data is damaged",
            Self::Unauthenticated => "no token, or a wrong one",
            Self::Busy => "a port or the data folder is in use",
            Self::NotNominal => "the demonstration flight was not nominal",
            Self::Destroyed => "the module of this computer was destroyed",
            Self::Poisoned => "the journal could not write: start the hub again",
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.status())
    }
}
