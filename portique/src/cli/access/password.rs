use std::io::{self, BufRead, IsTerminal, Read};
use std::path::Path;

use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use ratatui::crossterm::terminal::{disable_raw_mode, enable_raw_mode};

use crate::cli::output::say;
use crate::data_folder::file_error;
use crate::error::Error;

/// Longest line that is read; the hub takes passwords of 256 bytes.
const LINE_BYTES_MAX: u64 = 1_024;

/// A password: typed twice, without being shown, where standard input is a terminal, or its first line.
///
/// # Errors
/// [`Error::Usage`] for two that differ or none, [`Error::File`] when it cannot be read.
pub(super) fn read(of: &str) -> Result<String, Error> {
    if !io::stdin().is_terminal() {
        return line();
    }
    let first = typed(&format!("password of {of}: "))?;
    let second = typed("the same again: ")?;
    match first == second {
        true => checked(first),
        false => Err(Error::Usage {
            message: "the two passwords differ".into(),
        }),
    }
}

fn line() -> Result<String, Error> {
    let mut line = String::new();
    let mut input = io::stdin().lock().take(LINE_BYTES_MAX);
    let read = input.read_line(&mut line);
    read.map_err(unread)?;
    checked(line.trim_end_matches(['\r', '\n']).to_owned())
}

fn checked(password: String) -> Result<String, Error> {
    match password.is_empty() {
        true => Err(Error::Usage {
            message: "no password: type one, or write it to standard input as one line".into(),
        }),
        false => Ok(password),
    }
}

/// What is typed until the end of the line; nothing of it is shown.
fn typed(prompt: &str) -> Result<String, Error> {
    say(prompt);
    enable_raw_mode().map_err(unread)?;
    let typed = keys();
    disable_raw_mode().map_err(unread)?;
    typed
}

fn keys() -> Result<String, Error> {
    let mut typed = String::new();
    loop {
        let Event::Key(key) = event::read().map_err(unread)? else {
            continue;
        };
        if key.kind == KeyEventKind::Release {
            continue;
        }
        match key.code {
            KeyCode::Enter => return Ok(typed),
            KeyCode::Backspace => drop(typed.pop()),
            KeyCode::Char('c' | 'd') if key.modifiers.contains(KeyModifiers::CONTROL) => {
                let message = "stopped while a password was typed".into();
                return Err(Error::Usage { message });
            }
            KeyCode::Char(letter) if (typed.len() as u64) < LINE_BYTES_MAX => typed.push(letter),
            _ => {}
        }
    }
}

fn unread(source: io::Error) -> Error {
    file_error("read a password from", Path::new("standard input"), source)
}
