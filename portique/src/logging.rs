use std::io::{self, IsTerminal, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{LogConfig, LogFormat};

/// Lines that wait for a screen between two of its pictures; more are dropped, and would scroll by
/// unread.
const DETOUR_LINES_MAX: usize = 256;

/// Sends the log of this process to standard error; the first call wins. The detour lets a screen
/// have the lines instead.
pub(crate) fn init(config: &LogConfig) -> Detour {
    let detour = Detour::default();
    let filter = EnvFilter::try_new(&config.filter).unwrap_or_default();
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(detour.clone());
    let done = match config.format {
        LogFormat::Json => builder.json().finish().try_init(),
        LogFormat::Text => {
            let is_coloured = is_coloured(&io::stderr());
            builder
                .with_ansi(is_coloured)
                .with_target(false)
                .finish()
                .try_init()
        }
    };
    if let Err(error) = done {
        tracing::debug!(%error, "the log was set up before");
    }
    detour
}

/// Whether colours are wanted there: a terminal, and no `NO_COLOR` in the environment.
pub(crate) fn is_coloured(stream: &impl IsTerminal) -> bool {
    let is_refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    stream.is_terminal() && !is_refused
}

/// Where log lines go: to standard error, or to a screen that would be torn by them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Detour(Arc<Mutex<Option<SyncSender<String>>>>);

impl Detour {
    /// From now on lines come out here.
    pub(crate) fn open(&self) -> Receiver<String> {
        let (lines, received) = sync_channel(DETOUR_LINES_MAX);
        *self.lines() = Some(lines);
        received
    }

    /// From now on lines go to standard error again.
    pub(crate) fn close(&self) {
        *self.lines() = None;
    }

    fn lines(&self) -> std::sync::MutexGuard<'_, Option<SyncSender<String>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<'a> MakeWriter<'a> for Detour {
    type Writer = LineWriter<'a>;

    fn make_writer(&'a self) -> Self::Writer {
        LineWriter {
            detour: self,
            line: Vec::new(),
        }
    }
}

/// One log line on its way; sent when it is dropped.
pub(crate) struct LineWriter<'a> {
    detour: &'a Detour,
    line: Vec<u8>,
}

impl Write for LineWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.line.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for LineWriter<'_> {
    fn drop(&mut self) {
        match self.detour.lines().as_ref() {
            // A full detour drops the line: whoever logs must never wait for a terminal.
            Some(lines) => {
                let line = without_colours(&String::from_utf8_lossy(&self.line));
                let _ = lines.try_send(line);
            }
            // There is nowhere left to say that standard error is gone.
            None => _ = io::stderr().write_all(&self.line),
        }
    }
}

/// A screen has colours of its own, and would show the codes as text.
fn without_colours(line: &str) -> String {
    let mut parts = line.trim_end().split('\u{1b}');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |mut plain, part| {
        plain.push_str(part.split_once('m').map_or("", |(_, rest)| rest));
        plain
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_screen_gets_whole_lines_while_it_is_open() {
        let detour = Detour::default();
        let lines = detour.open();
        let mut writer = detour.make_writer();
        writer.write_all(b"\x1b[2mhalf\x1b[0m a ").unwrap();
        writer.write_all(b"line\x1b[0m\n").unwrap();
        drop(writer);
        assert_eq!(lines.try_recv().unwrap(), "half a line");
        detour.close();
        assert!(lines.recv().is_err(), "nothing comes after the end");
    }

    #[test]
    fn a_full_detour_never_waits() {
        let detour = Detour::default();
        let lines = detour.open();
        for _ in 0..2 * DETOUR_LINES_MAX {
            detour.make_writer().write_all(b"x\n").unwrap();
        }
        assert_eq!(lines.try_iter().count(), DETOUR_LINES_MAX);
    }
}
