use std::io::{self, IsTerminal};
use std::time::Duration;

use serde_json::Value;
use tokio::time::{MissedTickBehavior, interval};

use super::lines::Lines;
use super::screen::Screen;
use super::view::{LogLine, View};
use crate::cli::visitor::{EventStream, StreamEvent, Visitor};
use crate::error::Error;
use crate::logging::is_coloured;

/// Five pictures a second read as motion and cost nothing.
const PICTURE_EVERY: Duration = Duration::from_millis(200);

/// Where a flight is shown.
enum Show {
    Lines(Lines),
    Screen(Box<Screen>),
}

impl Show {
    /// A screen where there is a terminal to draw on, lines elsewhere.
    fn open() -> Self {
        let stdout = io::stdout();
        if !stdout.is_terminal() {
            return Self::Lines(Lines::default());
        }
        match Screen::open(is_coloured(&stdout)) {
            Ok(screen) => Self::Screen(Box::new(screen)),
            Err(error) => {
                tracing::warn!(%error, "this terminal cannot be drawn on; writing lines");
                Self::Lines(Lines::default())
            }
        }
    }

    fn log(&mut self, line: &LogLine) -> Result<(), Error> {
        match self {
            Self::Lines(lines) => lines.log(line),
            Self::Screen(screen) => screen.log(line),
        }
    }

    fn state(&mut self, view: &View) -> Result<(), Error> {
        match self {
            Self::Lines(lines) => lines.state(view),
            Self::Screen(screen) => screen.state(view),
        }
    }

    fn close(self) {
        if let Self::Screen(screen) = self {
            screen.close();
        }
    }
}

/// Shows a rocket live until its flight is over.
///
/// # Errors
/// [`Error::Refused`] for a rocket that is not there, [`Error::Unreachable`] when the hub goes.
pub(crate) async fn watch(visitor: &Visitor, rocket: &str) -> Result<(), Error> {
    let view = state(visitor, rocket).await?;
    follow(visitor, rocket, &view).await.map(|_| ())
}

/// Shows a rocket live, and returns its last state.
pub(super) async fn follow(visitor: &Visitor, rocket: &str, before: &View) -> Result<View, Error> {
    let mut events = listen(visitor, rocket).await?;
    let mut show = Show::open();
    show.state(before)?;
    let result = show_until_over(visitor, rocket, &mut events, &mut show).await;
    show.close();
    result
}

async fn show_until_over(
    visitor: &Visitor,
    rocket: &str,
    events: &mut EventStream,
    show: &mut Show,
) -> Result<View, Error> {
    let mut pictures = interval(PICTURE_EVERY);
    pictures.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut shown = 0;
    loop {
        tokio::select! {
            event = events.next() => match event? {
                Some(event) => show_event(&event, show, &mut shown)?,
                None => return Err(stream_ended(visitor)),
            },
            _ = pictures.tick() => {
                let view = state(visitor, rocket).await?;
                show.state(&view)?;
                if view.is_over() {
                    rest_of_log(visitor, rocket, show, shown).await?;
                    return Ok(view);
                }
            }
        }
    }
}

fn show_event(event: &StreamEvent, show: &mut Show, shown: &mut u64) -> Result<(), Error> {
    if event.name != "log" {
        return Ok(());
    }
    match serde_json::from_value::<LogLine>(event.data.clone()) {
        Ok(line) => {
            *shown = line.sequence;
            show.log(&line)
        }
        Err(error) => {
            tracing::warn!(%error, "a line of the log cannot be read");
            Ok(())
        }
    }
}

/// The lines that were written while the last picture was drawn.
async fn rest_of_log(
    visitor: &Visitor,
    rocket: &str,
    show: &mut Show,
    shown: u64,
) -> Result<(), Error> {
    let query = [("rocket", rocket.to_owned()), ("limit", "1000".to_owned())];
    let page = visitor.get(&["launch", "log"], &query).await?;
    for line in page["entries"].as_array().into_iter().flatten() {
        match serde_json::from_value::<LogLine>(line.clone()) {
            Ok(line) if line.sequence > shown => show.log(&line)?,
            _ => {}
        }
    }
    Ok(())
}

/// A rocket's state now.
pub(super) async fn state(visitor: &Visitor, rocket: &str) -> Result<View, Error> {
    let state = visitor.get(&["launch", "rockets", rocket], &[]).await?;
    to_view(visitor, state)
}

pub(super) fn to_view(visitor: &Visitor, state: Value) -> Result<View, Error> {
    serde_json::from_value(state).map_err(|error| Error::Answer {
        url: visitor.hub().to_owned(),
        problem: error.to_string(),
    })
}

async fn listen(visitor: &Visitor, rocket: &str) -> Result<EventStream, Error> {
    visitor
        .listen(&["launch", "live"], &[("rocket", rocket.to_owned())])
        .await
}

fn stream_ended(visitor: &Visitor) -> Error {
    Error::Answer {
        url: visitor.hub().to_owned(),
        problem: "the hub ended the stream".into(),
    }
}
