//! A target whose every byte is the test's to say.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::notify_mail::acceptor;

/// How a request is answered.
#[derive(Clone)]
pub(crate) enum Answer {
    /// These bytes, then the end.
    Bytes(Vec<u8>),
    /// These bytes, then nothing for ever.
    Hang(Vec<u8>),
    /// These bytes, then the others again and again.
    Endless(Vec<u8>, Vec<u8>),
    /// What the number of the request makes.
    Made(fn(u64) -> Vec<u8>),
}

impl Answer {
    pub(crate) fn text(body: &str) -> Self {
        Self::of(
            "200 OK",
            "content-type: text/plain; version=0.0.4\r\n",
            body.as_bytes(),
        )
    }

    pub(crate) fn json(body: &str) -> Self {
        Self::of(
            "200 OK",
            "content-type: application/json\r\n",
            body.as_bytes(),
        )
    }

    pub(crate) fn status(status: u16) -> Self {
        Self::of(&format!("{status} x"), "", b"")
    }

    pub(crate) fn of(status: &str, headers: &str, body: &[u8]) -> Self {
        Self::Bytes(bytes(status, headers, body))
    }
}

pub(crate) fn bytes(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

/// Listens until it is dropped.
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
    /// Ends with it.
    _tasks: JoinSet<()>,
}

struct Shared {
    answer: Answer,
    requests: u64,
    last: String,
}

impl Target {
    pub(crate) async fn start(answer: Answer) -> Self {
        Self::start_with(answer, None).await
    }

    /// One that speaks TLS, with the certificate of these tests.
    pub(crate) async fn start_tls(answer: Answer) -> Self {
        Self::start_with(answer, Some(acceptor())).await
    }

    async fn start_with(answer: Answer, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Mutex::new(Shared {
            answer,
            requests: 0,
            last: String::new(),
        }));
        let serving = shared.clone();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut visits = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                while visits.try_join_next().is_some() {}
                let serving = serving.clone();
                match tls.clone() {
                    None => visits.spawn(serve(stream, serving)),
                    // Who does not trust it hangs up before there is a request.
                    Some(tls) => visits.spawn(async move {
                        if let Ok(stream) = tls.accept(stream).await {
                            serve(stream, serving).await;
                        }
                    }),
                };
            }
        });
        Self {
            address,
            shared,
            _tasks: tasks,
        }
    }

    /// Answers otherwise from now on.
    pub(crate) fn say(&self, answer: Answer) {
        self.shared.lock().unwrap().answer = answer;
    }

    /// What the last request asked for.
    pub(crate) fn path(&self) -> String {
        let shared = self.shared.lock().unwrap();
        let mut words = shared.last.split(' ');
        words.nth(1).unwrap_or_default().to_owned()
    }

    /// A header of the last request.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let shared = self.shared.lock().unwrap();
        let lines = shared.last.lines().filter_map(|line| line.split_once(':'));
        let mut found = lines.filter(|(found, _)| found.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value.trim().to_owned())
    }
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, shared: Arc<Mutex<Shared>>) {
    let mut request = Vec::new();
    let mut piece = [0; 4096];
    while !request.windows(4).any(|four| four == b"\r\n\r\n") {
        match stream.read(&mut piece).await {
            Ok(read @ 1..) => request.extend_from_slice(&piece[..read]),
            _ => return,
        }
    }
    let (answer, number) = {
        let mut shared = shared.lock().unwrap();
        shared.requests += 1;
        shared.last = String::from_utf8_lossy(&request).into_owned();
        (shared.answer.clone(), shared.requests)
    };
    // Whoever asked may hang up at any time.
    let _ = answer_with(&mut stream, answer, number).await;
}

async fn answer_with<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    answer: Answer,
    number: u64,
) -> std::io::Result<()> {
    match answer {
        Answer::Bytes(bytes) => stream.write_all(&bytes).await?,
        Answer::Made(make) => stream.write_all(&make(number)).await?,
        Answer::Hang(bytes) => {
            stream.write_all(&bytes).await?;
            // Until the other side hangs up.
            let mut rest = [0; 1];
            stream.read_exact(&mut rest).await?;
        }
        Answer::Endless(first, again) => {
            stream.write_all(&first).await?;
            loop {
                stream.write_all(&again).await?;
            }
        }
    }
    stream.shutdown().await
}
