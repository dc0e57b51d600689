//! The public: connections that hold the stream of the webcast open.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, ensure};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// Files that are open beside the connections.
const OTHER_FILES: usize = 200;
/// Who is not answered by then is not let in.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(10);
/// What a viewer reads at once.
const PIECE_BYTES: usize = 16 << 10;
/// Bytes that a viewer has to have heard: the page of two missions, many times.
const HEARD_BYTES_MIN: u64 = 8 << 10;

/// Raises the limit of open files of this process and of those it starts.
pub(crate) fn make_room(viewers: usize) -> anyhow::Result<()> {
    let wanted = (viewers + OTHER_FILES) as u64;
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|current| current < wanted) {
        ensure!(
            limit.maximum.is_none_or(|most| most >= wanted),
            "{viewers} viewers need {wanted} open files: raise the hard limit (ulimit -Hn)"
        );
        let raised = Rlimit {
            current: Some(wanted),
            maximum: limit.maximum,
        };
        setrlimit(Resource::Nofile, raised)?;
    }
    Ok(())
}

/// Those who watch.
pub(crate) struct Viewers {
    tasks: JoinSet<anyhow::Result<()>>,
    heard: Vec<Arc<AtomicU64>>,
}

impl Viewers {
    /// So many of them, all connected.
    pub(crate) async fn open(host: &str, count: usize) -> anyhow::Result<Self> {
        let mut viewers = Self {
            tasks: JoinSet::new(),
            heard: Vec::new(),
        };
        for number in 0..count {
            let connected = TcpStream::connect(host).await;
            let mut stream = connected.with_context(|| format!("viewer {number}"))?;
            let request = format!(
                "GET /api/v1/webcast/live HTTP/1.1\r\nhost: {host}\r\naccept: text/event-stream\r\n\r\n"
            );
            stream.write_all(request.as_bytes()).await?;
            let mut piece = vec![0; PIECE_BYTES];
            let first = tokio::time::timeout(ANSWER_WAIT_MAX, stream.read(&mut piece)).await;
            let first = first.with_context(|| {
                format!(
                    "the hub let {number} viewers in and not one more: write --viewers {number}"
                )
            })??;
            let answer = String::from_utf8_lossy(&piece[..first]).into_owned();
            ensure!(
                answer.starts_with("HTTP/1.1 200"),
                "viewer {number}: {answer}"
            );
            let heard = Arc::new(AtomicU64::new(0));
            viewers.heard.push(heard.clone());
            viewers.tasks.spawn(async move {
                loop {
                    let count = stream.read(&mut piece).await?;
                    ensure!(count > 0, "the hub ended a viewer's stream");
                    heard.fetch_add(count as u64, Ordering::Relaxed);
                }
            });
        }
        Ok(viewers)
    }

    /// Ends them; each has to have been there until now, and heard something.
    pub(crate) fn close(mut self) -> anyhow::Result<()> {
        if let Some(ended) = self.tasks.try_join_next() {
            ended??;
        }
        for (number, heard) in self.heard.iter().enumerate() {
            let heard = heard.load(Ordering::Relaxed);
            ensure!(
                heard >= HEARD_BYTES_MIN,
                "viewer {number} heard {heard} bytes, fewer than {HEARD_BYTES_MIN}"
            );
        }
        Ok(())
    }
}
