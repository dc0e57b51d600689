//! A hub that shows a certificate: who believes it, who does not, and what goes over it.

mod certificates;
mod children;
mod handshake;
mod visitor;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use axum::body::Body;
use axum::http::{Request, Response};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use portique_client::{Fingerprint, Trust};
use tempfile::TempDir;

use crate::hub_process::{HubProcess, run};

/// Which version of HTTP to agree on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

/// A hub with a certificate, and a folder for it.
struct Place {
    folder: TempDir,
    hub: HubProcess,
}

impl Place {
    /// With a certificate that the hub makes for itself.
    fn self_signed() -> Self {
        Self::with(|_| vec!["--tls-self-signed".into()])
    }

    /// With these flags; they may name files that lie in the folder.
    fn with(flags: impl FnOnce(&Path) -> Vec<String>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut flags = flags(folder.path());
        flags.extend(["--data".into(), shown(&folder.path().join("data"))]);
        let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
        let hub = HubProcess::start_with(&flags);
        assert!(hub.http.starts_with("https://127.0.0.1:"), "{}", hub.http);
        Self { folder, hub }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// By what the hub says it is known, in the file from which the command line knows it.
    fn fingerprint(&self) -> Fingerprint {
        let text = fs::read_to_string(self.data().join("hub.json")).unwrap();
        let addresses: serde_json::Value = serde_json::from_str(&text).unwrap();
        addresses["fingerprint"].as_str().unwrap().parse().unwrap()
    }

    /// A verb that only reads, from elsewhere: nothing but the address is known.
    fn visit(&self, trust: &[&str]) -> Output {
        let elsewhere = self.folder.path().join("elsewhere");
        let (url, elsewhere) = (self.hub.http.as_str(), shown(&elsewhere));
        let mut args = vec!["queues", "list", "--hub", url, "--data", &elsewhere];
        args.extend(trust);
        run(&args)
    }

    async fn get(&self, path: &str, version: Version) -> Response<hyper::body::Incoming> {
        let request = Request::get(format!("{}{path}", self.hub.http));
        let request = request.body(Body::empty()).unwrap();
        client(&Trust::Pinned(self.fingerprint()), version)
            .request(request)
            .await
            .unwrap()
    }
}

fn client(trust: &Trust, version: Version) -> Client<HttpsConnector<HttpConnector>, Body> {
    let builder = HttpsConnectorBuilder::new()
        .with_tls_config(trust.client_config().unwrap())
        .https_only();
    let connector = match version {
        Version::One => builder.enable_http1().build(),
        Version::Two => builder.enable_http2().build(),
    };
    Client::builder(TokioExecutor::new())
        .http2_only(version == Version::Two)
        .build(connector)
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
