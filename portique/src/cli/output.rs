use std::io::{self, Write};

use serde_json::Value;

use super::printable::printable;
use crate::error::Error;

/// How results are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(super) enum Output {
    /// Columns for people.
    #[default]
    Table,
    /// JSON for programs.
    Json,
}

/// Rows under a header, columns as wide as they need to be.
pub(super) struct Table {
    header: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(super) fn new(header: &[&'static str]) -> Self {
        Self {
            header: header.to_vec(),
            rows: Vec::new(),
        }
    }

    pub(super) fn row<const N: usize>(&mut self, cells: [String; N]) {
        debug_assert_eq!(N, self.header.len(), "a row has a cell for each column");
        self.rows.push(cells.map(|cell| printable(&cell)).into());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    fn render(&self) -> String {
        let widths: Vec<usize> = (0..self.header.len())
            .map(|column| {
                let cells = self.rows.iter().map(|row| row[column].chars().count());
                cells
                    .chain([self.header[column].len()])
                    .max()
                    .unwrap_or_default()
            })
            .collect();
        let header: Vec<String> = self.header.iter().map(|name| name.to_uppercase()).collect();
        let mut text = String::new();
        for row in std::iter::once(&header).chain(&self.rows) {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                line.push_str(&format!("{cell:width$}  "));
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

/// Writes a result: the value as it is for programs, the tables for people.
///
/// # Errors
/// [`Error::Output`] when standard output is gone; a reader that closed its pipe has seen enough.
pub(super) fn write_result(
    output: Output,
    value: &Value,
    tables: impl FnOnce(&Value) -> Vec<Table>,
) -> Result<(), Error> {
    match output {
        Output::Json => write_text(&format!("{value:#}\n")),
        Output::Table => write_text(&render(&tables(value))),
    }
}

/// Tables as text, a blank line between them.
pub(super) fn render(tables: &[Table]) -> String {
    let tables: Vec<String> = tables.iter().map(Table::render).collect();
    tables.join("\n")
}

/// Writes that something was done: the hub's answer for programs, a sentence for people.
///
/// # Errors
/// As [`write_result`].
pub(super) fn write_done(output: Output, answer: &Value, sentence: &str) -> Result<(), Error> {
    match (output, answer) {
        (Output::Table, _) => write_line(sentence),
        (Output::Json, Value::Null) => write_text("{ \"outcome\": \"done\" }\n"),
        (Output::Json, answer) => write_text(&format!("{answer:#}\n")),
    }
}

/// Writes text of this program's own as a result.
///
/// # Errors
/// As [`write_result`].
pub(crate) fn write_text(text: &str) -> Result<(), Error> {
    write_more(text).map(|_| ())
}

/// As [`write_text`], for results without end: false when nobody reads them any more.
///
/// # Errors
/// As [`write_result`].
pub(super) fn write_more(text: &str) -> Result<bool, Error> {
    let mut stdout = io::stdout().lock();
    let written = stdout.write_all(text.as_bytes());
    match written.and_then(|()| stdout.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Error::Output(error)),
    }
}

/// Writes a line as a result, whatever letters others have put into it.
///
/// # Errors
/// As [`write_result`].
pub(crate) fn write_line(line: &str) -> Result<(), Error> {
    write_text(&format!("{}\n", printable(line)))
}

/// Says something to whoever watches, whatever letters others have put into it; not a result.
pub(crate) fn say(text: &str) {
    let lines: Vec<String> = text.split('\n').map(printable).collect();
    let text = lines.join("\n");
    // There is nowhere left to say that standard error is gone.
    let _ = writeln!(io::stderr(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(&["name", "t"]);
        table.row(["stage2".into(), "1".into()]);
        table.row(["é".into(), "22".into()]);
        assert_eq!(table.render(), "NAME    T\nstage2  1\né       22\n");
    }

    #[test]
    fn cells_do_not_steer_the_terminal() {
        let mut table = Table::new(&["text"]);
        table.row(["red \u{1b}[31m\nNAME".into()]);
        assert_eq!(table.render(), "TEXT\nred \\u{1b}[31m\\u{a}NAME\n");
    }
}
