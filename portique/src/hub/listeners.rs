use std::io::ErrorKind;
use std::net::SocketAddr;

use tokio::net::TcpListener;

use crate::config::Config;
use crate::data_folder::Addresses;
use crate::error::Error;
use crate::tls::Tls;

/// Where visitors come in, each bound and not yet answered.
pub(super) struct Listeners {
    pub(super) http: TcpListener,
    pub(super) grpc: TcpListener,
    /// Where Prometheus' clients find its interface at the root.
    pub(super) prometheus: Option<TcpListener>,
    /// Where lines of Graphite's plaintext come in.
    pub(super) graphite: Option<TcpListener>,
}

impl Listeners {
    /// Binds the addresses that the configuration names.
    ///
    /// # Errors
    /// [`Error::PortInUse`] or [`Error::Bind`], with the flag or key that changes the address.
    pub(super) async fn bind(config: &Config) -> Result<Self, Error> {
        let prometheus = config.prometheus_listen;
        let graphite = config.telemetry.graphite_listen;
        Ok(Self {
            http: bind("HTTP", "--listen", config.listen).await?,
            grpc: bind("gRPC", "--grpc-listen", config.grpc_listen).await?,
            prometheus: bind_optional("Prometheus", "--prometheus-listen", prometheus).await?,
            graphite: bind_optional("Graphite", "telemetry.graphite_listen", graphite).await?,
        })
    }

    /// Where visitors and modules find the hub, with the ports that were chosen.
    ///
    /// # Errors
    /// [`Error::Bind`].
    pub(super) fn addresses(&self, config: &Config, tls: Option<&Tls>) -> Result<Addresses, Error> {
        Ok(Addresses {
            pid: std::process::id(),
            http: local_address(&self.http, "HTTP", "--listen", config.listen)?,
            grpc: local_address(&self.grpc, "gRPC", "--grpc-listen", config.grpc_listen)?,
            fingerprint: tls.map(|tls| tls.fingerprint().to_string()),
        })
    }
}

async fn bind_optional(
    what: &'static str,
    flag: &'static str,
    address: Option<SocketAddr>,
) -> Result<Option<TcpListener>, Error> {
    match address {
        Some(address) => bind(what, flag, address).await.map(Some),
        None => Ok(None),
    }
}

async fn bind(
    what: &'static str,
    flag: &'static str,
    address: SocketAddr,
) -> Result<TcpListener, Error> {
    TcpListener::bind(address)
        .await
        .map_err(|source| match source.kind() {
            ErrorKind::AddrInUse => Error::PortInUse {
                what,
                address,
                flag,
            },
            _ => Error::Bind {
                what,
                address,
                flag,
                source,
            },
        })
}

fn local_address(
    listener: &TcpListener,
    what: &'static str,
    flag: &'static str,
    wanted: SocketAddr,
) -> Result<SocketAddr, Error> {
    listener.local_addr().map_err(|source| Error::Bind {
        what,
        address: wanted,
        flag,
        source,
    })
}
