use std::io::{self, IsTerminal};
use std::sync::mpsc::Receiver;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{MissedTickBehavior, interval};

use super::lines::Lines;
use super::screen::Screen;
use super::view::{LogLine, View};
use crate::cli::visitor::{EventStream, StreamEvent, Visitor};
use crate::error::Error;
use crate::logging::{Detour, is_coloured};

/// Five pictures a second read as motion and cost nothing.
const PICTURE_EVERY: Duration = Duration::from_millis(200);

/// A hold is looked at for a second before somebody decides about it.
const HOLD_PICTURES: u32 = 5;

/// Lines of the log that are read at once; the most that the hub gives.
const PAGE_LINES: usize = 1_000;

/// What to do about a count that is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OnHold {
    /// Wait: the people at the consoles decide.
    Wait,
    /// Let it run on, so many times; give up watching at the next hold.
    Resume(u32),
}

/// Where a flight is shown.
enum Show<'a> {
    Lines(Lines),
    Screen {
        screen: Box<Screen>,
        detour: &'a Detour,
        log: Receiver<String>,
    },
}

impl<'a> Show<'a> {
    /// A screen where there is a terminal to draw on, lines elsewhere.
    fn open(modules: usize, detour: &'a Detour) -> Self {
        let stdout = io::stdout();
        if !stdout.is_terminal() {
            return Self::Lines(Lines::default());
        }
        match Screen::open(modules, is_coloured(&stdout)) {
            Ok(screen) => Self::Screen {
                screen: Box::new(screen),
                detour,
                log: detour.open(),
            },
            Err(error) => {
                tracing::warn!(%error, "this terminal cannot be drawn on; writing lines");
                Self::Lines(Lines::default())
            }
        }
    }

    fn log(&mut self, line: &LogLine) -> Result<(), Error> {
        match self {
            Self::Lines(lines) => lines.log(line),
            Self::Screen { screen, .. } => screen.log(line),
        }
    }

    fn state(&mut self, view: &View) -> Result<(), Error> {
        match self {
            Self::Lines(lines) => lines.state(view),
            Self::Screen { screen, log, .. } => {
                log.try_iter().try_for_each(|line| screen.aside(line))?;
                screen.state(view)
            }
        }
    }

    fn close(self) {
        if let Self::Screen { screen, detour, .. } = self {
            detour.close();
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
    follow(visitor, rocket, &view, OnHold::Wait, &Detour::default())
        .await
        .map(|_| ())
}

/// Shows a rocket live, and returns its last state.
pub(super) async fn follow(
    visitor: &Visitor,
    rocket: &str,
    before: &View,
    on_hold: OnHold,
    detour: &Detour,
) -> Result<View, Error> {
    let events = listen(visitor, rocket).await?;
    let mut show = Show::open(before.modules.len(), detour);
    show.state(before)?;
    let mut watch = Watch {
        visitor,
        rocket,
        on_hold,
        held: 0,
        shown: Shown::default(),
        is_behind: false,
    };
    let result = watch.until_over(events, &mut show).await;
    show.close();
    result
}

/// Somebody who watches one rocket.
struct Watch<'a> {
    visitor: &'a Visitor,
    rocket: &'a str,
    on_hold: OnHold,
    /// Pictures since the count is held.
    held: u32,
    shown: Shown,
    /// Whether lines were lost on their way, and the log has not brought them all yet.
    is_behind: bool,
}

/// The last line of the log that was shown.
#[derive(Debug, Default)]
struct Shown {
    sequence: u64,
    at: Option<String>,
}

impl Watch<'_> {
    async fn until_over(
        &mut self,
        mut events: EventStream,
        show: &mut Show<'_>,
    ) -> Result<View, Error> {
        let mut pictures = interval(PICTURE_EVERY);
        pictures.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                event = events.next() => match event? {
                    Some(event) => self.show_event(&event, show).await?,
                    None => return Err(stream_ended(self.visitor)),
                },
                _ = pictures.tick() => {
                    let view = state(self.visitor, self.rocket).await?;
                    if self.is_behind {
                        self.catch_up(show).await?;
                    }
                    show.state(&view)?;
                    if view.is_over() || self.gives_up(&view).await? {
                        self.catch_up(show).await?;
                        return Ok(view);
                    }
                }
            }
        }
    }

    /// Whether this hold is one too many; lets the count run on when it is not.
    async fn gives_up(&mut self, view: &View) -> Result<bool, Error> {
        self.held = if view.stage == "held" {
            self.held + 1
        } else {
            0
        };
        if self.held < HOLD_PICTURES {
            return Ok(false);
        }
        self.held = 0;
        match self.on_hold {
            OnHold::Wait => Ok(false),
            OnHold::Resume(0) => Ok(true),
            OnHold::Resume(left) => {
                self.on_hold = OnHold::Resume(left - 1);
                let path = ["launch", "rockets", self.rocket, "count", "resume"];
                self.visitor.post(&path, &json!({})).await?;
                Ok(false)
            }
        }
    }

    async fn show_event(&mut self, event: &StreamEvent, show: &mut Show<'_>) -> Result<(), Error> {
        match event.name.as_str() {
            "missed" => {
                self.is_behind = true;
                self.catch_up(show).await
            }
            "log" => match to_line(&event.data) {
                Some(line) if self.is_behind => self.show_in_turn(&line, show).await,
                Some(line) => self.show_line(&line, show),
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    /// A line after lost ones, which the log may not hold yet: it is written a little later than it
    /// is told. The line has its turn when the log has come to it.
    async fn show_in_turn(&mut self, line: &LogLine, show: &mut Show<'_>) -> Result<(), Error> {
        self.catch_up(show).await?;
        self.is_behind = self.shown.sequence < line.sequence;
        Ok(())
    }

    fn show_line(&mut self, line: &LogLine, show: &mut Show<'_>) -> Result<(), Error> {
        if line.sequence <= self.shown.sequence {
            return Ok(());
        }
        self.shown.sequence = line.sequence;
        self.shown.at = Some(line.at.clone());
        show.log(line)
    }

    /// Shows what the log holds after the last line that was shown.
    async fn catch_up(&mut self, show: &mut Show<'_>) -> Result<(), Error> {
        let from = self.shown.at.clone();
        let mut after = None;
        loop {
            let mut query = vec![
                ("rocket", self.rocket.to_owned()),
                ("limit", PAGE_LINES.to_string()),
            ];
            query.extend(from.clone().map(|from| ("from", from)));
            query.extend(after.map(|after| ("after", after)));
            let page = self.visitor.get(&["launch", "log"], &query).await?;
            for line in page["entries"].as_array().into_iter().flatten() {
                if let Some(line) = to_line(line) {
                    self.show_line(&line, show)?;
                }
            }
            after = page["next"].as_str().map(str::to_owned);
            if after.is_none() {
                return Ok(());
            }
        }
    }
}

fn to_line(line: &Value) -> Option<LogLine> {
    LogLine::deserialize(line)
        .inspect_err(|error| tracing::warn!(%error, "a line of the log cannot be read"))
        .ok()
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
