//! One HTTP/1.1 connection, as lean as a client can be: what is measured is the server.

use std::io::Write;

use anyhow::{Context, bail};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// A connection that stays open from request to request.
#[derive(Debug)]
pub struct Connection {
    stream: BufReader<TcpStream>,
    host: String,
    authorization: String,
    request: Vec<u8>,
    line: String,
    body: Vec<u8>,
}

/// What a server said.
#[derive(Debug)]
pub struct Answer<'a> {
    /// Such as 200.
    pub status: u16,
    /// Decoded from chunks, if it came in chunks.
    pub body: &'a [u8],
}

impl Connection {
    /// Connects to `host:port`, showing the token with every request, if there is one.
    ///
    /// # Errors
    /// When nobody listens there.
    pub async fn open(host: &str, token: Option<&str>) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(host).await?;
        stream.set_nodelay(true)?;
        let authorization = token.map_or(String::new(), |token| {
            format!("authorization: Bearer {token}\r\n")
        });
        Ok(Self {
            stream: BufReader::new(stream),
            host: host.to_owned(),
            authorization,
            request: Vec::new(),
            line: String::new(),
            body: Vec::new(),
        })
    }

    /// Sends JSON; the body of a successful answer.
    ///
    /// # Errors
    /// When the answer is another than 2xx, or none comes.
    pub async fn post(&mut self, path: &str, body: &[u8]) -> anyhow::Result<&[u8]> {
        self.send(path, "content-type: application/json\r\n", body)
            .await
    }

    /// Sends a body with header lines, each ending in CRLF; the body of a successful answer.
    ///
    /// # Errors
    /// As [`post`](Self::post).
    pub async fn send(&mut self, path: &str, headers: &str, body: &[u8]) -> anyhow::Result<&[u8]> {
        let status = self.ask("POST", path, headers, body).await?;
        self.successful(path, status)
    }

    /// The body of a successful answer.
    ///
    /// # Errors
    /// As [`post`](Self::post).
    pub async fn fetch(&mut self, path: &str) -> anyhow::Result<&[u8]> {
        let status = self.ask("GET", path, "", b"").await?;
        self.successful(path, status)
    }

    /// Whatever the server answers.
    ///
    /// # Errors
    /// When none comes.
    pub async fn try_fetch(&mut self, path: &str) -> anyhow::Result<Answer<'_>> {
        let status = self.ask("GET", path, "", b"").await?;
        let body = &self.body;
        Ok(Answer { status, body })
    }

    /// Sends as [`send`](Self::send) does; whatever the server answers.
    ///
    /// # Errors
    /// When none comes.
    pub async fn try_send(
        &mut self,
        path: &str,
        headers: &str,
        body: &[u8],
    ) -> anyhow::Result<Answer<'_>> {
        let status = self.ask("POST", path, headers, body).await?;
        let body = &self.body;
        Ok(Answer { status, body })
    }

    fn successful(&self, path: &str, status: u16) -> anyhow::Result<&[u8]> {
        if status / 100 != 2 {
            bail!("{path}: {status}: {}", String::from_utf8_lossy(&self.body));
        }
        Ok(&self.body)
    }

    async fn ask(
        &mut self,
        method: &str,
        path: &str,
        headers: &str,
        body: &[u8],
    ) -> anyhow::Result<u16> {
        self.request.clear();
        let (host, authorization, length) = (&self.host, &self.authorization, body.len());
        write!(
            self.request,
            "{method} {path} HTTP/1.1\r\nhost: {host}\r\n{authorization}{headers}\
             content-length: {length}\r\n\r\n"
        )?;
        self.request.extend_from_slice(body);
        self.stream.get_mut().write_all(&self.request).await?;
        self.answer(path).await
    }

    async fn answer(&mut self, path: &str) -> anyhow::Result<u16> {
        let status = self.line(path).await?;
        let status = status.split(' ').nth(1).and_then(|code| code.parse().ok());
        let status = status.with_context(|| format!("{path}: not HTTP"))?;
        let (mut length, mut is_chunked) = (0, false);
        loop {
            let line = self.line(path).await?;
            if line.is_empty() {
                break;
            }
            if let Some(value) = strip_header(line, "content-length:") {
                length = value.parse().context("content-length is no number")?;
            }
            is_chunked |= strip_header(line, "transfer-encoding:") == Some("chunked");
        }
        self.body.clear();
        match is_chunked {
            true => self.chunks(path).await?,
            false => self.part(length).await?,
        }
        Ok(status)
    }

    async fn chunks(&mut self, path: &str) -> anyhow::Result<()> {
        loop {
            let length = usize::from_str_radix(self.line(path).await?, 16)?;
            self.part(length).await?;
            self.line(path).await?;
            if length == 0 {
                return Ok(());
            }
        }
    }

    async fn part(&mut self, length: usize) -> anyhow::Result<()> {
        let begin = self.body.len();
        self.body.resize(begin + length, 0);
        self.stream.read_exact(&mut self.body[begin..]).await?;
        Ok(())
    }

    async fn line(&mut self, path: &str) -> anyhow::Result<&str> {
        self.line.clear();
        if self.stream.read_line(&mut self.line).await? == 0 {
            bail!("{path}: the server closed the connection");
        }
        Ok(self.line.trim_end())
    }
}

fn strip_header<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let (head, value) = line.split_at_checked(name.len())?;
    head.eq_ignore_ascii_case(name).then(|| value.trim())
}
