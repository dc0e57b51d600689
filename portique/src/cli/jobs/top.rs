//! `portique jobs top`: the queues, asked for again and again, drawn on a screen where there is one
//! and written one picture after the other elsewhere. It changes nothing.

mod screen;

use std::cmp::Reverse;
use std::io::{self, IsTerminal};
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};
use tokio::time::{MissedTickBehavior, interval};

use super::super::output::{Output, Table, render, write_more};
use super::super::queues::summary;
use super::super::span::span;
use super::super::visitor::Visitor;
use crate::error::Error;
use screen::Screen;

pub(super) const EXAMPLES: &str = "\
Examples:
  portique jobs top
  portique jobs top emails orders --every 5s
  portique jobs top --once -o json";

/// Shortest time between two pictures: asking more often would be load, not news.
const EVERY_MIN: Duration = Duration::from_millis(100);

/// `portique jobs top`.
#[derive(Debug, Args)]
pub(super) struct Top {
    /// These queues [default: all].
    queues: Vec<String>,
    /// Time between two pictures.
    #[arg(long, value_name = "TIME", value_parser = span, default_value = "1s")]
    every: Duration,
    /// Show one picture and end.
    #[arg(long)]
    once: bool,
}

/// Where the pictures go.
enum Show {
    /// Drawn again and again where there is a terminal.
    Screen(Box<Screen>),
    /// One after the other elsewhere.
    Pages(Output),
}

impl Top {
    pub(super) async fn run(self, visitor: &Visitor, output: Output) -> Result<(), Error> {
        let first = self.picture(visitor).await?;
        if self.once {
            return Show::Pages(output).picture(&first).map(|_| ());
        }
        let mut show = Show::open(output, first.len());
        let watched = self.watch(visitor, &mut show, &first).await;
        show.close();
        watched
    }

    /// Until somebody interrupts it, or the hub is gone.
    async fn watch(
        &self,
        visitor: &Visitor,
        show: &mut Show,
        first: &[Value],
    ) -> Result<(), Error> {
        let mut is_seen = show.picture(first)?;
        let mut pictures = interval(self.every.max(EVERY_MIN));
        pictures.set_missed_tick_behavior(MissedTickBehavior::Delay);
        pictures.tick().await;
        while is_seen {
            tokio::select! {
                _ = pictures.tick() => is_seen = show.picture(&self.picture(visitor).await?)?,
                interrupted = tokio::signal::ctrl_c() => {
                    return interrupted.map_err(|source| Error::Runtime { source });
                }
            }
        }
        Ok(())
    }

    /// The queues asked for, those with the longest backlog first.
    async fn picture(&self, visitor: &Visitor) -> Result<Vec<Value>, Error> {
        let answer = visitor.get(&["queues"], &[]).await?;
        let is_asked_for = |queue: &&Value| {
            let name = queue["name"].as_str().unwrap_or_default();
            self.queues.is_empty() || self.queues.iter().any(|asked| asked == name)
        };
        let mut queues: Vec<Value> = summary::list(&answer)
            .filter(is_asked_for)
            .cloned()
            .collect();
        queues.sort_by_cached_key(|queue| {
            let name = queue["name"].as_str().unwrap_or_default().to_owned();
            (Reverse(summary::backlog(queue)), name)
        });
        Ok(queues)
    }
}

impl Show {
    fn open(output: Output, queues: usize) -> Self {
        if output == Output::Json || !io::stdout().is_terminal() {
            return Self::Pages(output);
        }
        match Screen::open(queues) {
            Ok(screen) => Self::Screen(Box::new(screen)),
            Err(error) => {
                tracing::warn!(%error, "this terminal cannot be drawn on; writing lines");
                Self::Pages(output)
            }
        }
    }

    /// False when nobody looks any more.
    fn picture(&mut self, queues: &[Value]) -> Result<bool, Error> {
        match self {
            Self::Screen(screen) => screen.picture(queues).map(|()| true),
            Self::Pages(Output::Json) => write_more(&format!("{}\n", json!({ "queues": queues }))),
            Self::Pages(Output::Table) => {
                let mut table = Table::new(&summary::COLUMNS);
                queues
                    .iter()
                    .for_each(|queue| table.row(summary::row(queue)));
                write_more(&render(&[table]))
            }
        }
    }

    fn close(self) {
        if let Self::Screen(screen) = self {
            screen.close();
        }
    }
}
