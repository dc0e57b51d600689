use std::io::{self, Stdout, Write as _};

use ratatui::backend::CrosstermBackend;
use ratatui::layout::Constraint;
use ratatui::style::{Color, Style};
use ratatui::widgets::{Row, Table};
use ratatui::{Terminal, TerminalOptions, Viewport};
use serde_json::Value;

use super::super::super::printable::printable;
use super::super::super::queues::summary;
use crate::error::Error;
use crate::logging::is_coloured;

/// Lines for queues at least, as more may be made while somebody watches.
const QUEUES_MIN: usize = 8;
/// Lines for queues at most: the picture shall fit into a small terminal.
const QUEUES_MAX: usize = 18;
/// Header, and what does not fit.
const LINES_AROUND: u16 = 2;

/// Some lines at the bottom of the terminal that are drawn again and again.
pub(super) struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
    lines: usize,
    is_coloured: bool,
}

impl Screen {
    /// Takes the bottom of the terminal.
    ///
    /// # Errors
    /// What the terminal says, such as that it does not tell where its cursor is.
    pub(super) fn open(queues: usize) -> io::Result<Self> {
        let lines = queues.clamp(QUEUES_MIN, QUEUES_MAX);
        let viewport = Viewport::Inline(LINES_AROUND + lines as u16);
        let options = TerminalOptions { viewport };
        let terminal = Terminal::with_options(CrosstermBackend::new(io::stdout()), options)?;
        Ok(Self {
            terminal,
            lines,
            is_coloured: is_coloured(&io::stdout()),
        })
    }

    pub(super) fn picture(&mut self, queues: &[Value]) -> Result<(), Error> {
        let mut rows: Vec<Row<'static>> = queues
            .iter()
            .take(self.lines)
            .map(|queue| self.row(queue))
            .collect();
        if queues.len() > self.lines {
            rows.push(Row::new([format!(
                "and {} more",
                queues.len() - self.lines
            )]));
        }
        let header = Row::new(summary::COLUMNS.map(str::to_uppercase));
        let header = header.style(self.style(Color::DarkGray));
        let widths = widths(queues);
        let table = Table::new(rows, widths).header(header).column_spacing(2);
        self.terminal
            .draw(|frame| frame.render_widget(table, frame.area()))
            .map(|_| ())
            .map_err(Error::Output)
    }

    /// Red where somebody is needed, yellow where nothing moves.
    fn row(&self, queue: &Value) -> Row<'static> {
        let row = Row::new(summary::row(queue).map(|cell| printable(&cell)));
        let has_dead = queue["counts"]["dead"].as_u64().unwrap_or_default() > 0;
        let is_still = queue["paused"].as_bool() == Some(true);
        match (has_dead, is_still) {
            (true, _) => row.style(self.style(Color::Red)),
            (false, true) => row.style(self.style(Color::Yellow)),
            (false, false) => row,
        }
    }

    /// Leaves the last picture where it is and goes on below it.
    pub(super) fn close(mut self) {
        let bottom = self.terminal.get_frame().area().bottom();
        let done = self
            .terminal
            .set_cursor_position((0, bottom.saturating_sub(1)))
            .and_then(|()| self.terminal.show_cursor());
        if let Err(error) = done {
            tracing::debug!(%error, "the terminal was gone already");
        }
        // A closed terminal has nobody left to read it.
        let _ = io::stdout().write_all(b"\n");
    }

    fn style(&self, colour: Color) -> Style {
        match self.is_coloured {
            true => Style::new().fg(colour),
            false => Style::new(),
        }
    }
}

/// Columns as wide as they need to be; the last has what is left.
fn widths(queues: &[Value]) -> Vec<Constraint> {
    let mut widths = summary::COLUMNS.map(str::len);
    for queue in queues {
        for (width, cell) in widths.iter_mut().zip(summary::row(queue)) {
            *width = (*width).max(printable(&cell).chars().count());
        }
    }
    let (_, fixed) = widths.split_last().expect("there are columns");
    let fixed = fixed.iter().map(|width| Constraint::Length(*width as u16));
    fixed.chain([Constraint::Min(10)]).collect()
}
