//! E-mails and webhooks over TLS, against servers on the loopback that speak SMTP and HTTPS.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::response::IntoResponse as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ServerConfig, crypto::ring};

use crate::notify_rig::{PATIENCE, at_once, explained, raise, until, with_notifier};

const HOT: [(&str, &str); 2] = [("alertname", "Hot"), ("tank", "lox")];

/// A mail as it was handed over.
#[derive(Debug, Default)]
struct Received {
    is_encrypted: bool,
    login: Option<String>,
    from: String,
    to: Vec<String>,
    data: String,
}

/// A certificate for this machine that no authority has signed, made for these tests.
pub(crate) fn certificate() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/notify/cert.pem")
}

pub(crate) fn acceptor() -> TlsAcceptor {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/notify");
    let chain = vec![CertificateDer::from_pem_file(certificate()).unwrap()];
    let key = PrivateKeyDer::from_pem_file(folder.join("key.pem")).unwrap();
    let provider = Arc::new(ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// A mail server for one kind of encryption; answers `refusal` to recipients when there is one.
struct MailServer {
    port: u16,
    received: mpsc::Receiver<Received>,
    _server: JoinSet<()>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Encryption {
    None,
    StartTls,
    Implicit,
}

impl MailServer {
    async fn start(encryption: Encryption, refusal: Option<&'static str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (sender, received) = mpsc::channel(16);
        let mut server = JoinSet::new();
        server.spawn(async move {
            let mut sessions = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                sessions.spawn(serve(stream, encryption, refusal, sender.clone()));
            }
        });
        Self {
            port,
            received,
            _server: server,
        }
    }

    async fn next(&mut self) -> Received {
        let next = tokio::time::timeout(PATIENCE, self.received.recv()).await;
        next.expect("no mail came").unwrap()
    }
}

async fn serve(
    stream: tokio::net::TcpStream,
    encryption: Encryption,
    refusal: Option<&'static str>,
    done: mpsc::Sender<Received>,
) {
    let stage = |greets, is_encrypted, offers_tls| Stage {
        greets,
        is_encrypted,
        offers_tls,
    };
    if encryption == Encryption::Implicit {
        let stream = acceptor().accept(stream).await.unwrap();
        session(stream, stage(true, true, false), refusal, &done).await;
        return;
    }
    let open = stage(true, false, encryption == Encryption::StartTls);
    if let Some(stream) = session(stream, open, refusal, &done).await {
        let stream = acceptor().accept(stream).await.unwrap();
        session(stream, stage(false, true, false), refusal, &done).await;
    }
}

/// How far a session is.
#[derive(Clone, Copy)]
struct Stage {
    greets: bool,
    is_encrypted: bool,
    offers_tls: bool,
}

/// Speaks SMTP until the visitor leaves; the stream again when TLS is to begin on it.
async fn session<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    stage: Stage,
    refusal: Option<&'static str>,
    done: &mpsc::Sender<Received>,
) -> Option<S> {
    let mut stream = BufReader::new(stream);
    let new = || Received {
        is_encrypted: stage.is_encrypted,
        ..Received::default()
    };
    let mut mail = new();
    if stage.greets {
        reply(&mut stream, "220 test").await;
    }
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
            return None;
        }
        let line = line.trim_end().to_owned();
        let word = line
            .split(' ')
            .next()
            .unwrap_or_default()
            .to_ascii_uppercase();
        match word.as_str() {
            "EHLO" => {
                let more = if stage.offers_tls {
                    "250-STARTTLS\r\n"
                } else {
                    ""
                };
                reply(
                    &mut stream,
                    &format!("250-test\r\n{more}250 AUTH PLAIN LOGIN"),
                )
                .await;
            }
            "STARTTLS" => {
                reply(&mut stream, "220 go").await;
                return Some(stream.into_inner());
            }
            "AUTH" => {
                let proof = line.rsplit(' ').next().unwrap_or_default();
                let proof = BASE64.decode(proof).unwrap();
                mail.login = Some(String::from_utf8(proof).unwrap().replace('\0', "/"));
                reply(&mut stream, "235 welcome").await;
            }
            "MAIL" => {
                mail.from = line;
                reply(&mut stream, "250 ok").await;
            }
            "RCPT" => {
                mail.to.push(line);
                reply(&mut stream, refusal.unwrap_or("250 ok")).await;
            }
            "DATA" => {
                mail.data = data(&mut stream).await;
                done.send(std::mem::replace(&mut mail, new()))
                    .await
                    .unwrap();
            }
            "QUIT" => {
                reply(&mut stream, "221 bye").await;
                return None;
            }
            _ => reply(&mut stream, "250 ok").await,
        }
    }
}

/// The mail itself, up to the line with a point.
async fn data<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut BufReader<S>) -> String {
    reply(stream, "354 go on").await;
    let mut data = String::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.unwrap();
        if line == ".\r\n" {
            reply(stream, "250 taken").await;
            return data;
        }
        data += &line;
    }
}

async fn reply<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut BufReader<S>, text: &str) {
    let text = format!("{text}\r\n");
    // A visitor may have left.
    let _ = stream.write_all(text.as_bytes()).await;
    let _ = stream.flush().await;
}

fn mail_way(port: u16, more: &str) -> String {
    format!(
        "  email_configs:\n  - {{to: 'crew@example.org, lead@example.org', from: 'Hub <hub@example.org>', \
         smarthost: 'localhost:{port}', headers: {{X-Pad: '39A'}}, text: 'tank {{{{ .CommonLabels.tank }}}}', {more}}}\n"
    )
}

#[tokio::test]
async fn a_mail_is_handed_over_in_html_and_text() {
    let mut server = MailServer::start(Encryption::None, None).await;
    let more = "require_tls: false, auth_username: hub, auth_password: sesame, send_resolved: true";
    with_notifier(&at_once(&mail_way(server.port, more)), async |rig| {
        raise(&rig, &HOT, false).await;
        let mail = server.next().await;
        assert_eq!(mail.login.as_deref(), Some("/hub/sesame"));
        assert!(mail.from.contains("<hub@example.org>"), "{mail:?}");
        assert_eq!(mail.to.len(), 2, "{mail:?}");
        for part in [
            "Subject: [FIRING 1] Hot (lox)",
            "X-Pad: 39A",
            "Message-ID: <notification-1-",
            "text/plain",
            "tank lox",
            "text/html",
        ] {
            assert!(mail.data.contains(part), "{part}: {}", mail.data);
        }
        raise(&rig, &HOT, true).await;
        let mail = server.next().await;
        assert!(
            mail.data.contains("Subject: [RESOLVED] Hot (lox)"),
            "{}",
            mail.data
        );
    })
    .await;
}

#[tokio::test]
async fn a_mail_goes_over_tls_from_the_start_or_after_starttls() {
    for (encryption, more) in [
        (Encryption::StartTls, "require_tls: true"),
        (Encryption::Implicit, "force_implicit_tls: true"),
    ] {
        let mut server = MailServer::start(encryption, None).await;
        let ca = certificate();
        let more = format!(
            "{more}, tls_config: {{ca_file: '{}'}}, auth_username: hub, auth_password: sesame",
            ca.display()
        );
        with_notifier(&at_once(&mail_way(server.port, &more)), async |rig| {
            raise(&rig, &HOT, false).await;
            let mail = server.next().await;
            assert!(mail.is_encrypted && mail.login.is_some(), "{mail:?}");
        })
        .await;
    }
}

#[tokio::test]
async fn a_mail_server_that_refuses_is_quoted_and_one_without_tls_is_not_trusted() {
    let server = MailServer::start(Encryption::None, Some("550 no such crew")).await;
    let way = mail_way(server.port, "require_tls: false");
    let text = at_once(&way).replace("group_interval: 1s", "group_interval: 1h");
    with_notifier(&text, async |rig| {
        raise(&rig, &HOT, false).await;
        let way = async || explained(&rig).await["routes"][0]["ways"][0].clone();
        let way = until(way, |way| way["given_up"].is_object()).await;
        assert!(
            way["given_up"]["reason"]
                .as_str()
                .unwrap()
                .contains("no such crew"),
            "{way}"
        );
    })
    .await;
    let way = mail_way(server.port, "require_tls: true");
    with_notifier(&at_once(&way), async |rig| {
        raise(&rig, &HOT, false).await;
        let way = async || explained(&rig).await["routes"][0]["ways"][0]["on_its_way"].clone();
        let way = until(way, |way| way["last_problem"].is_string()).await;
        assert!(
            way["last_problem"].as_str().unwrap().contains("STARTTLS"),
            "{way}"
        );
    })
    .await;
}

#[tokio::test]
async fn a_webhook_over_https_must_be_who_it_says() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, mut arrived) = mpsc::channel(16);
    let mut server = JoinSet::new();
    server.spawn(https(listener, sender));
    let ca = certificate();
    let way = |tls: &str| {
        format!(
            "  webhook_configs: [{{url: 'https://localhost:{port}/hook', http_config: {{tls_config: {tls}}}}}]\n"
        )
    };
    let trusted = way(&format!("{{ca_file: '{}'}}", ca.display()));
    for good in [trusted, way("{insecure_skip_verify: true}")] {
        with_notifier(&at_once(&good), async |rig| {
            raise(&rig, &HOT, false).await;
            let body = tokio::time::timeout(PATIENCE, arrived.recv()).await;
            assert!(body.unwrap().unwrap().contains("\"firing\""));
        })
        .await;
    }
    with_notifier(&at_once(&way("{}")), async |rig| {
        raise(&rig, &HOT, false).await;
        let way = async || explained(&rig).await["routes"][0]["ways"][0]["on_its_way"].clone();
        let way = until(way, |way| way["last_problem"].is_string()).await;
        let problem = way["last_problem"].as_str().unwrap();
        assert!(problem.contains("certificate"), "{problem}");
    })
    .await;
}

/// Answers requests over TLS, and hands their bodies on.
async fn https(listener: TcpListener, bodies: mpsc::Sender<String>) {
    let service = axum::Router::new().fallback(async move |body: String| {
        bodies.send(body).await.unwrap();
        axum::http::StatusCode::OK.into_response()
    });
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let service = hyper_util::service::TowerToHyperService::new(service.clone());
        connections.spawn(async move {
            let Ok(stream) = acceptor().accept(stream).await else {
                return;
            };
            let stream = hyper_util::rt::TokioIo::new(stream);
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(stream, service)
                .await;
        });
    }
}
