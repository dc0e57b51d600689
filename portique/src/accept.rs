//! Taking connections from a listener whatever happens to the machine, and saying so seldom.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

/// The process has no file left for a visitor until one goes.
const ACCEPT_AGAIN_AFTER: Duration = Duration::from_millis(500);
/// What repeats with every visitor is logged this often.
const SAY_EVERY: Duration = Duration::from_secs(1);

/// A listener that goes on when a connection cannot be taken.
pub(crate) struct Accepting {
    listener: TcpListener,
    said: Seldom,
}

impl Accepting {
    pub(crate) fn new(listener: TcpListener) -> Self {
        Self {
            listener,
            said: Seldom::default(),
        }
    }

    /// The next connection. Errors of the machine, such as too many open files, are waited out.
    ///
    /// # Cancel safety
    /// No connection is lost; a wait is cut short.
    pub(crate) async fn next(&mut self) -> (TcpStream, SocketAddr) {
        loop {
            match self.listener.accept().await {
                Ok(accepted) => return accepted,
                Err(error) if is_visitors(&error) => {}
                Err(error) => {
                    if let Some(unsaid) = self.said.again() {
                        tracing::error!(%error, unsaid, "cannot accept connections for now");
                    }
                    tokio::time::sleep(ACCEPT_AGAIN_AFTER).await;
                }
            }
        }
    }
}

/// Whether it concerns one connection only, which is gone.
fn is_visitors(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
    )
}

/// Lets a line into the log at most once a second.
#[derive(Debug, Default)]
pub(crate) struct Seldom {
    /// None when nothing was said yet.
    last: Option<Instant>,
    unsaid: u64,
}

impl Seldom {
    /// It happened again; if it is to be said, how often it happened without being said before.
    pub(crate) fn again(&mut self) -> Option<u64> {
        let now = Instant::now();
        let is_due = self.last.is_none_or(|last| now - last >= SAY_EVERY);
        if !is_due {
            self.unsaid += 1;
            return None;
        }
        self.last = Some(now);
        Some(std::mem::take(&mut self.unsaid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_happens_all_the_time_is_said_once_a_second_with_how_often() {
        let mut seldom = Seldom::default();
        assert_eq!(seldom.again(), Some(0));
        for _ in 0..5 {
            assert_eq!(seldom.again(), None);
        }
        tokio::time::advance(SAY_EVERY).await;
        assert_eq!(seldom.again(), Some(5));
    }
}
