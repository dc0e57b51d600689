use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, Stream as Futures};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::{HANDSHAKE_TIMEOUT, Stream, begin};
use crate::accept::{Accepting, Seldom};

/// Handshakes under way at once; further visitors wait to be accepted.
const HANDSHAKES_MAX: usize = 128;

/// Connections, each once its handshake is done: one that takes long holds up no other. More than `places` at once are
/// closed as they come; one on which no words of HTTP/2 come in time ends. Never an error: those of the machine are
/// waited out.
pub(crate) fn incoming(
    listener: TcpListener,
    acceptor: Option<TlsAcceptor>,
    places: usize,
) -> impl Futures<Item = Result<Stream, Infallible>> {
    incoming_within(HANDSHAKE_TIMEOUT, listener, acceptor, places)
}

fn incoming_within(
    limit: Duration,
    listener: TcpListener,
    acceptor: Option<TlsAcceptor>,
    places: usize,
) -> impl Futures<Item = Result<Stream, Infallible>> {
    let entrance = Entrance {
        accepting: Accepting::new(listener),
        acceptor,
        limit,
        handshakes: JoinSet::new(),
        places: Arc::new(Semaphore::new(places)),
        closed: Seldom::default(),
    };
    stream::unfold(entrance, async |mut entrance| {
        let found = entrance.next().await;
        Some((Ok(found), entrance))
    })
}

/// Where connections come in.
struct Entrance {
    accepting: Accepting,
    acceptor: Option<TlsAcceptor>,
    /// For the handshake, and then for the first words of HTTP/2.
    limit: Duration,
    handshakes: JoinSet<Option<Stream>>,
    places: Arc<Semaphore>,
    /// Connections for which there was no place.
    closed: Seldom,
}

impl Entrance {
    async fn next(&mut self) -> Stream {
        loop {
            tokio::select! {
                Some(begun) = self.handshakes.join_next() => {
                    if let Ok(Some(stream)) = begun {
                        return stream;
                    }
                }
                (stream, _) = self.accepting.next(), if self.handshakes.len() < HANDSHAKES_MAX => {
                    self.shake_hands(stream);
                }
            }
        }
    }

    fn shake_hands(&mut self, stream: TcpStream) {
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            if let Some(unsaid) = self.closed.again() {
                tracing::warn!(unsaid, "a connection is closed: there are too many");
            }
            return;
        };
        // Simulated control loops run over it: no small message may wait for more to fill a packet.
        let _ = stream.set_nodelay(true);
        let (acceptor, limit) = (self.acceptor.clone(), self.limit);
        self.handshakes.spawn(async move {
            let begun = begin(stream, acceptor.as_ref(), limit).await?;
            Some(begun.holding(place).opening_within(limit))
        });
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use futures_util::StreamExt;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::tls::stream::PREFACE;

    /// Longer than any test runs.
    const NEVER: Duration = Duration::from_secs(3600);
    const SOON: Duration = Duration::from_millis(50);

    /// A visitor's side of a connection that was let in, and the hub's.
    async fn connect(
        incoming: &mut (impl Futures<Item = Result<Stream, Infallible>> + Unpin),
        port: u16,
    ) -> (TcpStream, Stream) {
        let visitor = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let Ok(hub) = incoming.next().await.unwrap();
        (visitor, hub)
    }

    async fn listen() -> (TcpListener, u16) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        (listener, port)
    }

    #[tokio::test]
    async fn who_says_half_of_the_first_words_is_given_up() {
        let (listener, port) = listen().await;
        let mut incoming = Box::pin(incoming_within(SOON, listener, None, 1));
        let (mut visitor, mut hub) = connect(&mut incoming, port).await;
        visitor.write_all(&PREFACE[..10]).await.unwrap();
        let mut heard = Vec::new();
        // Ends, or the test hangs.
        let error = hub.read_to_end(&mut heard).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(heard, PREFACE[..10]);
    }

    #[tokio::test]
    async fn who_has_said_them_may_be_silent() {
        let (listener, port) = listen().await;
        let mut incoming = Box::pin(incoming_within(SOON, listener, None, 1));
        let (mut visitor, mut hub) = connect(&mut incoming, port).await;
        visitor.write_all(PREFACE).await.unwrap();
        let mut heard = vec![0; PREFACE.len()];
        hub.read_exact(&mut heard).await.unwrap();
        let more = tokio::time::timeout(2 * SOON, hub.read_u8()).await;
        assert!(more.is_err(), "it goes on: {more:?}");
    }

    #[tokio::test]
    async fn more_than_there_are_places_for_are_closed_until_one_goes() {
        let (listener, port) = listen().await;
        let mut incoming = Box::pin(incoming_within(NEVER, listener, None, 1));
        let (_first, hub) = connect(&mut incoming, port).await;
        let mut second = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let mut heard = Vec::new();
        tokio::select! {
            read = second.read_to_end(&mut heard) => { read.unwrap(); }
            _ = incoming.next() => panic!("there is one place"),
        }
        assert!(heard.is_empty());
        drop(hub);
        connect(&mut incoming, port).await;
    }
}
