use std::io;
use std::sync::Arc;

use futures_util::stream::{self, Stream as Futures};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::{HANDSHAKE_TIMEOUT, Stream, begin};

/// Handshakes under way at once; further visitors wait to be accepted.
const HANDSHAKES_MAX: usize = 128;
/// Connections at once: each is a worker process, a module or a program. More are closed as they come.
const CONNECTIONS_MAX: usize = 4_096;

/// Connections, each once its handshake is done: one that takes long holds up no other.
pub(crate) fn incoming(
    listener: TcpListener,
    acceptor: Option<TlsAcceptor>,
) -> impl Futures<Item = io::Result<Stream>> {
    let entrance = Entrance {
        listener,
        acceptor,
        handshakes: JoinSet::new(),
        places: Arc::new(Semaphore::new(CONNECTIONS_MAX)),
    };
    stream::unfold(entrance, async |mut entrance| {
        let found = entrance.next().await;
        Some((found, entrance))
    })
}

/// Where connections come in.
struct Entrance {
    listener: TcpListener,
    acceptor: Option<TlsAcceptor>,
    handshakes: JoinSet<Option<Stream>>,
    places: Arc<Semaphore>,
}

impl Entrance {
    async fn next(&mut self) -> io::Result<Stream> {
        loop {
            tokio::select! {
                Some(begun) = self.handshakes.join_next() => {
                    if let Ok(Some(stream)) = begun {
                        return Ok(stream);
                    }
                }
                accepted = self.listener.accept(), if self.handshakes.len() < HANDSHAKES_MAX => {
                    let (stream, _) = accepted?;
                    self.shake_hands(stream);
                }
            }
        }
    }

    fn shake_hands(&mut self, stream: TcpStream) {
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            tracing::warn!(
                max = CONNECTIONS_MAX,
                "a connection is closed: there are too many"
            );
            return;
        };
        // Simulated control loops run over it: no small message may wait for more to fill a packet.
        let _ = stream.set_nodelay(true);
        let acceptor = self.acceptor.clone();
        self.handshakes.spawn(async move {
            let begun = begin(stream, acceptor.as_ref(), HANDSHAKE_TIMEOUT).await?;
            Some(begun.holding(place))
        });
    }
}
