//! Where webhooks are called, and where Prometheus scrapes: as lean as a server can be.

use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::board::Board;

/// Answers until it is dropped.
pub(crate) struct Listener {
    pub(crate) port: u16,
    _tasks: JoinSet<()>,
}

impl Listener {
    pub(crate) async fn start(board: Arc<Board>) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let board = board.clone();
                connections.spawn(async move {
                    // Whoever called goes away at the end.
                    let _ = answer_all(stream, &board).await;
                });
            }
        });
        Ok(Self {
            port,
            _tasks: tasks,
        })
    }
}

async fn answer_all(stream: TcpStream, board: &Board) -> anyhow::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    while let Some((is_call, body)) = request(&mut stream).await? {
        let at = Instant::now();
        let page = match is_call {
            true => String::new(),
            false => board.page(),
        };
        let length = page.len();
        let kind = "text/plain; version=0.0.4";
        let head =
            format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n");
        stream.write_all((head + &page).as_bytes()).await?;
        if is_call {
            take(board, &body, at)?;
        }
    }
    Ok(())
}

/// Whether it is the call of a webhook, and its body; `None` at the end of the connection.
async fn request(stream: &mut BufReader<TcpStream>) -> anyhow::Result<Option<(bool, Vec<u8>)>> {
    let (mut line, mut length) = (String::new(), 0);
    if stream.read_line(&mut line).await? == 0 {
        return Ok(None);
    }
    let is_call = line.starts_with("POST");
    loop {
        line.clear();
        stream.read_line(&mut line).await?;
        let header = line.trim_end().to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse()?;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    Ok(Some((is_call, body)))
}

fn take(board: &Board, body: &[u8], at: Instant) -> anyhow::Result<()> {
    let call: Value = serde_json::from_slice(body)?;
    let alerts = call["alerts"].as_array().context("no alerts")?;
    for alert in alerts.iter().filter(|alert| alert["status"] == "firing") {
        let trial = alert["labels"]["trial"].as_str().context("no trial")?;
        board.called(trial.parse()?, at);
    }
    Ok(())
}
