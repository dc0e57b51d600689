use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{LogConfig, LogFormat};

/// Sends the log of this process to standard error; the first call wins.
pub(crate) fn init(config: &LogConfig) {
    let filter = EnvFilter::try_new(&config.filter).unwrap_or_default();
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr);
    let done = match config.format {
        LogFormat::Json => builder.json().finish().try_init(),
        LogFormat::Text => builder
            .with_ansi(is_coloured(&io::stderr()))
            .with_target(false)
            .finish()
            .try_init(),
    };
    if let Err(error) = done {
        tracing::debug!(%error, "the log was set up before");
    }
}

/// Whether colours are wanted there: a terminal, and no `NO_COLOR` in the environment.
pub(crate) fn is_coloured(stream: &impl IsTerminal) -> bool {
    let is_refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    stream.is_terminal() && !is_refused
}
