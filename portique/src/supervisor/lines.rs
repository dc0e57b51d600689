//! A process's output, line by line, with a limit on each.

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::mpsc;

/// Longest line that is kept whole; the rest of a longer one comes as lines of its own.
const LINE_BYTES_MAX: usize = 2_048;

/// Bytes read at once.
const CHUNK_BYTES: usize = 1_024;

/// Sends each line of `from` to `lines` until the output ends; drops lines while `lines` is full, so
/// that the process never waits for its reader.
pub(crate) async fn forward(mut from: impl AsyncRead + Unpin, lines: mpsc::Sender<String>) {
    let mut chunk = [0_u8; CHUNK_BYTES];
    let mut line = Vec::new();
    loop {
        let read = match from.read(&mut chunk).await {
            Ok(0) | Err(_) => break,
            Ok(read) => read,
        };
        for &byte in &chunk[..read] {
            if byte != b'\n' {
                line.push(byte);
            }
            if byte == b'\n' || line.len() == LINE_BYTES_MAX {
                send(&lines, &mut line);
            }
        }
    }
    send(&lines, &mut line);
}

fn send(lines: &mpsc::Sender<String>, line: &mut Vec<u8>) {
    if !line.is_empty() {
        let text = String::from_utf8_lossy(line).into_owned();
        // Full means that nobody reads fast enough: losing log lines is the lesser evil.
        _ = lines.try_send(text);
        line.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn lines_of(text: &[u8]) -> Vec<String> {
        let (sender, mut receiver) = mpsc::channel(100);
        forward(text, sender).await;
        let mut lines = Vec::new();
        while let Some(line) = receiver.recv().await {
            lines.push(line);
        }
        lines
    }

    #[tokio::test]
    async fn lines_come_one_by_one_and_the_last_needs_no_end() {
        assert_eq!(
            lines_of(b"one\n\ntwo\nthree").await,
            ["one", "two", "three"]
        );
    }

    #[tokio::test]
    async fn an_endless_line_is_cut_and_odd_bytes_are_shown() {
        let lines = lines_of(&vec![b'x'; LINE_BYTES_MAX * 2 + 1]).await;
        let sizes: Vec<_> = lines.iter().map(String::len).collect();
        assert_eq!(sizes, [LINE_BYTES_MAX, LINE_BYTES_MAX, 1]);
        assert_eq!(lines_of(b"a\xffb\n").await, ["a\u{fffd}b"]);
    }
}
