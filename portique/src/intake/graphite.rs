//! Graphite's plaintext over TCP.
//!
//! A connection is read in pieces of whole lines; nobody is answered, as the protocol has no answers. Too many
//! connections, lines that do not end and senders that fall silent are closed, and counted.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use portique_exposition::{LINE_BYTES_MAX, read_graphite};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Intake;
use super::ledger::{Bad, Way};

/// A sender reports every minute; one that says nothing for five is gone.
const IDLE_MAX: Duration = Duration::from_secs(300);
/// Read at once: some thousand lines.
const PIECE_BYTES: usize = 64 << 10;
/// A listener that cannot accept, because the machine has no more descriptors, tries again after this.
const RETRY_ACCEPT: Duration = Duration::from_millis(100);

/// The listener, bound and not yet served.
pub(crate) struct Graphite {
    listener: TcpListener,
    intake: Intake,
    /// Connections at once.
    places: usize,
}

impl Graphite {
    pub(crate) fn new(listener: TcpListener, intake: Intake, places: usize) -> Self {
        Self {
            listener,
            intake,
            places,
        }
    }

    /// Where it listens, with the port that was chosen.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        self.listener.local_addr().ok()
    }

    /// Takes connections until it is told to stop, then ends those that are open.
    pub(crate) async fn serve(self, stop: CancellationToken) {
        let places = Arc::new(Semaphore::new(self.places));
        let connections = TaskTracker::new();
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => break,
                accepted = self.listener.accept() => accepted,
            };
            let Ok((stream, peer)) = accepted else {
                tokio::time::sleep(RETRY_ACCEPT).await;
                continue;
            };
            let Ok(place) = places.clone().try_acquire_owned() else {
                let text = format!("{peer}: {} connections are open already", self.places);
                self.intake.refuse_connection("too_many_connections", text);
                continue;
            };
            let (intake, stop) = (self.intake.clone(), stop.clone());
            connections.spawn(async move {
                let _place = place;
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = serve_connection(&intake, stream, peer) => {}
                }
            });
        }
        connections.close();
        connections.wait().await;
    }
}

/// Reads lines until the sender ends, falls silent or sends one that is too long.
async fn serve_connection(intake: &Intake, mut stream: TcpStream, peer: SocketAddr) {
    let (mut pending, mut line) = (Vec::new(), 1);
    loop {
        pending.reserve(PIECE_BYTES);
        let read = tokio::time::timeout(IDLE_MAX, stream.read_buf(&mut pending)).await;
        let is_end = match read {
            Ok(Ok(0) | Err(_)) => true,
            Ok(Ok(_)) => false,
            Err(_) => {
                let text = format!("{peer}: nothing came for {} s", IDLE_MAX.as_secs());
                return intake.refuse_connection("idle", text);
            }
        };
        let whole = match is_end {
            true => pending.len(),
            false => end_of_last_line(&pending),
        };
        if whole > 0 {
            let rest = pending.split_off(whole);
            line += intake
                .take_lines(std::mem::replace(&mut pending, rest), line)
                .await;
        }
        if pending.len() > LINE_BYTES_MAX {
            let text = format!("{peer}: line {line} has more than {LINE_BYTES_MAX} bytes");
            return intake.refuse_connection("line_too_long", text);
        }
        if is_end {
            return;
        }
    }
}

/// Where the last whole line ends.
fn end_of_last_line(bytes: &[u8]) -> usize {
    let last = bytes.iter().rposition(|byte| *byte == b'\n');
    last.map_or(0, |at| at + 1)
}

impl Intake {
    /// Takes whole lines; how many there were. Nobody can be told of what is lost while the store is full.
    async fn take_lines(&self, lines: Vec<u8>, first_line: u64) -> u64 {
        let now_ms = self.now_ms();
        let taken = self.take(Way::Graphite, move |batch, rejections| {
            Ok(read_graphite(&lines, first_line, now_ms, batch, rejections))
        });
        match taken.await {
            Ok(taken) => taken.counts.lines,
            Err(refusal) => {
                let problem = refusal.report.message;
                tracing::warn!(problem, "graphite lines were lost");
                0
            }
        }
    }

    fn refuse_connection(&self, reason: &'static str, text: String) {
        let at_ms = self.now_ms();
        let bad = Bad {
            at_ms,
            reason,
            text,
        };
        self.shared
            .ledger
            .enter(Way::Graphite, 0, &[(reason, 1)], vec![bad]);
    }
}
