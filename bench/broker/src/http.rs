//! One HTTP/1.1 connection, as lean as a client can be: what is measured is the hub.

use anyhow::{Context, bail};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

pub(crate) struct Connection {
    stream: BufReader<TcpStream>,
    host: String,
    token: String,
    request: Vec<u8>,
    line: String,
    body: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(host: &str, token: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(host).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream: BufReader::new(stream),
            host: host.to_owned(),
            token: token.to_owned(),
            request: Vec::new(),
            line: String::new(),
            body: Vec::new(),
        })
    }

    /// The body of a successful answer.
    pub(crate) async fn post(&mut self, path: &str, body: &[u8]) -> anyhow::Result<&[u8]> {
        use std::io::Write;
        self.request.clear();
        let (host, token, length) = (&self.host, &self.token, body.len());
        write!(
            self.request,
            "POST {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n"
        )?;
        self.request.extend_from_slice(body);
        self.stream.get_mut().write_all(&self.request).await?;
        self.answer(path).await
    }

    async fn answer(&mut self, path: &str) -> anyhow::Result<&[u8]> {
        let mut length = 0;
        let mut status = String::new();
        loop {
            self.line.clear();
            if self.stream.read_line(&mut self.line).await? == 0 {
                bail!("{path}: the hub closed the connection");
            }
            let line = self.line.trim_end();
            if status.is_empty() {
                status = line.to_owned();
            } else if line.is_empty() {
                break;
            } else if let Some(value) = strip_header(line, "content-length:") {
                length = value.parse().context("content-length is no number")?;
            }
        }
        self.body.resize(length, 0);
        self.stream.read_exact(&mut self.body).await?;
        if !status.contains(" 20") {
            bail!("{path}: {status}: {}", String::from_utf8_lossy(&self.body));
        }
        Ok(&self.body)
    }
}

fn strip_header<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let (head, value) = line.split_at_checked(name.len())?;
    head.eq_ignore_ascii_case(name).then(|| value.trim())
}
