use std::io::{self, Stdout};

use ratatui::backend::CrosstermBackend;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Paragraph, Row, Table, Widget};
use ratatui::{Frame, Terminal, TerminalOptions, Viewport};

use super::lines::log_line;
use super::view::{LogLine, ModuleView, Tanks, View};
use crate::cli::printable::printable;
use crate::cli::words::t_clock;
use crate::error::Error;

/// Title, header, next step.
const LINES_AROUND_MODULES: u16 = 3;
/// More modules are left to the status verb.
const MODULES_MAX: usize = 10;
/// Characters of a full tank.
const BAR_CELLS: usize = 10;

/// A few lines at the bottom of the terminal that are drawn again and again; events scroll above
/// them into the terminal's own history.
pub(super) struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
    tanks: Tanks,
    is_coloured: bool,
}

impl Screen {
    /// Takes the bottom of the terminal.
    ///
    /// # Errors
    /// What the terminal says, such as that it does not tell where its cursor is.
    pub(super) fn open(modules: usize, is_coloured: bool) -> io::Result<Self> {
        let modules = modules.clamp(1, MODULES_MAX) as u16;
        let viewport = Viewport::Inline(LINES_AROUND_MODULES + modules);
        let options = TerminalOptions { viewport };
        let terminal = Terminal::with_options(CrosstermBackend::new(io::stdout()), options)?;
        Ok(Self {
            terminal,
            tanks: Tanks::default(),
            is_coloured,
        })
    }

    pub(super) fn log(&mut self, line: &LogLine) -> Result<(), Error> {
        let style = self.style(log_colour(&line.kind));
        self.scroll_in(Line::styled(printable(&log_line(line)), style))
    }

    /// A line that is not of the flight, such as of the hub's own log.
    pub(super) fn aside(&mut self, line: String) -> Result<(), Error> {
        self.scroll_in(Line::styled(printable(&line), self.style(Color::DarkGray)))
    }

    fn scroll_in(&mut self, line: Line<'_>) -> Result<(), Error> {
        self.terminal
            .insert_before(1, |buffer| Paragraph::new(line).render(buffer.area, buffer))
            .map_err(Error::Output)
    }

    pub(super) fn state(&mut self, view: &View) -> Result<(), Error> {
        let rows: Vec<Row<'static>> = view
            .modules
            .iter()
            .map(|module| row(module, &mut self.tanks))
            .collect();
        let (title, header) = (self.style(Color::Yellow), self.style(Color::DarkGray));
        self.terminal
            .draw(|frame| draw(frame, view, rows, title, header))
            .map(|_| ())
            .map_err(Error::Output)
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
        let _ = io::Write::write_all(&mut io::stdout(), b"\n");
    }

    fn style(&self, colour: Color) -> Style {
        if self.is_coloured {
            Style::new().fg(colour)
        } else {
            Style::new()
        }
    }
}

fn draw(frame: &mut Frame<'_>, view: &View, rows: Vec<Row<'static>>, title: Style, header: Style) {
    let rehearsal = if view.rehearsal { " REHEARSAL " } else { "" };
    let block = Block::new().borders(Borders::TOP).title(Line::from(vec![
        Span::styled(rehearsal, title.add_modifier(Modifier::REVERSED)),
        Span::raw(printable(&format!(
            " {} on {}  {}  ",
            view.rocket, view.pad, view.stage
        ))),
        Span::styled(t_clock(view.t_s), title.add_modifier(Modifier::BOLD)),
        Span::raw(format!("  x{} ", view.time_factor)),
    ]));
    let area = frame.area();
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let [table_area, next_area]: [Rect; 2] =
        Layout::vertical([Constraint::Min(1), Constraint::Length(1)]).areas(inner);
    let widths = [10, 18, 12, 11, 11, 9, 18].map(Constraint::Length);
    let names = [
        "module",
        "phase",
        "altitude",
        "speed",
        "pressure",
        "throttle",
        "propellant",
    ];
    let table = Table::new(rows, widths).header(Row::new(names).style(header));
    frame.render_widget(table, table_area);
    frame.render_widget(
        Paragraph::new(printable(&view.next())).style(title),
        next_area,
    );
}

fn row(module: &ModuleView, tanks: &mut Tanks) -> Row<'static> {
    let Some(sample) = &module.sample else {
        let state = if module.up {
            "no telemetry yet"
        } else {
            "not connected"
        };
        return Row::new([printable(&module.module), state.to_owned()]);
    };
    Row::new([
        printable(&module.module),
        printable(&sample.phase),
        format!("{:.1} km", sample.altitude_m / 1e3),
        format!("{:.0} m/s", sample.speed_m_s),
        format!("{:.1} kPa", sample.dynamic_pressure_pa / 1e3),
        format!("{:.0} %", sample.throttle * 100.0),
        tanks
            .share(&module.module, sample.propellant_kg)
            .map(bar)
            .unwrap_or_default(),
    ])
}

fn bar(share: f64) -> String {
    let filled = (share.clamp(0.0, 1.0) * BAR_CELLS as f64).round() as usize;
    format!(
        "{}{} {:3.0} %",
        "█".repeat(filled),
        "░".repeat(BAR_CELLS - filled),
        share * 100.0
    )
}

fn log_colour(kind: &str) -> Color {
    match kind {
        "anomaly_raised" | "destroyed" | "lost" | "scrubbed" | "engine_out" => Color::Red,
        "count_held" | "link_down" => Color::Yellow,
        "liftoff" | "landed" | "payload_separation" | "flight_ended" => Color::Green,
        _ => Color::Reset,
    }
}
