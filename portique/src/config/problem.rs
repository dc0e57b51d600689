use std::fmt;
use std::path::PathBuf;

/// A line of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub path: PathBuf,
    /// Its line, from 1.
    pub line: usize,
}

/// One thing that is wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where it is written; none when it comes from the command line.
    pub place: Option<Place>,
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub remedy: String,
}

impl Problem {
    pub(super) fn new(message: String, remedy: String) -> Self {
        Self {
            place: None,
            message,
            remedy,
        }
    }

    pub(super) fn at(place: &Place, message: String, remedy: String) -> Self {
        Self {
            place: Some(place.clone()),
            message,
            remedy,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{}:{}: ", place.path.display(), place.line)?;
        }
        write!(f, "{}: {}", self.message, self.remedy)
    }
}
