//! Quoted texts and their escapes.

use super::{Kind, Lexer};
use crate::syntax::text::quote_char;

/// What stands for a byte that is no text, and may not be written.
const REPLACEMENT: char = '\u{fffd}';

impl Lexer<'_> {
    /// Reads on after the quote, up to the same quote.
    pub(super) fn string(&mut self, quote: char) -> Result<Kind, String> {
        loop {
            match self.take() {
                Some('\\') => self.escape(quote)?,
                Some(REPLACEMENT) => return Err("invalid UTF-8 rune".to_owned()),
                None | Some('\n') => return Err("unterminated quoted string".to_owned()),
                Some(char) if char == quote => return Ok(Kind::String),
                Some(_) => {}
            }
        }
    }

    /// Reads on after the backquote; nothing is escaped.
    pub(super) fn raw_string(&mut self) -> Result<Kind, String> {
        loop {
            match self.take() {
                Some(REPLACEMENT) => return Err("invalid UTF-8 rune".to_owned()),
                None => return Err("unterminated raw string".to_owned()),
                Some('`') => return Ok(Kind::String),
                Some(_) => {}
            }
        }
    }

    fn escape(&mut self, quote: char) -> Result<(), String> {
        let Some(char) = self.take() else {
            return Err(unterminated());
        };
        let (base, digits, max) = match char {
            'a' | 'b' | 'f' | 'n' | 'r' | 't' | 'v' | '\\' => return Ok(()),
            _ if char == quote => return Ok(()),
            '0'..='7' => {
                self.position -= 1;
                (8, 3, 255)
            }
            'x' => (16, 2, 255),
            'u' => (16, 4, u32::from(char::MAX)),
            'U' => (16, 8, u32::from(char::MAX)),
            _ => return Err(format!("unknown escape sequence {}", shown(char))),
        };
        let mut point: u32 = 0;
        for _ in 0..digits {
            let char = self.take().ok_or_else(unterminated)?;
            let digit = char.to_digit(base);
            let digit = digit
                .ok_or_else(|| format!("illegal character {} in escape sequence", shown(char)))?;
            point = point.wrapping_mul(base).wrapping_add(digit);
        }
        if point > max || (0xD800..0xE000).contains(&point) {
            return Err("escape sequence is an invalid Unicode code point".to_owned());
        }
        Ok(())
    }
}

fn unterminated() -> String {
    "escape sequence not terminated".to_owned()
}

fn shown(char: char) -> String {
    format!("U+{:04X} {}", u32::from(char), quote_char(char))
}
