use portique_jobs::Error;

use super::world::World;

/// The broker's life is over: its disk failed.
#[derive(Debug)]
pub(super) struct Stopped;

impl World {
    /// The answer; none for a refusal that may be; [`Stopped`] when the disk failed.
    pub(super) fn answered<T>(&mut self, answer: Result<T, Error>) -> Result<Option<T>, Stopped> {
        let answer = match answer {
            Ok(answer) => Ok(Some(answer)),
            Err(Error::Bus(error)) => self.answered_bus(Err(error)),
            Err(error) => self.refused(error).map(|()| None),
        };
        if answer.is_ok() {
            self.ledger.hear();
        }
        answer
    }

    fn refused(&mut self, error: Error) -> Result<(), Stopped> {
        match error {
            Error::Unavailable { .. } | Error::InDoubt { .. } => {
                assert!(self.disk.has_failed(), "seed {}: {error:?}", self.seed);
                self.reached.in_doubt += u64::from(matches!(error, Error::InDoubt { .. }));
                Err(Stopped)
            }
            Error::QueueFull { .. } | Error::Exhausted { .. } => {
                self.reached.refused_full += 1;
                Ok(())
            }
            Error::KeyConflict { .. } => {
                self.reached.conflicts += 1;
                Ok(())
            }
            Error::StaleLease { .. } | Error::WrongState { .. } | Error::Draining { .. } => {
                self.reached.stale += 1;
                Ok(())
            }
            Error::UnknownJob { .. } | Error::UnknownName { .. } => Ok(()),
            error => panic!("seed {}: {error:?}", self.seed),
        }
    }

    pub(super) fn answered_bus<T>(
        &mut self,
        answer: Result<T, portique_bus::Error>,
    ) -> Result<Option<T>, Stopped> {
        use portique_bus::Error;
        match answer {
            Ok(answer) => Ok(Some(answer)),
            Err(Error::StaleDelivery { .. } | Error::Exhausted { .. }) => Ok(None),
            Err(error) => {
                assert!(self.disk.has_failed(), "seed {}: {error:?}", self.seed);
                Err(Stopped)
            }
        }
    }
}
