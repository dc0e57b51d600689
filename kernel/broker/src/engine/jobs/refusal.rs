use portique_fault::chain;
use portique_jobs::Error;

/// What the journal's refusal means to a user of the jobs.
pub(crate) fn jobs_error(error: portique_journal::Error) -> Error {
    use portique_journal::Error as Journal;
    match error {
        Journal::TooLarge { given, max, unit } => Error::BatchTooLarge { given, max, unit },
        Journal::DrainOnly { .. } => Error::Exhausted {
            resource: "disk space",
            remedy: "new jobs are refused, completions are not: free space on the disk or shorten \
                     retention"
                .into(),
        },
        Journal::Starved { .. } => Error::Exhausted {
            resource: "disk space",
            remedy: "not even the reserve is left: free space on the disk".into(),
        },
        Journal::Full { .. } => Error::Exhausted {
            resource: "room in the journal's queue",
            remedy: "the disk is slower than the producers: enqueue less at a time".into(),
        },
        other => Error::Unavailable {
            reason: chain(&other),
        },
    }
}

/// What it means that facts already submitted did not become durable: the next start may find them.
pub(crate) fn in_doubt(error: portique_journal::Error) -> Error {
    Error::InDoubt {
        reason: chain(&error),
    }
}
